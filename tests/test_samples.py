"""Which sentences are shown."""

from __future__ import annotations

import pytest

from seq2seq.evaluation.samples import chosen_rows, most_different


def test_three_sentences_by_rule() -> None:
    assert chosen_rows({"test": 90, "long": 41}, ["test", "long"]) == [
        ("test", 30),
        ("test", 60),
        ("long", 20),
    ]
    assert chosen_rows({"test": 10}, ["test"]) == [("test", 3), ("test", 6), ("test", 5)]


def test_the_most_different_come_first_whichever_is_better() -> None:
    references = ["a red house", "it is late", "we see a train", "the blue bridge"]
    one = ["a red house", "it is late", "we see a train", "x"]
    two = ["q", "it is late", "we see the train", "the blue bridge"]
    found = most_different({"one": one, "two": two}, references, 5)
    assert [row for row, _ in found] == [0, 3, 2]  # alike on sentence 1
    assert found[0][1] == {"one": pytest.approx(100), "two": 0}
    assert found[1][1] == {"one": 0, "two": pytest.approx(100)}
    assert most_different({"one": one, "two": two}, references, 1) == found[:1]
    assert most_different({"one": one}, references, 5) == []
