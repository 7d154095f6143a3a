"""Translate a split with a run and score it against its references."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.checkpoint import replacing, write_json
from seq2seq.config import SearchSettings
from seq2seq.evaluation.conventions import (
    Convention,
    ConventionScore,
    require_convention,
    score_lowercase_tokenized,
    what_is_done,
)
from seq2seq.evaluation.scores import Score, score_translations
from seq2seq.inference.translator import Translator
from seq2seq.text.pair_files import PairFiles


class Evaluation(NamedTuple):
    """What one run reached on one split."""

    split: str
    sentences: int
    scores: list[Score]  # BLEU, chrF2 and TER of plain, cased text
    search: SearchSettings
    seconds: float  # of translating, scoring not counted
    corpus: str  # fingerprint of the text it was measured on
    done: str  # to the text for `scores`, in words
    other: ConventionScore | None = None  # BLEU under another convention, if one was asked for

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; every score with its unit's range, signature and interval.

        `scores` holds those of the default convention and no others, whatever was asked for:
        comparisons read them. Another convention's lie under `conventions`.
        """
        document: dict[str, Any] = {
            "split": self.split,
            "sentences": self.sentences,
            "convention": "cased",
            "done": self.done,
            "scores": [score._asdict() for score in self.scores],
            "beam_size": self.search.beam_size,
            "length_penalty": self.search.length_penalty,
            "seconds": round(self.seconds, 2),
            "sentences_per_second": round(self.sentences / max(self.seconds, 1e-9), 1),
            "corpus": self.corpus,
        }
        if self.other is not None:
            convention, done, score = self.other
            document["conventions"] = {convention: {"done": done, "scores": [score._asdict()]}}
        return document


def evaluate_split(
    translator: Translator,
    pairs: PairFiles,
    split: str,
    corpus: str,
    folder: Path | None = None,
    bootstrap: int = 1000,
    convention: Convention = "cased",
    language: str = "",
) -> tuple[Evaluation, list[str]]:
    """Translate all source sentences of a split and score them.

    Args:
        translator: the run's.
        pairs: the split.
        split: its name.
        corpus: fingerprint of the corpus.
        folder: the run's; translations and scores are written there if given.
        bootstrap: resamplings behind each 95% interval.
        convention: score under this one as well as under the default.
        language: code of the target language, for whose rules a convention may ask.

    Returns:
        The evaluation, and the translations in the split's order.

    Raises:
        ConfigError: the convention is not for text like the split's.
    """
    sources = [pair.source for pair in pairs]
    references = [pair.target for pair in pairs]
    require_convention(convention, references)
    started = time.monotonic()
    hypotheses = [translation.text for translation in translator.translate(sources)]
    seconds = time.monotonic() - started
    scores = score_translations(hypotheses, references, bootstrap=bootstrap)
    other = None
    if convention == "lowercase-tokenized":
        other = score_lowercase_tokenized(hypotheses, references, language, bootstrap)
    done = what_is_done("cased", references)
    evaluation = Evaluation(
        split, len(sources), scores, translator.settings, seconds, corpus, done, other
    )
    if folder is not None:
        _keep(folder, evaluation, hypotheses)
    return evaluation, hypotheses


def _keep(folder: Path, evaluation: Evaluation, hypotheses: list[str]) -> None:
    with replacing(folder / f"translations.{evaluation.split}.txt") as temporary:
        text = "".join(line + "\n" for line in hypotheses)
        temporary.write_text(text, encoding="utf-8", newline="\n")
    kept = read_scores(folder)
    kept[evaluation.split] = evaluation.as_json()
    write_json(folder / "scores.json", kept)


def read_scores(folder: Path) -> dict[str, Any]:
    """What `evaluate_split` kept in a run's folder, by split; empty if nothing yet."""
    try:
        found = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
