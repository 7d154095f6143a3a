"""Attention as alignment and its error rate, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.evaluation.alignment import (
    alignment_error_rate,
    diagonal_links,
    strongest_links,
    word_weights,
    words_of_pieces,
)


def test_a_word_begins_with_its_mark() -> None:
    assert words_of_pieces(["▁The", "▁do", "ctor", "s", "▁", "go", "."]) == [0, 1, 1, 1, 2, 2, 2]
    assert words_of_pieces(["no", "▁mark"]) == [0, 1]
    assert words_of_pieces([]) == []


def test_weights_of_words_by_hand() -> None:
    # Source words {0, 1} and {2}; target words {0} and {1, 2}.
    weights = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.0, 0.6, 0.4]])
    found = word_weights(weights, [0, 0, 1], [0, 1, 1])
    assert found.tolist() == [pytest.approx([0.3, 0.7]), pytest.approx([0.7, 0.3])]
    assert strongest_links(found) == [(1, 0), (0, 1)]


def test_error_rate_by_hand() -> None:
    sure, possible = [(0, 0), (1, 1)], [(0, 0), (1, 1), (2, 1)]
    found = [(0, 0), (2, 1), (1, 2)]
    # |A ∩ S| = 1, |A ∩ P| = 2, |A| = 3, |S| = 2.
    assert alignment_error_rate([found], [sure], [possible]) == pytest.approx(1 - 3 / 5)
    # Without possible links: 1 - 2 · 1 / 5.
    assert alignment_error_rate([found], [sure]) == pytest.approx(0.6)
    assert alignment_error_rate([sure], [sure]) == 0
    assert alignment_error_rate([[(5, 5)]], [sure]) == 1


def test_sentences_are_added_up_and_not_averaged() -> None:
    long, short = [(n, n) for n in range(9)], [(0, 0)]
    # 9 of 9 right and 0 of 1: 1 - 2 · 9 / 20.
    assert alignment_error_rate([long, [(1, 0)]], [long, short]) == pytest.approx(0.1)


def test_sure_links_are_possible_too() -> None:
    assert alignment_error_rate([[(0, 0)]], [[(0, 0)]], [[]]) == 0


def test_no_links_have_no_error_rate() -> None:
    with pytest.raises(ValueError, match="at least one link"):
        alignment_error_rate([[]], [[]])


def test_the_diagonal() -> None:
    assert diagonal_links(3, 3) == [(0, 0), (1, 1), (2, 2)]
    assert diagonal_links(4, 2) == [(1, 0), (3, 1)]
    assert diagonal_links(1, 3) == [(0, 0), (0, 1), (0, 2)]
