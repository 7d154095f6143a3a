"""Starting from another run: its weights and subwords, and what is refused or said."""

import shutil
from pathlib import Path

import pytest
import torch

from seq2seq.checkpoint import load_weights, read_config, weights_of
from seq2seq.cli import main
from seq2seq.training.loop import Trainer
from tests.conftest import (
    BACK,
    MIRRORED,
    TINY,
    assert_same_end,
    made_once,
    train,
    validations,
    write_counting_corpus,
)

CORPUS = TINY[:6]
HERE = [*CORPUS, *TINY[TINY.index("--training.batch-tokens") :]]
"""TINY's options but for those of subwords and model, which come from the run to start from."""


@pytest.fixture(scope="module")
def family(tmp_path_factory) -> Path:
    """Where a run was trained."""

    def make() -> None:
        write_counting_corpus(Path(), 200)
        assert train("parent", "--training.select-by", "loss") == 0

    return made_once(tmp_path_factory, make)


@pytest.fixture
def parent(family, workplace) -> Path:
    """A trained run."""
    shutil.copytree(family, workplace, dirs_exist_ok=True)
    return Path("checkpoints/parent")


def start(run: str, *more: str) -> int:
    return main(["train", "--run", run, *HERE, "--training.start-from", "parent", *more])


def write_text(name: str, sentences: dict[str, list[str]]) -> None:
    """Splits with these English sentences of number words, and their mirrored German."""
    folder = Path(name)
    folder.mkdir()
    for split, lines in sentences.items():
        mirrored = [" ".join(MIRRORED[w] for w in reversed(line.split())) for line in lines]
        for language, texts in (("en", lines), ("de", mirrored)):
            text = "".join(f"{line}\n" for line in texts)
            (folder / f"{split}.{language}").write_text(text, encoding="utf-8")


def training_sources() -> list[str]:
    """What the parent learnt, as its prepared corpus has it."""
    (path,) = Path("data/prepared").glob("*/train.en")
    return path.read_text(encoding="utf-8").splitlines()


def test_it_begins_with_the_best_weights_and_the_subwords(parent, monkeypatch, capsys):
    first = {}
    run = Trainer.run

    def note(self):
        first.update({name: weight.clone() for name, weight in weights_of(self.model).items()})
        run(self)

    monkeypatch.setattr(Trainer, "run", note)
    assert start("child", "--model.dropout", "0.4") == 0
    said = capsys.readouterr().err
    assert "start: weights and subwords of parent, which translates en to de" in said
    theirs = load_weights(parent / "model.safetensors")
    assert first.keys() == theirs.keys()
    assert all(torch.equal(first[name], theirs[name]) for name in theirs)
    child = Path("checkpoints/child")
    assert (child / "tokenizer.model").read_bytes() == (parent / "tokenizer.model").read_bytes()
    settings = read_config(child).settings
    assert (settings.model.hidden_size, settings.model.dropout) == (16, 0.4)
    assert settings.training.start_from == "parent"


def test_it_goes_on_learning(parent):
    """Five times the epochs in two runs: the second begins where the first has ended."""
    assert start("child", "--training.epochs", "12") == 0
    ended, began = validations("parent")[-1], validations("child")[0]
    assert (
        began["nats_per_token"]
        < ended["nats_per_token"]
        < validations("parent")[0]["nats_per_token"]
    )


