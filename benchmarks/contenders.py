"""Who is measured, and the processes they run in."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 900.0  # with a contender that does not answer


@dataclass(frozen=True)
class Contender:
    """One row of the table."""

    name: str
    label: str
    peer: bool  # another program, in an environment of its own
    kind: str = ""  # of `benchmarks.ours`
    slow: bool = False  # measured on a part of the batches only
    beam: bool = True  # has a beam search
    trains: bool = True  # trains in a way of its own
    decodes: bool = True  # translates in a way of its own
    latency: bool = False  # asked for single sentences
    same_model: bool = True  # about the arithmetic that the floor counts

    @property
    def python(self) -> Path:
        """The interpreter it runs in."""
        return ROOT / ".peers" / self.name / "bin" / "python" if self.peer else Path(sys.executable)

    @property
    def is_here(self) -> bool:
        """Whether it is installed."""
        return not self.peer or (ROOT / ".peers" / self.name / ".ready").is_file()

    @property
    def command(self) -> list[str]:
        """What starts it, the workload and threads left out."""
        if self.peer:
            return [str(self.python), "-m", f"benchmarks.peers.{self.name}_driver"]
        return [str(self.python), "-m", "benchmarks.ours", "--kind", self.kind]


def _faster(kind: str, label: str) -> Contender:
    """A faster way to translate; its arithmetic is less than what the floor counts."""
    return Contender(kind, label, False, kind, trains=False, same_model=False, latency=True)


FLOOR, OURS = "floor", "seq2seq"
CONTENDERS = (
    Contender(FLOOR, "the necessary arithmetic alone", False, "floor"),
    Contender(OURS, "**seq2seq**", False, "fast", latency=True),
    Contender("bf16", "seq2seq training in bf16", False, "bf16", decodes=False, same_model=False),
    _faster("int8", "seq2seq `--quantize`"),
    _faster("shortlist", "seq2seq `--shortlist 50`"),
    _faster("int8-shortlist", "seq2seq `--quantize --shortlist 50`"),
    Contender("tied", "seq2seq with tied embeddings, its default", False, "tied", same_model=False),
    Contender("plain", "the plain per-step loop", False, "plain", decodes=False),
    Contender("tutorial", "tutorial loop", False, "tutorial", slow=True, beam=False),
    Contender("joeynmt", "JoeyNMT", True),
    Contender("opennmt", "OpenNMT-py", True),
    Contender("marian", "Marian s2s", True, same_model=False),
    Contender("fairseq", "fairseq LSTM", True, same_model=False),
)


class ContenderError(Exception):
    """A contender stopped or does not answer; the message is its last line."""


class Process:
    """A contender that is running, and waits between its turns."""

    def __init__(self, contender: Contender, workload: Path, threads: int, logs: Path) -> None:
        """Start it; what it prints goes to a file of its own."""
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{contender.name}.log"
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*contender.command, "--workload", str(workload), "--threads", str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=environment,
            )

    def ask(self, do: str, **options: Any) -> dict[str, Any]:
        """Send a command and wait for the answer.

        Raises:
            ContenderError: it stopped, or was silent for too long.
        """
        commands, answers = _streams(self.process)
        try:
            commands.write(json.dumps({"do": do, **options}) + "\n")
            commands.flush()
        except OSError:
            raise ContenderError(self._last_line()) from None
        with selectors.DefaultSelector() as selector:
            selector.register(answers, selectors.EVENT_READ)
            if not selector.select(PATIENCE_SECONDS):
                self.process.kill()
                raise ContenderError(f"no answer within {PATIENCE_SECONDS:.0f} s")
        line = answers.readline()
        if not line:
            raise ContenderError(self._last_line())
        document: dict[str, Any] = json.loads(line)
        return document

    def stop(self) -> None:
        """Let it end."""
        commands, _ = _streams(self.process)
        commands.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8").strip().splitlines()
        return lines[-1] if lines else "stopped without a word"


def _streams(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
