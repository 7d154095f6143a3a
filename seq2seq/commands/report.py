"""`seq2seq report`: draw a comparison's report again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from seq2seq.commands.arguments import parse


@dataclass(frozen=True)
class Report:
    """Draw a comparison's report again from its comparison.json; nothing is computed again."""

    folder: Annotated[str, tyro.conf.Positional]
    """A folder that `seq2seq compare` wrote: a path, or its name under checkpoints/comparisons/."""


def run(arguments: list[str]) -> int:
    """Draw figures, report.md and report.html."""
    chosen = parse(Report, "report", arguments)
    from seq2seq.comparison import COMPARISONS
    from seq2seq.report.folder import DOCUMENT, draw_report, read_comparison

    folder = Path(chosen.folder)
    if not (folder / DOCUMENT).is_file() and (COMPARISONS / chosen.folder / DOCUMENT).is_file():
        folder = COMPARISONS / chosen.folder
    draw_report(read_comparison(folder), folder)
    print(f"The report lies in {folder / 'report.html'}.")
    return 0
