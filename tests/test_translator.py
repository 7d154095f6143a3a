"""The translator with a real tokenizer and a model that copies, so that every output is known."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seq2seq.config import SearchSettings, TokenizerSettings
from seq2seq.errors import ConfigError, CorpusError
from seq2seq.inference.translator import Translator, cut_points
from seq2seq.text.cleaning import clean_sentence
from seq2seq.text.tokenizer import END, Tokenizer, train_tokenizer

TEXT = "The red house is near the old bridge.\nIs the train late? Yes, it is!\nnear and far\n" * 20


class Files(NamedTuple):
    source_path: Path
    target_path: Path

    def __len__(self) -> int:
        return TEXT.count("\n")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text(TEXT, encoding="utf-8")
    chosen = TokenizerSettings(vocabulary_size=320)
    return train_tokenizer(chosen, Files(path, path), lambda line: None)  # type: ignore[arg-type]


class Rows(NamedTuple):
    content: Tensor

    def select(self, rows: Tensor) -> Rows:
        return Rows(self.content[rows])


class Step(NamedTuple):
    logits: Tensor
    state: Rows
    weights: Tensor


class Copier:
    """Says its source again, each token with probability 0.9 and END among them."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.batches: list[tuple[int, int]] = []

    def encode(self, source: Tensor, source_lengths: Tensor) -> Rows:
        assert source.gather(1, source_lengths[:, None] - 1).eq(END).all()
        assert source.gt(0).sum(1).equal(source_lengths)
        self.batches.append(tuple(source.shape))
        return Rows(torch.nn.functional.pad(source, (0, 20)))

    def start(self, memory: Rows) -> Rows:
        return Rows(torch.zeros(len(memory.content), dtype=torch.int64))

    def step(self, token: Tensor, state: Rows, memory: Rows) -> Step:
        place = state.content.clamp(max=memory.content.shape[1] - 1)
        wanted = memory.content.gather(1, place[:, None])
        rest = torch.full((len(token), self.vocabulary), 0.1 / (self.vocabulary - 1))
        logits = rest.scatter(1, wanted, 0.9).log()
        weights = torch.nn.functional.one_hot(place, memory.content.shape[1])[:, :-20].float()
        return Step(logits, Rows(state.content + 1), weights)


class Workplace(NamedTuple):
    translator: Translator
    model: Copier
    reports: list[str]


def workplace(
    tokenizer: Tokenizer, beam: int = 1, alpha: float = 1.0, most: int = 200
) -> Workplace:
    model, reports = Copier(tokenizer.target_vocabulary_size), list[str]()
    chosen = SearchSettings(beam, alpha)
    translator = Translator(model, tokenizer, chosen, reports.append, max_piece_tokens=most)
    return Workplace(translator, model, reports)


def texts_of(translations: object) -> list[str]:
    return [translation.text for translation in translations]  # type: ignore[attr-defined]


def as_one_line(text: str) -> str:
    """What the copying model makes of a text: cleaned, and ▁ is SentencePiece's own."""
    return clean_sentence((clean_sentence(text) or "").replace("▁", " ")) or ""


# Everything but surrogates; ▁ stands for a space inside SentencePiece.
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁"), max_size=30)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(sentences=st.lists(LINES | st.sampled_from(["", " ", "\t", "near and far"]), max_size=12))
def test_order_and_count_are_kept(tokenizer: Tokenizer, sentences: list[str]) -> None:
    found = workplace(tokenizer).translator.translate(sentences)
    assert texts_of(found) == [as_one_line(sentence) for sentence in sentences]
    assert all(len(text.splitlines()) <= 1 for text in texts_of(found))


def test_an_empty_sentence_does_not_reach_the_model(tokenizer: Tokenizer) -> None:
    translator, model, reports = workplace(tokenizer)
    found = translator.translate(["", " ", "\t\u3000 ", "\x00\x1f", "\ufeff"], with_weights=True)
    assert [(t.text, t.score, t.source_pieces, t.target_pieces) for t in found] == [
        ("", 0.0, [], [])
    ] * 5
    assert model.batches == []
    assert reports == []
    assert translator.translate([]) == []


def test_like_lengths_are_translated_together(tokenizer: Tokenizer) -> None:
    translator, model, _ = workplace(tokenizer)
    translator.batch_tokens = 60
    sentences = ["near", "near and far and near and far and near", "far", "near and far and near"]
    assert texts_of(translator.translate(sentences * 3)) == sentences * 3
    widths = [width for _, width in model.batches]
    assert widths == sorted(widths, reverse=True)
    assert sum(rows for rows, _ in model.batches) == 12
    assert all(rows == 1 or rows * width <= 60 for rows, width in model.batches)
    assert len(model.batches) < 12


