"""What several tests share: a tiny language to learn, and folders of its own for each test."""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from seq2seq.checkpoint import load_training_state, load_weights
from seq2seq.cli import main
from seq2seq.report import figures
from seq2seq.text.pair_files import PairFiles, PairWriter
from seq2seq.training.history import History

MIRRORED = {
    "one": "eins",
    "two": "zwei",
    "three": "drei",
    "four": "vier",
    "five": "fünf",
    "six": "sechs",
    "seven": "sieben",
    "eight": "acht",
    "nine": "neun",
    "ten": "zehn",
}
WORDS = list(MIRRORED)
SubwordKind = Literal["unigram", "bpe"]


@pytest.fixture(autouse=True, scope="module")
def _less_to_collect() -> None:
    """Every training collects garbage first; what stays for good need not be looked through."""
    gc.collect()
    gc.freeze()
    torch.set_num_threads(1)  # also for what a module makes once


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two test processes on two cores: more threads would only wait for one another.

    And for no disk: no test cuts the power.
    """
    torch.set_num_threads(1)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run commands in, so that data/ and checkpoints/ are its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without figures, which take most of a small comparison's time."""

    def blank(*given: Any) -> None:
        given[-1].write_bytes(
            bytes(24) if given[-1].suffix == ".png" else b'<svg width="1pt"></svg>'
        )

    monkeypatch.setattr(figures, "attention_map", blank)
    monkeypatch.setattr(figures, "charts", blank)


def made_once(factory: pytest.TempPathFactory, make: Callable[[], None]) -> Path:
    """A folder in which `make` was run, for a fixture of a module; tests have copies of it."""
    folder = factory.mktemp("made")
    with chdir(folder):
        make()
    return folder


def counting_pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Numbers in English and, in German, backwards: learnable, and word order matters."""
    draw = random.Random(seed)
    pairs = set()
    while len(pairs) < count:
        words = [draw.choice(WORDS) for _ in range(draw.randint(1, 5))]
        pairs.add((" ".join(words), " ".join(MIRRORED[word] for word in reversed(words))))
    return sorted(pairs)


@pytest.fixture(scope="module")
def counting_files(tmp_path_factory: pytest.TempPathFactory) -> PairFiles:
    """200 pairs as a split on disk."""
    folder = tmp_path_factory.mktemp("pairs")
    paths = folder / "train.source", folder / "train.target"
    with PairWriter(*paths) as writer:
        writer.write(counting_pairs(200))
    return PairFiles(*paths)


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def kind(request: pytest.FixtureRequest) -> SubwordKind:
    """Each kind of subwords in turn."""
    named: SubwordKind = request.param
    return named


def write_counting_splits(folder: Path) -> None:
    """Splits of its own: 240, 30 and 30 pairs."""
    folder.mkdir()
    pairs = counting_pairs(300)
    random.Random(0).shuffle(pairs)
    for split, start, end in (("train", 0, 240), ("validation", 240, 270), ("test", 270, 300)):
        for side, language in enumerate(("en", "de")):
            text = "".join(pair[side] + "\n" for pair in pairs[start:end])
            (folder / f"{split}.{language}").write_text(text, encoding="utf-8")


@pytest.fixture
def counting_corpus(workplace: Path) -> Callable[[int], Path]:
    """A function that writes `count` pairs as parallel text and returns their common prefix."""

    def write(count: int = 300) -> Path:
        write_counting_corpus(workplace, count)
        return workplace / "counting"

    return write


def write_counting_corpus(folder: Path, count: int) -> None:
    """`count` pairs as parallel text."""
    pairs = counting_pairs(count)
    for language, side in (("en", 0), ("de", 1)):
        text = "".join(pair[side] + "\n" for pair in pairs)
        (folder / f"counting.{language}").write_text(text, encoding="utf-8")


TINY = [
    "--corpus.name", "counting",
    "--corpus.source-language", "en", "--corpus.target-language", "de",
    "--tokenizer.vocabulary-size", "330",
    "--model.embedding-size", "12", "--model.hidden-size", "16", "--model.attention-size", "8",
    "--training.batch-tokens", "120", "--training.epochs", "3",
    "--training.warmup-updates", "5", "--training.learning-rate", "0.01",
    "--training.device", "cpu",
    "--training.precision", "float32",
]  # fmt: skip
"""Options of a run over `counting_corpus` that trains in about a second.

In float32 on every machine: in bf16, which `auto` takes where it can, AMX makes code for each of
so many small sizes, which takes longer than all the rest.
"""

AUTO = TINY[:-2]
"""The same in the precision that the machine has."""

BACK = ["--corpus.source-language", "de", "--corpus.target-language", "en"]
"""Options that, after TINY's, turn it into a run of the other direction."""


def train(run: str, *more: str) -> int:
    """Train a run over `counting_corpus` by the command; its exit code."""
    return main(["train", "--run", run, *TINY, *more])


def state_of(run: str) -> dict[str, Any]:
    """A run's training state."""
    return load_training_state(Path("checkpoints") / run)


def validations(run: str) -> list[dict[str, Any]]:
    """What a run's history says of its validations, but for the time they took."""
    events = History(Path("checkpoints") / run).events()
    timeless = [{k: v for k, v in event.items() if k != "seconds"} for event in events]
    return [event for event in timeless if event["event"] == "validation"]


def assert_same_end(one: str, other: str) -> None:
    """Two runs ended with the same bits: weights, optimiser, best weights, validations."""
    mine, theirs = state_of(one), state_of(other)
    for name, weight in mine["weights"].items():
        assert torch.equal(weight, theirs["weights"][name]), name
    for mine_of, theirs_of in zip(
        mine["optimizer"]["state"].values(), theirs["optimizer"]["state"].values(), strict=True
    ):
        assert torch.equal(mine_of["exp_avg_sq"], theirs_of["exp_avg_sq"])
    best, other_best = (
        load_weights(Path("checkpoints", r, "model.safetensors")) for r in (one, other)
    )
    assert all(torch.equal(best[name], other_best[name]) for name in best)
    assert validations(one) == validations(other)
