"""`seq2seq average`: the mean of a run's last weights as a run of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from seq2seq.commands.arguments import parse, run_folder, say


@dataclass(frozen=True)
class Average:
    """Average the weights that a finished run kept, and write them as a run.

    A run keeps the weights of its last N validations if it is trained with
    --training.average-last N.
    """

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(name="RUN")]
    """A folder under checkpoints/, or a path."""
    last: int | None = None
    """How many validations' weights, from the last one backwards; by default all that are kept."""
    run: str | None = None
    """Name of the new run's folder; by default RUN-average."""


def run(arguments: list[str]) -> int:
    """Average."""
    chosen = parse(Average, "average", arguments)
    from seq2seq.checkpoint import find_run
    from seq2seq.training.averaging import write_average

    folder = find_run(chosen.source)
    name = chosen.run or f"{folder.name}-average"
    target = run_folder(name)
    updates = write_average(folder, chosen.last, target)
    say(
        f"{target} is the average of {folder.name} at {len(updates)} validations, updates "
        f"{updates[0]:,} to {updates[-1]:,}. Score it with: seq2seq evaluate {name}"
    )
    return 0
