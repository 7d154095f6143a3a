"""What one training of one network came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seq2seq.memory.sequences import Floats, Sequences
from seq2seq.memory.task import Task

TEST_SEQUENCES = 2_560
# Nothing that a network can see depends on this, so that all are tested on the same sequences.
TEST_SEED = 2_560
_DRAWN_AT_ONCE = 128
_OUTPUTS_AT_ONCE = 10_000_000  # were there an error signal at every step


@dataclass(frozen=True)
class Outcome:
    """One training: did it solve the task, after how much, and how well does it do afterwards?

    Attributes:
        solved: the task's rule was met within the budget.
        sequences: sequences to success as the rule counts them; None if not solved.
        trained: training sequences in all.
        wrong: out of 2,560 fresh sequences after training.
        seconds: of training, without the test; of one network where several ran side by side.
        steps_per_second: time steps of training sequences in a second, forward and backward.
        diverged: a weight was no longer a number, and training stopped.
    """

    solved: bool
    sequences: int | None
    trained: int
    wrong: int
    seconds: float
    steps_per_second: float
    diverged: bool = False


class Predictor(Protocol):
    """What a test needs of a trained network."""

    def outputs(self, sequences: Sequences) -> Floats:
        """Outputs in [0, 1] at the error signals, [signals, output]."""


def wrong_on_fresh(task: Task, network: Predictor) -> int:
    """How many of 2,560 fresh sequences a network gets wrong."""
    random = np.random.default_rng([TEST_SEED, 0])
    wrong = 0
    # What is drawn at once depends on the task alone, and so do the sequences.
    chunk = max(1, min(_DRAWN_AT_ONCE, _OUTPUTS_AT_ONCE // (task.longest * task.output_size)))
    for first in range(0, TEST_SEQUENCES, chunk):
        sequences = task.fresh(min(chunk, TEST_SEQUENCES - first), random)
        wrong += int((~task.judge(network.outputs(sequences), sequences).correct).sum())
    return wrong
