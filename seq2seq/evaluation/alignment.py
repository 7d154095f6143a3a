"""Attention read as a word alignment, and its error against a known one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from seq2seq.evaluation.word_order import Link

WORD_START = "▁"


def words_of_pieces(pieces: Sequence[str]) -> list[int]:
    """The word each subword belongs to, from 0: a word begins where a subword begins with ▁."""
    words: list[int] = []
    for piece in pieces:
        begins = piece.startswith(WORD_START) or not words
        words.append((words[-1] + begins) if words else 0)
    return words


def word_weights(
    weights: NDArray[np.float64], source_words: Sequence[int], target_words: Sequence[int]
) -> NDArray[np.float64]:
    """Attention between words: summed over a source word's subwords, the mean over a target word's.

    Args:
        weights: between subwords, [target, source].
        source_words: the word of each source subword, from 0.
        target_words: likewise of each target subword.

    Returns:
        [target words, source words]; rows sum to what those of `weights` do.
    """
    to_source = np.zeros((len(source_words), max(source_words) + 1))
    to_source[np.arange(len(source_words)), source_words] = 1.0
    to_target = np.zeros((max(target_words) + 1, len(target_words)))
    to_target[target_words, np.arange(len(target_words))] = 1.0
    to_target /= to_target.sum(axis=1, keepdims=True)
    return np.asarray(to_target @ weights @ to_source)


def strongest_links(weights: NDArray[np.float64]) -> list[Link]:
    """Each target word with the source word it looks at most: word weights [target, source]."""
    return [(int(source), target) for target, source in enumerate(weights.argmax(axis=1))]


def diagonal_links(source_words: int, target_words: int) -> list[Link]:
    """The alignment that knows nothing: the same place in both sentences, for scale."""
    return [
        (min(source_words - 1, int((target + 0.5) * source_words / target_words)), target)
        for target in range(target_words)
    ]


def alignment_error_rate(
    found: Iterable[Sequence[Link]],
    sure: Iterable[Sequence[Link]],
    possible: Iterable[Sequence[Link]] | None = None,
) -> float:
    """Alignment error rate of whole sets of sentences, 0 (perfect) to 1.

        AER = 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|)

    with A the links found, S the sure ones and P ⊇ S the possible ones, each summed over all
    sentences. Och and Ney 2003, "A Systematic Comparison of Various Statistical Alignment Models",
    section 4. Without `possible`, P = S and this is 1 − F1.

    Raises:
        ValueError: there are no links at all.
    """
    hits = size = 0
    surely = [set(links) for links in sure]
    perhaps = surely if possible is None else [set(links) for links in possible]
    for links, sures, possibles in zip(found, surely, perhaps, strict=True):
        mine = set(links)
        hits += len(mine & sures) + len(mine & (possibles | sures))
        size += len(mine) + len(sures)
    if not size:
        raise ValueError("an alignment error rate needs at least one link")
    return 1 - hits / size
