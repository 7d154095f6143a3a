"""How the benchmark talks to a contender: a process that reads commands and answers, line by line.

Every contender is a process of its own, so that none disturbs another's memory or threads, and one
that is not ours runs in an environment of its own. It stays alive between its turns, so that all
are warm and take turns within seconds of each other. This file is all that the drivers of other
programs share with us: it imports nothing but numpy.

    {"do": "describe"}                               → {"version": …, "parameters": …, "note": …}
    {"do": "train", "batches": [3, 9]}               → {"seconds": …}
    {"do": "decode", "batches": [0], "beam": 5}      → {"seconds": …}
    {"do": "memory"}                                 → {"peak_bytes": …}
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

PADDING, BEGIN, END, UNKNOWN = 0, 1, 2, 3  # as in seq2seq.text.tokenizer
Tokens = NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True)
class PairBatch:
    """A batch of sentence pairs as token numbers."""

    source: list[Tokens]  # END last
    target: list[Tokens]  # END last, no BEGIN

    @property
    def tokens(self) -> int:
        """Target tokens to learn or to generate, END counted, padding not."""
        return sum(map(len, self.target))

    @property
    def steps(self) -> int:
        """Steps of decoding: the mean reference length, END counted."""
        return round(self.tokens / len(self.target))

    def renumbered(self, padding: int, begin: int, end: int, unknown: int) -> PairBatch:
        """The same batch for a program with other numbers for the four special tokens."""
        order = np.array([padding, begin, end, unknown])

        def row(tokens: Tokens) -> Tokens:
            return np.where(tokens <= UNKNOWN, order[np.minimum(tokens, UNKNOWN)], tokens)

        return PairBatch([row(r) for r in self.source], [row(r) for r in self.target])


@dataclass(frozen=True)
class Workload:
    """What every contender works on."""

    vocabulary: int  # token numbers, the special ones included
    train: list[PairBatch]
    test: list[PairBatch]

    def save(self, path: Path) -> None:
        """Write one `.npz`."""
        arrays: dict[str, NDArray[Any]] = {"vocabulary": np.array(self.vocabulary)}
        for split, batches in (("train", self.train), ("test", self.test)):
            arrays[f"{split}_sizes"] = np.array([len(batch.source) for batch in batches])
            for side in ("source", "target"):
                rows = [row for batch in batches for row in getattr(batch, side)]
                arrays[f"{split}_{side}_lengths"] = np.array([len(row) for row in rows])
                arrays[f"{split}_{side}"] = np.concatenate(rows).astype(np.int32)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Workload:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            train, test = (cls._batches(arrays, split) for split in ("train", "test"))
            return cls(int(arrays["vocabulary"]), train, test)

    @staticmethod
    def _batches(arrays: Any, split: str) -> list[PairBatch]:
        def rows(side: str) -> list[Tokens]:
            ends = np.cumsum(arrays[f"{split}_{side}_lengths"])
            return np.split(arrays[f"{split}_{side}"].astype(np.int64), ends[:-1])

        ends = np.cumsum(arrays[f"{split}_sizes"]).tolist()
        source, target = rows("source"), rows("target")
        return [
            PairBatch(source[start:end], target[start:end])
            for start, end in zip([0, *ends[:-1]], ends, strict=True)
        ]


def padded(rows: Sequence[Tokens], padding: int = PADDING, begin: int | None = None) -> Tokens:
    """Rows as one table, behind a column of `begin` if given."""
    first = 0 if begin is None else 1
    table = np.full((len(rows), first + max(map(len, rows))), padding, dtype=np.int64)
    for number, row in enumerate(rows):
        table[number, first : first + len(row)] = row
    if begin is not None:
        table[:, 0] = begin
    return table


class Contender(Protocol):
    """What is put to work. Both measures are wall-clock seconds of the work alone."""

    def describe(self) -> dict[str, Any]:
        """`version`, `parameters`, and where it differs from the model of the others: `note`."""

    def train(self, batches: list[PairBatch]) -> float:
        """One real step of the optimiser on each batch: forward, backward, clip, update."""

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        """Translate each batch; every sentence to exactly `steps` tokens of its batch."""


def timed(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def timed_each(work: Callable[[T], object], items: Sequence[T]) -> float:
    """Seconds that a piece of work takes on all items, one after the other."""

    def all_of_it() -> None:
        for item in items:
            work(item)

    return timed(all_of_it)


def serve(make: Callable[[Workload, argparse.Namespace], Contender]) -> None:
    """Be a contender: `--workload PATH --threads N`, then commands on standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--kind", default="")
    arguments = parser.parse_args()
    with _own_standard_output() as answer:
        workload = Workload.load(arguments.workload)
        contender = make(workload, arguments)
        for line in sys.stdin:
            answer(_obey(contender, workload, json.loads(line)))


def _obey(contender: Contender, workload: Workload, command: dict[str, Any]) -> dict[str, Any]:
    match command["do"]:
        case "describe":
            return contender.describe()
        case "train":
            return {"seconds": contender.train([workload.train[k] for k in command["batches"]])}
        case "decode":
            batches = [workload.test[k] for k in command["batches"]]
            return {"seconds": contender.decode(batches, command["beam"])}
        case "memory":
            whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            return {"peak_bytes": 1024 * max(resource.getrusage(who).ru_maxrss for who in whose)}
        case other:
            # What only some can: a method of that name, which takes and gives plain values.
            options = {key: value for key, value in command.items() if key != "do"}
            result: dict[str, Any] = getattr(contender, other)(options)
            return result


@contextmanager
def _own_standard_output() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Keep standard output for answers; whatever else a program prints goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)

        def answer(document: dict[str, Any]) -> None:
            channel.write(json.dumps(document) + "\n")
            channel.flush()

        yield answer
