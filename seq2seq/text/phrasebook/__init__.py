"""An English and Korean corpus that grows from a grammar: nothing is fetched, nothing is copied.

    nouns, verbs, modifiers              the tables that a person edits
    lexicon                              the tables as entries that know their forms
    hangul, inflection                   Korean and English word forms by rule
    meaning                              what a sentence means, as a tree
    times, phrases, clauses, invention   draw meanings at random, from small to large
    english, korean                      speak a meaning in either language

English and Korean differ in nearly everything that makes translation hard: word order (verb last,
relative clauses before their noun), agreement (particles by final sound, counters by kind of
noun), and what must be said at all (articles, pronouns, tense). Both sides come from one meaning,
so the translation of a sentence is settled by the sentence, and word alignments are known.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from seq2seq.text.phrasebook import english, korean
from seq2seq.text.phrasebook.invention import Inventor
from seq2seq.text.phrasebook.meaning import Facet, Sentence, Word

SIZES = {"train": 24_000, "validation": 1_000, "test": 1_000, "long": 800}
WORDS = {"train": (4, 18), "validation": (4, 18), "test": (4, 18), "long": (20, 30)}
"""Fewest and most English words of a sentence in each split."""


class AlignedPair(NamedTuple):
    """A sentence pair and its word alignment: which English word tells what which eojeol tells.

    Links are (English word, Korean eojeol) positions from 0, sorted, of the sentences split at
    spaces. Words with no counterpart (articles, a "you" that Korean leaves out) have no link.
    """

    english: str
    korean: str
    links: tuple[tuple[int, int], ...]


def phrasebook(seed: int = 0) -> dict[str, list[tuple[str, str]]]:
    """The (English, Korean) pairs of the splits "train", "validation", "test" and "long".

    No sentence of either language stands in two places. "long" holds only sentences longer than
    all others, made of the same words and constructions.
    """
    return {
        split: [(pair.english, pair.korean) for pair in pairs]
        for split, pairs in aligned_phrasebook(seed).items()
    }


def aligned_phrasebook(seed: int = 0) -> dict[str, list[AlignedPair]]:
    """The same pairs as `phrasebook`, with their word alignments."""
    return {split: list(pairs) for split, pairs in _generated(seed).items()}


@lru_cache(maxsize=1)  # a comparison asks for the same pairs several times, seconds each
def _generated(seed: int) -> dict[str, list[AlignedPair]]:
    chance = random.Random(seed)
    inventor, eloquent = Inventor(chance, 0.2), Inventor(chance, 0.3)
    seen: set[str] = set()
    splits = {
        split: _distinct(inventor.sentence, WORDS[split], SIZES[split], seen)
        for split in ("train", "validation", "test")
    }
    known = {word for pair in splits["train"] for side in pair[:2] for word in _bare_words(side)}
    long = _distinct(eloquent.long_sentence, WORDS["long"], SIZES["long"], seen, known)
    return {**splits, "long": long}


def _distinct(
    invent: Callable[[], Sentence],
    words: tuple[int, int],
    size: int,
    seen: set[str],
    known: set[str] | None = None,
) -> list[AlignedPair]:
    """So many new pairs of so many English words, made of known words where these are given."""
    pairs: list[AlignedPair] = []
    while len(pairs) < size:
        pair = translate(invent())
        if not words[0] <= len(pair.english.split()) <= words[1]:
            continue
        if not seen.isdisjoint(pair[:2]):
            continue
        if known and not known.issuperset(_bare_words(pair.english) + _bare_words(pair.korean)):
            continue
        seen.update(pair[:2])
        pairs.append(pair)
    return pairs


def _bare_words(sentence: str) -> list[str]:
    """The words without their punctuation and capitals."""
    return [word.strip(".,?").lower() for word in sentence.split()]


def translate(sentence: Sentence) -> AlignedPair:
    """A meaning in both languages."""
    source, target = english.speak(sentence), korean.speak(sentence)
    return AlignedPair(_text(source), _text(target), _links(source, target))


def _text(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def _links(source: list[Word], target: list[Word]) -> tuple[tuple[int, int], ...]:
    told: dict[Facet, list[int]] = {}
    for j, eojeol in enumerate(target):
        for facet in eojeol.about:
            told.setdefault(facet, []).append(j)
    links = {
        (i, j) for i, word in enumerate(source) for facet in word.about for j in told.get(facet, ())
    }
    return tuple(sorted(links))
