"""Experiment 6: in which order did the few symbols come that matter?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seq2seq.memory.sequences import Sequences, at_the_end
from seq2seq.memory.success import StreakRule
from seq2seq.memory.task import Task, lengths_from

SYMBOLS = "abcdXYEB"


@dataclass(frozen=True)
class TwoSymbols(Task):
    """6a: E, random a b c d with an X or Y at two places, B; name the order: XX, XY, YX, YY.

    The places are drawn from 10 to 20 and from 50 to 60 where the length is from 100 to 110, and in
    proportion otherwise; `lag` is the shortest length, counted from place 0. A sequence is correct
    when every output unit is off by less than 0.3. Solved when the 2,000 most recent sequences are,
    with a mean error below 0.1.
    """

    name = "6a"
    title = "temporal order, two symbols"
    least_lag = 30
    tolerance = 0.3
    rule = StreakRule(2_000, mean_error=0.1)
    places: ClassVar[tuple[tuple[int, int], ...]] = ((10, 20), (50, 60))  # per cent of the length

    @property
    def minimal_lag(self) -> int:
        """From the last symbol that matters to the end."""
        return self.lag - 1 - self.lag * self.places[-1][1] // 100

    @property
    def longest(self) -> int:
        """T + T/10."""
        return self.lag + self.lag // 10

    @property
    def input_size(self) -> int:
        """One unit a symbol."""
        return len(SYMBOLS)

    @property
    def output_size(self) -> int:
        """One unit an order."""
        return int(2 ** len(self.places))

    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """As defined above."""
        lengths = lengths_from(self.lag, count, random)
        rows = np.arange(count)
        symbols = random.integers(4, size=(count, int(lengths.max())))
        order = np.zeros(count, dtype=np.int64)
        for least, most in self.places:
            span = (self.lag * least // 100, self.lag * most // 100)
            place = random.integers(*span, size=count, endpoint=True)
            is_y = random.integers(2, size=count)
            symbols[rows, place] = 4 + is_y
            order = 2 * order + is_y
        symbols[:, 0] = SYMBOLS.index("E")
        symbols[rows, lengths - 1] = SYMBOLS.index("B")
        symbols[np.arange(symbols.shape[1]) >= lengths[:, None]] = 0
        return at_the_end(symbols, lengths, np.eye(self.output_size, dtype=np.float32)[order])


@dataclass(frozen=True)
class ThreeSymbols(TwoSymbols):
    """6b: as 6a with three places, from 10 to 20, 33 to 43 and 66 to 76, and eight orders."""

    name = "6b"
    title = "temporal order, three symbols"
    places = ((10, 20), (33, 43), (66, 76))
