"""F1 of words by their count in training, against a case worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.evaluation.rarity import (
    f1,
    interval,
    match_counts,
    score_rarity,
    training_counts,
)

TRAINING = ["a b a", "a, c!", "a b"] * 2 + ["a"] * 14  # a 22 times, b 4 times, c 2 times


def test_only_wanted_words_are_counted() -> None:
    assert training_counts(TRAINING, ["a b c d"]) == {"a": 22, "b": 4, "c": 2, "d": 0}


def test_f1_by_hand() -> None:
    counts = training_counts(TRAINING, ["a b a", "c d"])
    matches = match_counts(["a a a", "c b x"], ["a b a", "c d"], counts)
    # Class 0 (never seen): d wanted once, x given in vain. Class 1 (1 to 4 times): b wanted in the
    # first and given in the second sentence, c right. Class 3 (20 to 99): a right twice, given
    # three times.
    assert matches[0].tolist() == [[0, 0, 0], [0, 1, 1]]
    assert matches[1].tolist() == [[0, 0, 1], [1, 2, 1]]
    assert matches[3].tolist() == [[2, 3, 2], [0, 0, 0]]
    assert matches[[2, 4, 5]].sum() == 0
    # F1 of class 1: precision 1/2, recall 1/2; of class 3: 2·2 / (3 + 2).
    assert f1(matches.sum(axis=1)).tolist() == pytest.approx([0, 50, 0, 80, 0, 0])


def test_a_wrong_word_counts_in_its_own_class() -> None:
    counts = training_counts(TRAINING, ["c", "a"])
    matches = match_counts(["a"], ["c"], counts)
    assert matches[:, 0].tolist() == [
        [0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0],
    ]  # fmt: skip


def test_classes_of_the_report() -> None:
    references = ["a b a", "c d"]
    counts = training_counts(TRAINING, references)
    rows = score_rarity({"s": [["a a a", "c b x"], references]}, references, counts)
    assert [(row["low"], row["high"], row["words"]) for row in rows] == [
        (0, 0, 1),
        (1, 4, 2),
        (20, 99, 2),
    ]
    assert [row["systems"]["s"]["F1"]["value"] for row in rows] == pytest.approx([50, 75, 90])


def test_the_interval_is_that_of_resampled_sentences() -> None:
    # Half of 400 sentences are right, half wrong: F1 is the mean of 400 coins, 50 ± 1.96 · 2.5.
    matches = np.array([[1, 1, 1], [0, 1, 1]] * 200)
    low, high = interval(matches)
    assert (low, high) == pytest.approx((45.1, 54.9), abs=0.8)
    assert interval(matches) == (low, high)
