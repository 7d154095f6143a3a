"""Weights averaged over the last validations of one training.

The mean of several points of one training is often a better model than any of them: Polyak and
Juditsky 1992; for translation, the last checkpoints as in Vaswani et al. 2017, section 6.1.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from seq2seq.checkpoint import load_weights, save_weights
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
    finished, kept = History(folder).finished(), kept_updates(folder)
    if finished is None:
        raise CheckpointError(f"{folder} is not trained to its end; go on with --resume.")
    if last is not None and last < 2:
        raise ConfigError(f"--last is {last}; an average needs at least 2.")
    if len(kept) < (last or 2):
        raise CheckpointError(
            f"{folder} has kept the weights of {len(kept)} validations, fewer than "
            f"{last or 2}; train with --training.average-last {last or 5}."
        )
    if (target / "config.json").exists():
        raise CheckpointError(f"{target} exists already; give another --run NAME.")
    updates = kept[-(last or len(kept)) :]
    weights = average_weights([load_weights(kept_path(folder, update)) for update in updates])
    target.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("tokenizer*.model"):
        shutil.copyfile(path, target / path.name)
    save_weights(target / "model.safetensors", weights)
    reason = f"average of {folder.name} at the updates {', '.join(map(str, updates))}"
    closing = {name: value for name, value in finished.items() if name not in ("event", "reason")}
    History(target).add("finished", **{**closing, "best": None, "reason": reason})
    # Last, because it is what makes a folder a run.
    shutil.copyfile(folder / "config.json", target / "config.json")
    return updates
