"""Experiments 4 and 5: add or multiply two marked numbers, seen long ago and far apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seq2seq.memory.sequences import Floats, Sequences, at_the_end
from seq2seq.memory.success import StreakRule
from seq2seq.memory.task import Task, lengths_from


@dataclass(frozen=True)
class Adding(Task):
    """4: add the two numbers that carry a mark.

    Each step is a pair: a number from [−1, 1] and a mark. One of the first ten pairs is marked by
    1, then one of the first T/2 − 1 pairs not yet marked; the first and the last pair carry −1, all
    others 0. Where the first pair was marked, its number becomes 0 and the mark gives way to −1.
    Target 0.5 + (X_1 + X_2)/4 at the end. Lengths from T to T + T/10; `lag` is T. A sequence is
    correct when off by less than 0.04. Solved when the 2,000 most recent sequences all are, with a
    mean error below 0.01.
    """

    name = "4"
    title = "adding"
    least_lag = 20
    of_symbols = False
    tolerance = 0.04
    rule = StreakRule(2_000, mean_error=0.01)

    @property
    def minimal_lag(self) -> int:
        """From the second marked pair to the end."""
        return self.lag // 2

    @property
    def longest(self) -> int:
        """T + T/10."""
        return self.lag + self.lag // 10

    @property
    def input_size(self) -> int:
        """Number and mark."""
        return 2

    @property
    def output_size(self) -> int:
        """The result."""
        return 1

    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """As defined above."""
        lengths = lengths_from(self.lag, count, random)
        rows = np.arange(count)
        inputs = np.zeros((count, int(lengths.max()), 2), dtype=np.float32)
        inputs[..., 0] = self._numbers(inputs.shape[:2], random)
        first = random.integers(10, size=count)
        # The second among the T/2 − 1 pairs that are left when the first is taken out.
        second = random.integers(self.lag // 2 - 1, size=count)
        second += second >= first
        for place in (first, second):
            inputs[rows, place, 1] = 1
            inputs[rows[place == 0], 0, 0] = self._neutral()
        inputs[:, 0, 1] = -1
        inputs[rows, lengths - 1, 1] = -1
        one, other = inputs[rows, first, 0], inputs[rows, second, 0]
        inputs[np.arange(inputs.shape[1]) >= lengths[:, None]] = 0
        return at_the_end(inputs, lengths, self._result(one, other)[:, None])

    def _numbers(self, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
        return random.uniform(-1, 1, size=shape).astype(np.float32)

    def _neutral(self) -> float:
        return 0.0

    def _result(self, one: Floats, other: Floats) -> Floats:
        return np.float32(0.5) + (one + other) / np.float32(4)


@dataclass(frozen=True)
class Multiplication(Adding):
    """5: multiply the two numbers that carry a mark.

    As 4, with numbers from [0, 1], target X_1 · X_2, and 1 where the first pair was marked. Solved
    when fewer than 140 of the 2,000 most recent sequences are wrong: the first of the paper's two
    stopping points.
    """

    name = "5"
    title = "multiplication"
    rule = StreakRule(2_000, misses=139)

    def _numbers(self, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
        return random.uniform(0, 1, size=shape).astype(np.float32)

    def _neutral(self) -> float:
        return 1.0

    def _result(self, one: Floats, other: Floats) -> Floats:
        return one * other


@dataclass(frozen=True)
class FineMultiplication(Multiplication):
    """5-13: as 5, up to the paper's second stopping point: fewer than 13 of 2,000 are wrong."""

    name = "5-13"
    title = "multiplication, second stopping point"
    rule = StreakRule(2_000, misses=12)
