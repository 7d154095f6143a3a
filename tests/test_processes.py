"""Translating in several processes: what one process would say, whatever happens to them."""

from __future__ import annotations

import dataclasses
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq import translating
from seq2seq.cli import main
from seq2seq.config import SearchSettings
from seq2seq.decoding import DecodingOptions
from seq2seq.errors import ConfigError
from seq2seq.inference.processes import SearchProcesses
from seq2seq.inference.search import Hypothesis
from seq2seq.inference.translator import Translator
from tests.conftest import TINY, counting_pairs

SENTENCES = [source for source, _ in counting_pairs(150, seed=5)]
LONG = " ".join(SENTENCES[:100])  # translated in pieces
INPUT = [*SENTENCES, "", LONG, "unseen ☃ words"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two small runs of one corpus, `one` and `two`, and nothing to disturb."""
    folder, before = tmp_path_factory.mktemp("runs"), Path.cwd()
    os.chdir(folder)
    try:
        pairs = counting_pairs(200)
        for language, side in (("en", 0), ("de", 1)):
            text = "".join(pair[side] + "\n" for pair in pairs)
            Path(f"counting.{language}").write_text(text, encoding="utf-8")
        for run, seed in (("one", "1"), ("two", "2")):
            assert main(["train", "--run", run, *TINY, "--training.seed", seed]) == 0
        yield folder
    finally:
        os.chdir(before)


@pytest.fixture(autouse=True)
def _there(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)


def translated(processes: int, reports: list[str], **how: Any) -> list[Any]:
    """Everything that a translator says of the input, weights as nested lists."""
    search = SearchSettings(beam_size=3)
    found = []
    options = DecodingOptions(processes=processes, **how)
    with translating.open_translator("one", search, reports.append, options) as t:
        t.batch_tokens = 300  # of 150 sentences many batches
        for translation in t.translate(INPUT, n_best=2, with_weights=True):
            for text, score, pieces, weights in translation.candidates:
                assert weights is None or isinstance(weights, torch.Tensor)
                rows = None if weights is None else weights.tolist()
                found.append((text, score, pieces, rows))
    return found


@pytest.mark.parametrize(
    "how", [{"quantize": True, "shortlist": 5}, {"ensemble": ("two",)}], ids=str
)
def test_several_processes_say_what_one_says(how: dict[str, Any]) -> None:
    alone: list[str] = []
    together: list[str] = []
    if "shortlist" in how:
        translated(1, [], **how)  # what is learnt once is learnt and reported
    expected = translated(1, alone, **how)
    assert len({score for _, score, *_ in expected}) > 100
    assert translated(2, together, **how) == expected
    assert together == alone
    assert len([line for line in together if "translated in" in line]) == 1


def test_translating_line_by_line_prints_the_same(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data = "".join(f"{line}\n" for line in SENTENCES * 4).encode()  # two chunks
    said = []
    for processes in ("1", "2"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        options = ["--beam-size", "2", "--n-best", "2", "--processes", processes]
        assert main(["translate", "one", *options]) == 0
        said.append(capfd.readouterr())
    assert said[0] == said[1]
    assert said[0].out.count("\n") == 2 * 4 * len(SENTENCES)
    assert said[1].err == ""


def test_evaluate_hands_on_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = translating.open_translator
    asked: list[int] = []

    def note(*how: Any) -> Any:
        asked.append(how[-1].processes)
        return opened(*how[:-1], dataclasses.replace(how[-1], processes=1))

    monkeypatch.setattr(translating, "open_translator", note)
    assert main(["evaluate", "one", "--processes", "3"]) == 0
    assert asked == [3]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["translate", "one", "--processes", "0"], "--processes is 0; it must be at least 1."),
        (["evaluate", "one", "--processes", "-1"], "--processes is -1; it must be at least 1."),
        (
            ["translate", "one", "--processes", "2", "--threads", "2"],
            "--processes have one thread each; leave --threads out, or --processes at 1.",
        ),
        (["translate", "none", "--processes", "2"], "There is no run 'none'"),
    ],
)
def test_mistakes_take_one_line(
    command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"seq2seq: {said}")


def test_a_gpu_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Translator, "device", torch.device("cuda"))
    with (
        pytest.raises(ConfigError, match=r"--processes is for CPUs, and one runs on this machine"),
        translating.open_translator("one", None, print, DecodingOptions(processes=2)),
    ):
        pass


class Echo:
    """Says what it was given, and dies of the number 13."""

    def search_batch(
        self, rows: list[list[int]], n_best: int, with_weights: bool
    ) -> list[list[Hypothesis]]:
        if [13] in rows:
            os._exit(1)
        weights = torch.eye(2) * torch.get_num_threads() if with_weights else None
        return [[Hypothesis(row, 0.0, 0.0, weights)] * n_best for row in rows]


def no_model() -> Echo:
    raise MemoryError


def test_a_process_that_dies_is_an_error_and_not_a_wait() -> None:
    processes = SearchProcesses(Echo, 1)
    try:
        (of_first, of_second) = processes.submit([[1], [2]], 2, True)()
        assert [h.tokens for h in of_first + of_second] == [[1], [1], [2], [2]]
        assert of_first[0].weights is not None
        assert torch.equal(of_first[0].weights, torch.eye(2))  # one thread each
        dying = processes.submit([[13]], 1, False)
        with pytest.raises(ConfigError, match=r"was killed or could not begin.*fewer --processes"):
            dying()
        with pytest.raises(ConfigError, match="was killed"):
            processes.submit([[1]], 1, False)
    finally:
        processes.close()


def test_a_process_that_cannot_begin_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    processes = SearchProcesses(no_model, 1)
    try:
        with pytest.raises(ConfigError, match="could not begin"):
            processes.submit([[1]], 1, False)()
    finally:
        processes.close()


def children_of(parent: int) -> list[int]:
    """Living processes whose parent this is, by Linux' own list."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent and after_name[0] != "Z":
            found.append(int(status.parent.name))
    return found


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux' list of processes")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_a_kill_leave_nobody_behind(how: signal.Signals) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-m", "seq2seq", "translate", "one", "--processes", "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell's background job is started deaf to Ctrl-C, and would hand that on.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert victim.stdin is not None
    victim.stdin.write(b"one two three\n" * 600)
    victim.stdin.flush()  # a chunk of 500 lines is under way, and more is waited for
    wait_until(lambda: len(children_of(victim.pid)) >= 2)
    assert victim.stdout is not None
    if how == signal.SIGINT:
        time.sleep(1)
        os.killpg(victim.pid, how)  # as a terminal does: to all of them
    else:
        victim.kill()
    everybody = children_of(victim.pid)
    _, said = victim.communicate(timeout=120)
    assert victim.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    if how == signal.SIGINT:
        assert said.decode() == "seq2seq: interrupted\n"
    wait_until(lambda: not any(map(is_alive, everybody)))
