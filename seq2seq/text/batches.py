"""Batches of sentence pairs: which rows go together, in which order, and as which tensors.

A batch holds as many pairs as fit a budget of target tokens, padding not counted. Pairs of like
length stand together, so that there is little padding, and the batches come in random order. That
order is a function of the seed and the epoch alone: batch k of an epoch can be had without those
before it, which is how training is resumed in the middle of an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

# Pairs shuffled and sorted by length together: a larger corpus goes through it in random parts of
# about this many, which bounds the memory and still leaves thousands of each length in a part.
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


class _Window(NamedTuple):
    """Pairs that are sorted by length together, and their batches in the order of the epoch."""

    rows: Rows  # [pairs]: batch k is rows[starts[k] : ends[k]]
    starts: Rows  # [batches]
    ends: Rows  # [batches]

    @property
    def batches(self) -> int:
        return len(self.starts)


class _Windows:
    """The windows of an epoch, of which only the one in use is held."""

    def __init__(self, batches: Sequence[int], make: Callable[[int], _Window]) -> None:
        """How many batches each window has, and what makes it, the same each time."""
        self.ends = np.cumsum([0, *batches])
        self.make = make
        self._held: tuple[int, _Window] | None = None

    def batch(self, number: int) -> Rows:
        """The rows of one batch of the epoch."""
        which = int(np.searchsorted(self.ends, number, side="right")) - 1
        if self._held is None or self._held[0] != which:
            self._held = None  # before the next one takes as much again
            self._held = which, self.make(which)
        rows, starts, ends = self._held[1]
        within = number - int(self.ends[which])
        return rows[starts[within] : ends[within]]


class BatchOrder(Sequence[Rows]):
    """The row numbers of each batch, in the order of an epoch: 8 bytes a pair of one window."""

    def __init__(self, windows: _Windows, batches: range) -> None:
        """Those of the epoch's batches that have these numbers."""
        self._windows = windows
        self._batches = batches

    @classmethod
    def of(cls, window: _Window) -> BatchOrder:
        """All batches of one window."""
        return cls(_Windows([window.batches], lambda which: window), range(window.batches))

    def __len__(self) -> int:
        return len(self._batches)

    @overload
    def __getitem__(self, batch: int) -> Rows: ...
    @overload
    def __getitem__(self, batch: slice) -> BatchOrder: ...
    def __getitem__(self, batch: int | slice) -> Rows | BatchOrder:
        if isinstance(batch, slice):
            return BatchOrder(self._windows, self._batches[batch])
        return self._windows.batch(self._batches[batch])


def training_batches(split: TokenizedSplit, batch_tokens: int, seed: int, epoch: int) -> BatchOrder:
    """The batches of one epoch: every pair once, like lengths together, in random order.

    Pairs are shuffled, sorted by length (so that equal ones stay in random order), cut into
    batches, and the batches shuffled. The first cut comes at a random place, because otherwise a
    small corpus, with few pairs of equal length, would give nearly the same batches every epoch.

    A corpus of more than WINDOW pairs goes through this window by window, each a random choice of
    blocks of neighbouring pairs, so that memory does not grow with the corpus.

    Args:
        split: the pairs.
        batch_tokens: most target tokens in a batch, END counted, padding not; a pair that has more
            is a batch of its own.
        seed: the training seed.
        epoch: counted from 0.
    """
    if len(split) <= WINDOW:
        random = _random(seed, epoch)
        rows = random.permutation(len(split))
        return BatchOrder.of(_training_window(split, rows, batch_tokens, random))
    block = _block()
    chosen = _windows_of_blocks(len(split), block, _random(seed, epoch))

    def shuffled(which: int) -> tuple[Rows, np.random.Generator]:
        random = _random(seed, epoch, which)
        return random.permutation(_rows_of_blocks(chosen[which], block, len(split))), random

    def make(which: int) -> _Window:
        rows, random = shuffled(which)
        return _training_window(split, rows, batch_tokens, random)

    def count(which: int) -> int:
        """As many as `make` makes; where they begin depends on the target's lengths alone."""
        rows, random = shuffled(which)
        tokens = np.sort(split.target_rows.lengths_of(rows)) + 1
        return len(_cut(tokens, batch_tokens, int(random.integers(batch_tokens))))

    counts = [count(which) for which in range(len(chosen))]
    return BatchOrder(_Windows(counts, make), range(sum(counts)))


def _random(seed: int, *further: int) -> np.random.Generator:
    entropy = [seed % (1 << 64), *further]  # seeds may be negative
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def _block() -> int:
    """Neighbouring pairs that stay in one window: a thousandth of it."""
    return max(1, WINDOW >> 10)


def _windows_of_blocks(pairs: int, block: int, random: np.random.Generator) -> list[Rows]:
    """Which blocks each window has: all once, at random, and about as many in each."""
    blocks = random.permutation(-(-pairs // block))
    return np.array_split(blocks, -(-len(blocks) // (WINDOW // block)))


def _rows_of_blocks(blocks: Rows, block: int, pairs: int) -> Rows:
    rows = (blocks[:, None] * block + np.arange(block)).ravel()
    return rows[rows < pairs]  # the last block may be short


def _training_window(
    split: TokenizedSplit, shuffled: Rows, batch_tokens: int, random: np.random.Generator
) -> _Window:
    rows = _by_length(split, shuffled)
    tokens = split.target_rows.lengths_of(rows) + 1
    window = _window(rows, _cut(tokens, batch_tokens, int(random.integers(batch_tokens))))
    batches = random.permutation(window.batches)
    return window._replace(starts=window.starts[batches], ends=window.ends[batches])


def evaluation_batches(split: TokenizedSplit, batch_tokens: int) -> BatchOrder:
    """Every pair once, from short to long, the same each time.

    `Batch.rows` tells which row each result belongs to, and so restores the order of the split.

    Args:
        split: the pairs.
        batch_tokens: most target tokens in a batch, as in `training_batches`.
    """
    rows = _by_length(split, np.arange(len(split)))
    tokens = split.target_rows.lengths_of(rows) + 1
    return BatchOrder.of(_window(rows, _cut(tokens, batch_tokens)))


def _by_length(split: TokenizedSplit, rows: Rows) -> Rows:
    """Rows sorted by target length, then source length; equal ones keep their order.

    Source lengths rise within one target length and fall within the next, so that a batch across
    both does not mix the longest with the shortest: a third less padding on the source.
    """
    source, target = split.source_rows.lengths_of(rows), split.target_rows.lengths_of(rows)
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


def _window(rows: Rows, starts: Rows) -> _Window:
    return _Window(rows, starts, np.append(starts[1:], len(rows))[: len(starts)])


class PaddingShare(NamedTuple):
    """Which share (0 to 1) of the positions in all batches of an epoch is padding."""

    source: float
    target: float


def padding_share(split: TokenizedSplit, batch_tokens: int, seed: int, epoch: int) -> PaddingShare:
    """How much of an epoch's batches is padding: of the source, and of the target to predict."""
    order = training_batches(split, batch_tokens, seed, epoch)
    positions = np.zeros(2, dtype=np.int64)  # of source and target
    for rows in order:
        longest = [
            side.lengths_of(rows).max() + 1 for side in (split.source_rows, split.target_rows)
        ]
        positions += len(rows) * np.array(longest)
    real = [len(side.tokens) + len(side) for side in (split.source_rows, split.target_rows)]
    shares = 1 - np.array(real) / np.maximum(positions, 1) if len(order) else np.zeros(2)
    return PaddingShare(*shares.tolist())


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
