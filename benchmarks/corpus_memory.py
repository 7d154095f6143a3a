"""A corpus of any size through preparation, tokenizer and batches: seconds and memory.

    python -m benchmarks.corpus_memory --pairs 10000000 [--folder data/benchmark/corpus]

Sentences are invented: words of a few syllables whose frequencies fall off as in a language (Zipf).
Memory that a program holds is its anonymous memory. Files that are mapped count towards the
resident size as well, but the system takes those pages back whenever it needs them.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import resource
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.arguments import positive
from benchmarks.reference import TRAINING
from seq2seq.config import CorpusSettings, TokenizerSettings
from seq2seq.report.plots import Curves, line_plots
from seq2seq.text.batches import collate, tokenize_split, training_batches
from seq2seq.text.corpus import load_corpus
from seq2seq.text.tokenizer import train_tokenizer

SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "or", "is")]
WORDS = 50_000
BLOCK = 10_000  # pairs written at once
BATCHES = 2_000  # read at the end


def write_corpus(folder: Path, pairs: int) -> tuple[Path, Path]:
    """Two parallel files of invented sentences, written block by block."""
    random = np.random.default_rng(0)
    counts = random.integers(1, 5, WORDS)
    words = np.array(["".join(random.choice(SYLLABLES, count)) for count in counts])
    frequency = 1 / np.arange(1, WORDS + 1)
    ends = np.cumsum(frequency) / frequency.sum()
    paths = folder / "corpus.xx", folder / "corpus.yy"
    folder.mkdir(parents=True, exist_ok=True)
    with paths[0].open("w") as source, paths[1].open("w") as target:
        for start in range(0, pairs, BLOCK):
            lengths = random.integers(5, 25, min(BLOCK, pairs - start))
            for file in (source, target):
                chosen = words[np.searchsorted(ends, random.random(int(lengths.sum())))]
                sentences = np.split(chosen, np.cumsum(lengths)[:-1])
                file.writelines(" ".join(sentence) + "\n" for sentence in sentences)
    return paths


class AnonymousMemory:
    """The most anonymous memory of this process, looked at every few milliseconds."""

    def __init__(self) -> None:
        """Not started."""
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.peak = max(self.peak, anonymous_bytes())

    def __enter__(self) -> Self:
        """Start looking."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()


def anonymous_bytes() -> int:
    """What this process holds now that no file backs; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def measure(pairs: int, folder: Path) -> dict[str, Any]:
    """Prepare, tokenise and batch a corpus of this size."""
    shutil.rmtree(folder, ignore_errors=True)
    stages: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        _give_back_memory()
        started = time.perf_counter()
        with AnonymousMemory() as memory:
            yield
        stages[name] = {
            "seconds": time.perf_counter() - started,
            "anonymous_bytes": max(memory.peak, anonymous_bytes()),
        }

    with stage("invent"):
        source, target = write_corpus(folder, pairs)
    with stage("prepare"):
        settings = CorpusSettings(
            name=f"{source},{target}", source_language="xx", target_language="yy"
        )
        corpus = load_corpus(settings, folder / "prepared", _quiet)
    train = corpus.splits["train"]
    with stage("learn the tokenizer"):
        tokenizer = train_tokenizer(TokenizerSettings(vocabulary_size=8_000), train, _quiet)
    with stage("tokenise"):
        split = tokenize_split(train, tokenizer, folder / "tokenized", _quiet)
    with stage("batch"):
        order = training_batches(split, TRAINING.batch_tokens, seed=1, epoch=0)
        for rows in order[:BATCHES]:
            collate(split, rows)
    text_bytes = source.stat().st_size + target.stat().st_size
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "pairs": pairs,
        "kept": len(train),
        "text_bytes": text_bytes,
        "stages": stages,
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def _give_back_memory() -> None:
    """What an earlier stage has freed shall not count as held by the next one."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _quiet(message: str) -> None:
    """The stages' own messages are not wanted here."""


def draw_corpora(found: list[dict[str, Any]], path: Path) -> None:
    """Seconds and memory of each stage over the number of pairs."""
    names = [name for name in found[-1]["stages"] if name != "invent"]

    def lines(value: str, scale: float) -> dict[str, list[tuple[float, float]]]:
        return {
            name: [(run["pairs"], run["stages"][name][value] / scale) for run in found]
            for name in names
        }

    seconds = Curves("sentence pairs", "seconds", lines("seconds", 1))
    memory = Curves("sentence pairs", "MB held", lines("anonymous_bytes", 1e6))
    line_plots([seconds, memory], path)


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=positive, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("data/benchmark/corpus"))
    options = parser.parse_args()
    print(json.dumps(measure(options.pairs, options.folder)))


if __name__ == "__main__":
    main()
