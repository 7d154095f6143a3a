"""Reports as HTML and Markdown, their numbers, figures and font."""

from __future__ import annotations

import base64
import functools
import io
import json
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from seq2seq.checkpoint import load_model
from seq2seq.cli import main
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.evaluation.attention import attend_to_references
from seq2seq.report import figures
from seq2seq.report.answer_which import opening
from seq2seq.report.content import (
    Figure,
    Listing,
    Paragraph,
    Report,
    Section,
    Table,
    Translations,
    is_number,
)
from seq2seq.report.font import font_face, hangul_font
from seq2seq.report.html import page
from seq2seq.report.markdown import markdown
from seq2seq.report.numbers import full_score, listed, with_interval, with_spread
from seq2seq.report.plots import INK, Panel, Series, attention_map, charts
from seq2seq.text import phrasebook
from seq2seq.text.pair_files import SentencePair
from seq2seq.text.tokenizer import Tokenizer

SENTENCE = Translations(
    "Sentence 7", "a < b | c", "책을 *읽습니다*.", [("lstm (3)", "<b>책</b>"), ("rnn", "")]
)
REPORT = Report(
    "one & two",
    "en",
    "ko",
    [Paragraph("p < 0.05"), Listing(["a_b", "c"])],
    [
        Section("Where?", [Table(["words", "BLEU"], [["1–5", "3.0 [1, 2]"], ["x|y", "−4.0"]])]),
        Section("Sentences", [SENTENCE, Figure("length", "By length.")]),
    ],
)


CORPUS = {
    "source_language": "en",
    "target_language": "de",
    "sizes": {"train": 9, "test": 9},
}
"""As a comparison's document has it."""


def draw(folder: Path) -> None:
    series = [Series("한국어 ß", [(0, 1.0), (1, 2.0)], [(0.5, 1.5), (1.5, 2.5)])]
    charts([Panel("x", "y", series, ["1–5", "6+"])], folder / "length.svg")


def test_markdown_by_hand() -> None:
    assert markdown(REPORT) == (
        "# one & two\n\np \\< 0.05\n\n- a\\_b\n- c\n\n## Where?\n\n"
        "| words | BLEU |\n| :-- | --: |\n| 1–5 | 3.0 \\[1, 2\\] |\n| x\\|y | −4.0 |\n\n"
        "## Sentences\n\n"
        "| Sentence 7 |  |\n| :-- | :-- |\n| source | a \\< b \\| c |\n"
        "| reference | 책을 \\*읽습니다\\*. |\n| lstm (3) | \\<b\\>책\\</b\\> |\n| rnn |  |\n\n"
        "![By length.](length.png)\n\n*By length.*\n"
    )


def test_a_page_escapes_what_it_shows(tmp_path: Path) -> None:
    draw(tmp_path)
    text = page(REPORT, tmp_path)
    assert "<h1>one &amp; two</h1>" in text
    assert "<p>p &lt; 0.05</p>" in text
    assert '<td lang="en">a &lt; b | c</td>' in text
    assert '<td lang="ko">&lt;b&gt;책&lt;/b&gt;</td>' in text
    assert '<td class="number">−4.0</td>' in text
    assert "<td>x|y</td>" in text


def test_a_chart_in_a_page_takes_its_colours(tmp_path: Path) -> None:
    draw(tmp_path)
    file = (tmp_path / "length.svg").read_text()
    assert INK in file
    inline = re.search(r"<svg.*</svg>", page(REPORT, tmp_path), re.DOTALL)
    assert inline is not None
    assert INK not in inline[0]
    assert "currentColor" in inline[0]
    tree = ElementTree.fromstring(inline[0])
    ids = [node.get("id") for node in tree.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("length-") for name in ids if name)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', inline[0]))
    assert used
    assert used <= set(ids)
    # Glyphs are outlines: nothing depends on a font.
    assert "<text" not in inline[0]


