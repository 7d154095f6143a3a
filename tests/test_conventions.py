"""The papers' convention against Multi30k's own tokenised files, by hand, and in the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.cli import main
from seq2seq.errors import ConfigError, CorpusError
from seq2seq.evaluation.conventions import (
    lowercase_tokenized,
    require_convention,
    score_lowercase_tokenized,
    what_is_done,
)
from seq2seq.evaluation.scores import bleu
from seq2seq.inference.translator import Candidate, Translation, Translator
from tests.conftest import MIRRORED, TINY

MULTI30K = Path(
    os.environ.get(
        "SEQ2SEQ_MULTI30K", Path(__file__).parent.parent.parent / "shared" / "data" / "multi30k"
    )
)


# Of the dataset's files tok/*.lc.norm.tok.*: words by its README, characters by the files.
@pytest.mark.skipif(not MULTI30K.is_dir(), reason="Multi30k is not here")
@pytest.mark.parametrize(
    ("file", "language", "words", "characters"),
    [
        ("test", "de", 12_103, 70_777),
        ("test", "fr", 13_988, 75_145),
        ("test", "en", 12_968, 63_307),
        ("val", "de", 12_828, 76_011),
        ("val", "fr", 14_381, 77_007),
        ("val", "en", 13_308, 64_608),
    ],
)
def test_the_dataset_s_own_tokenised_text(
    file: str, language: str, words: int, characters: int
) -> None:
    text = (MULTI30K / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()
    found = lowercase_tokenized([json.loads(line)[language] for line in text], language)
    assert sum(len(line.split(" ")) for line in found) == words
    assert sum(len(line) + 1 for line in found) == characters  # a line break each


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Ein Mann, der etwas anstarrt.", "ein mann , der etwas anstarrt ."),
        ("de", "ÄRGER im T-Shirt", "ärger im t-shirt"),  # hyphens stay
        ("de", "Ein „Pullman“ – drei", "ein &quot; pullman &quot; - drei"),
        ("de", "Bart.", "bart ."),  # lower-cased first: Bart. could be an abbreviation
        ("de", "Um 3.5 Uhr...", "um 3.5 uhr ..."),
        ("fr", "L’eau d'une FÊTE", "l&apos; eau d&apos; une fête"),
        ("fr", "un coup d’œil", "un coup d &quot; œil"),  # the dataset's own, by the Perl script
        ("en", "The dog's  ball (red)", "the dog &apos;s ball ( red )"),
        ("en-GB", "The dog's ball", "the dog &apos;s ball"),
        ("ko", '저는 "학생"입니다.', "저는 &quot; 학생 &quot; 입니다 ."),
        ("de", "", ""),
    ],
)
def test_by_hand(language: str, text: str, expected: str) -> None:
    assert lowercase_tokenized([text], language) == [expected]


def test_what_differs_in_case_and_quotation_marks_alone_is_equal() -> None:
    hypotheses = ["ein mann trägt einen „HUT“ heute", "zwei hunde laufen über das gras."]
    references = ['Ein Mann trägt einen "Hut" heute', "Zwei Hunde laufen über das Gras."]
    assert bleu(hypotheses, references) < 60
    other = score_lowercase_tokenized(hypotheses, references, "de", bootstrap=0)
    assert (other.convention, other.score.name) == ("lowercase-tokenized", "BLEU")
    assert other.score.value == pytest.approx(100)
    assert other.score.signature.startswith("nrefs:1|case:lc|eff:no|tok:none|smooth:exp|")


def test_the_score_is_the_sacrebleu_command_s_on_the_converted_text(tmp_path: Path) -> None:
    hypotheses = [
        "Der Mann läuft schnell durch den Park.",
        "Marias Kind's Ball, das lacht, spielt Ball.",
    ]
    references = ["Ein Mann läuft durch den Park.", "Ein Kind spielt lachend mit dem Ball."]
    for name, lines in (("hypotheses", hypotheses), ("references", references)):
        converted = lowercase_tokenized(lines, "de")
        (tmp_path / name).write_text("".join(f"{line}\n" for line in converted), "utf-8")
    arguments = ["references", "-i", "hypotheses", "-m", "bleu", "-tok", "none", "-lc", "-w", "12"]
    done = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *arguments, "--force", "--confidence"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "SACREBLEU_SEED"},
        check=True,
        capture_output=True,
    )
    theirs = json.loads(done.stdout)
    _, _, ours = score_lowercase_tokenized(hypotheses, references, "de")
    assert f"{ours.value:.12f}" == f"{theirs['score']:.12f}"
    assert ours.signature == theirs["signature"]
    assert ours.low == pytest.approx(theirs["confidence_mean"] - theirs["confidence_var"])
    assert ours.high == pytest.approx(theirs["confidence_mean"] + theirs["confidence_var"])


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(CorpusError) as error:
        score_lowercase_tokenized(["a", "b"], ["a"], "de")
    assert str(error.value) == (
        "There are 2 translations but 1 references; a score needs one reference for each "
        "translation."
    )


def test_what_was_done_is_said() -> None:
    cased = "plain text as it is, case kept in BLEU and chrF2 (TER ignores it); sacrebleu's BLEU "
    assert what_is_done("cased", ["Ein Mann."]) == cased + "splits the words (13a)"
    assert what_is_done("cased", ["一个男人。"]) == cased + "splits the words (zh)"
    begin = "lower-cased, punctuation normalised, words split by Moses' rules for "
    for language in ("pt_BR", "Portuguese"):
        said = what_is_done("lowercase-tokenized", [""], language)
        assert said.startswith(f"{begin}'pt' (sacremoses ")
    assert what_is_done("lowercase-tokenized", [""], "ko").startswith(
        f"{begin}'ko', which has none of its own and gets English abbreviations (sacremoses "
    )


def test_names_of_languages_stand_for_their_codes() -> None:
    said = 'und "nein." aber'
    assert lowercase_tokenized([said], "German") == lowercase_tokenized([said], "de")
    assert lowercase_tokenized([said], "de") != lowercase_tokenized([said], "deu")


def test_it_is_refused_where_no_spaces_separate_words() -> None:
    require_convention("lowercase-tokenized", ["Ein Mann."])
    require_convention("cased", ["一个男人。"])
    with pytest.raises(ConfigError) as error:
        require_convention("lowercase-tokenized", ["一个男人走路。"])
    assert "leave it out: BLEU then finds the words itself (zh)." in str(error.value)


def nearly_right(translator: Translator, sentences: list[str]) -> list[Translation]:
    """Right but for a capital and a genitive, which English and German rules cut differently."""
    right = [" ".join(MIRRORED[word] for word in reversed(text.split())) for text in sentences]
    return [Translation([Candidate(f"{text.capitalize()}'s", 0.0, [], None)], []) for text in right]


def test_the_command_shows_both_and_keeps_the_default_where_it_was(
    counting_corpus, capsys, monkeypatch
):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    monkeypatch.setattr(Translator, "translate", nearly_right)
    capsys.readouterr()
    kept_in = Path("checkpoints/r/scores.json")
    assert main(["evaluate", "r"]) == 0
    plain = capsys.readouterr().out
    assert "cased: plain text as it is" in plain
    assert "lowercase-tokenized" not in plain
    before = json.loads(kept_in.read_text())["test"]

    options = ["r", "--convention", "lowercase-tokenized"]
    assert main(["evaluate", *options]) == 0
    shown = capsys.readouterr().out
    for part in ("BLEU lowercase-tokenized", "case:lc", "tok:none", "case:mixed", "tok:13a"):
        assert part in shown
    assert "cased: plain text as it is" in shown
    assert "lowercase-tokenized: lower-cased, punctuation normalised" in shown
    kept = json.loads(kept_in.read_text())["test"]
    # What comparisons read is as it was, apart from how long it took.
    convention = kept.pop("conventions")["lowercase-tokenized"]
    (other,) = convention["scores"]
    assert [score["name"] for score in kept["scores"]] == ["BLEU", "chrF2", "TER"]
    timeless = {key for key in before if "second" not in key}
    assert {key: kept[key] for key in timeless} == {key: before[key] for key in timeless}
    paths = Path("checkpoints/r/translations.test.txt"), *Path("data/prepared").glob("*/test.de")
    hypotheses, references = (path.read_text("utf-8").splitlines() for path in paths)
    _, done, score = score_lowercase_tokenized(hypotheses, references, "de")
    assert (convention["done"], other) == (done, score._asdict())
    assert 0 < other["low"] < other["value"] < other["high"] < 100

    assert main(["evaluate", *options, "--json"]) == 0
    (document,) = json.loads(capsys.readouterr().out)["r"]
    assert document["conventions"]["lowercase-tokenized"]["scores"] == [other]
    assert document["scores"] == kept["scores"]

    assert main(["evaluate", "r", "--convention", "cases"]) == 2
    assert "lowercase-tokenized" in capsys.readouterr().err
