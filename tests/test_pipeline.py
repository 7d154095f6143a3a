"""The whole journey on a tiny language, by the commands a user types."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seq2seq.checkpoint import read_config, weights_of
from seq2seq.cli import main
from seq2seq.training import loop
from seq2seq.training.averaging import average_weights, kept_path, kept_updates
from seq2seq.training.history import History
from seq2seq.training.loop import Trainer
from tests.conftest import TINY, assert_same_end, counting_pairs, state_of, train, validations


def test_a_run_learns_and_its_commands_work(counting_corpus, capsys, monkeypatch):
    counting_corpus(600)
    more = ["--training.epochs", "25", "--model.hidden-size", "48", "--model.embedding-size", "24"]
    more += ["--training.validate-every", "50"]
    assert train("learnt", *more) == 0
    first, last = validations("learnt")[0], validations("learnt")[-1]
    assert last["bleu"] > 60 > first["bleu"]
    capsys.readouterr()

    assert main(["evaluate", "learnt", "--split", "test", "validation", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)["learnt"]
    assert [part["split"] for part in document] == ["test", "validation"]
    names = [score["name"] for score in document[0]["scores"]]
    assert names == ["BLEU", "chrF2", "TER"]
    assert document[0]["scores"][0]["value"] > 60
    kept = json.loads(Path("checkpoints/learnt/scores.json").read_text())
    assert kept["test"]["scores"] == document[0]["scores"]

    assert main(["evaluate", "learnt"]) == 0
    assert "nrefs:1|" in capsys.readouterr().out

    lines = "one two three\n\n  \nfive five\r\nunseen ☃ words".encode()
    done = subprocess.run(
        [sys.executable, "-m", "seq2seq", "translate", "learnt"], input=lines, capture_output=True
    )
    out = done.stdout.decode().split("\n")
    assert out[0] == "drei zwei eins"
    assert out[1:3] == ["", ""]
    assert out[3] == "fünf fünf"
    assert len(out) == 6
    assert out[5] == ""


def test_saved_scores_equal_the_sacrebleu_command(counting_corpus):
    counting_corpus(300)
    assert train("scored") == 0
    assert main(["evaluate", "scored"]) == 0
    reference = next(Path("data/prepared").glob("*/test.de"))
    translations = "checkpoints/scored/translations.test.txt"
    command = [sys.executable, "-m", "sacrebleu", str(reference), "-i", translations, "-m", "bleu",
               "chrf", "ter", "--confidence", "-w", "13"]  # fmt: skip
    theirs = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    ours = json.loads(Path("checkpoints/scored/scores.json").read_text())["test"]["scores"]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine["name"] == other["name"]
        assert round(mine["value"], 10) == round(other["score"], 10)


EVERY_NOISE = [
    *("--model.dropout", "0.2", "--model.word-dropout", "0.1", "--model.encoder-dropout", "0.1"),
    *("--model.recurrent-dropout", "0.1", "--model.sequence-dropout"),
    *("--training.subword-sampling", "0.2"),
]


@pytest.mark.parametrize(
    "choice",
    [
        ["--system", "attention"],
        ["--system", "lstm-reversed"],
        ["--system", "lstm-bidirectional"],
        ["--system", "gru"],
        ["--system", "attention", *EVERY_NOISE],
    ],
    ids=["attention", "lstm-reversed", "lstm-bidirectional", "gru", "every noise"],
)
def test_resuming_after_ctrl_c_ends_with_the_same_bits(
    counting_corpus, monkeypatch, choice, capsys
):
    counting_corpus(200)
    assert train("whole", *choice) == 0
    update = Trainer._update

    def interrupt_at_13(self, batches):
        update(self, batches)
        if self.progress.update == 13:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Trainer, "_update", interrupt_at_13)
    assert train("cut", *choice) == 130
    assert "Go on with: seq2seq train --run cut --resume" in capsys.readouterr().err
    monkeypatch.setattr(Trainer, "_update", update)
    assert state_of("cut")["progress"]["update"] == 13
    torch.rand(5)  # the world's random numbers went on meanwhile
    assert main(["train", "--run", "cut", "--resume"]) == 0
    assert_same_end("whole", "cut")


def test_training_sees_the_sampled_subwords(counting_corpus):
    """Cut at random, the same sentences are more subwords than in their best cut."""
    counting_corpus(200)
    assert train("best", "--training.epochs", "1") == 0
    assert train("drawn", "--training.epochs", "1", "--training.subword-sampling", "0.05") == 0
    best, drawn = (state_of(run)["progress"] for run in ("best", "drawn"))
    assert drawn["update"] == best["update"]
    assert drawn["tokens"] > 1.1 * best["tokens"]


def test_resuming_after_a_kill_ends_with_the_same_bits(counting_corpus):
    counting_corpus(200)
    more = ["--training.validate-every", "5", "--training.epochs", "12", "--training.threads", "1"]
    assert train("whole", *more) == 0
    command = [sys.executable, "-m", "seq2seq", "train", "--run", "killed", *TINY, *more]
    victim = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    state = Path("checkpoints/killed/training_state.pt")
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    victim.kill()
    victim.wait()
    assert state_of("killed")["progress"]["update"] < state_of("whole")["progress"]["update"]
    assert main(["train", "--run", "killed", "--resume"]) == 0
    assert_same_end("whole", "killed")


def test_a_run_does_not_go_on_with_other_text(counting_corpus, workplace, monkeypatch, capsys):
    counting_corpus(200)
    update = Trainer._update

    def interrupt_at_3(self, batches):
        update(self, batches)
        if self.progress.update == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_update", interrupt_at_3)
        assert train("cut") == 130
    german = workplace / "counting.de"
    old = german.read_text(encoding="utf-8")
    german.write_text(old.replace("eins", "uno", 1), encoding="utf-8")
    before = state_of("cut")["progress"]
    capsys.readouterr()
    assert main(["train", "--run", "cut", "--resume"]) == 2
    said = capsys.readouterr().err.strip().split("\n")[-1]
    kept = read_config(Path("checkpoints/cut")).corpus
    assert said.startswith("seq2seq: checkpoints/cut learns from counting as it was (fingerprint ")
    assert kept is not None
    assert kept in said
    assert said.endswith("put the old text back, or start another run with --run NAME.")
    assert state_of("cut")["progress"] == before

    german.write_text(old, encoding="utf-8")
    assert main(["train", "--run", "cut", "--resume"]) == 0
    german.write_text(old.replace("eins", "uno", 1), encoding="utf-8")
    capsys.readouterr()
    assert main(["evaluate", "cut"]) == 0
    assert "cut: it learnt from counting as it was" in capsys.readouterr().err
    # Runs from before the text was noted go on.
    config = Path("checkpoints/cut/config.json")
    document = json.loads(config.read_text())
    del document["corpus"]
    config.write_text(json.dumps(document))
    assert main(["evaluate", "cut"]) == 0
    assert "as it was" not in capsys.readouterr().err
    assert main(["train", "--run", "cut", "--resume"]) == 0


def test_the_same_command_twice_does_no_harm(counting_corpus, capsys):
    counting_corpus(100)
    assert train("once") == 0
    before = Path("checkpoints/once/model.safetensors").read_bytes()
    capsys.readouterr()
    assert train("once") == 2
    assert "exists already; go on with it by --resume" in capsys.readouterr().err
    assert train("once", "--resume") == 0
    assert "is finished already" in capsys.readouterr().err
    assert train("once", "--resume", "--training.epochs", "4") == 2
    assert "training.epochs is 3 there and 4 here" in capsys.readouterr().err
    assert Path("checkpoints/once/model.safetensors").read_bytes() == before


def test_a_second_run_takes_its_text_from_the_cache(counting_corpus, monkeypatch):
    counting_corpus(100)
    assert train("first") == 0
    from seq2seq.text.tokenizer import Tokenizer

    def encode_again(self, sentences):
        raise AssertionError("the training text was tokenised twice")

    monkeypatch.setattr(Tokenizer, "encode_target", encode_again)
    assert train("second", "--training.max-updates", "2") == 0


def test_a_loss_that_is_no_number_stops_with_the_pair(counting_corpus, monkeypatch, capsys):
    counting_corpus(100)
    honest = loop.token_loss

    def broken(model, batch, label_smoothing):
        loss = honest(model, batch, label_smoothing)
        return loss._replace(total=loss.total * float("nan"))

    monkeypatch.setattr(loop, "token_loss", broken)
    assert train("broken") == 2
    said = capsys.readouterr().err.strip().split("\n")[-1]
    assert "The loss is no longer a number at update 1 (rate 0.0033)" in said
    assert "longest pair" in said
    assert any(f"“{one}” → “{other}”" in said for one, other in counting_pairs(100))


def test_a_full_disk_while_training_leaves_a_run_that_goes_on(counting_corpus, monkeypatch, capsys):
    counting_corpus(200)
    assert train("whole", "--training.validate-every", "5") == 0
    fsync = os.fsync

    def full_at_last(descriptor):
        if Path("checkpoints/full/training_state.pt").exists():
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_last)
    assert train("full", "--training.validate-every", "5") == 2
    assert "the disk is full; the last good one stays" in capsys.readouterr().err
    monkeypatch.setattr(os, "fsync", fsync)
    assert main(["train", "--run", "full", "--resume"]) == 0
    assert_same_end("whole", "full")


def test_accumulated_batches_make_the_update_of_one_large_batch(counting_corpus, monkeypatch):
    """The gradient of two batches together, clipped, taken apart from the trainer."""
    counting_corpus(100)
    seen = {}
    update = Trainer._update

    def compare(self, batches):
        if self.progress.update == 0 and len(batches) == 2:
            self.model.train()
            tokens = sum(int(batch.target_lengths.sum()) for batch in batches)
            losses = [loop.token_loss(self.model, batch, 0.1).total for batch in batches]
            (sum(losses) / tokens).backward()
            norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 0.1)
            seen["expected"] = {n: p.grad.clone() for n, p in self.model.named_parameters()}
            seen["norm"] = norm
            update(self, batches)
            seen["actual"] = {n: p.grad.clone() for n, p in self.model.named_parameters()}
        else:
            update(self, batches)

    monkeypatch.setattr(Trainer, "_update", compare)
    quiet = ["--model.dropout", "0", "--model.word-dropout", "0", "--training.max-updates", "2"]
    quiet += ["--training.precision", "float32", "--training.clip-norm", "0.1"]
    assert train("accumulated", "--training.accumulate", "2", *quiet) == 0
    assert seen["norm"] > 0.2  # so that clipping shows
    for name, gradient in seen["expected"].items():
        torch.testing.assert_close(seen["actual"][name], gradient, rtol=1e-4, atol=1e-6)


def test_averaged_weights_are_the_mean():
    several = [{"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([3.0, 6.0])}]
    assert average_weights(several)["w"].tolist() == [2.0, 4.0]


@pytest.mark.parametrize("sign", [1, -1], ids=["the average is best", "the first is best"])
def test_averaging_the_last_validations(counting_corpus, monkeypatch, sign):
    """Whichever was measured last counts as the best, or as the worst."""
    counting_corpus(200)
    measure, measured = Trainer._measure, []

    def note(self):
        measured.append({name: w.clone() for name, w in weights_of(self.model).items()})
        value = float(sign * len(measured))
        return measure(self)[0], value, value

    monkeypatch.setattr(Trainer, "_measure", note)
    more = ["--training.average-last", "3", "--training.validate-every", "4"]
    assert train("averaged", *more, "--training.schedule", "constant") == 0
    folder = Path("checkpoints/averaged")
    last = validations("averaged")[-1]
    assert last["weights"] == "average of the last 3"
    best = max(validations("averaged"), key=lambda event: event["bleu"])
    finished = History(folder).finished()
    assert finished["best"] == best["bleu"]
    kept = kept_updates(folder)
    assert len(kept) == 3
    assert kept[-1] == finished["update"]
    several = [load_file(kept_path(folder, update)) for update in kept]
    chosen, latest = load_file(folder / "model.safetensors"), state_of("averaged")["weights"]
    for name, average in measured[-1].items():
        torch.testing.assert_close(average, sum(weights[name] for weights in several) / 3)
        assert torch.equal(chosen[name], average if sign > 0 else measured[0][name])
        assert torch.equal(latest[name], several[-1][name])


def test_an_average_is_a_run(counting_corpus, capsys, no_pictures):
    counting_corpus(200)
    kept = ["--training.average-last", "3", "--training.validate-every", "4"]
    assert train("noisy", *kept) == 0
    assert main(["average", "noisy", "--last", "2", "--run", "mean"]) == 0
    noisy, mean = Path("checkpoints/noisy"), Path("checkpoints/mean")
    paths = [kept_path(noisy, update) for update in kept_updates(noisy)[-2:]]
    one, other = map(load_file, paths)
    for name, weight in load_file(mean / "model.safetensors").items():
        torch.testing.assert_close(weight, (one[name] + other[name]) / 2)
    assert main(["evaluate", "mean"]) == 0
    assert main(["compare", "noisy", "mean"]) == 0
    assert main(["train", "--run", "mean", "--resume"]) == 0
    assert "finished already" in capsys.readouterr().err


def test_what_cannot_be_averaged_is_refused(counting_corpus, capsys):
    def refused(*arguments: str) -> str:
        assert main(["average", *arguments]) == 2
        return capsys.readouterr().err

    counting_corpus(100)
    short = ["--training.max-updates", "4", "--training.validate-every", "2"]
    assert train("bare", *short) == 0
    assert train("kept", *short, "--training.average-last", "2") == 0
    assert "0 validations, fewer than 2; train with --training.average-last" in refused("bare")
    assert "2 validations, fewer than 3" in refused("kept", "--last", "3")
    assert "--last is 1; an average needs at least 2" in refused("kept", "--last", "1")
    assert "exists already" in refused("kept", "--run", "bare")
    Path("file").touch()
    assert "file/tokenizer.model could not be saved" in refused("kept", "--run", "./file")
    assert "file/x/tokenizer.model could not be saved" in refused("kept", "--run", "file/x")
    Path("checkpoints/kept/metrics.jsonl").unlink()
    assert "is not trained to its end" in refused("kept")
    assert "There is no run 'nowhere'" in refused("nowhere")


def test_training_stops_early_when_validation_stops_improving(counting_corpus):
    counting_corpus(200)
    flat = ["--training.learning-rate", "1e-12", "--training.patience", "2"]
    assert train("flat", *flat, "--training.select-by", "bleu", "--training.epochs", "9") == 0
    finished = History(Path("checkpoints/flat")).finished()
    assert finished["reason"] == "validation stopped improving"
    assert len(validations("flat")) == 3


def test_bf16_on_a_cpu_learns(counting_corpus):
    counting_corpus(200)
    assert train("half", "--training.precision", "bf16", "--training.epochs", "8") == 0
    events = validations("half")
    assert events[-1]["nats_per_token"] < events[0]["nats_per_token"] - 0.2


def test_compare_trains_what_is_missing_and_reuses_the_rest(
    counting_corpus, capsys, monkeypatch, no_pictures
):
    counting_corpus(200)
    command = ["compare", "--run", "small", "--systems", "lstm", "attention", *TINY]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "test: BLEU [95%]" in out
    assert "nrefs:1|" in out
    assert out.count("reference") == 3
    assert "checkpoints/small-attention" in out
    monkeypatch.setattr(Trainer, "_update", None)  # any further training would fail
    assert main(command) == 0
    assert capsys.readouterr().out == out
    assert main([*command, "--training.epochs", "4"]) == 2
    assert "training.epochs is 3 there and 4 here" in capsys.readouterr().err
