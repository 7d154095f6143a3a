"""Sentences sorted into buckets by a number each has, and each bucket scored by itself."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from seq2seq.evaluation.scores import Score, bleu_and_chrf
from seq2seq.evaluation.spread import spread

# BLEU of a handful of sentences says nothing: smaller buckets join their neighbour.
LEAST_SENTENCES = 20
LENGTH_BOUNDS = (5, 10, 15, 20, 25, 30, 40, 50)


class Bucket(NamedTuple):
    """Sentences that are alike in one respect."""

    low: float  # least value of a sentence in it
    high: float  # greatest
    rows: list[int]  # which sentences, rising


def bounded_buckets(
    values: Sequence[float], bounds: Sequence[float], least: int = LEAST_SENTENCES
) -> list[Bucket]:
    """Sentences up to the first bound, up to the second and so on, the last without bound.

    A bucket of fewer than `least` sentences joins the next one, the last one that before it.
    """
    groups: list[list[int]] = [[] for _ in range(len(bounds) + 1)]
    for row, value in enumerate(values):
        groups[bisect.bisect_left(bounds, value)].append(row)
    return _buckets(values, _joined(groups, least))


def equal_buckets(
    values: Sequence[float], count: int, least: int = LEAST_SENTENCES
) -> list[Bucket]:
    """About equally many sentences in each of `count` buckets; equal values stay together."""
    order = sorted(range(len(values)), key=lambda row: values[row])
    groups: list[list[int]] = [[] for _ in range(count)]
    group = 0
    for place, row in enumerate(order):
        begins_next = place * count >= (group + 1) * len(order)
        if begins_next and values[row] != values[order[place - 1]]:
            group = place * count // len(order)
        groups[group].append(row)
    return _buckets(values, _joined([sorted(rows) for rows in groups], least))


def _joined(groups: Sequence[list[int]], least: int) -> list[list[int]]:
    joined: list[list[int]] = []
    waiting: list[int] = []
    for rows in groups:
        waiting = sorted(waiting + rows)
        if len(waiting) >= least:
            joined.append(waiting)
            waiting = []
    if waiting:
        last = joined.pop() if joined else []
        joined.append(sorted(last + waiting))
    return joined


def _buckets(values: Sequence[float], groups: Sequence[list[int]]) -> list[Bucket]:
    return [
        Bucket(min(values[row] for row in rows), max(values[row] for row in rows), rows)
        for rows in groups
    ]


def score_buckets(
    buckets: Sequence[Bucket],
    translations: Mapping[str, Sequence[Sequence[str]]],
    references: Sequence[str],
    bootstrap: int = 1000,
) -> list[dict[str, Any]]:
    """BLEU and chrF2 of each system in each bucket.

    Args:
        buckets: of sentences.
        translations: system → for each seed, all sentences.
        references: of all sentences.
        bootstrap: resamples behind each interval.

    Returns:
        For each bucket, plain values: `low`, `high`, `sentences` and `systems`: for each system
        and score the mean over seeds, its deviation, and the 95% interval (the mean of the seeds').
    """
    rows = []
    for bucket in buckets:
        wanted = [references[row] for row in bucket.rows]
        systems = {}
        for system, seeds in translations.items():
            scores = [
                bleu_and_chrf([lines[row] for row in bucket.rows], wanted, bootstrap)
                for lines in seeds
            ]
            systems[system] = {
                of_seeds[0].name: over_seeds(of_seeds) for of_seeds in zip(*scores, strict=True)
            }
        rows.append(
            {
                "low": bucket.low,
                "high": bucket.high,
                "sentences": len(bucket.rows),
                "systems": systems,
            }
        )
    return rows


def over_seeds(scores: Sequence[Score]) -> dict[str, float | None]:
    """One score of several seeds: mean, deviation over seeds, mean interval over sentences."""
    found = spread([score.value for score in scores])
    lows = [score.low for score in scores if score.low is not None]
    highs = [score.high for score in scores if score.high is not None]
    whole = len(lows) == len(highs) == len(scores)
    return {
        "value": found.mean,
        "deviation": found.deviation,
        "low": spread(lows).mean if whole else None,
        "high": spread(highs).mean if whole else None,
    }
