"""Which precision training takes, that it says so, and that it never changes half-way."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq.checkpoint import load_training_state, save_training_state
from seq2seq.cli import main
from seq2seq.config import ModelSettings, TrainingSettings
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.batches import Batch
from seq2seq.training import loop
from seq2seq.training.history import History
from seq2seq.training.loop import Trainer
from seq2seq.training.loss import token_loss
from seq2seq.training.precision import Precision, choose_precision, native_bf16, precision_before
from tests.conftest import AUTO

QUESTIONS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def answer(monkeypatch, *answers: bool | None) -> None:
    """Let this CPU have what is said; None takes the question itself away."""
    for question, said in zip(QUESTIONS, answers, strict=True):
        if said is None:
            monkeypatch.delattr(torch.cpu, question, raising=False)
        else:
            monkeypatch.setattr(torch.cpu, question, lambda said=said: said, raising=False)


@pytest.mark.parametrize(
    ("answers", "kind", "reason"),
    [
        ((True, False), "bf16", "which this CPU multiplies natively (AVX-512 BF16)"),
        ((True, True), "bf16", "which this CPU multiplies natively (AVX-512 BF16 and AMX)"),
        ((None, True), "bf16", "which this CPU multiplies natively (AMX)"),
        ((False, False), "float32", "because this CPU does not multiply bf16 natively"),
        ((None, False), "float32", "because this CPU does not multiply bf16 natively"),
        ((None, None), "float32", "because this torch does not say whether the CPU has bf16"),
    ],
)
def test_auto_asks_the_cpu(monkeypatch, answers, kind, reason):
    answer(monkeypatch, *answers)
    assert choose_precision("auto", "cpu") == Precision(kind, reason)


def test_a_question_that_fails_is_no_answer(monkeypatch):
    def fail() -> bool:
        raise RuntimeError("no cpuinfo")

    monkeypatch.setattr(torch.cpu, QUESTIONS[0], fail, raising=False)
    assert native_bf16() is None
    assert choose_precision("auto", "cpu").kind == "float32"


@pytest.mark.parametrize("supported", [True, False])
def test_auto_asks_the_gpu(monkeypatch, supported):
    def ask(including_emulation: bool = True) -> bool:
        return supported or including_emulation  # GPUs without it emulate it, slowly

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", ask)
    assert choose_precision("auto", "cuda").kind == ("bf16" if supported else "float32")
    assert choose_precision("auto", "mps").kind == "float32"


@pytest.mark.parametrize("kind", ["float32", "bf16"])
def test_what_is_set_is_taken_whatever_the_machine(monkeypatch, kind):
    answer(monkeypatch, kind == "float32", False)
    for device in ("cpu", "cuda", "mps"):
        assert str(choose_precision(kind, device)) == f"{kind}, as --training.precision says"


def test_the_cpu_is_asked_as_linux_describes_it():
    """The flags that the kernel lists are another way to know."""
    described = Path("/proc/cpuinfo")
    flags = (
        re.search(r"^flags\s*:(.*)$", described.read_text(), re.M) if described.exists() else None
    )
    if flags is None or native_bf16() is None:
        pytest.skip("no list of this CPU's flags to compare with")
    assert bool(native_bf16()) == bool({"avx512_bf16", "amx_tile"} & set(flags[1].split()))


def gradients_of_an_update(precision: str, **settings: object) -> dict[str, torch.Tensor]:
    """Of a whole model and loss, under the trainer's own autocast."""
    torch.manual_seed(0)
    model = EncoderDecoder(ModelSettings(dropout=0.0, word_dropout=0.0, **settings), 60, 60)
    draw = torch.Generator().manual_seed(1)
    lengths = torch.tensor([7, 7, 5, 3, 6, 2, 7, 4])
    batch = Batch(
        source=torch.randint(4, 60, (8, 7), generator=draw),
        source_lengths=lengths,
        target=torch.randint(4, 60, (8, 8), generator=draw),
        target_lengths=torch.full((8,), 7),
        rows=np.arange(8),
    )
    chosen = choose_precision(precision, "cpu")
    accelerator = loop.make_accelerator(TrainingSettings(device="cpu"), "cpu", chosen)
    with accelerator.autocast():
        loss = token_loss(model, batch, 0.1)
    (loss.total / loss.tokens).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(
    "settings",
    [
        {"attention": "additive"},  # the loop with its backward pass by hand
        {"attention": "general", "cell": "gru"},
        {"decoder": "context-vector", "bidirectional": False},
        {"attention": "dot", "cell": "rnn"},
    ],
)
def test_gradients_in_bf16_are_those_of_float32_but_for_rounding(settings):
    sizes = {"embedding_size": 32, "hidden_size": 64, "attention_size": 32}
    exact = gradients_of_an_update("float32", **sizes, **settings)
    rough = gradients_of_an_update("bf16", **sizes, **settings)
    assert rough.keys() == exact.keys()
    differ = 0
    for name, gradient in exact.items():
        assert rough[name].dtype == torch.float32
        difference = (rough[name] - gradient).norm()
        assert difference <= 0.08 * gradient.norm() + 1e-4, name
        differ += bool(difference > 0)
    assert differ == len(exact)  # a precision that changed nothing would not have been bf16


