"""What each system is, what it cost and what it scored, over its seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seq2seq.checkpoint import build_model, read_config
from seq2seq.errors import CheckpointError
from seq2seq.evaluation.evaluate import read_scores
from seq2seq.evaluation.material import Entrant, Material
from seq2seq.evaluation.spread import spread
from seq2seq.model.encoder_decoder import parameter_count
from seq2seq.training.history import History


def describe_systems(material: Material) -> list[dict[str, Any]]:
    """Each system with its runs, in the order in which they were named; plain JSON values.

    Raises:
        CheckpointError: a run that should have finished has not.
    """
    standing = material.standing
    found = []
    for system in dict.fromkeys(entrant.system for entrant in material.entrants):
        runs = [
            _run(entrant, material.splits)
            for entrant in material.entrants
            if entrant.system == system
        ]
        document: dict[str, Any] = {"name": system, "runs": runs}
        if system in standing:
            config = read_config(standing[system][0].folder)
            document |= {
                "parameters": parameter_count(build_model(config)),
                "hidden_size": config.settings.model.hidden_size,
                "has_attention": config.settings.model.decoder == "attention",
                "scores": _mean_scores([run for run in runs if not run["failure"]]),
            }
        found.append(document)
    return found


def _run(entrant: Entrant, splits: Sequence[str]) -> dict[str, Any]:
    if entrant.failure is not None:
        return failed_run(entrant)
    scores = read_scores(entrant.folder)
    return {
        **trained_run(entrant, read_config(entrant.folder).corpus),
        "tokenizer": _digest(entrant.folder.glob("tokenizer*.model")),
        "scores": {split: scores[split] for split in splits},
    }


def failed_run(entrant: Entrant) -> dict[str, Any]:
    """What there is to say of a run that failed."""
    return {"seed": entrant.seed, "folder": str(entrant.folder), "failure": entrant.failure}


def trained_run(entrant: Entrant, corpus: str | None) -> dict[str, Any]:
    """What a run's training was and cost, whether it translates or not; plain JSON values.

    Args:
        entrant: one that did not fail.
        corpus: the fingerprint of the text that it learnt, if it was noted.

    Raises:
        CheckpointError: it has not finished.
    """
    history = History(entrant.folder)
    finished = history.finished()
    if finished is None:
        raise CheckpointError(f"{entrant.folder} is not trained to its end; go on with --resume.")
    seconds = float(finished["seconds"])
    return {
        **failed_run(entrant),
        "updates": int(finished["update"]),
        "best_update": int(finished["best_update"]),
        "minutes": seconds / 60,  # of updates, validation not counted
        "peak_bytes": finished.get("peak_bytes"),  # None if not known
        "precision": history.precision(),  # likewise
        "tokens_per_second": int(finished["tokens"]) / max(seconds, 1e-9),
        "learnt": corpus,
        "curve": [
            {
                "update": event["update"],
                "minutes": event["seconds"] / 60,
                "nats_per_token": event["nats_per_token"],
                **({"bleu": event["bleu"]} if "bleu" in event else {}),
            }
            for event in history.events()
            if event["event"] == "validation" and "weights" not in event
        ],
    }


def _digest(paths: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for path in sorted(paths):
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def _mean_scores(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Split → score → mean over seeds, deviation over seeds, mean interval, signature."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for split in runs[0]["scores"]:
        found[split] = {}
        for of_seeds in zip(*(run["scores"][split]["scores"] for run in runs), strict=True):
            found[split][of_seeds[0]["name"]] = {
                **spread([score["value"] for score in of_seeds])._asdict(),
                "low": _mean([score["low"] for score in of_seeds]),
                "high": _mean([score["high"] for score in of_seeds]),
                "signature": of_seeds[0]["signature"],
            }
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return spread(known).mean if len(known) == len(values) else None
