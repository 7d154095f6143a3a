"""What a task hands out: sequences, the places where an error counts, and what is right there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Sequences(NamedTuple):
    """A batch of sequences with their error signals, one row a signal, in the order of `rows`."""

    inputs: NDArray[Any]  # [batch, time, input] floats; or symbols [batch, time], integers
    lengths: Integers  # [batch]: steps of each sequence; zeros follow
    rows: Integers  # [signals]: which sequence an error signal belongs to
    times: Integers  # [signals]: after which step it is given
    targets: Floats  # [signals, output]: what training is told
    truth: Floats  # [signals, output]: what outputs are judged by

    def select(self, first: int, last: int) -> Sequences:
        """The sequences from `first` up to `last`, cut to the longest of them."""
        start, stop = np.searchsorted(self.rows, [first, last])
        lengths = self.lengths[first:last]
        return Sequences(
            self.inputs[first:last, : lengths.max()],
            lengths,
            self.rows[start:stop] - first,
            self.times[start:stop],
            self.targets[start:stop],
            self.truth[start:stop],
        )


class Verdict(NamedTuple):
    """How a network did on some sequences."""

    correct: Flags  # [batch]
    errors: NDArray[np.floating]  # [batch]: mean absolute error over a sequence's error signals


def at_the_end(
    inputs: NDArray[Any], lengths: Integers, targets: Floats, truth: Floats | None = None
) -> Sequences:
    """Sequences whose only error signal comes after their last step; `truth` is `targets` if none.

    Args:
        inputs: as in `Sequences`.
        lengths: [batch].
        targets: [batch, output].
        truth: [batch, output].
    """
    rows = np.arange(len(lengths))
    return Sequences(
        inputs, lengths, rows, lengths - 1, targets, targets if truth is None else truth
    )


def by_row(values: NDArray[Any], sequences: Sequences, how: np.ufunc) -> NDArray[Any]:
    """Reduce a value of each signal to one of each sequence: [signals] → [batch]."""
    starts = np.searchsorted(sequences.rows, np.arange(len(sequences.lengths)))
    reduced: NDArray[Any] = how.reduceat(values, starts)
    return reduced


def within(outputs: Floats, sequences: Sequences, tolerance: float) -> Verdict:
    """Correct where every output unit at every signal is off by less than `tolerance`.

    Args:
        outputs: [signals, output].
        sequences: whose truth counts.
        tolerance: absolute error that is already too large.
    """
    off = np.abs(outputs - sequences.truth)
    worst = by_row(off.max(1), sequences, np.maximum)
    mean = by_row(off.mean(1), sequences, np.add) / np.bincount(sequences.rows)
    return Verdict(worst < tolerance, mean)
