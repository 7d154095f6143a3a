"""What a user types wrong gets one clear line and exit code 2."""

import io
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import pytest

from seq2seq.cli import COMMANDS, main
from tests.conftest import TINY

MISTAKES = [
    # arguments, what the line says
    (["trian"], "There is no command 'trian'; there are train,"),
    (["train", "multi31k"], "There is no preset 'multi31k'; there are phrasebook, multi30k, own."),
    (["train", "--system", "transformer"], "There is no system 'transformer'"),
    (["train", "--training.epohcs", "3"], "Perhaps you meant: --training.epochs"),
    (["train", "--training.epochs", "ten"], "invalid literal for int() with base 10: 'ten'"),
    (["train", "--training.epochs", "0"], "training.epochs is 0; it must be at least 1."),
    (["train", "--training.learning-rate", "nan"], "training.learning_rate is nan"),
    (["train", "--model.cell", "lstmm"], "invalid choice 'lstmm' for argument '--model.cell'"),
    (["train", "--model.hidden-size", "7"], "a bidirectional encoder needs an even number"),
    (["train", "--tokenizer.no-joint"], "which needs one vocabulary for both languages"),
    (["train", "--run", "none", "--resume"], "holds no run"),
    (["train", "--corpus.name", "./nothing.tsv"], "nothing.tsv"),
    (["train", "--training.device", "cuda"], "which this machine does not have"),
    (["evaluate", "none"], "There is no run 'none'; under checkpoints/ there are none yet"),
    (["evaluate"], "Name at least one run"),
    (["evaluate", "--split", "test", "r"], "Name at least one run, before all options"),
    (["evaluate", "r", "--split", "test", "--split=validation"], "--split stands twice; name ever"),
    (["translate", "r", "--rerank-by", "a", "--rerank_by", "b"], "--rerank-by stands twice"),
    (["translate", "r", "--ensemble"], "--ensemble names nothing; leave it out"),
    (["translate", "none"], "There is no run 'none'"),
    (["compare", "--systems", "lstm", "rrn"], "invalid choice 'rrn'"),
]


