"""When a task counts as solved: the paper's two kinds of rule."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from seq2seq.memory.sequences import Verdict


@dataclass(frozen=True)
class StreakRule:
    """Solved when the most recent training sequences went well.

    Attributes:
        window: how many sequences are looked at.
        misses: how many of them may be wrong.
        mean_error: what their mean absolute error must stay below.
        counts_before: the sequences to success are those before the window, not with it.
    """

    window: int
    misses: int = 0
    mean_error: float = math.inf
    counts_before: bool = False


@dataclass(frozen=True)
class ExamRule:
    """Solved when a set of sequences, looked at from time to time, is correct.

    Attributes:
        size: sequences in the set.
        misses: how many of them may be wrong.
        mean_error: what their mean absolute error must stay below.
        every: training sequences between two examinations.
    """

    size: int
    misses: int = 0
    mean_error: float = math.inf
    every: int = 500


class Progress:
    """Counts training sequences and notices success.

    Attributes:
        sequences: training sequences seen.
        solved_at: sequences to success as the rule counts them, once it is met.
    """

    def __init__(self, rule: StreakRule | ExamRule) -> None:
        """Before the first sequence."""
        self.rule = rule
        self.sequences = 0
        self.solved_at: int | None = None
        self._recent: deque[tuple[bool, float]] = deque()
        self._misses = 0
        self._error = 0.0
        self._examined = 0

    def add(self, verdict: Verdict) -> None:
        """Training sequences, judged before the network learnt from them."""
        self.sequences += len(verdict.correct)
        if isinstance(self.rule, ExamRule):
            return
        for correct, error in zip(verdict.correct.tolist(), verdict.errors.tolist(), strict=True):
            self._recent.append((correct, error))
            self._misses += not correct
            self._error += error
            if len(self._recent) > self.rule.window:
                gone, old = self._recent.popleft()
                self._misses -= not gone
                self._error -= old
        window = self.rule.window
        met = len(self._recent) == window and self._misses <= self.rule.misses
        if self.solved_at is None and met and self._error / window < self.rule.mean_error:
            self.solved_at = self.sequences - (window if self.rule.counts_before else 0)

    def exam_due(self) -> bool:
        """Whether to examine now."""
        return (
            isinstance(self.rule, ExamRule) and self.sequences - self._examined >= self.rule.every
        )

    def add_exam(self, verdict: Verdict) -> None:
        """The examination's sequences, all of them."""
        assert isinstance(self.rule, ExamRule)
        self._examined = self.sequences
        misses = int((~verdict.correct).sum())
        if misses <= self.rule.misses and float(verdict.errors.mean()) < self.rule.mean_error:
            self.solved_at = self.sequences