def test_a_missing_figure_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"length\.svg is missing; draw the report again\.$"):
        page(REPORT, tmp_path)


def test_a_chart_of_another_format_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in '\.gif'; pictures are \.png or \.svg\.$"):
        charts([], tmp_path / "x.gif")


def test_a_page_holds_the_hangul_that_it_shows() -> None:
    from fontTools.ttLib import TTFont

    assert hangul_font() is not None
    rule = font_face("Books: 책을, 책. Grüße.")
    data = re.search(r"base64,([^)]+)\)", rule)
    assert data is not None
    font = TTFont(io.BytesIO(base64.b64decode(data[1])))
    held = {chr(code) for code in font.getBestCmap()}
    assert {"책", "을"} <= held
    assert "요" not in held
    assert len(rule) < 10_000
    assert font_face("Grüße.") == ""


def test_numbers_as_text() -> None:
    assert with_spread(31.416, None) == "31.42"
    assert with_spread(31.416, 0.354, 1) == "31.4 ± 0.4"
    assert with_interval({"value": 9.96, "low": 9.0, "high": 11.04}) == "10.0 [9.0, 11.0]"
    assert with_interval({"value": 9.96, "low": None, "high": None}) == "10.0"
    score = {"mean": 31.416, "deviation": 0.35, "low": 30.0, "high": 32.8}
    assert full_score(score) == "31.42 ± 0.35 [30.0, 32.8]"
    assert [listed(parts) for parts in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a", "a and b", "a, b and c",
    ]  # fmt: skip
    table = Table(["a", "b", "c"], [["x", "1", "−2"], ["y", "–", "z"]])
    assert [is_number(table, column) for column in range(3)] == [False, True, False]


@pytest.fixture
def small_phrasebook(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"train": 1500, "validation": 30, "test": 90, "long": 20}
    monkeypatch.setattr(phrasebook, "SIZES", sizes)
    # A memory of its own, so that neither this small corpus nor the whole one is mistaken.
    monkeypatch.setattr(
        phrasebook, "_generated", functools.cache(phrasebook._generated.__wrapped__)
    )


