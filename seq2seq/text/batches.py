"""Batches of sentence pairs: which rows go together, in which order, and as which tensors.

A batch holds as many pairs as fit a budget of target tokens, padding not counted. Pairs of like
length stand together, so that there is little padding, and the batches come in random order. That
order is a function of the seed and the epoch alone: batch k of an epoch can be had without those
before it, which is how training is resumed in the middle of an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.text.tokenized import TokenizedSplit, TokenRows, tokenize_split
from seq2seq.text.tokenizer import BEGIN, END, PADDING

__all__ = [
    "Batch",
    "BatchOrder",
    "PaddingShare",
    "TokenizedSplit",
    "collate",
    "evaluation_batches",
    "padding_share",
    "tokenize_split",
    "training_batches",
]

Rows = NDArray[np.int64]  # row numbers in a split

# Pairs sorted by length together: a larger corpus is sorted in random parts of this many, which
# bounds the memory for sorting and still leaves thousands of pairs of each length in a part.
WINDOW = 1 << 20


class Batch(NamedTuple):
    """Sentence pairs as tensors. Decoder input is `target[:, :-1]`, labels are `target[:, 1:]`."""

    source: Tensor  # [batch, source] int64: tokens, END, then PADDING
    source_lengths: Tensor  # [batch] int64, always on the CPU; END counted
    target: Tensor  # [batch, 1 + target] int64: BEGIN, tokens, END, then PADDING
    target_lengths: Tensor  # [batch] int64, always on the CPU: tokens to predict, END counted
    rows: Tensor  # [batch] int64, always on the CPU: row numbers in the split

    def to(self, device: torch.device | str) -> Batch:
        """The same batch with its tokens on a device; lengths and rows stay on the CPU."""
        return self._replace(
            source=self.source.to(device, non_blocking=True),
            target=self.target.to(device, non_blocking=True),
        )


class BatchOrder(Sequence[Rows]):
    """The row numbers of each batch, in the order of an epoch: 8 bytes a pair."""

    def __init__(self, rows: Rows, starts: Rows, ends: Rows) -> None:
        """Batch k is `rows[starts[k]:ends[k]]`."""
        self._rows = rows
        self._starts = starts
        self._ends = ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, batch: int) -> Rows: ...
    @overload
    def __getitem__(self, batch: slice) -> BatchOrder: ...
    def __getitem__(self, batch: int | slice) -> Rows | BatchOrder:
        if isinstance(batch, slice):
            return BatchOrder(self._rows, self._starts[batch], self._ends[batch])
        return self._rows[self._starts[batch] : self._ends[batch]]


def training_batches(split: TokenizedSplit, batch_tokens: int, seed: int, epoch: int) -> BatchOrder:
    """The batches of one epoch: every pair once, like lengths together, in random order.

    Pairs are shuffled, sorted by length (so that equal ones stay in random order), cut into
    batches, and the batches shuffled. The first cut comes at a random place, because otherwise a
    small corpus, with few pairs of equal length, would give nearly the same batches every epoch.

    Args:
        split: the pairs.
        batch_tokens: most target tokens in a batch, END counted, padding not; a pair that has more
            is a batch of its own.
        seed: the training seed.
        epoch: counted from 0.
    """
    random = np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed % (1 << 64), epoch]))  # seeds may be negative
    )
    rows = random.permutation(len(split))
    starts = []
    for first in range(0, len(rows), WINDOW):
        window = _by_length(split, rows[first : first + WINDOW])
        rows[first : first + WINDOW] = window
        tokens = split.target_lengths[window] + 1
        starts.append(first + _cut(tokens, batch_tokens, int(random.integers(batch_tokens))))
    return _ordered(rows, starts, random)


def evaluation_batches(split: TokenizedSplit, batch_tokens: int) -> BatchOrder:
    """Every pair once, from short to long, the same each time.

    `Batch.rows` tells which row each result belongs to, and so restores the order of the split.

    Args:
        split: the pairs.
        batch_tokens: most target tokens in a batch, as in `training_batches`.
    """
    rows = _by_length(split, np.arange(len(split)))
    return _ordered(rows, [_cut(split.target_lengths[rows] + 1, batch_tokens)], None)


def _by_length(split: TokenizedSplit, rows: Rows) -> Rows:
    """Rows sorted by target length, then source length; equal ones keep their order.

    Source lengths rise within one target length and fall within the next, so that a batch across
    both does not mix the longest with the shortest: a third less padding on the source.
    """
    source, target = split.source_lengths[rows], split.target_lengths[rows]
    return rows[np.lexsort((np.where(target % 2, -source, source), target))]


def _cut(tokens: NDArray[np.int32], batch_tokens: int, spent: int = 0) -> Rows:
    """Where batches begin: each takes as many pairs in a row as fit the budget, at least one.

    `spent` is how much of the first batch's budget is gone already.
    """
    end_of = np.cumsum(tokens, dtype=np.int64)
    starts = []
    start, used = 0, -spent
    while start < len(tokens):
        starts.append(start)
        start = max(start + 1, int(np.searchsorted(end_of, used + batch_tokens, side="right")))
        used = int(end_of[start - 1])
    return np.array(starts, dtype=np.int64)


def _ordered(rows: Rows, starts: Sequence[Rows], random: np.random.Generator | None) -> BatchOrder:
    begin = np.concatenate([np.zeros(0, dtype=np.int64), *starts])
    end = np.append(begin[1:], len(rows))[: len(begin)]
    if random is None:
        return BatchOrder(rows, begin, end)
    batches = random.permutation(len(begin))
    return BatchOrder(rows, begin[batches], end[batches])


class PaddingShare(NamedTuple):
    """Which share (0 to 1) of the positions in all batches of an epoch is padding."""

    source: float
    target: float


def padding_share(split: TokenizedSplit, batch_tokens: int, seed: int, epoch: int) -> PaddingShare:
    """How much of an epoch's batches is padding: of the source, and of the target to predict."""
    order = training_batches(split, batch_tokens, seed, epoch)
    return PaddingShare(
        _share_of(split.source_lengths, order), _share_of(split.target_lengths, order)
    )


