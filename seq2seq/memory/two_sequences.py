"""Experiment 3: noise and signal on one channel, after Bengio's two-sequence problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seq2seq.memory.sequences import Sequences, at_the_end
from seq2seq.memory.success import ExamRule
from seq2seq.memory.task import Task, lengths_from

_NOISE = np.sqrt(0.2)  # variance 0.2


@dataclass(frozen=True)
class TwoSequences(Task):
    """3a: the first N values are all 1 or all −1, the rest Gaussian noise; tell which it was.

    Mean 0, variance 0.2. Lengths from T to T + T/10; `lag` is T. Target 1 for the class of 1, else
    0. Solved when none of 256 fresh sequences is off by 0.2 or more and the mean is below 0.01.
    """

    informative: int = 3
    name = "3a"
    title = "two sequences"
    of_symbols = False
    tolerance = 0.2
    rule = ExamRule(256, mean_error=0.01)

    @property
    def minimal_lag(self) -> int:
        """From the last informative value to the end of the shortest sequence."""
        return self.lag - self.informative

    @property
    def longest(self) -> int:
        """T + T/10."""
        return self.lag + self.lag // 10

    @property
    def input_size(self) -> int:
        """One channel."""
        return 1

    @property
    def output_size(self) -> int:
        """One unit."""
        return 1

    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """As defined above."""
        lengths = lengths_from(self.lag, count, random)
        label = random.integers(2, size=count)
        values = random.normal(0, _NOISE, size=(count, int(lengths.max())))
        first = values[:, : self.informative]
        first *= self._noise_on_signal()
        first += 2 * label[:, None] - 1
        values[np.arange(values.shape[1]) >= lengths[:, None]] = 0
        truth, noise = self._targets(label.astype(np.float32)[:, None], random)
        inputs = values.astype(np.float32)[..., None]
        return at_the_end(inputs, lengths, (truth + noise).astype(np.float32), truth)

    def _noise_on_signal(self) -> float:
        return 0.0

    def _targets(
        self,
        label: np.ndarray,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        return label, np.zeros_like(label)


@dataclass(frozen=True)
class NoisySignal(TwoSequences):
    """3b: as 3a, with the same noise on the informative values too.

    Solved when fewer than 6 of 256 fresh sequences are wrong and the mean error is below 0.04.
    """

    name = "3b"
    title = "two sequences, noisy signal"
    rule = ExamRule(256, misses=5, mean_error=0.04)

    def _noise_on_signal(self) -> float:
        return 1.0


@dataclass(frozen=True)
class NoisyTargets(TwoSequences):
    """3c: as 3a, with targets 0.2 and 0.8 under Gaussian noise of variance 0.1.

    Judged by the targets without noise: off by less than 0.1 each, by less than 0.015 on average.
    """

    name = "3c"
    title = "two sequences, noisy targets"
    tolerance = 0.1
    rule = ExamRule(256, mean_error=0.015)

    def _targets(
        self,
        label: np.ndarray,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        # In the paper class 1 (the ones) has target 0.2, class 2 has 0.8.
        truth = (0.8 - 0.6 * label).astype(np.float32)
        return truth, random.normal(0, np.sqrt(0.1), size=label.shape)
