"""Sentences as 64-bit numbers: which were seen before, and which are cut off as a split.

A Python set of ten million strings takes gigabytes; numbers in numpy arrays take 8 bytes each. Two
different sentences share a number with a chance of n² / 2⁶⁵ over a whole corpus of n: about 3 in a
million for ten million pairs, and the cost of that accident is one pair dropped or moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_KEYS_AT_ONCE = 1 << 16


def hash_texts(texts: Iterable[str]) -> Hashes:
    """A 64-bit BLAKE2b hash of each text, the same on every machine and in every run."""
    digests = [blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def is_member(hashes: Hashes, members: Hashes) -> NDArray[np.bool_]:
    """Which of the hashes stand among the members, which must be sorted."""
    if not len(members):
        return np.zeros(len(hashes), dtype=bool)
    places = np.searchsorted(members, hashes)
    places[places == len(members)] = 0
    is_same: NDArray[np.bool_] = members[places] == hashes
    return is_same


class HashSet:
    """A growing set of hashes at 8 bytes each (16 while two runs are merged).

    It is a few sorted runs, each more than twice as long as the next; a new run is merged with
    those before it that are not, so that each hash is merged about log2(n) times in all.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def add(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Add hashes; say of each whether it is new: not in the set, nor earlier in `hashes`."""
        unique, first = np.unique(hashes, return_index=True)
        seen = self.contains(unique)
        is_new = np.zeros(len(hashes), dtype=bool)
        is_new[first[~seen]] = True
        run = unique[~seen]
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # merges runs that are sorted already in linear time
        if len(run):
            self._runs.append(run)
        return is_new

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of the hashes are in the set."""
        found = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            found |= is_member(hashes, run)
        return found


def cut(keys: Hashes, sizes: Sequence[int]) -> list[Hashes]:
    """Choose which keys go to which split: a sorted array of keys for each of the sizes.

    A key stands once for each of its pairs, and all of them go to one side. From the smallest up,
    each key goes to the first split that has room for its pairs, until all are full, so that a
    split gets the pairs asked for, or a few less. One in which nothing fits gets the key with the
    fewest pairs.

    Args:
        keys: a key for each pair, sorted, [pairs].
        sizes: pairs to cut off for each split; there must be more distinct keys than splits.
    """
    chosen: list[list[int]] = [[] for _ in sizes]
    room = list(sizes)
    for key, pairs in _groups(keys):
        fitting = next((split for split, left in enumerate(room) if pairs <= left), None)
        if fitting is not None:
            chosen[fitting].append(key)
            room[fitting] -= pairs
            if not any(room):
                break
    for part in chosen:
        if not part:
            taken = {key for other in chosen for key in other}
            free = ((pairs, key) for key, pairs in _groups(keys) if key not in taken)
            part.append(min(free)[1])
    return [np.array(part, dtype=np.uint64) for part in chosen]


def _groups(keys: Hashes) -> Iterator[tuple[int, int]]:
    """Each key once with its number of pairs, found a piece at a time to save memory."""
    start = 0
    while start < len(keys):
        last = min(start + _KEYS_AT_ONCE, len(keys)) - 1
        end = int(np.searchsorted(keys, keys[last], side="right"))  # all copies of the last key
        unique, counts = np.unique(keys[start:end], return_counts=True)
        yield from zip(unique.tolist(), counts.tolist(), strict=True)
        start = end
