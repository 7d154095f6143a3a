"""Alignments of the embedded corpus, written out and read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from seq2seq.config import CorpusSettings
from seq2seq.text import phrasebook
from seq2seq.text.alignments import load_alignments
from seq2seq.text.corpus import Corpus
from seq2seq.text.pair_files import PairFiles, PairWriter
from seq2seq.text.phrasebook import AlignedPair

EUNJI = AlignedPair("Eunji reads a book.", "은지는 책을 읽습니다.", ((0, 0), (1, 2), (3, 1)))
LATE = AlignedPair("It is late.", "늦었습니다.", ((2, 0),))


def corpus_of(folder: Path, pairs: list[tuple[str, str]]) -> Corpus:
    """Two splits, as if prepared: one pair fewer than the grammar makes would be fine, too."""
    splits: dict[str, PairFiles] = {}
    for split in ("train", "test"):
        paths = folder / f"{split}.a", folder / f"{split}.b"
        with PairWriter(*paths) as writer:
            writer.write(pairs)
        splits[split] = PairFiles(*paths)
    nothing: Mapping[str, Mapping[str, int]] = {"train": {}, "test": {}}
    return Corpus("phrasebook", splits, nothing, {}, {}, "f1")


def test_links_are_those_of_the_grammar_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"train": [LATE], "test": [EUNJI, LATE]}
    monkeypatch.setattr(phrasebook, "aligned_phrasebook", lambda seed: known)
    corpus = corpus_of(tmp_path, [LATE[:2], EUNJI[:2]])  # in another order
    found = load_alignments(CorpusSettings(), corpus, tmp_path)
    assert found == {"test": [LATE.links, EUNJI.links]}
    assert (tmp_path / "f1/test.links").read_text() == "2-0\n0-0 1-2 3-1\n"
    monkeypatch.setattr(phrasebook, "aligned_phrasebook", None)  # not asked again
    assert load_alignments(CorpusSettings(), corpus, tmp_path) == found


def test_the_other_direction_turns_the_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrasebook, "aligned_phrasebook", lambda seed: {"test": [EUNJI]})
    corpus = corpus_of(tmp_path, [(EUNJI.korean, EUNJI.english)])
    settings = CorpusSettings(source_language="ko", target_language="en")
    assert load_alignments(settings, corpus, tmp_path) == {"test": [((0, 0), (1, 3), (2, 1))]}


def test_other_corpora_have_none(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [("a", "b")])
    assert load_alignments(CorpusSettings(name="a.tsv"), corpus, tmp_path) == {}
