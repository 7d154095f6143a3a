"""What oneDNN keeps of products of many sizes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

# The first 200 sizes are made, then asked for again; oneDNN says which of them it had kept.
SCRIPT = """
import torch
from seq2seq.model.products import linear
weight = torch.randn(64, 64)
rows = [torch.randn(count, 64) for count in range(1, 201)]
for x in rows:
    linear(x, weight)
with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON_CREATION):
    for x in rows:
        linear(x, weight)
"""


@pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"),
    reason="this torch multiplies without oneDNN",
)
@pytest.mark.parametrize(("wanted", "kept"), [(None, False), ("1024", True)])
def test_code_of_few_sizes_is_kept_unless_the_user_wants_more(wanted, kept):
    environment = {k: v for k, v in os.environ.items() if "PRIMITIVE_CACHE" not in k}
    if wanted:
        environment["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = wanted
    command = [sys.executable, "-c", SCRIPT]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    hits, misses = (said.stdout.count(f"cache_{how}") for how in ("hit", "miss"))
    assert hits + misses >= 190
    assert (hits > misses) == kept
