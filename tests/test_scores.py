"""Scores against the sacrebleu command, digit for digit."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import ConfigError, CorpusError
from seq2seq.evaluation.scores import (
    bleu,
    bleu_and_chrf,
    paired_randomization,
    score_translations,
    sentence_chrf,
)

WORDS = "the a red blue house bridge train Late early , near far isn't 3.5 naïve 다리 ."


def some_text(lines: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """References, and translations that differ in some words."""
    chooser = random.Random(seed)
    references = [
        " ".join(chooser.choices(WORDS.split(), k=chooser.randint(1, 12))) for _ in range(lines)
    ]
    hypotheses = [
        " ".join(
            chooser.choice(WORDS.split()) if chooser.random() < 0.3 else word
            for word in line.split()
            if chooser.random() < 0.9
        )
        for line in references
    ]
    return hypotheses, references


def command(folder: Path, texts: tuple[list[str], list[str]], *options: str) -> Any:
    """What `sacrebleu` says of the same text, with twelve digits."""
    for name, lines in zip(("hypotheses", "references"), texts, strict=True):
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    arguments = ["references", "-i", "hypotheses", "-m", "bleu", "chrf", "ter", "-w", "12"]
    environment = {key: value for key, value in os.environ.items() if key != "SACREBLEU_SEED"}
    done = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *arguments, *options],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)


def test_equals_the_command_with_intervals(tmp_path: Path) -> None:
    texts = some_text(120)
    expected = command(tmp_path, texts, "--confidence")
    found = score_translations(*texts)
    assert [score.name for score in found] == ["BLEU", "chrF2", "TER"]
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.name, ours.signature) == (theirs["name"], theirs["signature"])
        assert "|bs:1000|seed:12345|" in ours.signature
        assert f"{ours.value:.12f}" == f"{theirs['score']:.12f}"
        mean, half = theirs["confidence_mean"], theirs["confidence_var"]
        assert (ours.low, ours.high) == pytest.approx((mean - half, mean + half), abs=1e-9)
        assert ours.low is not None
        assert ours.high is not None
        assert ours.low < ours.value < ours.high


def test_equals_the_command_without_intervals(tmp_path: Path) -> None:
    texts = some_text(40, seed=1)
    options = ("-lc", "--chrf-lowercase", "-tok", "char")
    expected = command(tmp_path, texts, *options)
    found = score_translations(*texts, bootstrap=0, tokenize="char", lowercase=True)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.name, ours.signature) == (theirs["name"], theirs["signature"])
        assert "|bs:" not in ours.signature
        assert f"{ours.value:.12f}" == f"{theirs['score']:.12f}"
        assert (ours.low, ours.high) == (None, None)


def paired_command(
    folder: Path, systems: list[list[str]], references: list[str]
) -> tuple[dict[str, dict[str, list[float]]], str]:
    """What `sacrebleu --paired-ar` prints: score → its columns, and the whole text.

    Its JSON is out of use: sacrebleu fails to write chrF's numbers there.
    """
    names = [f"system{number}" for number in range(len(systems))]
    for name, lines in zip(["references", *names], [references, *systems], strict=True):
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    options = "--paired-ar --paired-ar-n 1000 -m bleu chrf ter -f text -w 6"
    environment = {key: value for key, value in os.environ.items() if key != "SACREBLEU_SEED"}
    done = subprocess.run(
        [sys.executable, "-m", "sacrebleu", "references", "-i", *names, *options.split()],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split("│")[2:5] for line in done.stdout.split("\n") if line.count("│") > 3]
    found: dict[str, dict[str, list[float]]] = {}
    for place, name in enumerate(("BLEU", "chrF2", "TER")):
        cells = [row[place] for row in rows[1:]]
        p_values = [cell for cell in cells if "p =" in cell]
        found[name] = {
            "value": [float(cell) for cell in cells if cell not in p_values],
            "p_value": [float(cell.split("=")[1].strip(" )*")) for cell in p_values],
        }
    return found, done.stdout


def test_paired_randomization_equals_the_command(tmp_path: Path) -> None:
    hypotheses, references = some_text(120)
    worse, _ = some_text(120, seed=5)
    # Some better, some worse: in so many that hardly two swappings come to the same scores.
    slightly = [
        reference if row % 6 == 0 else " ".join(reversed(line.split())) if row % 6 == 3 else line
        for row, (line, reference) in enumerate(zip(hypotheses, references, strict=True))
    ]
    systems = [hypotheses, slightly, worse]
    expected, printed = paired_command(tmp_path, systems, references)
    found = paired_randomization(systems, references)
    assert [score.p_value for score in found[0]] == [None] * 3
    for place, name in enumerate(("BLEU", "chrF2", "TER")):
        scores = [system[place] for system in found]
        assert {score.name for score in scores} == {name}
        assert [round(score.value, 6) for score in scores] == expected[name]["value"]
        p_values = [score.p_value for score in scores[1:]]
        if name == "TER":  # whole numbers of edits tie, and the command leaves ties out
            assert p_values[0] > expected[name]["p_value"][0] - 5e-5
        else:
            assert p_values == pytest.approx(expected[name]["p_value"], abs=5e-5)
        assert scores[0].signature in printed
        assert "ar:1000|seed:12345" in scores[0].signature
        # The slight difference is within noise, the great one is not.
        assert expected[name]["p_value"][1] < 0.01 < expected[name]["p_value"][0]


def test_equal_systems_do_not_differ() -> None:
    hypotheses, references = some_text(40)
    wrong = ["!"] * len(references)
    for systems in ([hypotheses, hypotheses], [wrong, ["?"] * len(references)]):
        _, second = paired_randomization(systems, references)
        assert [score.p_value for score in second[:2]] == [1, 1]


def test_few_sentences_that_differ_prove_nothing() -> None:
    hypotheses, references = some_text(120)
    # Of the 16 ways to swap four sentences that all became better, two leave the systems as far
    # apart: none swapped and all.
    wrong = [row for row in range(120) if hypotheses[row] != references[row]][:4]
    better = [references[row] if row in wrong else hypotheses[row] for row in range(120)]
    _, second = paired_randomization([hypotheses, better], references, trials=4000)
    assert [score.p_value for score in second] == pytest.approx([2 / 16] * 3, abs=0.02)


def test_the_order_of_two_systems_does_not_matter() -> None:
    hypotheses, references = some_text(60)
    other = [" ".join(reversed(line.split())) for line in hypotheses]
    mixed = [other[row] if row % 4 else references[row] for row in range(60)]
    _, one = paired_randomization([hypotheses, mixed], references)
    _, back = paired_randomization([mixed, hypotheses], references)
    assert [score.p_value for score in one] == [score.p_value for score in back]
    assert {score.value for score in one}.isdisjoint({score.value for score in back})


def test_bleu_and_chrf_are_the_same_figures() -> None:
    texts = some_text(60, seed=4)
    assert bleu_and_chrf(*texts, bootstrap=50) == score_translations(*texts, bootstrap=50)[:2]


def test_chrf_of_a_sentence_alone() -> None:
    hypotheses, references = some_text(20, seed=6)
    expected = [
        score_translations([hypothesis], [reference], bootstrap=0)[1].value
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]
    assert sentence_chrf(hypotheses, references) == pytest.approx(expected)


def test_bleu_by_hand() -> None:
    # Precisions 5/6, 3/5, 2/4, 1/3; as long as the reference.
    found = bleu(["the red house is far away"], ["the red house is near away"])
    assert found == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** (1 / 4))
    # All precisions 1, but 4 words for 5.
    assert bleu(["the red house is"], ["the red house is far"]) == pytest.approx(
        100 * math.exp(1 - 5 / 4)
    )


def test_bleu_alone_is_the_same_figure() -> None:
    texts = some_text(60, seed=2)
    assert bleu(*texts) == score_translations(*texts, bootstrap=0)[0].value
    lowered = score_translations(*texts, bootstrap=0, tokenize="intl", lowercase=True)
    assert bleu(*texts, tokenize="intl", lowercase=True) == lowered[0].value


def test_the_seed_is_used_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = some_text(30, seed=3)
    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    first, again = (score_translations(*texts, bootstrap=50, seed=7) for _ in range(2))
    assert first == again
    assert "|bs:50|seed:7|" in first[0].signature
    assert "SACREBLEU_SEED" not in os.environ
    monkeypatch.setenv("SACREBLEU_SEED", "99")
    assert score_translations(*texts, bootstrap=50, seed=7) == first
    assert score_translations(*texts, bootstrap=50, seed=8) != first
    assert os.environ["SACREBLEU_SEED"] == "99"


def test_translations_without_a_match_score_zero() -> None:
    bleu_score, chrf, ter = score_translations(["", ""], ["a b", "c"], bootstrap=10)
    assert (bleu_score.value, bleu_score.low, bleu_score.high) == (0, 0, 0)
    assert chrf.value == 0
    assert ter.value == 100


def test_nothing_is_written_beside_the_scores() -> None:
    program = (
        "from seq2seq.evaluation.scores import score_translations\n"
        "score_translations(['It is late .'] * 200, ['It is late.'] * 200, bootstrap=2)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("score", [score_translations, bleu])
def test_what_cannot_be_scored_is_an_error(score: Any) -> None:
    with pytest.raises(CorpusError) as error:
        score([], [])
    assert str(error.value) == (
        "There are 0 translations and 0 references; a score needs at least one."
    )
    with pytest.raises(CorpusError) as error:
        score(["a"] * 1200, ["b"])
    assert str(error.value) == (
        "There are 1,200 translations but 1 references; "
        "a score needs one reference for each translation."
    )
    with pytest.raises(ConfigError) as config_error:
        score(["a"], ["a"], tokenize="14b")
    assert str(config_error.value).startswith(
        "sacrebleu has no tokenisation '14b'; it has none, zh, 13a, intl, char,"
    )


def test_a_tokenisation_that_is_not_installed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_ko_mecab.MeCab", None)
    with pytest.raises(ConfigError) as error:
        bleu(["a"], ["a"], tokenize="ko-mecab")
    assert str(error.value) == (
        "sacrebleu's tokenisation 'ko-mecab' cannot be used: Korean tokenization requires extra "
        "dependencies, but you do not have them installed. Please install them like so. "
        "pip install sacrebleu[ko]"
    )


def test_a_printed_table_shows_whole_signatures() -> None:
    from seq2seq.report.tables import evaluation_text

    signature = "nrefs:1|bs:1000|seed:12345|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
    score = {"name": "BLEU", "value": 35.29, "low": 33.7, "high": 36.9, "signature": signature}
    evaluation = {
        "split": "test", "sentences": 1000, "beam_size": 5, "sentences_per_second": 64.1,
        "scores": [score], "convention": "cased", "done": "plain text",
    }  # fmt: skip
    printed = evaluation_text("run", evaluation)
    lines = printed.splitlines()
    column = next(line.find("nrefs") for line in lines if "nrefs" in line)
    assert "".join(line[column:].strip() for line in lines if "──" not in line).endswith(signature)
    assert "35.29 [33.7, 36.9]" in printed


UNSPACED = {
    "zh": (
        ["一个男人在公园里读书。", "两只狗在草地上奔跑。"],
        ["一个男人在公园里看书。", "两只狗在草地上跑。"],
        ["-tok", "zh"],
        ["--ter-normalized", "--ter-asian-support"],
    ),
    "char": (
        ["男の人が公園で本を読んでいます。", "二匹の犬が走っています。"],
        ["男の人は公園で本を読みます。", "二匹の犬が走っています。"],
        ["-tok", "char"],
        ["--ter-normalized", "--ter-asian-support"],
    ),
}


@pytest.mark.parametrize("tokenize", UNSPACED)
def test_text_without_spaces_is_scored_as_sacrebleu_does_when_told_how(
    tmp_path: Path, tokenize: str
) -> None:
    references, hypotheses, how, ter = UNSPACED[tokenize]
    theirs = command(tmp_path, (hypotheses, references), *how, *ter)
    ours = score_translations(hypotheses, references, bootstrap=0)
    assert [f"{score.value:.12f}" for score in ours] == [f"{one['score']:.12f}" for one in theirs]
    assert [score.signature for score in ours] == [one["signature"] for one in theirs]
    assert bleu(hypotheses, references) == ours[0].value > 30
    assert bleu(references, references) == pytest.approx(100)
    assert bleu_and_chrf(hypotheses, references, 0)[0].value == ours[0].value
    _, [paired, _, _] = paired_randomization([references, hypotheses], references, 10)
    assert (paired.value, f"tok:{tokenize}" in paired.signature) == (ours[0].value, True)
