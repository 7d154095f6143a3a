"""Which target subwords translate which source subword, learnt from sentence pairs by counting.

IBM model 1 (Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.1):
each target subword y of a pair was made by one of its source subwords x or by none, all equally
likely beforehand. Expectation maximisation repeats

    p(x made y) = t(y|x) / Σ_x' t(y|x')        for each y of each pair, over all x of the pair
    t(y|x)      = Σ p(x made y) / Σ_y' Σ p(x made y')        over all pairs

from uniform t. The end of the source sentence, END, plays the empty word of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.text.tokenized import TokenizedSplit, TokenRows
from seq2seq.text.tokenizer import END

ITERATIONS = 5
# Of a larger corpus every n-th pair is read. A cell, a source beside a target subword, takes 60
# bytes: 1.5 GB at most.
MOST_PAIRS = 100_000
MOST_CELLS = 25_000_000
CANDIDATES = 200  # kept of each source subword, the likeliest


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What translates what.

    Attributes:
        candidates: target ids for each source id, the likeliest first, [source ids, CANDIDATES];
            END where there are no more.
        frequent: all target ids that occur, the most frequent first.
    """

    candidates: NDArray[np.int32]
    frequent: NDArray[np.int32]


def learn_lexicon(
    split: TokenizedSplit, source_size: int, target_size: int, iterations: int = ITERATIONS
) -> Lexicon:
    """The likeliest translations of each source subword.

    Args:
        split: the pairs.
        source_size: ids on the source side.
        target_size: likewise on the target side.
        iterations: of expectation maximisation.
    """
    source, target, probability = translation_table(split, target_size, iterations)
    order = np.lexsort((target, -probability, source))
    source, target = source[order], target[order]
    rank = np.arange(len(source)) - np.searchsorted(source, source)
    kept = rank < CANDIDATES
    candidates = np.full((source_size, CANDIDATES), END, np.int32)
    candidates[source[kept], rank[kept]] = target[kept]
    counts = np.bincount(split.target_rows.tokens, minlength=target_size)
    frequent = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    return Lexicon(candidates, frequent.astype(np.int32))


def translation_table(
    split: TokenizedSplit, target_size: int, iterations: int = ITERATIONS
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Source ids, target ids and t(target|source) of all that occur together, by source, target."""
    cells_of_all = int((split.source_lengths + 1).astype(np.int64) @ split.target_lengths)
    step = max(1, -(-len(split) // MOST_PAIRS), -(-cells_of_all // MOST_CELLS))
    chosen = np.arange(0, len(split), step)
    cells = _Cells.of(split, chosen, target_size)
    source, target = np.divmod(cells.keys, target_size)
    if not len(source):
        return source, target, np.zeros(0)
    probability = np.ones(len(source))
    for _ in range(iterations):
        expected = probability[cells.key_of]
        expected /= np.repeat(np.add.reduceat(expected, cells.starts), cells.widths)
        counts = np.bincount(cells.key_of, expected, len(source))
        probability = counts / np.bincount(source, counts)[source]
    return source, target, probability


@dataclass(frozen=True, eq=False)
class _Cells:
    """Every source subword beside every target subword of its pair, target by target.

    Attributes:
        keys: source id * target ids + target id, of all that occur, sorted.
        key_of: the place in `keys` of each cell.
        starts: the first cell of each target subword.
        widths: cells of each target subword.
    """

    keys: NDArray[np.int64]
    key_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    widths: NDArray[np.int64]

    @classmethod
    def of(cls, split: TokenizedSplit, pairs: NDArray[np.int64], target_size: int) -> _Cells:
        sources, source_lengths = _flat(split.source_rows, pairs, empty_word=True)
        targets, target_lengths = _flat(split.target_rows, pairs, empty_word=False)
        widths = np.repeat(source_lengths, target_lengths)
        first_source = np.repeat(np.cumsum(source_lengths) - source_lengths, target_lengths)
        starts = np.cumsum(widths) - widths
        within = np.arange(widths.sum()) - np.repeat(starts, widths)
        cells = sources[np.repeat(first_source, widths) + within] * target_size
        cells += np.repeat(targets, widths)
        keys, key_of = np.unique(cells, return_inverse=True)
        return cls(keys, key_of, starts, widths)


def _flat(
    rows: TokenRows, chosen: NDArray[np.int64], empty_word: bool
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """The chosen rows' ids end to end, END after each if wanted, and how many each has."""
    lengths = rows.lengths[chosen].astype(np.int64) + empty_word
    ends = np.cumsum(lengths)
    tokens = np.full(ends[-1] if len(ends) else 0, END, np.int64)
    is_word = np.ones(len(tokens), bool)
    if empty_word:
        is_word[ends - 1] = False
    if len(chosen):
        tokens[is_word] = np.concatenate([rows[int(row)] for row in chosen])
    return tokens, lengths
