"""Weights averaged over the last validations of one training, or over trainings of one beginning.

The mean of several points of one training is often a better model than any of them: Polyak and
Juditsky 1992; for translation, the last checkpoints as in Vaswani et al. 2017, section 6.1. So is
the mean of several trainings that began with the same trained weights: Wortsman et al. 2022, "Model
soups", section 2.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Size, Tensor

from seq2seq.checkpoint import lineage, load_weights, replacing, save_weights
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.training.history import History


def kept_path(folder: Path, update: int) -> Path:
    """Where a run keeps its weights of this update for averaging."""
    return folder / "recent" / f"{update}.safetensors"


def kept_updates(folder: Path) -> list[int]:
    """The updates whose weights a run has kept, in order."""
    paths = (folder / "recent").glob("*.safetensors")
    return sorted(int(path.stem) for path in paths if path.stem.isdecimal())


def average_weights(several: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several sets of weights of one model, in double precision until the end."""
    return {
        name: (sum(weights[name].double() for weights in several) / len(several)).to(weight.dtype)  # type: ignore[union-attr]
        for name, weight in several[0].items()
    }


def write_average(folder: Path, last: int | None, target: Path) -> list[int]:
    """Write the average of a finished run's last kept weights as a run of its own.

    Args:
        folder: the run's.
        last: how many validations' weights, from the last one backwards; all that are kept if
            absent.
        target: the new run's folder, which must hold no run yet.

    Returns:
        The updates whose weights were averaged.

    Raises:
        CheckpointError: the run is not finished or kept too few weights; `target` is taken.
        ConfigError: `last` is below 2.
    """
    finished, kept = _finished(folder), kept_updates(folder)
    if last is not None and last < 2:
        raise ConfigError(f"--last is {last}; an average needs at least 2.")
    if len(kept) < (last or 2):
        raise CheckpointError(
            f"{folder} has kept the weights of {len(kept)} validations, fewer than "
            f"{last or 2}; train with --training.average-last {last or 5}."
        )
    updates = kept[-(last or len(kept)) :]
    reason = f"average of {folder.name} at the updates {', '.join(map(str, updates))}"
    paths = [kept_path(folder, update) for update in updates]
    made = {"reason": reason, "average": f"{len(updates)} validations"}
    _write_run(paths, folder, {**finished, **made}, target)
    return updates


def write_mean_of_runs(folders: Sequence[Path], target: Path) -> None:
    """Write the mean of the best weights of several runs as a run of its own.

    Args:
        folders: the runs', at least two; settings, tokenizer and costs are taken from the first.
        target: the new run's folder, which must hold no run yet.

    Raises:
        CheckpointError: a run is not finished; `target` is taken.
        ConfigError: the runs did not all start from one run.
    """
    first, *others = folders
    finished = [_finished(folder) for folder in folders]
    origins = {run.resolve() for run in lineage(first)}
    for other in others:
        origins &= {run.resolve() for run in lineage(other)}
        if not origins:
            raise ConfigError(
                f"{first.name} and {other.name} did not start from one run, so that each has "
                "numbered its hidden units in its own way; let them translate together by "
                "--ensemble, or train them with --training.start-from."
            )
    reason = f"mean of {', '.join(folder.name for folder in folders)}"
    paths = [folder / "model.safetensors" for folder in folders]
    made = {"reason": reason, "average": f"{len(folders)} runs"}
    _write_run(paths, first, {**finished[0], **made}, target)


def average_kind(folder: Path) -> str | None:
    """What a run is the average of, such as `3 runs`; None if it was trained as it is.

    Such a run has the settings of a trained one and is another system all the same.
    """
    finished = History(folder).finished() or {}
    kind = finished.get("average")
    return kind if isinstance(kind, str) else None


def _finished(folder: Path) -> dict[str, Any]:
    finished = History(folder).finished()
    if finished is None:
        raise CheckpointError(f"{folder} is not trained to its end; go on with --resume.")
    return finished


def _write_run(paths: Sequence[Path], like: Path, finished: dict[str, Any], target: Path) -> None:
    """Write the mean of these weights as a run with the settings of another."""
    if (target / "config.json").exists():
        raise CheckpointError(f"{target} exists already; give another --run NAME.")
    several = [load_weights(path) for path in paths]
    for path, weights in zip(paths, several, strict=True):
        if _shapes(weights) != _shapes(several[0]):
            raise CheckpointError(f"{path} does not fit {paths[0]}: other weights, or other sizes.")
    for path in like.glob("tokenizer*.model"):
        _copy(path, target / path.name)
    save_weights(target / "model.safetensors", average_weights(several))
    closing = {name: value for name, value in finished.items() if name != "event"}
    History(target).add("finished", **{**closing, "best": None})
    # Last, because it is what makes a folder a run.
    _copy(like / "config.json", target / "config.json")


def _copy(path: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(path, temporary)


def _shapes(weights: dict[str, Tensor]) -> dict[str, Size]:
    return {name: weight.shape for name, weight in weights.items()}
