"""How well words are translated that training showed often, seldom or never.

For each class of reference words by their count in the training text, precision and recall of
translations over sentences, as one figure F1 (Neubig et al. 2019, "compare-mt", section 2.2).
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.evaluation.spread import spread
from seq2seq.text.words import words_of

COUNT_BOUNDS = (0, 4, 19, 99, 999)
"""Greatest training count of each class; the last class has none."""
# Resamples at once: 1,000 of a million sentences would not fit.
_RESAMPLES_AT_ONCE = 50


def training_counts(training: Iterable[str], wanted: Iterable[str]) -> dict[str, int]:
    """How often each word of the `wanted` sentences stands in the training sentences."""
    counts = {word: 0 for sentence in wanted for word in words_of(sentence)}
    for sentence in training:
        for word in words_of(sentence):
            if word in counts:
                counts[word] += 1
    return counts


def match_counts(
    hypotheses: Sequence[str], references: Sequence[str], counts: Mapping[str, int]
) -> NDArray[np.int64]:
    """What F1 is made of, [class, sentence, 3]: words right, in the translation, in the reference.

    A word is right as often as it stands on both sides of its sentence. All words of a translation
    count, each in its class, so that a wrong one lowers precision there; one that `counts` does not
    know was never seen in training.
    """
    found = np.zeros((len(COUNT_BOUNDS) + 1, len(references), 3), np.int64)
    for row, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True)):
        translated, wanted = Counter(words_of(hypothesis)), Counter(words_of(reference))
        for column, words in enumerate((translated & wanted, translated, wanted)):
            for word, times in words.items():
                class_ = bisect.bisect_left(COUNT_BOUNDS, counts.get(word, 0))
                found[class_, row, column] += times
    return found


def f1(totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """2 · right / (translated + wanted), 0 to 100, 0 where there are no words: totals [..., 3]."""
    both = totals[..., 1] + totals[..., 2]
    return np.where(both > 0, 200.0 * totals[..., 0] / np.maximum(both, 1), 0.0)


def interval(
    matches: NDArray[np.int64], bootstrap: int = 1000, seed: int = 12345
) -> tuple[float, float]:
    """The central 95% of F1 over resampled sentences: matches [sentence, 3]."""
    chance = np.random.default_rng(seed)
    values: list[NDArray[np.float64]] = []
    for start in range(0, bootstrap, _RESAMPLES_AT_ONCE):
        size = (min(_RESAMPLES_AT_ONCE, bootstrap - start), len(matches))
        values.append(f1(matches[chance.integers(len(matches), size=size)].sum(axis=1)))
    low, high = np.percentile(np.concatenate(values), [2.5, 97.5])
    return float(low), float(high)


def score_rarity(
    translations: Mapping[str, Sequence[Sequence[str]]],
    references: Sequence[str],
    counts: Mapping[str, int],
) -> list[dict[str, Any]]:
    """F1 of each system by how often training showed the word; classes without words left out.

    Args:
        translations: system → for each seed, all sentences.
        references: of all sentences.
        counts: word → how often it stands in the training text; words of the translations too.

    Returns:
        For each class, plain values: `low` and `high` training count (None: no end), `words` in
        the references, and `systems` as `score_buckets` has them.
    """
    matches = {
        system: [match_counts(lines, references, counts) for lines in seeds]
        for system, seeds in translations.items()
    }
    rows = []
    for place, low in enumerate((0, *(bound + 1 for bound in COUNT_BOUNDS))):
        wanted = [seeds[0][place][:, 2].sum() for seeds in matches.values() if seeds]
        if not wanted or not wanted[0]:
            continue
        rows.append(
            {
                "low": low,
                "high": COUNT_BOUNDS[place] if place < len(COUNT_BOUNDS) else None,
                "words": int(wanted[0]),
                "systems": {
                    system: {"F1": _over_seeds([seed[place] for seed in seeds])}
                    for system, seeds in matches.items()
                },
            }
        )
    return rows


def _over_seeds(matches: Sequence[NDArray[np.int64]]) -> dict[str, float | None]:
    found = spread([float(f1(seed.sum(axis=0))) for seed in matches])
    intervals = [interval(seed) for seed in matches]
    return {
        "value": found.mean,
        "deviation": found.deviation,
        "low": spread([low for low, _ in intervals]).mean,
        "high": spread([high for _, high in intervals]).mean,
    }
