"""What training in bf16 costs, with and without what we do for it on a CPU.

    python -m benchmarks.low_precision [--systems attention lstm] [--rounds 5] [--updates 12]

Invented sentences of Multi30k's lengths in batches of about 1,000 target tokens, others in every
round, in which the ways take turns on the same ones. Milliseconds of the processor for an update:
other work beside it changes them little. The first round warms up and is not counted.

- `float32`: all products in float32.
- `kernel`: bf16, oneDNN's kernel for recurrent layers, products of as many rows as a batch has:
  what training does on a CPU without AMX.
- `filled`: the same, rows filled up to numbers that many batches share (`model/products.py`).
- `loop`: filled, and our own loop over the steps (`model/unrolling.py`): what it does with AMX.

With `ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16` in the environment oneDNN does without AMX.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import time
from collections.abc import Iterator
from statistics import median
from typing import cast
from unittest import mock

import numpy as np
import torch

from benchmarks.arguments import positive
from seq2seq.config import ModelSettings, System, preset, with_system
from seq2seq.model import products, unrolling
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.batches import Batch
from seq2seq.training.loss import token_loss

WAYS = ("float32", "kernel", "filled", "loop")
VOCABULARY = 8000
HIDDEN = {"attention": 384, "lstm": 512}  # of each system's own recipe for Multi30k


def invented(generator: np.random.Generator, batches: int) -> list[Batch]:
    """Batches of sentences of like lengths: 4 to 40 target tokens, 13 on average."""
    found = []
    for _ in range(batches):
        target = int(np.clip(generator.gamma(6.0, 2.2), 4, 40))
        rows = max(1, 1000 // target + int(generator.integers(-3, 4)))
        lengths = torch.from_numpy(np.maximum(target + generator.integers(-4, 4, rows), 2))
        source = torch.from_numpy(generator.integers(4, VOCABULARY, (rows, int(lengths.max()))))
        words = torch.from_numpy(generator.integers(4, VOCABULARY, (rows, target + 1)))
        every = torch.full((rows,), target)
        found.append(Batch(source, lengths, words, every, torch.arange(rows)))
    return found


def settings_of(system: str) -> ModelSettings:
    """Preset `multi30k` with this system's part."""
    settings = with_system(preset("multi30k"), cast(System, system)).model
    return dataclasses.replace(settings, hidden_size=HIDDEN[system])


@contextlib.contextmanager
def way_of(name: str) -> Iterator[None]:
    """Products and recurrent layers worked out in this way."""
    with contextlib.ExitStack() as stack:
        for module, ways in ((products, ("filled", "loop")), (unrolling, ("loop",))):
            tiles = mock.patch.object(module, "has_tiles", return_value=name in ways)
            stack.enter_context(tiles)
        stack.enter_context(torch.autocast("cpu", torch.bfloat16, enabled=name != "float32"))
        yield


def milliseconds(model: EncoderDecoder, batches: list[Batch], way: str) -> float:
    """Of the processor, for one update."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    began = time.process_time()
    for batch in batches:
        with way_of(way):
            loss = token_loss(model, batch, 0.1)
        (loss.total / loss.tokens).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    return 1000 * (time.process_time() - began) / len(batches)


def main() -> None:
    """Print one line a system and way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.low_precision", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--systems", nargs="+", choices=tuple(HIDDEN), default=list(HIDDEN))
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--updates", type=positive, default=12, help="of each turn")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for system in arguments.systems:
        torch.manual_seed(1)
        generator = np.random.default_rng(1)
        model = EncoderDecoder(settings_of(system), VOCABULARY, VOCABULARY).train()
        taken: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(1 + arguments.rounds):
            batches = invented(generator, arguments.updates)
            for way in WAYS:
                taken[way].append(milliseconds(model, batches, way))
        for way in WAYS:
            ratio = median(a / b for a, b in zip(taken[way][1:], taken["loop"][1:], strict=True))
            print(f"{system:10}  {way:8}  {median(taken[way][1:]):6.0f} ms an update  "
                  f"{ratio:.2f} × the loop's", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
