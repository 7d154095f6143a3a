"""What training does with its folder: one process at a time, nothing of what it cannot begin."""

import json
from pathlib import Path

import pytest
import torch

from seq2seq import pipeline
from seq2seq.cli import main
from seq2seq.text import unfinished
from seq2seq.text.unfinished import sole_user
from seq2seq.training.history import History
from seq2seq.training.loop import Trainer
from tests.conftest import TINY, assert_same_end, train, validations

LANGUAGE_MODEL = [option for option in TINY if option != "--model.attention-size"]
LANGUAGE_MODEL.remove("8")
ONE_EPOCH = ["--training.epochs", "1"]


def last_line(capsys) -> str:
    return capsys.readouterr().err.strip().split("\n")[-1]


@pytest.mark.skipif(unfinished.fcntl is None, reason="no locks here")
@pytest.mark.parametrize("command", ["train", "language-model"])
def test_two_processes_do_not_train_in_one_folder(command, counting_corpus, capsys):
    counting_corpus(100)
    options = TINY if command == "train" else LANGUAGE_MODEL
    folder = Path("checkpoints/r")
    folder.mkdir(parents=True)
    with sole_user(folder):
        assert main([command, "--run", "r", *options]) == 2
    assert last_line(capsys) == (
        "seq2seq: checkpoints/r is being trained by another process; let it end, or give another "
        "--run NAME."
    )
    assert main([command, "--run", "r", *options]) == 0
    weights = (folder / "model.safetensors").read_bytes()
    with sole_user(folder):
        assert main(["evaluate", "r"]) == (0 if command == "train" else 2)  # to read is free
    assert main([command, "--run", "r", *options]) == 2
    assert "exists already; go on with it by --resume" in last_line(capsys)
    assert (folder / "model.safetensors").read_bytes() == weights


def test_what_another_process_has_just_finished_is_not_trained_again(counting_corpus, monkeypatch):
    counting_corpus(100)
    assert train("r") == 0
    weights = Path("checkpoints/r/model.safetensors").stat().st_mtime_ns
    asked = []

    def finished_at_the_second_look(folder: Path) -> bool:
        asked.append(folder)
        return len(asked) > 1

    monkeypatch.setattr(pipeline, "is_finished", finished_at_the_second_look)
    assert main(["train", "--run", "r", "--resume"]) == 0
    assert len(asked) == 2
    assert Path("checkpoints/r/model.safetensors").stat().st_mtime_ns == weights


@pytest.mark.skipif(unfinished.fcntl is None, reason="no locks here")
def test_a_folder_that_vanishes_before_it_is_locked_is_made_anew(
    counting_corpus, capsys, monkeypatch
):
    counting_corpus(100)
    folder, lock, seen = Path("checkpoints/r"), unfinished.fcntl.flock, []

    def vanish(descriptor: int, how: int) -> None:
        lock(descriptor, how)
        if folder.exists() and not seen:
            seen.append(descriptor)
            folder.rmdir()

    monkeypatch.setattr(unfinished.fcntl, "flock", vanish)
    assert train("r") == 0
    assert len(seen) == 1
    assert (folder / "model.safetensors").is_file()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("command", ["train", "language-model"])
def test_a_device_that_is_not_there_leaves_nothing_behind(command, counting_corpus, capsys):
    counting_corpus(100)
    options = TINY if command == "train" else LANGUAGE_MODEL
    assert main([command, "--run", "r", *options, "--training.device", "cuda"]) == 2
    assert "training.device is cuda, which this machine does not have" in last_line(capsys)
    assert not Path("checkpoints/r").exists()
    assert main([command, "--run", "r", *options]) == 0


def test_a_folder_of_ones_own_stays_when_training_is_refused(counting_corpus):
    counting_corpus(100)
    Path("mine").mkdir()
    assert train("./mine", "--corpus.source-language", "xx") == 2
    assert Path("mine").is_dir()
    assert train("./other", "--corpus.source-language", "xx") == 2
    assert not Path("other").exists()


def test_a_folder_that_cannot_be_made_gets_one_line(counting_corpus, capsys):
    counting_corpus(100)
    Path("file").touch()
    assert train("file/r") == 2
    assert last_line(capsys) == "seq2seq: file/r cannot be made: Not a directory."
    assert train("./file") == 2
    assert last_line(capsys) == "seq2seq: file cannot be made: File exists."


def test_a_kill_before_the_first_save_leaves_no_trace_in_the_history(counting_corpus, monkeypatch):
    counting_corpus(200)
    assert train("whole", *ONE_EPOCH) == 0
    save = Trainer._save

    def fail(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save", fail)
        assert train("killed", *ONE_EPOCH) == 130
    history = Path("checkpoints/killed/metrics.jsonl")
    with history.open("a", encoding="utf-8") as file:
        file.write('{"event": "train", "upd')  # cut short
    assert Trainer._save is save
    assert main(["train", "--run", "killed", "--resume"]) == 0
    assert_same_end("whole", "killed")
    events = [json.loads(line)["event"] for line in history.read_text().splitlines()]
    assert events == [event["event"] for event in History(Path("checkpoints/whole")).events()]


def test_a_run_that_had_stopped_early_does_not_go_on(counting_corpus, monkeypatch):
    counting_corpus(200)
    early = [
        "--training.patience", "2", "--training.learning-rate", "1e-9", "--training.epochs", "50",
        "--training.average-last", "2", "--training.select-by", "bleu",
    ]  # fmt: skip
    assert train("whole", *early) == 0
    with monkeypatch.context() as patch:

        def fail(self):
            raise KeyboardInterrupt

        patch.setattr(Trainer, "_try_average", fail)
        assert train("killed", *early) == 130
    assert main(["train", "--run", "killed", "--resume"]) == 0
    assert_same_end("whole", "killed")
    assert len(validations("killed")) < 6
    finished = History(Path("checkpoints/killed")).finished()
    assert finished["reason"] == "validation stopped improving"


@pytest.mark.parametrize("joint", [True, False])
def test_damaged_subwords_are_learnt_anew(joint, counting_corpus, capsys):
    counting_corpus(200)
    more = ["--training.max-updates", "3"]
    more += [] if joint else ["--tokenizer.no-joint", "--tokenizer.vocabulary-size", "300"]
    more += [] if joint else ["--model.tied", "none"]
    assert train("one", *more) == 0
    kept = sorted(Path("data/tokenizers").glob("*/*.model"))
    assert len(kept) == (1 if joint else 2)
    whole = [path.read_bytes() for path in kept]
    kept[-1].write_bytes(b"")
    capsys.readouterr()
    assert train("two", *more) == 0
    assert "subwords: learnt anew, because those kept are damaged: data/tokenizers" in (
        capsys.readouterr().err
    )
    assert [path.read_bytes() for path in kept] == whole
    kept[-1].unlink()
    assert train("three", *more) == 0
    assert [path.read_bytes() for path in kept] == whole
    assert_same_end("one", "three")
