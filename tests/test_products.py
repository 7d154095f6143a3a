"""Products in low precision against torch's own, and what oneDNN makes and keeps for many sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from seq2seq.model import products
from seq2seq.model.products import Linear, linear, lowered, project, sum_of_outer

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


# Learns from batches of 120 sizes; oneDNN says what it makes anew for the last 60.
SEQUENCES = """
import torch
from seq2seq.model import products
from seq2seq.model.products import project
products.has_tiles = lambda: True
weight = torch.randn(64, 48, requires_grad=True)
batches = [torch.randn(rows, 12, 48, requires_grad=True) for rows in range(20, 140)]
def learn(x, project):
    with torch.autocast("cpu", torch.bfloat16):
        project(x, weight).float().sum().backward()
for how in (torch.nn.functional.linear, project):
    for x in batches[::2]:
        learn(x, how)
    print("now", how.__name__)
    with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON_CREATION):
        for x in batches[1::2]:
            learn(x, how)
"""


@needs_onednn
def test_batches_of_many_sizes_share_code():
    said = output_of(SEQUENCES, {})
    plain, ours = (part.count("cache_miss") for part in said.split("now")[1:])
    if not plain:
        pytest.skip("this CPU multiplies bf16 without oneDNN")
    assert plain >= 100
    assert ours < plain / 4


@pytest.fixture(params=[True, False], ids=["tiles", "no tiles"])
def tiles(request, monkeypatch):
    """As on a CPU with AMX, and as on one without."""
    monkeypatch.setattr(products, "has_tiles", lambda: request.param)
    return request.param


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, 255, 256, 257, 1000])
def test_lowered_copies_and_fills_with_zeros(rows, tiles):
    x = torch.randn(rows, 3)
    copy = lowered(x, torch.bfloat16)
    assert copy.dtype == torch.bfloat16
    assert torch.equal(copy[:rows], x.to(torch.bfloat16))
    assert not copy[rows:].any()
    assert 0 <= len(copy) - rows < (16 if rows <= 256 else 64)
    assert tiles or len(copy) == rows


def test_few_numbers_of_rows_are_left_for_tiles(monkeypatch):
    """Of the 1,100 that batches of about 1,000 tokens may have."""
    monkeypatch.setattr(products, "has_tiles", lambda: True)
    assert len({len(lowered(torch.empty(rows, 1), torch.bfloat16)) for rows in range(1, 1101)}) < 31


@pytest.mark.parametrize("rows", [1, 17, 64, 300])
def test_hand_made_products_in_low_precision_equal_those_of_rounded_factors(rows, tiles):
    """Against float64 products of what bf16 makes of the factors; the result is rounded once."""
    x, y = torch.randn(rows, 24), torch.randn(rows, 40)
    weight, bias = torch.randn(40, 24).to(torch.bfloat16), torch.randn(40)
    exact = x.to(torch.bfloat16).double() @ weight.double().t()
    found = linear(x, weight)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, rtol=2**-8, atol=1e-5)
    assert torch.equal(linear(x, weight, bias), found + bias)
    exact = x.to(torch.bfloat16).double().t() @ y.to(torch.bfloat16).double()
    found = sum_of_outer(x, y, torch.bfloat16)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, rtol=2**-8, atol=1e-5)


@pytest.mark.parametrize("shape", [(0, 24), (7, 24), (3, 5, 24), (16, 24), (2, 150, 24)])
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("enabled", [True, False])
def test_project_is_torchs_linear_with_its_gradients(shape, has_bias, enabled, tiles):
    ours = Linear(24, 40, bias=has_bias)
    torchs = nn.Linear(24, 40, bias=has_bias)
    torchs.load_state_dict(ours.state_dict())
    x = torch.randn(shape)
    found, expected = [], []
    for layer, results in ((ours, found), (torchs, expected)):
        inputs = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            outputs = layer(inputs)
        outputs.float().pow(2).sum().backward()
        results += [outputs, inputs.grad, *(weight.grad for weight in layer.parameters())]
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=2**-7 if enabled else 1e-5, atol=1e-4)


def test_project_reads_what_is_not_contiguous(tiles):
    x, weight = torch.randn(24, 5, 3).permute(1, 2, 0), torch.randn(40, 24)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(project(x, weight), nn.functional.linear(x, weight))
