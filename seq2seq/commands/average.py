"""`seq2seq average`: the mean of a run's last weights, or of several runs', as a run of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from seq2seq.commands.arguments import parse, run_folder, say
from seq2seq.errors import ConfigError


@dataclass(frozen=True)
class Average:
    """Average weights, and write them as a run.

    Of one run: the weights that it kept at its last validations, trained with
    --training.average-last N. Of several: their best weights; they must have started from the same
    run, by --training.start-from.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(name="RUN")]
    """Folders under checkpoints/, or paths."""
    last: int | None = None
    """Of one run: how many validations' weights, from the last one backwards; by default all that
    are kept."""
    run: str | None = None
    """Name of the new run's folder; by default RUN-average."""


def run(arguments: list[str]) -> int:
    """Average."""
    chosen = parse(Average, "average", arguments)
    if not chosen.runs:
        raise ConfigError("Name at least one run, before all options: seq2seq average RUN.")
    from seq2seq.checkpoint import find_runs, is_language_model
    from seq2seq.pipeline import DATA
    from seq2seq.starting import warn_of_others
    from seq2seq.training.averaging import write_average, write_mean_of_runs

    folders = find_runs(chosen.runs)
    name = chosen.run or f"{folders[0].name}-average"
    target = run_folder(name)
    if len(folders) == 1:
        updates = write_average(folders[0], chosen.last, target)
        what = (
            f"average of {folders[0].name} at {len(updates)} validations, updates "
            f"{updates[0]:,} to {updates[-1]:,}"
        )
    elif chosen.last is not None:
        raise ConfigError("--last is of one run's validations; leave it out, or name one run.")
    else:
        write_mean_of_runs(folders, target)
        warn_of_others(folders, DATA / "prepared", say)
        what = f"mean of {', '.join(folder.name for folder in folders)}"
    if is_language_model(target):
        say(f"{target} is the {what}. Write text with: seq2seq generate {name}")
    else:
        say(f"{target} is the {what}. Score it with: seq2seq evaluate {name}")
    return 0