@pytest.mark.parametrize(("arguments", "line"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_gets_one_line_and_exit_code_2(arguments, line, workplace, capsys):
    if "cuda" in arguments:
        import torch

        if torch.cuda.is_available():
            pytest.skip("this machine has a GPU")
    assert main(arguments) == 2
    said = capsys.readouterr().err.strip().split("\n")[-1]
    assert said.startswith("seq2seq: ")
    assert line in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("command", "sentences"),
    [
        (
            "compare",
            [
                "Equal size: grow hidden_size of systems that have over 5% fewer parameters than "
                "the largest (their runs' names then tell the size); `none` leaves all sizes alone."
                " (default: parameters)",
                "Finished runs are used again, unfinished ones go on. seq2seq compare RUN RUN",
                "Pairs cut off for validation where the corpus has no such split",
            ],
        ),
        (
            "memory",
            ["2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 5-13 (5 up to its second stopping point), 6a, 6b."],
        ),
    ],
)
def test_help_is_wrapped_as_sentences_and_not_as_in_the_source(command, sentences, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for sentence in sentences:
        assert sentence in " ".join(shown.replace("│", " ").split())
    # Lines end where the box does, and not where ours do in the source.
    boxed = [line for line in shown.split("\n") if line.startswith("│       ")]
    (indent,) = {len(line) - len(line.lstrip("│ ")) for line in boxed}
    room = len(boxed[0]) - indent - len(" │")
    lines = [line.strip(" │") for line in boxed]
    wrapped = [
        (line, after)
        for line, after in pairwise(lines)
        if after.split()[0].islower() and not line.endswith(")")
    ]
    assert wrapped
    assert all(len(line) + 1 + len(after.split()[0]) > room for line, after in wrapped)


def test_the_phrasebook_by_its_name_is_the_preset(workplace, monkeypatch):
    from seq2seq.commands.arguments import split_preset

    for named in (["--corpus.name", "phrasebook"], ["--corpus.name=phrasebook"]):
        assert split_preset(named) == ("phrasebook", named)
    assert split_preset(["--corpus.name", "mine"])[0] == "own"
    assert split_preset([])[0] == "phrasebook"


def test_mistakes_within_a_run(counting_corpus, capsys, workplace):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    cases = [
        (["evaluate", "r", "--split", "tset"], "The corpus has no split 'tset'; it has"),
        (["translate", "r", "--beam-size", "0"], "search.beam_size is 0"),
        (["translate", "r", "--length-penalty", "1000"], "search.length_penalty is 1000.0; it"),
        (["translate", "r", "--threads", "0"], "--threads is 0; it must be at least 1."),
        (["translate", "r", "--threads", "-1"], "--threads is -1; it must be at least 1."),
        (["translate", "r", "--shortlist", "0"], "--shortlist 0 is out of range: 1 to"),
        (["translate", "r", "--attention", "map.jpg"], "pictures are .png or .svg."),
        (["train", "--run", "r", *TINY], "exists already"),
    ]
    for arguments, line in cases:
        assert main(arguments) == 2
        assert line in capsys.readouterr().err
    assert not (workplace / "checkpoints/r/lexicon.npz").exists()
    (workplace / "checkpoints/r/model.safetensors").write_bytes(b"short")
    assert main(["evaluate", "r"]) == 2
    assert "is truncated or no weights file" in capsys.readouterr().err


@pytest.fixture
def translating(counting_corpus, workplace):
    """A function that translates text by a process of its own; returns it when it has ended."""
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0

    def translate(text: bytes, *options: str, to: int | IO[bytes] = subprocess.PIPE) -> Any:
        command = [sys.executable, "-m", "seq2seq", "translate", "r", "--beam-size", "1", *options]
        return subprocess.run(command, input=text, stdout=to, stderr=subprocess.PIPE)

    return translate


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_said_in_one_line(translating, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with Path("/dev/full").open("wb") as full:
        usage = [sys.executable, "-m", "seq2seq", "--help"]
        for done in (
            translating(b"one two\n" * 3, to=full),
            subprocess.run(usage, stdout=full, stderr=subprocess.PIPE),
        ):
            assert done.returncode == 2
            assert done.stderr.decode() == "seq2seq: the disk is full; the output is not whole\n"


def test_output_is_utf8_wherever_it_goes(counting_corpus, workplace, monkeypatch):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert main(["evaluate", "r", "--split", "validation"]) == 0
    assert "r · validation: " in written.getvalue().decode()


def test_who_types_gets_each_answer_at_once(counting_corpus, workplace, monkeypatch):
    """A terminal to type at, and a pipe to read from: nothing waits for a buffer to fill."""
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "seq2seq", "translate", "r", "--n-best", "2"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE) as process:
        os.close(theirs)
        assert process.stdout is not None
        os.write(ours, b"one two\n")
        first, second = process.stdout.readline(), process.stdout.readline()
        process.kill()
    os.close(ours)
    assert first.startswith(b"0 ||| ")
    assert second.startswith(b"0 ||| ")


def test_what_can_be_translated_is_whatever_else_fails(
    counting_corpus, workplace, monkeypatch, capsys
):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0

    def refused(text: bytes, *options: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        assert main(["translate", "r", "--beam-size", "1", *options]) == 2
        said = capsys.readouterr()
        return said.out.count("\n"), said.err

    lines, why = refused(b"one " * 130 + b"\none\n", "--attention", "map.png")
    assert lines == 2
    assert "map.png is not drawn: the sentence has" in why
    assert "a map shows 120 at most" in why
    lines, why = refused(b"", "--attention", "map.png")
    assert lines == 0
    assert "There is no attention to draw: no sentence came in." in why
    assert not (workplace / "map.png").exists()
    lines, why = refused(b"one\ntwo\n\xff\nthree\n")
    assert lines == 2
    assert "Line 3 is not UTF-8: its byte 1 is 0xFF" in why


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"usage: seq2seq {command}" in capsys.readouterr().out


def test_help_does_not_wait_for_torch():
    """Held by what is imported, not by a clock: the light start imports no heavy package."""
    check = (
        "import sys; from seq2seq.cli import main; main(['--help']);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'datasets', 'numpy', 'sentencepiece')))"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0
    assert "usage: seq2seq COMMAND" in done.stdout
    assert time.monotonic() - started < 60  # a guard against hanging, not a measurement
