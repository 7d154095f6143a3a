"""What oneDNN keeps of products of many sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


# Prints the kilobytes that stay after products of 600 sizes.
HELD = """
import torch
from seq2seq.model.products import linear
from seq2seq.training.heap import return_freed_memory
def held():
    return_freed_memory()
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
weight = torch.randn(512, 512)
linear(torch.randn(700, 512), weight)
before = held()
for count in range(1, 601):
    linear(torch.randn(count, 512), weight)
print(held() - before)
"""
CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


def output_of(script: str, wanted: dict[str, str]) -> str:
    """What a fresh Python prints, with these capacities wanted and no others."""
    environment = {k: v for k, v in os.environ.items() if k not in CACHES} | wanted
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"),
    reason="this torch multiplies without oneDNN",
)


@needs_onednn
@pytest.mark.parametrize(("wanted", "kept"), [({}, False), ({CACHES[0]: "1024"}, True)])
def test_code_of_few_sizes_is_kept_unless_the_user_wants_more(wanted, kept):
    said = output_of(SCRIPT, wanted)
    hits, misses = (said.count(f"cache_{how}") for how in ("hit", "miss"))
    assert hits + misses >= 190
    assert (hits > misses) == kept


@needs_onednn
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from Linux")
def test_products_of_ever_new_sizes_hold_little_memory():
    """Less than half of what either of the two caches at torch's own size makes of it."""
    held = int(output_of(HELD, {}))
    for cache in CACHES:
        assert held < 0.5 * int(output_of(HELD, {cache: "1024"}))
