"""The success rules on verdicts made by hand."""

from __future__ import annotations

import numpy as np

from seq2seq.memory.sequences import Verdict
from seq2seq.memory.success import ExamRule, Progress, StreakRule


def verdict(correct: str, error: float = 0.0) -> Verdict:
    """`+-+`: right, wrong, right."""
    flags = np.array([sign == "+" for sign in correct])
    return Verdict(flags, np.full(len(flags), error, dtype=np.float32))


def test_a_streak_must_be_whole():
    progress = Progress(StreakRule(4))
    for signs in ("+++", "-", "+++"):
        progress.add(verdict(signs))
        assert progress.solved_at is None
    progress.add(verdict("+"))
    assert progress.solved_at == 8
    progress.add(verdict("-"))
    assert progress.solved_at == 8
    assert progress.sequences == 9


def test_a_streak_may_be_counted_up_to_its_beginning():
    progress = Progress(StreakRule(4, counts_before=True))
    progress.add(verdict("---"))
    progress.add(verdict("++++"))
    assert progress.solved_at == 3
    assert progress.sequences == 7


def test_some_misses_may_be_allowed():
    progress = Progress(StreakRule(5, misses=1))
    progress.add(verdict("--+++"))
    assert progress.solved_at is None
    progress.add(verdict("+"))
    assert progress.solved_at == 6


def test_the_mean_error_of_the_window_counts_too():
    progress = Progress(StreakRule(3, mean_error=0.01))
    progress.add(verdict("+++", 0.02))
    assert progress.solved_at is None
    progress.add(verdict("+", 0.0))  # mean of 0.02, 0.02, 0
    assert progress.solved_at is None
    progress.add(verdict("+", 0.0))
    assert progress.solved_at == 5


def test_some_misses_may_be_allowed_in_an_exam():
    progress = Progress(ExamRule(4, misses=1, every=5))
    progress.add(verdict("-----"))
    progress.add_exam(verdict("+-+-"))
    assert progress.solved_at is None
    progress.add_exam(verdict("+-++"))
    assert progress.solved_at == 5


def test_an_exam_is_due_from_time_to_time_and_must_be_perfect():
    progress = Progress(ExamRule(3, mean_error=0.1, every=5))
    progress.add(verdict("++++"))
    assert not progress.exam_due()
    progress.add(verdict("+"))
    assert progress.exam_due()
    progress.add_exam(verdict("++-"))
    assert progress.solved_at is None
    assert not progress.exam_due()
    progress.add(verdict("-----"))
    progress.add_exam(verdict("+++", 0.2))
    assert progress.solved_at is None
    progress.add(verdict("-----"))
    progress.add_exam(verdict("+++", 0.05))
    assert progress.solved_at == 15
