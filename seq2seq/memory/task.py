"""What every task can do."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seq2seq.errors import ConfigError
from seq2seq.memory.sequences import Floats, Integers, Sequences, Verdict, within
from seq2seq.memory.success import ExamRule, StreakRule


@dataclass(frozen=True)
class Task(ABC):
    """One experiment at one lag.

    Attributes:
        lag: the paper's own measure of length (p, q or T); each task says what it is.
        name: the experiment's number in the paper.
        title: in a few words.
        default_lag: where the paper begins.
        least_lag: below it the task makes no sense.
        of_symbols: inputs are numbers of symbols, each standing for one input unit.
        tolerance: absolute error of an output unit that makes a sequence wrong.
        rule: when the paper calls it solved.
    """

    lag: int
    name: ClassVar[str]
    title: ClassVar[str]
    default_lag: ClassVar[int] = 100
    least_lag: ClassVar[int] = 10
    of_symbols: ClassVar[bool] = True
    tolerance: ClassVar[float]
    rule: ClassVar[StreakRule | ExamRule]

    def __post_init__(self) -> None:
        """Refuse lags that the task cannot have."""
        if self.lag < self.least_lag:
            raise ConfigError(
                f"Task {self.name} has no lag of {self.lag}; the least is {self.least_lag}."
            )

    @property
    @abstractmethod
    def minimal_lag(self) -> int:
        """Steps from a signal that must be remembered to where it is needed, at least."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """Steps of the longest sequence to be expected."""

    @property
    @abstractmethod
    def input_size(self) -> int:
        """Input units."""

    @property
    @abstractmethod
    def output_size(self) -> int:
        """Output units."""

    @abstractmethod
    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """So many sequences by the task's definition."""

    def training(self, count: int, random: np.random.Generator) -> Sequences:
        """So many sequences to learn from; fresh ones unless the task has a training set."""
        return self.fresh(count, random)

    def exam(self, random: np.random.Generator) -> Sequences:
        """The sequences that an `ExamRule` looks at."""
        assert isinstance(self.rule, ExamRule)
        return self.fresh(self.rule.size, random)

    def for_seed(self, seed: int) -> Task:
        """The same task with what is drawn once a run, if there is anything."""
        return dataclasses.replace(self)

    def judge(self, outputs: Floats, sequences: Sequences) -> Verdict:
        """Which sequences are correct, given outputs in [0, 1]: [signals, output]."""
        return within(outputs, sequences, self.tolerance)


def lengths_from(lag: int, count: int, random: np.random.Generator) -> Integers:
    """Lengths drawn evenly from T to T + T/10, [count]."""
    return random.integers(lag, lag + lag // 10, size=count, endpoint=True)
