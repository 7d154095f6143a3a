"""How far a translation reorders its source, from a known word alignment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Link = tuple[int, int]  # source word, target word; from 0


def kendall_distance(links: Sequence[Link]) -> float:
    """The share of pairs of links that cross: Kendall's tau distance, 0 to 1.

        crossing pairs / pairs that differ on both sides

    0 is the same order on both sides, 1 the reverse. Links that share a word neither cross nor
    keep order. Kendall 1938; for translation: Birch and Osborne 2010, "LRscore for evaluating
    lexical and reordering quality in MT". 0 where there is nothing to compare.
    """
    pairs = [
        (one[0] - other[0]) * (one[1] - other[1])
        for one, other in combinations(links, 2)
        if one[0] != other[0] and one[1] != other[1]
    ]
    return sum(product < 0 for product in pairs) / len(pairs) if pairs else 0.0
