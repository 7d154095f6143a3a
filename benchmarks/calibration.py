"""How fast the machine is right now: a matrix product whose cost is known.

Measured before and after each turn of a contender. A turn beside which the product ran slower than
it did at best was disturbed by something else on the machine, and is taken again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch

SIZE = 1024
REPETITIONS = 12
LEAST_SHARE = 0.9  # of the best calibration so far; below it a turn counts as disturbed
MOST_TRIES = 3

T = TypeVar("T")


class Turn(NamedTuple):
    """One measurement and the state of the machine around it."""

    result: Any
    gflops: float  # the slower of the products before and after, 10⁹ operations a second
    disturbed: bool


class Calibration:
    """The machine's own speed, and its best so far."""

    def __init__(self, threads: int) -> None:
        """Measure it a few times, to know the best."""
        torch.set_num_threads(threads)
        self.left, self.right = torch.rand(2, SIZE, SIZE)
        self.out = torch.empty(SIZE, SIZE)
        self.best = 0.0
        for _ in range(5):
            self.gflops()

    def gflops(self) -> float:
        """Now, in 10⁹ floating-point operations a second: the median of a few products."""
        seconds = []
        for _ in range(REPETITIONS):
            started = time.perf_counter()
            torch.mm(self.left, self.right, out=self.out)
            seconds.append(time.perf_counter() - started)
        found = 2 * SIZE**3 / sorted(seconds)[len(seconds) // 2] / 1e9
        self.best = max(self.best, found)
        return found

    def around(self, work: Callable[[], T], tries: int = MOST_TRIES) -> Turn:
        """Do the work between two calibrations, again if it was disturbed; keep the calmest."""
        turns = []
        for _ in range(tries):
            before = self.gflops()
            result = work()
            gflops = min(before, self.gflops())
            turns.append(Turn(result, gflops, gflops < LEAST_SHARE * self.best))
            if not turns[-1].disturbed:
                break
        return max(turns, key=lambda turn: turn.gflops)
