"""Segmentations of sentences into subwords, drawn at random.

A draw is a function of its seed alone: a run that was stopped and resumed sees what it would have
seen. SentencePiece draws too, but from version 0.2.2 on with a salt that is new in every process,
whatever its seed.

No subword goes beyond a word, which begins with its space, so that words are drawn one by one.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

WORD_START = "▁"  # stands for the space before a word; a sentence's first word has one as well
_WORD = re.compile(f"{WORD_START}[^{WORD_START}]*")
_WORDS_REMEMBERED = 2**15  # of the unigram model: some 50 MB of lattices of
_LETTERS_REMEMBERED = 24  # at most; longer ones, sentences without spaces, hardly come again
# What a character without a subword costs more than the worst subword does, as in SentencePiece.
_UNKNOWN_COST = 10.0


class Subwords(NamedTuple):
    """A vocabulary as far as segmentation needs it."""

    ids: Mapping[str, int]  # of the subwords spelt in characters: no special ones, no bytes
    scores: Mapping[str, float]  # unigram: log-probability; bpe: the earlier the merge, the higher
    byte_ids: Sequence[int]  # [256]

    def spell(self, subword: str) -> list[int]:
        """Ids of a subword, or of the bytes of a character that is none."""
        known = self.ids.get(subword)
        return [self.byte_ids[byte] for byte in subword.encode()] if known is None else [known]


class RandomSegmenter(ABC):
    """Draws segmentations; `segment` is all that a caller needs."""

    def __init__(self, subwords: Subwords) -> None:
        """Of this vocabulary."""
        self.subwords = subwords

    def segment(self, sentences: Sequence[str], seed: int) -> list[list[int]]:
        """Ids of each sentence, without special ids; the same for the same seed."""
        random = Random(seed)
        return [self._draw_sentence(sentence, random) for sentence in sentences]

    def _draw_sentence(self, sentence: str, random: Random) -> list[int]:
        if not sentence:
            return []
        text = WORD_START + sentence.replace(" ", WORD_START)
        subwords = [sub for word in _WORD.findall(text) for sub in self._draw_word(word, random)]
        return [token for subword in subwords for token in self.subwords.spell(subword)]

    @abstractmethod
    def _draw_word(self, word: str, random: Random) -> list[str]:
        """The word's parts: subwords, and characters that are none."""


class _Arcs(NamedTuple):
    """The last subwords that a prefix of a word can end in."""

    begins: list[int]  # where each of them begins
    cumulative: list[float]  # their probabilities, added up


class UnigramSegmenter(RandomSegmenter):
    """Draws a cut x of a word with probability ∝ p(x)^α, p the unigram model's.

    Kudo 2018, "Subword Regularization: Improving Neural Network Translation Models with Multiple
    Subword Candidates", section 3.3, over all cuts: the sums over the cuts of every prefix
    forwards, then subwords drawn from the word's end backwards.
    """

    def __init__(self, subwords: Subwords, alpha: float) -> None:
        """Towards 0 every cut is as likely as any other; a high α gives the best cut."""
        super().__init__(subwords)
        self.alpha = alpha
        self.longest = max(map(len, subwords.scores), default=1)
        self.unknown_score = min(subwords.scores.values(), default=0.0) - _UNKNOWN_COST
        self._remembered_arcs = functools.lru_cache(_WORDS_REMEMBERED)(self._arcs)

    def _draw_word(self, word: str, random: Random) -> list[str]:
        short = len(word) <= _LETTERS_REMEMBERED
        arcs = self._remembered_arcs(word) if short else self._arcs(word)
        end, drawn = len(word), []
        while end > 0:
            last = arcs[end - 1]
            place = bisect(last.cumulative, random.random() * last.cumulative[-1])
            begin = last.begins[min(place, len(last.begins) - 1)]  # the product may round up
            drawn.append(word[begin:end])
            end = begin
        return drawn[::-1]

    def _arcs(self, word: str) -> list[_Arcs]:
        log_sums = [0.0]  # of p(x)^α over the cuts x of each prefix
        arcs = []
        for end in range(1, len(word) + 1):
            begins, logs = [], []
            for begin in range(max(0, end - self.longest), end):
                score = self.subwords.scores.get(word[begin:end])
                if score is None and begin == end - 1:
                    score = self.unknown_score
                if score is not None:
                    begins.append(begin)
                    logs.append(log_sums[begin] + self.alpha * score)
            highest = max(logs)
            weights = [math.exp(log - highest) for log in logs]
            log_sums.append(highest + math.log(sum(weights)))
            arcs.append(_Arcs(begins, list(itertools.accumulate(weights))))
        return arcs


class BPESegmenter(RandomSegmenter):
    """Byte-pair encoding with dropout: before each merge, every possible one is left out at random.

    Provilkov et al. 2020, "BPE-Dropout: Simple and Effective Subword Regularization", algorithm 1.
    """

    def __init__(self, subwords: Subwords, dropout: float) -> None:
        """0 is plain byte-pair encoding, 1 leaves the characters."""
        super().__init__(subwords)
        self.dropout = dropout

    def _draw_word(self, word: str, random: Random) -> list[str]:
        parts = list(word)
        while True:
            merged = [left + right for left, right in itertools.pairwise(parts)]
            possible = [place for place, part in enumerate(merged) if part in self.subwords.scores]
            kept = [place for place in possible if random.random() >= self.dropout]
            if not kept:
                return parts
            # The first of equals, as `max` gives it.
            place = max(kept, key=lambda place: self.subwords.scores[merged[place]])
            parts[place : place + 2] = [merged[place]]
