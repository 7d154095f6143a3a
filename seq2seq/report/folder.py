"""A comparison's folder: `comparison.json`, and what is drawn from it alone.

comparison.json              everything measured; all else is made of it
report.html                  one file that needs no other and no network
report.md                    the same as text, with the figures beside it
learning.png, learning.svg   ... each figure in both formats
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seq2seq.checkpoint import replacing, write_json
from seq2seq.errors import CheckpointError
from seq2seq.evaluation.compare import LAYOUT, VERSION
from seq2seq.report.answers import comparison_report
from seq2seq.report.figures import draw_figures
from seq2seq.report.html import page
from seq2seq.report.markdown import markdown
from seq2seq.report.plots import FORMATS

DOCUMENT = "comparison.json"
PARTS = (
    "name", "corpus", "splits", "systems", "settings", "matching", "significance", "by_length",
    "by_rarity", "by_order", "samples", "differing", "maps", "attention",
)  # fmt: skip
"""What every comparison holds; the first of this version have no `language_model`."""


def write_report(document: dict[str, Any], folder: Path) -> None:
    """Keep a comparison and draw its report.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    write_json(folder / DOCUMENT, document)
    draw_report(document, folder)


def draw_report(document: dict[str, Any], folder: Path) -> None:
    """Draw figures and report of a comparison; attention maps of an earlier one are removed.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    for ending in FORMATS:
        for path in folder.glob(f"attention-[0-9]*{ending}"):
            path.unlink()
    draw_figures(document, folder)
    report = comparison_report(document)
    for name, text in (("report.md", markdown(report)), ("report.html", page(report, folder))):
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")


def read_comparison(folder: Path) -> dict[str, Any]:
    """The comparison in a folder.

    Raises:
        CheckpointError: there is none, or it is damaged or of another version.
    """
    path = folder / DOCUMENT
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} holds no comparison: it has no {DOCUMENT}. Make one: seq2seq compare."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from None
    if not isinstance(document, dict) or document.get("layout") != LAYOUT:
        raise CheckpointError(f"{path} was not written by seq2seq compare.")
    if document.get("version") != VERSION:
        raise CheckpointError(
            f"{path} is of version {document.get('version')}; this program reads version "
            f"{VERSION}. Compare again."
        )
    missing = [part for part in PARTS if part not in document]
    if missing:
        raise CheckpointError(f"{path} is damaged: it lacks {', '.join(missing)}. Compare again.")
    return document