def test_word_order_on_the_phrasebook(
    small_phrasebook: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = ["--model.hidden-size", "16", "--model.embedding-size", "16"]
    size += ["--model.attention-size", "8", "--tokenizer.vocabulary-size", "1000"]
    steps = ["--training.max-updates", "3", "--training.device", "cpu"]
    steps += ["--search.max-length-factor", "0.1"]
    # Drawing maps is seen to elsewhere, and slow.
    monkeypatch.setattr(figures, "attention_map", lambda *given: given[-1].write_bytes(bytes(24)))
    assert main(["compare", "phrasebook", "--run", "p", *size, *steps, "--name", "x"]) == 0
    folder = Path("checkpoints/comparisons/x")
    document = json.loads((folder / "comparison.json").read_text())

    known = phrasebook.aligned_phrasebook(0)["test"]
    rows = document["by_order"]["rows"]
    assert sum(row["sentences"] for row in rows) == 90
    assert all(row["high"] < after["low"] for row, after in pairwise(rows))
    lengths = [len(pair.english.split()) for pair in known]
    mean = sum(row["mean_words"] * row["sentences"] for row in rows) / 90
    assert mean == pytest.approx(sum(lengths) / 90)
    assert document["by_length"]["splits"] == ["test", "long"]
    assert sum(row["sentences"] for row in document["by_length"]["rows"]) == 110

    error = document["attention"]["systems"]["attention"]
    assert error["alignment_error"]["value"] == pytest.approx(slow_alignment_error(known))
    text = (folder / "report.html").read_text()
    assert "<h2>What of word order?</h2>" in text
    assert f"{error['alignment_error']['value']:.3f}" in text
    assert "@font-face" in text
    assert (folder / "word-order.png").is_file()


def slow_alignment_error(known: list[phrasebook.AlignedPair]) -> float:
    """AER once more, with loops over letters instead of matrices."""
    run = Path("checkpoints/p-attention")
    model, tokenizer = load_model(run), Tokenizer.load(run)
    pairs = [SentencePair(pair.english, pair.korean) for pair in known]
    hits = found = 0
    for one in attend_to_references(model, tokenizer, pairs):
        english, korean = (side.split() for side in pairs[one.row])
        # A word's subwords are those that its letters, with a mark before it, run through.
        owners = []
        for words, pieces in ((english, one.source_pieces), (korean, one.target_pieces)):
            owner = [n for n, word in enumerate(words) for _ in "▁" + word]
            letters = [piece.replace("·", "") for piece in pieces]  # a character's later bytes
            assert "".join(letters) == "".join("▁" + word for word in words)
            ends = [len("".join(letters[: n + 1])) for n in range(len(letters))]
            owners.append([owner[end - 1] for end in ends])
        for target in range(len(korean)):
            rows = [n for n, word in enumerate(owners[1]) if word == target]
            looks = [
                sum(one.weights[n][m] for n in rows for m, w in enumerate(owners[0]) if w == source)
                for source in range(len(english))
            ]
            found += 1
            hits += (looks.index(max(looks)), target) in known[one.row].links
    return 1 - 2 * hits / (found + sum(len(pair.links) for pair in known))


def test_a_dollar_on_a_map_is_a_dollar(tmp_path):
    weights = np.full((2, 2), 0.5, np.float32)
    attention_map(["$$", "$x^{"], ["$", "a_b$c$"], weights, tmp_path / "map.svg")
    assert (tmp_path / "map.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ({"lstm": [1], "attention": [1]}, "One seed: how much luck"),
        ({"lstm": [2, 1], "attention": [1, 2]}, "2 seeds (1, 2): figures are means"),
        (
            {"lstm": [1, 2], "attention": [3, 1, 2]},
            "Seeds that differ (lstm 1, 2; attention 1, 2, 3): figures are means",
        ),
        ({"lstm": [], "attention": [1, 2]}, "2 seeds (1, 2): figures"),
    ],
)
def test_the_report_says_which_seeds_a_system_has(seeds, said):
    systems = [
        {"name": name, "runs": [{"seed": seed, "failure": None} for seed in own]}
        for name, own in seeds.items()
    ]
    document = {
        "corpus": CORPUS,
        "splits": ["test"],
        "systems": systems,
        "significance": {"baseline": "lstm", "tests": []},
    }
    assert f"9 sentences of test. {said}" in opening(document)[0].text


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (
            [(0.0, 1.0)],
            "b scores as much BLEU as a on test (approximate randomisation, p = 1.000).",
        ),
        ([(2.0, 0.01)], "b scores 2.00 BLEU more than a on test: more than the choice"),
        ([(-2.0, 0.4)], "b scores 2.00 BLEU less than a on test: no more than the choice"),
        ([(2.0, 0.01), (1.0, 0.2)], "explains with 1 of 2 seeds (approximate"),
        (
            [(2.0, 0.01), (-1.5, 0.01), (2.0, 0.01)],
            "explains with 2 of 3 seeds, and the other way round with 1 (approximate",
        ),
    ],
)
def test_the_verdict_counts_seeds_that_agree_with_it(tests, said):
    document = {
        "corpus": CORPUS,
        "splits": ["test"],
        "systems": [
            {"name": name, "runs": [{"seed": 1, "failure": None}], "scores": {}} for name in "ab"
        ],
        "significance": {
            "baseline": "a",
            "tests": [
                {
                    "system": "b", "split": "test", "score": "BLEU", "seed": seed,
                    "value": 30 + gain, "baseline": 30.0, "p_value": p,
                }
                for seed, (gain, p) in enumerate(tests)
            ],
        },
    }  # fmt: skip
    (verdict,) = opening(document)[1].items
    assert said in verdict
