"""The figures of a comparison, from its document alone: which there are, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.report.document import Document, all_rungs, good_runs
from seq2seq.report.plots import FORMATS, Panel, Series, attention_map, charts


def draw_figures(document: Document, folder: Path) -> list[str]:
    """Draw all figures as PNG and SVG; returns their names, in the report's order.

    Raises:
        ConfigError: the folder cannot be written.
    """
    panels: dict[str, Callable[[Document], list[Panel]]] = {
        "length": _length,
        "rarity": _rarity,
        "word-order": _word_order,
        "learning": _learning,
    }
    names = []
    for name, build in panels.items():
        built = build(document)
        if not any(panel.series for panel in built):
            continue
        for ending in FORMATS:
            charts(built, folder / f"{name}{ending}")
        names.append(name)
    for number, one in enumerate(document["maps"], start=1):
        weights = np.array(one["weights"], np.float32)
        for ending in FORMATS:
            path = folder / f"{map_name(number)}{ending}"
            attention_map(one["source"], one["target"], weights, path)
        names.append(map_name(number))
    return names


def map_name(number: int) -> str:
    """The name of an attention map, counted from 1."""
    return f"attention-{number}"


def bucket_label(row: Mapping[str, Any]) -> str:
    """`6–10`, or one number where both ends agree, or `1,000+` without an upper end."""
    low, high = row["low"], row["high"]
    if high is None:
        return f"{low:,}+"
    return f"{low:,g}" if low == high else f"{low:,g}–{high:,g}"


def distance_label(row: Mapping[str, Any]) -> str:
    """`0.31–0.48`."""
    return f"{row['low']:.2f}–{row['high']:.2f}"


def _length(document: Document) -> list[Panel]:
    rows = document["by_length"]["rows"]
    categories = [bucket_label(row) for row in rows]
    return [
        Panel("words in the source sentence", score, _series(rows, score), categories)
        for score in ("BLEU", "chrF2")
    ]


def _rarity(document: Document) -> list[Panel]:
    rows = document["by_rarity"]["rows"]
    categories = [bucket_label(row) for row in rows]
    return [
        Panel("times the word stands in training", "F1 of words", _series(rows, "F1"), categories)
    ]


def _word_order(document: Document) -> list[Panel]:
    if not document["by_order"]:
        return []
    rows = document["by_order"]["rows"]
    categories = [distance_label(row) for row in rows]
    return [
        Panel("Kendall distance of the reference", score, _series(rows, score), categories)
        for score in ("BLEU", "chrF2")
    ]


def _series(rows: list[dict[str, Any]], score: str) -> list[Series]:
    """A line for each system over the buckets."""
    if not rows:
        return []
    found = []
    for system in rows[0]["systems"]:
        values = [row["systems"][system][score] for row in rows]
        known = all(value["low"] is not None for value in values)
        intervals = [(value["low"], value["high"]) for value in values] if known else []
        points = [(float(place), value["value"]) for place, value in enumerate(values)]
        found.append(Series(system, points, intervals))
    return found


def _learning(document: Document) -> list[Panel]:
    """Validation by update and by minute, a line for each run; BLEU of those that translate."""
    runs = [
        (rung["name"], run["curve"])
        # The language model last, so that the systems have the same colours in all figures.
        for rung in sorted(all_rungs(document), key=lambda rung: rung not in document["systems"])
        for run in good_runs(rung)
        if run["curve"]
    ]

    def panel(x: str, x_label: str, y: str, y_label: str) -> Panel:
        series = [
            Series(name, [(event[x], event[y]) for event in curve])
            for name, curve in runs
            if y in curve[0]
        ]
        return Panel(x_label, y_label, series)

    return [
        panel("update", "updates", "bleu", "validation BLEU (greedy)"),
        panel("minutes", "minutes of updates", "bleu", "validation BLEU (greedy)"),
        panel("update", "updates", "nats_per_token", "validation loss, nats a subword"),
    ]