def _share_of(lengths: NDArray[np.int32], order: BatchOrder) -> float:
    real = int(lengths.sum(dtype=np.int64)) + len(lengths)  # END counted
    positions = sum(len(rows) * (int(lengths[rows].max()) + 1) for rows in order)
    return 1 - real / positions if positions else 0.0


def collate(split: TokenizedSplit, rows: Rows) -> Batch:
    """The tensors of one batch; no Python loop over its tokens or rows."""
    rows = np.array(rows, dtype=np.int64)  # a copy: torch wants memory it may write to
    source, source_lengths = _padded(split.source_rows, rows, begin=False)
    target, target_lengths = _padded(split.target_rows, rows, begin=True)
    return Batch(*map(torch.from_numpy, (source, source_lengths, target, target_lengths, rows)))


def _padded(side: TokenRows, rows: Rows, begin: bool) -> tuple[NDArray[np.int64], Rows]:
    """Rows as a table of tokens and END, behind a column of BEGIN if asked; and their lengths."""
    first = side.offsets[rows]
    lengths = side.offsets[rows + 1] - first
    before = np.cumsum(lengths) - lengths  # tokens in earlier rows of this batch
    table = np.full((len(rows), begin + lengths.max(initial=0) + 1), PADDING, dtype=np.int64)
    table[:, 0] = BEGIN  # overwritten below if not asked for
    within = np.arange(lengths.sum()) - np.repeat(before, lengths)
    # Flat positions: one index instead of a row and a column is twice as fast.
    row_starts = np.arange(len(rows)) * table.shape[1] + begin
    table.ravel()[np.repeat(row_starts, lengths) + within] = side.tokens[
        np.repeat(first, lengths) + within
    ]
    table.ravel()[row_starts + lengths] = END
    return table, lengths + 1
