"""`seq2seq diversify`: what is written, that work goes on where it stopped, and what is refused."""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path

import pytest

from seq2seq.cli import main
from seq2seq.text.pair_files import open_text
from seq2seq.text.unfinished import sole_user
from tests.conftest import BACK, TINY, made_once, write_counting_splits


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs en → de and one de → en over the same pairs."""

    def make() -> None:
        write_counting_splits(Path("counting"))
        for name, more in (("one", []), ("two", ["--training.seed", "2"]), ("back", BACK)):
            assert main(["train", "own", *TINY, *more, "--run", name]) == 0

    return made_once(tmp_path_factory, make)


@pytest.fixture
def runs(trained, workplace):
    """A copy of them."""
    shutil.copytree(trained, workplace, dirs_exist_ok=True)


def lines(path: str | Path) -> list[str]:
    with open_text(Path(path)) as file:
        return [line.removesuffix("\n") for line in file]


def translated(run: list[str], sentences: list[str], monkeypatch, capsys) -> list[str]:
    text = "".join(f"{sentence}\n" for sentence in sentences).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    capsys.readouterr()
    assert main(["translate", *run]) == 0
    return capsys.readouterr().out.splitlines()


def test_own_pairs_come_first_then_what_the_runs_translate(runs, monkeypatch, capsys):
    assert main(["diversify", "one", "two", "--backward", "back", "--to", "more"]) == 0
    assert "240 pairs of the corpus, 240 with a translated target, 240 with" in (
        capsys.readouterr().err
    )
    english, german = lines("counting/train.en"), lines("counting/train.de")
    forward = translated(["one", "--ensemble", "two"], english, monkeypatch, capsys)
    backward = translated(["back"], german, monkeypatch, capsys)
    assert lines("more/train.en") == english + english + backward
    assert lines("more/train.de") == german + forward + german
    for split in ("validation", "test"):
        for language in ("en", "de"):
            assert lines(f"more/{split}.{language}") == lines(f"counting/{split}.{language}")


def test_apart_each_run_adds_its_own_pairs(runs, monkeypatch, capsys):
    # A run of other subwords, which no ensemble would take, can stand beside them.
    other = [*TINY, "--tokenizer.kind", "bpe", "--training.max-updates", "5"]
    assert main(["train", "own", *other, "--run", "three"]) == 0
    command = ["diversify", "one", "three", "--backward", "back", "--to", "more"]
    capsys.readouterr()
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "another tokenizer" in said
    assert "Or give --apart" in said
    assert main([*command, "--apart"]) == 0
    assert "240 pairs of the corpus, 480 with a translated target, 240 with" in (
        capsys.readouterr().err
    )
    english, german = lines("counting/train.en"), lines("counting/train.de")
    one, three = (translated([run], english, monkeypatch, capsys) for run in ("one", "three"))
    assert one != three
    backward = translated(["back"], german, monkeypatch, capsys)
    assert lines("more/train.en") == english * 3 + backward
    assert lines("more/train.de") == german + one + three + german
    assert main([*command, "--apart"]) == 0
    assert capsys.readouterr().err.count("all 240 sentences were translated before") == 3
    # The other direction is refused here as well.
    assert main(["diversify", "one", "back", "--apart", "--to", "none"]) == 2
    assert "runs that translate one text need one direction" in capsys.readouterr().err


def test_what_learnt_from_the_same_text_as_models_say_it_may_translate_it(runs, capsys):
    assert main(["diversify", "one", "--backward", "back"]) == 0
    few = [*TINY, "--training.max-updates", "5"]
    learns = ["--corpus.name", "data/one-diversified", "--run", "student"]
    assert main(["train", "own", *few, *learns]) == 0
    assert main(["diversify", "one", "student", "--apart", "--to", "more"]) == 0
    assert lines("more/forward-1.txt") == lines("data/one-diversified/forward.txt")
    # A folder that was made from other text vouches for nothing.
    about = Path("data/one-diversified/about.json")
    text = about.read_text(encoding="utf-8")
    about.write_text(re.sub(r'("fingerprint": )"\w+"', r'\1"0000"', text), encoding="utf-8")
    capsys.readouterr()
    assert main(["diversify", "one", "student", "--apart", "--to", "another"]) == 2
    assert "student learnt from data/one-diversified, one did not" in capsys.readouterr().err
    for damaged in ("[]", "{}", "{", '{"corpus": 1, "layout": "seq2seq diversified corpus"}'):
        about.write_text(damaged, encoding="utf-8")
        assert main(["diversify", "one", "student", "--apart", "--to", "another"]) == 2
    assert not Path("another").exists()


def test_the_same_command_goes_on_and_then_does_nothing(runs, capsys):
    command = ["diversify", "one", "--to", "more"]
    assert main(command) == 0
    assert "0 with a translated source" in capsys.readouterr().err
    whole = lines("more/forward.txt")
    # A kill in the midst of a line, and before the splits were written.
    kept = ["from before the kill", *whole[1:100]]
    cut = "".join(line + "\n" for line in kept) + whole[100][:3]
    Path("more/forward.txt").write_text(cut, encoding="utf-8")
    Path("more/train.de").unlink()
    assert main(command) == 0
    assert lines("more/forward.txt") == [*kept, *whole[100:]]
    assert lines("more/train.de")[240:] == [*kept, *whole[100:]]
    capsys.readouterr()
    assert main(command) == 0
    assert "all 240 sentences were translated before" in capsys.readouterr().err


def test_a_full_disk_is_said_and_the_work_kept(runs, monkeypatch, capsys):
    command = ["diversify", "one", "--to", "more"]

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", full)
        assert main(command) == 2
    said = capsys.readouterr().err
    assert "more cannot be written" in said
    assert "goes on where it stopped" in said
    assert main(command) == 0
    assert "all 240 sentences were translated before" in capsys.readouterr().err


def test_a_run_learns_from_it(runs, capsys):
    assert main(["diversify", "one", "--backward", "back"]) == 0
    options = [*TINY, "--corpus.name", "data/one-diversified", "--run", "student"]
    assert main(["train", "own", *options, "--training.max-updates", "5"]) == 0
    said = capsys.readouterr().err
    # What the models translate as people did is the same pair again, dropped and counted.
    assert "of 720 pairs kept" in said
    assert "exact duplicate" in said
    assert main(["evaluate", "student"]) == 0


def test_other_runs_another_text_and_another_folder_are_refused(runs, capsys):
    assert main(["diversify", "one", "--to", "more"]) == 0
    capsys.readouterr()

    def refused(*arguments: str) -> str:
        assert main(["diversify", *arguments]) == 2
        return capsys.readouterr().err

    assert "made by other runs, otherwise, or from other text" in refused("two", "--to", "more")
    assert "made by other runs" in refused("one", "--to", "more", "--quantize")
    assert "back translates de to en and one en to de" in refused("one", "back")
    assert "--backward needs runs that translate de to en" in refused("one", "--backward", "two")
    assert "Name at least one run" in refused()
    assert "no run 'three'" in refused("three")
    Path("mine").mkdir()
    Path("mine/notes").write_text("mine", encoding="utf-8")
    assert "mine holds something else" in refused("one", "--to", "mine")
    assert "mine/notes holds something else" in refused("one", "--to", "mine/notes")
    assert "one is named twice; name each run once" in refused("one", "one")
    with sole_user(Path("more")) as is_ours:
        assert is_ours
        assert "is being written by another process" in refused("one", "--to", "more")
    with Path("more/forward.txt").open("a", encoding="utf-8") as file:
        file.write("one too many\n")
    assert "has 241 lines for 240 sentences" in refused("one", "--to", "more")
    # What was refused before it had translated anything begins anew with other options.
    Path("more/forward.txt").unlink()
    assert main(["diversify", "one", "--to", "more", "--quantize"]) == 0
    capsys.readouterr()
    assert "made by other runs" in refused("one", "--to", "more")
    # The same name with other weights is another run.
    weights = Path("checkpoints/two/model.safetensors").read_bytes()
    Path("checkpoints/one/model.safetensors").write_bytes(weights)
    assert "made by other runs" in refused("one", "--to", "more")


def test_a_backward_run_that_learnt_the_test_is_refused(runs, counting_corpus, capsys):
    """Without splits of its own a corpus is cut by its source sentences: each way elsewhere."""
    counting_corpus()
    Path("whole").mkdir()
    for language in ("en", "de"):
        Path(f"counting.{language}").rename(f"whole/train.{language}")
    for name, more in (("there", []), ("again", BACK)):
        options = [*TINY, *more, "--corpus.name", "whole", "--training.max-updates", "2"]
        assert main(["train", "own", *options, "--run", name]) == 0
    capsys.readouterr()
    assert main(["diversify", "there", "--backward", "again"]) == 2
    said = capsys.readouterr().err
    assert "again learnt" in said
    assert "validation and test files of its own" in said
    # With such files, but the runs of before.
    for language in ("en", "de"):
        learnt = lines(f"whole/train.{language}")
        for split, part in (("validation", learnt[:30]), ("test", learnt[30:60])):
            text = "".join(line + "\n" for line in part)
            Path(f"whole/{split}.{language}").write_text(text, encoding="utf-8")
    assert main(["diversify", "there", "--backward", "again"]) == 2
    assert "have changed since" in capsys.readouterr().err


def test_a_run_that_started_from_one_that_learnt_the_test_is_refused(runs, capsys):
    shutil.copytree("counting", "larger")
    for language, other in (("en", "a hat"), ("de", "ein Hut")):
        with Path(f"larger/train.{language}").open("a", encoding="utf-8") as file:
            file.write(Path(f"counting/test.{language}").read_text(encoding="utf-8"))
        Path(f"larger/test.{language}").write_text(f"{other}\n", encoding="utf-8")
    few = [*TINY, "--training.max-updates", "2"]
    assert main(["train", "own", *few, "--corpus.name", "larger", "--run", "general"]) == 0
    assert main(["train", "own", *few, "--training.start-from", "general", "--run", "mine"]) == 0
    assert main(["train", "own", *few, "--training.start-from", "one", "--run", "fine"]) == 0
    capsys.readouterr()
    assert main(["diversify", "mine", "--to", "more"]) == 2
    assert "general learnt 30 pairs of validation and test" in capsys.readouterr().err
    assert not Path("more").exists()
    assert main(["diversify", "fine", "--to", "more"]) == 0