def test_scores_are_the_search_s(tokenizer: Tokenizer) -> None:
    (ours,) = workplace(tokenizer, alpha=1.0).translator.translate(["near and far"])
    assert ours.score == pytest.approx(math.log(0.9), rel=1e-5)
    (ours,) = workplace(tokenizer, alpha=0.0).translator.translate(["near and far"])
    length = len(tokenizer.encode_source(["near and far"])[0]) + 1
    assert ours.score == pytest.approx(length * math.log(0.9), rel=1e-5)


def test_the_n_best_come_in_order(tokenizer: Tokenizer) -> None:
    translator = workplace(tokenizer, beam=4).translator
    found = translator.translate(["near and far", "", "Is the train late?"], n_best=3)
    assert [len(translation.candidates) for translation in found] == [3, 1, 3]
    for translation in found:
        scores = [candidate.score for candidate in translation.candidates]
        assert scores == sorted(scores, reverse=True)
        assert translation.text == translation.candidates[0].text
    assert found[2].text == "Is the train late?"
    with pytest.raises(ConfigError, match="5 best translations are asked of a beam of 4"):
        translator.translate(["near"], n_best=5)


def test_weights_and_pieces_come_only_when_asked_for(tokenizer: Tokenizer) -> None:
    translator = workplace(tokenizer).translator
    (plain,) = translator.translate(["near and far"])
    assert (plain.weights, plain.source_pieces, plain.target_pieces) == (None, [], [])
    (shown,) = translator.translate(["near and far"], with_weights=True)
    pieces = tokenizer.source_pieces([*tokenizer.encode_source(["near and far"])[0], END])
    assert shown.source_pieces == shown.target_pieces == pieces
    assert shown.weights is not None
    assert torch.equal(shown.weights, torch.eye(len(pieces)))


