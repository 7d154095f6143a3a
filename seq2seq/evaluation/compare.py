"""Systems side by side: what each cost, what each scored, what each makes of a few sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.checkpoint import build_model, read_config
from seq2seq.errors import CheckpointError
from seq2seq.evaluation.evaluate import read_scores
from seq2seq.model.encoder_decoder import parameter_count
from seq2seq.text.corpus import Corpus
from seq2seq.training.history import History


class Contender(NamedTuple):
    """One system in a comparison."""

    system: str
    folder: Path
    parameters: int
    updates: int
    minutes: float  # of updates, validation not counted
    tokens_per_second: float  # target tokens in training, padding not counted
    scores: dict[str, dict[str, Any]]  # split → what `scores.json` says


class Sample(NamedTuple):
    """One sentence, and what each system makes of it."""

    split: str
    source: str
    reference: str
    translations: list[str]  # in the contenders' order


class Comparison(NamedTuple):
    """Systems side by side."""

    contenders: list[Contender]
    splits: list[str]
    samples: list[Sample]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "splits": self.splits,
            "systems": [{**c._asdict(), "folder": str(c.folder)} for c in self.contenders],
            "samples": [sample._asdict() for sample in self.samples],
        }


def compare_runs(runs: dict[str, Path], corpus: Corpus, splits: list[str]) -> Comparison:
    """Set finished and evaluated runs side by side: system name → folder."""
    contenders = [_contender(system, folder) for system, folder in runs.items()]
    samples = []
    for split, row in _sample_rows(corpus, splits):
        source, reference = corpus.splits[split][row]
        lines = [_line(folder / f"translations.{split}.txt", row) for folder in runs.values()]
        samples.append(Sample(split, source, reference, lines))
    return Comparison(contenders, splits, samples)


def _contender(system: str, folder: Path) -> Contender:
    finished = History(folder).finished()
    if finished is None:
        raise CheckpointError(f"{folder} is not trained to its end; go on with --resume.")
    seconds = float(finished["seconds"])
    return Contender(
        system,
        folder,
        parameter_count(build_model(read_config(folder))),
        int(finished["update"]),
        seconds / 60,
        int(finished["tokens"]) / max(seconds, 1e-9),
        read_scores(folder),
    )


def _sample_rows(corpus: Corpus, splits: list[str]) -> list[tuple[str, int]]:
    """Three sentences by rule, so that nobody picks the nice ones.

    From a third and two thirds of the first split, and from the middle of the last.
    """
    first, last = splits[0], splits[-1]
    size = len(corpus.splits[first])
    return [(first, size // 3), (first, 2 * size // 3), (last, len(corpus.splits[last]) // 2)]


def _line(path: Path, row: int) -> str:
    return path.read_text(encoding="utf-8").split("\n")[row]
