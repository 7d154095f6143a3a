"""`seq2seq compare`: systems side by side."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from seq2seq.commands.arguments import groups, parse, parse_settings, run_name, say
from seq2seq.config import PRESETS, Rung, Settings

if TYPE_CHECKING:
    from seq2seq.comparison import Compared


@dataclass(frozen=True)
class Compare(Settings):
    """Train systems on the same data, tokenizer, batches and budget; set them side by side.

    seq2seq compare [PRESET] [OPTIONS]. Finished runs are used again, unfinished ones go on.
    seq2seq compare RUN RUN ... compares runs that exist. Either way the report goes to
    checkpoints/comparisons/NAME; `seq2seq report` draws it again.
    """

    systems: tuple[Rung, ...] = ("lstm", "attention")
    """Rungs of the ladder to compare; all that translate are tested against the first of them. With
    `language-model` the ladder has its ground floor: what each system gains from the source."""
    seeds: tuple[int, ...] = ()
    """A run of each system for each of these seeds; by default one, with training.seed."""
    match: Literal["parameters", "none"] = "parameters"
    """Equal size: grow hidden_size of systems that have over 5% fewer parameters than the largest
    (their runs' names then tell the size); `none` leaves all sizes alone."""
    run: str | None = None
    """Prefix of the runs' names; by default made of corpus and languages."""
    name: str | None = None
    """Of the report's folder; by default made of the runs."""
    json: bool = False
    """Print one JSON document instead of tables."""


@dataclass(frozen=True)
class CompareRuns:
    """Set runs that exist side by side: those that differ in nothing but the seed are one system.

    A language model among them stands below the others. Runs of other languages or other test
    sentences are refused.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Folders under checkpoints/, or paths; all are tested against the first."""
    name: str | None = None
    """Of the report's folder; by default made of the runs."""
    json: bool = False
    """Print one JSON document instead of tables."""


def run(arguments: list[str]) -> int:
    """Train what is missing, print the comparison and write its report.

    Returns:
        0; 2 if a run failed, after the others were compared; 130 after Ctrl-C.
    """
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    is_preset = not names or (len(names) == 1 and names[0] in PRESETS)
    if is_preset or (len(names) == 1 and not _is_run(names[0])):
        compare, as_json = _of_systems(arguments)
    else:
        compare, as_json = _of_runs(arguments)
    from seq2seq.training.loop import Interrupted

    try:
        document, folder = compare()
    except Interrupted:
        say("Saved. The same command goes on from here.")
        return 130
    if as_json:
        print(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        from seq2seq.report.tables import comparison_text

        print(comparison_text(document))
        print(f"The report lies in {folder / 'report.html'}.")
    from seq2seq.report.document import all_rungs

    runs = [run for rung in all_rungs(document) for run in rung["runs"]]
    return 2 if any(run["failure"] is not None for run in runs) else 0


def _is_run(name: str) -> bool:
    return any(
        (folder / "config.json").is_file() for folder in (Path(name), Path("checkpoints", name))
    )


def _of_systems(arguments: list[str]) -> tuple[Callable[[], Compared], bool]:
    """What to do, and whether to print JSON."""
    chosen = parse_settings(Compare, "compare", arguments, lambda base: Compare(**groups(base)))
    from seq2seq.comparison import compare_systems

    settings = Settings(**groups(chosen))
    seeds = chosen.seeds or (settings.training.seed,)
    first = dataclasses.replace(settings.training, seed=1)
    prefix = chosen.run or run_name(dataclasses.replace(settings, training=first), None)
    compare = partial(
        compare_systems, settings, chosen.systems, seeds, chosen.match, prefix, chosen.name, say
    )
    return compare, chosen.json


def _of_runs(arguments: list[str]) -> tuple[Callable[[], Compared], bool]:
    """What to do, and whether to print JSON."""
    chosen = parse(CompareRuns, "compare", arguments)
    from seq2seq.comparison import compare_existing

    return partial(compare_existing, chosen.runs, chosen.name, say), chosen.json