def started(run: str) -> list[dict]:
    events = History(Path("checkpoints") / run).events()
    return [event for event in events if event["event"] == "started"]


@pytest.mark.parametrize(("has", "kind"), [(True, "bf16"), (False, "float32")])
def test_training_says_what_it_takes_and_why(counting_corpus, monkeypatch, capsys, has, kind):
    counting_corpus(100)
    answer(monkeypatch, has, False)
    assert main(["train", "--run", "r", *AUTO, "--training.max-updates", "2"]) == 0
    reason = choose_precision("auto", "cpu").reason
    assert f"precision: {kind}, {reason}\n" in capsys.readouterr().err
    (event,) = started("r")
    assert event == {
        "event": "started",
        "update": 0,
        "device": "cpu",
        "precision": kind,
        "precision_because": reason,
    }
    lines = Path("checkpoints/r/metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == event
    assert load_training_state(Path("checkpoints/r"))["precision"] == kind


@pytest.fixture
def cut(counting_corpus, monkeypatch):
    """A function that trains by a command on a machine with bf16 to a Ctrl-C; then bf16 is gone."""
    counting_corpus(100)
    answer(monkeypatch, True, False)
    update = Trainer._update

    def train(*command: str) -> None:
        def interrupt(self, batches):
            update(self, batches)
            self._stop_asked = True

        monkeypatch.setattr(Trainer, "_update", interrupt)
        assert main([*command]) == 130
        monkeypatch.setattr(Trainer, "_update", update)
        answer(monkeypatch, False, False)

    return train


def test_going_on_in_another_precision_is_refused_with_what_to_pass(cut, capsys):
    cut("train", "--run", "r", *AUTO)
    before = Path("checkpoints/r/training_state.pt").read_bytes()
    capsys.readouterr()
    assert main(["train", "--run", "r", "--resume"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "seq2seq: The run was trained in bf16 and would go on in float32, because this CPU does "
        "not multiply bf16 natively; go on with --training.precision bf16."
    )
    assert Path("checkpoints/r/training_state.pt").read_bytes() == before
    assert main(["train", "--run", "r", "--resume", "--training.precision", "bf16"]) == 0
    assert [event["precision"] for event in started("r")] == ["bf16", "bf16"]


def test_the_whole_command_with_the_precision_goes_on_too(cut):
    cut("train", "--run", "r", *AUTO)
    assert main(["train", "--run", "r", *AUTO, "--resume", "--training.precision=bf16"]) == 0
    assert load_training_state(Path("checkpoints/r"))["precision"] == "bf16"


def test_a_language_model_goes_on_in_its_precision_too(cut, capsys):
    small = ["--model.embedding-size", "8", "--model.hidden-size", "8", "--model.layers", "1"]
    at = AUTO.index("--model.embedding-size")
    command = ["language-model", "--run", "l", *AUTO[:at], *small, *AUTO[at + 6 :]]
    cut(*command)
    assert main(["language-model", "--run", "l", "--resume"]) == 2
    assert "go on with --training.precision bf16." in capsys.readouterr().err
    resumed = ["language-model", "--run", "l", "--resume", "--training.precision", "bf16"]
    assert main(resumed) == 0


def test_a_precision_that_was_set_stays(counting_corpus, capsys):
    counting_corpus(100)
    command = ["train", "--run", "r", *AUTO, "--training.max-updates", "2"]
    assert main([*command, "--training.precision", "float32"]) == 0
    Path("checkpoints/r/metrics.jsonl").unlink()  # as if it had not come to its end
    capsys.readouterr()
    assert main(["train", "--run", "r", "--resume", "--training.precision", "bf16"]) == 2
    said = capsys.readouterr().err
    assert "training.precision is float32 there and bf16 here" in said


def test_states_of_before_say_float32_on_a_cpu(cut, monkeypatch):
    cut("train", "--run", "r", *AUTO)
    folder = Path("checkpoints/r")
    state = load_training_state(folder)
    del state["precision"]
    save_training_state(folder, state)
    assert main(["train", "--run", "r", "--resume"]) == 0
    answer(monkeypatch, True, False)  # what auto takes today is not what it took then
    assert precision_before({}, TrainingSettings(), "cpu") == "float32"
    settings = TrainingSettings(precision="bf16")
    assert precision_before({}, settings, "cpu") == "bf16"
