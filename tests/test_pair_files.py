"""Pairs on disk, against the list they were written from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seq2seq.text.pair_files import PairFiles, PairWriter, SentencePair, index_path

PAIRS = [("one", "eins"), ("größe", "한국어"), ("a\u2028b", "c\x85d"), ("last 😀", "letzte")]


def write(folder: Path, pairs: list[tuple[str, str]]) -> PairFiles:
    paths = (folder / "train.en", folder / "train.de")
    with PairWriter(*paths) as writer:
        writer.write(pairs[:1])
        writer.write(pairs[1:])
    return PairFiles(*paths)


def test_pairs_come_back_in_any_order(tmp_path: Path) -> None:
    files = write(tmp_path, PAIRS)
    assert len(files) == 4
    assert list(files) == PAIRS
    assert [files[row] for row in (3, 0, 2, 1)] == [PAIRS[row] for row in (3, 0, 2, 1)]
    assert files[-1] == SentencePair("last 😀", "letzte")
    assert files[1:3] == PAIRS[1:3]
    assert files[1].target == "한국어"
    assert ("one", "eins") in files
    assert list(reversed(files)) == PAIRS[::-1]


@pytest.mark.parametrize("row", [4, -5])
def test_a_row_out_of_range(tmp_path: Path, row: int) -> None:
    with pytest.raises(IndexError, match=f"Row {row} of 4 pairs"):
        write(tmp_path, PAIRS)[row]


def test_the_files_are_plain_text_with_an_index(tmp_path: Path) -> None:
    files = write(tmp_path, PAIRS)
    assert files.source_path.read_bytes() == "one\ngröße\na\u2028b\nlast 😀\n".encode()
    starts = np.load(index_path(files.source_path))
    assert starts.tolist() == [0, 4, 12, 18, 28]


def test_no_pairs_at_all(tmp_path: Path) -> None:
    files = write(tmp_path, [])
    assert len(files) == 0
    assert list(files) == []


def test_a_line_break_inside_a_sentence_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 2 lines where 1 were written"):
        write(tmp_path, [("two\nlines", "eine")])


def test_files_of_different_length_do_not_open(tmp_path: Path) -> None:
    write(tmp_path, PAIRS)
    (tmp_path / "other").mkdir()
    other = write(tmp_path / "other", PAIRS[:2])
    with pytest.raises(ValueError, match=r"train.en has 4 lines, .*train.de 2"):
        PairFiles(tmp_path / "train.en", other.target_path)
