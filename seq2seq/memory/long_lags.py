"""Experiment 2: noise-free sequences with long lags, without and with distractors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seq2seq.memory.sequences import Sequences, at_the_end
from seq2seq.memory.success import StreakRule
from seq2seq.memory.task import Task

# The paper's counts for 2a and 2b are smaller than 10,000, so they cannot include the streak.
_TEN_THOUSAND_IN_A_ROW = StreakRule(10_000, counts_before=True)


def _one_hot(symbols: np.ndarray[tuple[int], np.dtype[np.int64]], size: int) -> np.ndarray:
    return np.eye(size, dtype=np.float32)[symbols]


@dataclass(frozen=True)
class _FramedSymbols(Task):
    """What 2a and 2b share: p symbols, of which the first decides the one after the last."""

    least_lag = 2
    tolerance = 0.25
    rule = _TEN_THOUSAND_IN_A_ROW

    @property
    def minimal_lag(self) -> int:
        """From the first symbol to the last."""
        return self.lag

    @property
    def longest(self) -> int:
        """The last symbol is only predicted."""
        return self.lag

    @property
    def input_size(self) -> int:
        """a_1 … a_{p-1}, x and y."""
        return self.lag + 1

    @property
    def output_size(self) -> int:
        """One unit a symbol."""
        return self.lag + 1


@dataclass(frozen=True)
class LocalRegularities(_FramedSymbols):
    """2a: (y, a_1, …, a_{p-1}, y) or (x, a_1, …, a_{p-1}, x); predict every next symbol.

    Only the last symbol needs memory, of the first, p steps back. `lag` is p. Symbols are numbered
    a_1 … a_{p-1}, x, y from 0.
    """

    name = "2a"
    title = "long lag, local regularities"

    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """Either sequence with probability one half."""
        framed = np.empty((count, self.lag + 1), dtype=np.int64)
        framed[:, 0] = framed[:, -1] = self.lag - 1 + random.integers(2, size=count)
        framed[:, 1:-1] = np.arange(self.lag - 1)
        targets = _one_hot(framed[:, 1:].ravel(), self.input_size)
        rows, times = np.divmod(np.arange(count * self.lag), self.lag)
        lengths = np.full(count, self.lag)
        return Sequences(framed[:, :-1], lengths, rows, times, targets, targets)


@dataclass(frozen=True)
class NoRegularities(_FramedSymbols):
    """2b: as 2a, but p − 1 symbols drawn from the a's lie between, and only the last counts."""

    name = "2b"
    title = "long lag, no local regularities"

    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """The frame with probability one half each, all between at random."""
        symbols = random.integers(self.lag - 1, size=(count, self.lag))
        symbols[:, 0] = self.lag - 1 + random.integers(2, size=count)
        return at_the_end(
            symbols, np.full(count, self.lag), _one_hot(symbols[:, 0], self.input_size)
        )


@dataclass(frozen=True)
class VeryLongLags(Task):
    """2c: (b, y, q distractors and more, e, y) or likewise with x; predict the last from e.

    After q distractors one more comes with probability 9/10, and so on; with 1/10 comes e, after
    which the second symbol must be named. `lag` is q, `distractors` is p (as many as q unless
    said). Symbols are numbered a_1 … a_p, e, b, x, y from 0; the outputs are x and y.
    """

    distractors: int = 0
    name = "2c"
    title = "very long lag, distractors"
    least_lag = 1
    tolerance = 0.2
    rule = _TEN_THOUSAND_IN_A_ROW

    @property
    def kinds(self) -> int:
        """p: different distractors."""
        return self.distractors or self.lag

    @property
    def minimal_lag(self) -> int:
        """From the second symbol to the trigger e."""
        return self.lag + 1

    @property
    def longest(self) -> int:
        """Longer sequences are rarer than one in a million."""
        return self.lag + 3 + 132

    @property
    def input_size(self) -> int:
        """The distractors, e, b, x and y."""
        return self.kinds + 4

    @property
    def output_size(self) -> int:
        """One unit for x, one for y."""
        return 2

    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """As defined above."""
        more = random.geometric(0.1, size=count) - 1
        lengths = self.lag + more + 3
        symbols = random.integers(self.kinds, size=(count, int(lengths.max())))
        label = random.integers(2, size=count)
        symbols[:, 0] = self.kinds + 1
        symbols[:, 1] = self.kinds + 2 + label
        symbols[np.arange(count), lengths - 1] = self.kinds
        symbols[np.arange(symbols.shape[1]) >= lengths[:, None]] = 0
        return at_the_end(symbols, lengths, _one_hot(label, 2))
