"""Kendall's tau distance of word alignments, worked out by hand and by counting inversions."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

from seq2seq.evaluation.word_order import kendall_distance


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([], 0),
        ([(3, 1)], 0),
        ([(0, 0), (1, 1), (2, 2)], 0),
        ([(0, 2), (1, 1), (2, 0)], 1),
        # 0 crosses 1 and 2, which keep their order.
        ([(0, 2), (1, 0), (2, 1)], 2 / 3),
        # One source word for two target words: only (0, 1) and (1, 0) can be compared, and cross.
        ([(0, 0), (0, 1), (1, 0)], 1),
        # "I read books" with the verb last: one of the three pairs crosses.
        ([(0, 0), (1, 2), (2, 1)], 1 / 3),
    ],
)
def test_by_hand(links: list[tuple[int, int]], expected: float) -> None:
    assert kendall_distance(links) == pytest.approx(expected)
    assert kendall_distance([link[::-1] for link in links]) == pytest.approx(expected)


def test_of_a_permutation_it_is_the_share_of_inversions() -> None:
    for order in permutations(range(5)):
        inversions = sum(one > other for one, other in combinations(order, 2))
        assert kendall_distance(list(enumerate(order))) == pytest.approx(inversions / 10)
