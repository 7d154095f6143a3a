"""`seq2seq compare`: systems side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass

from seq2seq.commands.arguments import groups, parse, run_name, say, split_preset
from seq2seq.config import (
    Settings,
    System,
)


@dataclass(frozen=True)
class Compare(Settings):
    """Train systems on the same data, tokenizer, batches and budget; set them side by side.

    seq2seq compare [PRESET] [OPTIONS]. Finished runs are used again, unfinished ones go on.
    """

    systems: tuple[System, ...] = ("lstm", "attention")
    """Rungs of the ladder to compare."""
    run: str | None = None
    """Prefix of the runs' names; by default made of corpus, languages and seed."""
    json: bool = False
    """Print one JSON document instead of tables."""


def run(arguments: list[str]) -> int:
    """Train what is missing and print the comparison."""
    base, rest = split_preset(arguments)
    chosen = parse(Compare, "compare", rest, Compare(**groups(base)))
    from seq2seq import pipeline
    from seq2seq.checkpoint import RUNS
    from seq2seq.report.tables import comparison_text
    from seq2seq.training.loop import Interrupted

    settings = Settings(**groups(chosen))
    prefix = chosen.run or run_name(settings, None)
    try:
        comparison = pipeline.compare_systems(settings, chosen.systems, prefix, RUNS, say)
    except Interrupted:
        say("Saved. The same command goes on from here.")
        return 130
    print(
        json.dumps(comparison.as_json(), ensure_ascii=False, indent=2)
        if chosen.json
        else comparison_text(comparison)
    )
    return 0