def test_a_kill_before_anything_was_saved_begins_again_with_the_same_weights(parent, monkeypatch):
    assert start("whole") == 0
    run = Trainer.run
    monkeypatch.setattr(Trainer, "run", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    assert start("cut") == 130
    monkeypatch.setattr(Trainer, "run", run)
    assert not Path("checkpoints/cut/training_state.pt").exists()
    assert main(["train", "--run", "cut", "--resume"]) == 0
    assert_same_end("whole", "cut")


def test_it_goes_on_where_the_first_run_is_gone(parent, monkeypatch):
    assert start("whole") == 0
    update = Trainer._update

    def stop_at_9(self, batches):
        update(self, batches)
        self._stop_asked = self.progress.update == 9

    monkeypatch.setattr(Trainer, "_update", stop_at_9)
    assert start("cut") == 130
    monkeypatch.setattr(Trainer, "_update", update)
    shutil.rmtree(parent)
    assert main(["train", "--run", "cut", "--resume"]) == 0
    assert_same_end("whole", "cut")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--model.hidden-size", "18"], "model.hidden_size is 16 in parent and 18 here"),
        (["--model.reverse-source"], "model.reverse_source is False in parent and True here"),
        (["--tokenizer.kind", "bpe"], "tokenizer.kind is unigram in parent and bpe here"),
        (BACK, "parent translates en to de; start from a run of the same direction."),
        (["--training.start-from", "none"], "There is no run 'none'"),
        (["--system", "gru"], "leave --system out"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_does_not_fit_is_refused(parent, capsys, options, line):
    assert start("child", *options) == 2
    assert line in capsys.readouterr().err
    assert not Path("checkpoints/child").exists()


def test_a_language_model_cannot_start_from_a_run(parent, capsys):
    command = ["language-model", "--run", "lm", *CORPUS, "--training.start-from", "parent"]
    assert main(command) == 2
    assert "training.start_from is for translation runs" in capsys.readouterr().err


def test_without_a_name_it_is_called_by_where_it_starts(parent):
    assert main(["train", *HERE, "--training.start-from", "parent"]) == 0
    assert read_config(Path("checkpoints/counting-en-de-from-parent")).settings


def test_known_sentences_of_other_splits_are_counted(parent, capsys):
    """Also those that the run before the one before has learnt."""
    known = training_sources()
    new = [f"{word} {word} {word} {word} {word}" for word in MIRRORED]
    new = [line for line in new if line not in known]
    write_text(
        "other", {"train": known[:60], "validation": new[:4], "test": new[4:6] + known[60:63]}
    )
    other = ["--corpus.name", "other"]
    assert start("child", *other) == 0
    said = capsys.readouterr().err
    assert "parent learnt 3 of the 5 sources of test: scores on it will say too much" in said
    assert "sources of validation" not in said
    assert main(["train", "--run", "third", *HERE, *other, "--training.start-from", "child"]) == 0
    said = capsys.readouterr().err
    assert "parent learnt 3 of the 5 sources of test" in said
    assert "child learnt" not in said


def test_members_of_an_ensemble_that_know_the_test_are_named(parent, capsys):
    """Also where the run that they started from learnt it; runs of one corpus need no looking."""
    known = training_sources()
    write_text("other", {"train": known[60:120], "validation": known[:4], "test": known[4:9]})
    assert start("child", "--corpus.name", "other", "--training.max-updates", "2") == 0
    assert start("again", "--corpus.name", "other", "--training.max-updates", "2") == 0
    capsys.readouterr()
    assert main(["evaluate", "child", "--ensemble", "parent"]) == 0
    line = "parent learnt 5 of the 5 sources of test: scores on it will say too much"
    assert line in capsys.readouterr().err
    assert main(["evaluate", "child", "--ensemble", "again"]) == 0
    assert "scores on it will say too much" not in capsys.readouterr().err
    # So are those of a mean, which is measured on what its first run is.
    assert main(["average", "child", "parent", "--run", "mean"]) == 0
    assert line in capsys.readouterr().err
    assert main(["average", "child", "again", "--run", "mean2"]) == 0
    assert "scores on it will say too much" not in capsys.readouterr().err


def test_text_that_cannot_be_looked_up_is_said(parent, capsys):
    write_text("other", {"train": training_sources(), "test": ["one"], "validation": ["two"]})
    Path("counting.en").unlink()
    assert start("child", "--corpus.name", "other") == 0
    assert "parent: whether it learnt what is measured on here is not known" in (
        capsys.readouterr().err
    )


def test_the_mean_of_runs_that_started_from_one_is_a_run(parent, capsys):
    assert start("one") == 0
    assert start("two", "--training.seed", "2") == 0
    assert main(["average", "one", "two"]) == 0
    assert "is the mean of one, two" in capsys.readouterr().err
    one, two, mean = (
        load_weights(Path("checkpoints", run, "model.safetensors"))
        for run in ("one", "two", "one-average")
    )
    assert any(not torch.equal(one[name], two[name]) for name in one)
    for name, weight in mean.items():
        torch.testing.assert_close(weight, (one[name] + two[name]) / 2)
    assert main(["evaluate", "one-average"]) == 0
    # A run and the one that it started from are of one beginning, too, though that one is gone.
    assert main(["average", "parent", "one", "two", "--run", "all"]) == 0
    shutil.rmtree(parent)
    assert main(["average", "one", "two", "--run", "orphans"]) == 0


def test_the_mean_of_runs_that_do_not_belong_together_is_refused(parent, capsys):
    def refused(*arguments: str) -> str:
        assert main(["average", *arguments]) == 2
        return capsys.readouterr().err

    assert train("stranger", "--training.seed", "2") == 0
    assert start("child") == 0
    assert "child and stranger did not start from one run" in refused("child", "stranger")
    assert "named twice" in refused("child", "checkpoints/child")
    assert "--last is of one run's validations" in refused("child", "parent", "--last", "2")
    assert "exists already" in refused("child", "parent", "--run", "stranger")
    assert "Name at least one run" in refused()
    (parent / "model.safetensors").unlink()
    assert train("parent-again", "--model.hidden-size", "18") == 0
    Path("checkpoints/parent-again/model.safetensors").rename(parent / "model.safetensors")
    assert "other weights, or other sizes" in refused("child", "parent")
    Path("checkpoints/child/metrics.jsonl").unlink()
    assert "is not trained to its end" in refused("parent", "child")
