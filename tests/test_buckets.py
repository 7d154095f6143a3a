"""Buckets of sentences against hand-made ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from seq2seq.evaluation.buckets import bounded_buckets, equal_buckets, over_seeds, score_buckets
from seq2seq.evaluation.scores import Score, bleu, bleu_and_chrf


def test_bounds_belong_to_the_lower_bucket() -> None:
    found = bounded_buckets([5, 6, 1, 10, 11, 99], bounds=(5, 10), least=1)
    assert [(b.low, b.high, b.rows) for b in found] == [
        (1, 5, [0, 2]),
        (6, 10, [1, 3]),
        (11, 99, [4, 5]),
    ]


def test_small_buckets_join_the_next_and_the_last_the_one_before() -> None:
    # Up to 5: one sentence, joins the next; 11 to 15: two; above: one, joins the one before.
    found = bounded_buckets([3, 7, 12, 13, 40], bounds=(5, 10, 15), least=2)
    assert [(b.low, b.high, b.rows) for b in found] == [(3, 7, [0, 1]), (12, 40, [2, 3, 4])]
    (only,) = bounded_buckets([3, 40], bounds=(5, 10), least=20)
    assert only.rows == [0, 1]


def test_equal_buckets_keep_equal_values_together() -> None:
    found = equal_buckets([0.9, 0.1, 0.2, 0.8], count=2, least=1)
    assert [b.rows for b in found] == [[1, 2], [0, 3]]
    # Three zeros of four cannot be cut in half.
    found = equal_buckets([0.0, 0.0, 0.0, 1.0], count=2, least=1)
    assert [(b.low, b.high, b.rows) for b in found] == [(0, 0, [0, 1, 2]), (1, 1, [3])]


@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_every_sentence_is_in_one_bucket(count: int) -> None:
    values = [(row * 37) % 50 / 50 for row in range(120)]
    for found in (equal_buckets(values, count), bounded_buckets(values, (0.2, 0.5, 0.9))):
        assert sorted(row for bucket in found for row in bucket.rows) == list(range(120))
        assert all(len(bucket.rows) >= 20 for bucket in found)
        assert all(one.high < next_one.low for one, next_one in pairwise(found))


def test_a_bucket_is_scored_like_its_sentences_alone() -> None:
    references = ["the red house is far", "it is late now again", "a blue train goes by", "we see"]
    one = ["the red house is near", "it is late now again", "a train goes by it", "we saw"]
    two = ["a red house is far off", "it is late today again", "a blue train goes by", "they see"]
    buckets = bounded_buckets([5, 5, 9, 9], (5,), least=1)
    first, second = score_buckets(buckets, {"system": [one, two]}, references, bootstrap=50)
    expected = [bleu(lines[:2], references[:2]) for lines in (one, two)]
    found = first["systems"]["system"]["BLEU"]
    assert found["value"] == pytest.approx(sum(expected) / 2)
    assert found["deviation"] == pytest.approx(abs(expected[0] - expected[1]) / 2**0.5)
    lows = [bleu_and_chrf(lines[:2], references[:2], 50)[0].low for lines in (one, two)]
    assert found["low"] == pytest.approx(sum(lows) / 2)
    assert (second["low"], second["high"], second["sentences"]) == (9, 9, 2)
    assert list(second["systems"]["system"]) == ["BLEU", "chrF2"]


def test_a_missing_interval_leaves_none() -> None:
    known, unknown = Score("chrF2", 1.0, "s", 0.5, 1.5), Score("chrF2", 3.0, "s", None, None)
    found = over_seeds([known, unknown])
    assert (found["value"], found["low"], found["high"]) == (2.0, None, None)
