"""How many time steps each cell is trained for in a second of one core, at long lags.

    python -m benchmarks.cell_steps [--task 4] [--lags 100 1000] [--updates 6]

A step counts once for each sequence, forward, backward and update included. Seconds are those that
the processor spent on it: other work beside it changes them little. Of three rounds, in which the
cells take turns, the best is printed.
"""

from __future__ import annotations

import argparse
import time
from typing import get_args

import torch

from benchmarks.arguments import positive
from seq2seq.memory.batched import Recipe, learn, new_network
from seq2seq.memory.catalogue import make_task
from seq2seq.memory.network import MemoryCell

ROUNDS = 3


def seconds_of_training(name: str, lag: int, cell: MemoryCell, sequences: int) -> float:
    """Processor time of training on so many sequences, the generator's included."""
    task = make_task(name, lag)
    recipe = Recipe(budget=sequences)
    network = new_network(cell, task, recipe, 1)
    began = time.process_time()
    learn(network, task, recipe, 1)
    return time.process_time() - began


def main() -> None:
    """Print one line a lag and cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="4")
    parser.add_argument("--lags", type=positive, nargs="+", default=[100, 1000])
    parser.add_argument("--updates", type=positive, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sequences = arguments.updates * Recipe().batch
    for lag in arguments.lags:
        best: dict[MemoryCell, float] = {}
        for _ in range(ROUNDS):
            for cell in get_args(MemoryCell):
                taken = seconds_of_training(arguments.task, lag, cell, sequences)
                best[cell] = min(taken, best.get(cell, taken))
        for cell, seconds in best.items():
            steps = sequences * 1.05 * lag  # lengths from T to T + T/10
            each = seconds / arguments.updates
            print(f"lag {lag:,}  {cell:10}  {steps / seconds:>9,.0f} steps/s  "
                  f"{1000 * each:.0f} ms for {Recipe().batch} sequences", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
