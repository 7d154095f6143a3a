"""Hashes, the set of those seen, and the cut, against Python's own sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.hashes import HashSet, cut, hash_texts, is_member

small_numbers = st.integers(min_value=0, max_value=40)


def test_a_hash_is_the_same_on_every_machine() -> None:
    # BLAKE2b of "abc" with 8 bytes, as `b2sum -l 64` prints it: d8bb14d833d59559.
    assert hash_texts(["abc"]).astype("<u8").tobytes().hex() == "d8bb14d833d59559"


def test_no_texts_have_no_hashes() -> None:
    assert len(hash_texts([])) == 0
    assert len(HashSet().add(hash_texts([]))) == 0


@given(st.lists(st.lists(small_numbers, max_size=30), max_size=12))
def test_the_hash_set_agrees_with_a_python_set(blocks: list[list[int]]) -> None:
    seen: set[int] = set()
    ours = HashSet()
    for block in blocks:
        expected = []
        for number in block:
            expected.append(number not in seen)
            seen.add(number)
        assert ours.add(np.array(block, dtype=np.uint64)).tolist() == expected
    everything = np.arange(45, dtype=np.uint64)
    assert ours.contains(everything).tolist() == [number in seen for number in range(45)]


@given(st.lists(small_numbers), st.sets(small_numbers))
def test_membership_agrees_with_python(numbers: list[int], members: set[int]) -> None:
    answer = is_member(np.array(numbers, np.uint64), np.array(sorted(members), np.uint64))
    assert answer.tolist() == [number in members for number in numbers]


@pytest.mark.parametrize(
    ("keys", "sizes", "chosen"),
    [
        ([1, 2, 3, 4, 5], [1, 1], [[1], [2]]),
        ([1, 2, 3, 4, 5], [2, 1], [[1, 2], [3]]),
        ([1, 1, 2, 3, 4], [1, 2], [[2], [1]]),  # both copies of 1 fit into the second only
        ([1, 1, 2, 2, 3, 3, 3], [1, 1], [[1], [2]]),  # nothing fits: the fewest pairs
        ([1, 1, 1, 2, 2, 3], [4, 1], [[1, 3], [2]]),
    ],
)
def test_cut_by_hand(keys: list[int], sizes: list[int], chosen: list[list[int]]) -> None:
    found = cut(np.array(keys, dtype=np.uint64), sizes)
    assert [part.tolist() for part in found] == chosen


def test_a_cut_piece_by_piece_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.array([1, 1, 1, 2, 3, 3, 4, 4, 4, 4, 5], dtype=np.uint64)
    for size in range(1, 12):
        monkeypatch.setattr("seq2seq.text.hashes._KEYS_AT_ONCE", size)
        assert [part.tolist() for part in cut(keys, [4, 5])] == [[1, 2], [3, 5]]


@given(st.lists(small_numbers, min_size=1).filter(lambda keys: len(set(keys)) > 2))
def test_a_cut_never_shares_a_key_and_leaves_some(keys: list[int]) -> None:
    size = max(1, len(keys) // 10)
    first, second = cut(np.array(sorted(keys), dtype=np.uint64), [size, size])
    assert len(first)
    assert len(second)
    assert not set(first.tolist()) & set(second.tolist())
    assert set(keys) - set(first.tolist()) - set(second.tolist())