def test_a_very_long_line_is_translated_in_pieces_and_reported(tokenizer: Tokenizer) -> None:
    translator, model, reports = workplace(tokenizer)
    sentence = "The red house is near the old bridge."
    line = " ".join([sentence] * 625)
    assert len(line.split()) == 5000
    found = translator.translate(["near", "", line, "far"])
    assert texts_of(found) == ["near", "", line, "far"]
    assert max(width for _, width in model.batches) <= 201
    subwords = len(tokenizer.encode_source([sentence])[0])
    pieces = -(-625 // (200 // subwords))  # whole sentences only
    assert reports == [
        f"Line 3 is {625 * subwords:,} subwords long; translated in {pieces} pieces."
    ]
    assert found[2].score == pytest.approx(math.log(0.9), rel=1e-4)


def test_pieces_keep_their_alignment(tokenizer: Tokenizer) -> None:
    line = "The red house is near the old bridge. Is the train late? Yes, it is!"
    translator = workplace(tokenizer, beam=3, most=12).translator
    (found,) = translator.translate([line], n_best=2, with_weights=True)
    assert found.text == line
    assert found.source_pieces.count("</s>") == len(found.source_pieces) - len(
        tokenizer.encode_source([line])[0]
    )
    assert found.weights is not None
    assert torch.equal(found.weights, torch.eye(len(found.source_pieces)))
    assert found.candidates[0].score > found.candidates[1].score


def test_no_word_boundary_is_no_obstacle(tokenizer: Tokenizer) -> None:
    translator, model, reports = workplace(tokenizer, most=50)
    line = "near" * 400
    (found,) = translator.translate([line])
    assert found.text.replace(" ", "") == line
    assert max(width for _, width in model.batches) <= 51
    assert len(reports) == 1


@pytest.mark.parametrize(
    ("labels", "most", "ends"),
    [
        (["▁a", "▁b"], 2, [2]),
        (["▁a", "▁b", "."] * 2, 5, [3, 6]),  # the end of a sentence comes first
        (["▁a", "▁b", '."', "▁c", "▁d", "▁e"], 5, [3, 6]),  # also behind a quotation mark
        (["▁a", "▁3", ".", "14", "▁d", "▁e"], 5, [5, 6]),  # a point within a number is none
        (["▁a", "b", "▁c", "d", "▁e", "f"], 3, [2, 4, 6]),  # else before a word
        (["▁a", "b", "c", "d", "e"], 2, [2, 4, 5]),  # else between characters
        (["▁", "𐌰", "·", "·", "·", "𐌱", "·", "·", "·"], 8, [5, 9]),
        (["𐌰", "·", "·", "·"], 3, [3, 4]),  # which a piece may be too short for
        (["▁你", "好", "。", "再", "见", "。"], 5, [3, 6]),  # where no space follows
        ([], 3, [0]),
    ],
)
def test_cut_points(labels: list[str], most: int, ends: list[int]) -> None:
    assert cut_points(labels, most) == ends


@settings(max_examples=100, deadline=None, derandomize=True)
@given(labels=st.lists(st.sampled_from(["▁a", "b", ".", '."', "。", "▁"])), most=st.integers(1, 9))
def test_pieces_are_never_too_long_nor_empty(labels: list[str], most: int) -> None:
    ends = cut_points(labels, most)
    sizes = [end - start for start, end in itertools.pairwise([0, *ends])]
    assert sum(sizes) == len(labels)
    assert all(0 < size <= most for size in sizes) or not labels


def test_lines_are_cut_at_newlines_alone(tokenizer: Tokenizer) -> None:
    lines = io.BytesIO("near\u2028far\nnear\rfar\r\n\n near\x0bfar\x1c\x85 \nfar 🚲\nend".encode())
    found = list(workplace(tokenizer).translator.translate_lines(lines))
    assert texts_of(found) == ["near far", "near far", "", "near far", "far 🚲", "end"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    lines=st.lists(LINES.map(lambda line: line.replace("\n", " ")), max_size=9),
    chunk_lines=st.integers(1, 4),
    last_newline=st.booleans(),
)
def test_one_line_in_one_line_out(
    tokenizer: Tokenizer, lines: list[str], chunk_lines: int, last_newline: bool
) -> None:
    stream = io.BytesIO("".join(f"{line}\n" for line in lines).encode())
    if not last_newline and lines and lines[-1]:
        stream = io.BytesIO("\n".join(lines).encode())
    found = workplace(tokenizer).translator.translate_lines(stream, chunk_lines=chunk_lines)
    assert texts_of(found) == [as_one_line(line) for line in lines]


def test_lines_are_translated_as_they_come(tokenizer: Tokenizer) -> None:
    read: list[int] = []

    def lines() -> Iterator[bytes]:
        for number in range(6):
            read.append(number)
            yield b"near\n"

    found = workplace(tokenizer).translator.translate_lines(lines(), chunk_lines=2)
    assert next(found).text == "near"
    assert read == [0, 1]
    assert len(list(found)) == 5


def test_of_lines_the_first_alone_has_weights(tokenizer: Tokenizer) -> None:
    lines = [b"near and far\n", b"near\n", b"far\n"]
    translator, model, _ = workplace(tokenizer)
    found = list(translator.translate_lines(lines, weights_of_first=True))
    assert texts_of(found) == ["near and far", "near", "far"]
    assert [translation.weights is not None for translation in found] == [True, False, False]
    assert [rows for rows, _ in model.batches] == [1, 2]


def test_what_is_not_utf8_is_named_after_all_lines_before_it(tokenizer: Tokenizer) -> None:
    stream = io.BytesIO(b"near\nfar\nnear \xff far\nnear\n")
    found = workplace(tokenizer).translator.translate_lines(stream)
    assert [next(found).text, next(found).text] == ["near", "far"]
    with pytest.raises(CorpusError) as error:
        next(found)
    assert str(error.value) == (
        "Line 3 is not UTF-8: its byte 6 is 0xFF. Convert the text to UTF-8."
    )


def test_reports_count_lines_over_chunks(tokenizer: Tokenizer) -> None:
    translator, _, reports = workplace(tokenizer, most=5)
    stream = io.BytesIO(b"near\n" * 4 + b"near and far and near and far\n")
    assert len(list(translator.translate_lines(stream, chunk_lines=2))) == 5
    assert [report.split(" is ")[0] for report in reports] == ["Line 5"]


def test_half_a_surrogate_pair_is_an_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(CorpusError) as error:
        workplace(tokenizer).translator.translate(["near", "\ud83d"])
    assert str(error.value) == (
        "Line 2 holds half a surrogate pair, which is no character; remove it."
    )


def test_pieces_of_nothing_are_an_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(ConfigError) as error:
        workplace(tokenizer, most=0)
    assert str(error.value) == "max_piece_tokens is 0; it must be at least 1."
