"""One picture of what a sentence does inside a model (`inference/inspection.py`)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from seq2seq.inference.inspection import CellTrace, Inspection, norms
from seq2seq.report.plots import COLOURS, INK, RULE, require_format, save, style

Array = NDArray[np.float32]

# Inches.
STEP = 0.3
MARGINS = 1.5  # of a column of panels: labels on the left, a colour bar on the right
PANEL = 0.95
TITLE_AND_SUBWORDS = 1.1
LEAST_COLUMN = 3.6
TEXT = 4.6  # least width of the translations
LINE = 0.21  # height of one of theirs
CHARACTERS_AN_INCH = 8
NORM_PANEL = 0.6  # share of the others' height
DOTS_AN_INCH = 110


def draw_inspection(inspection: Inspection, path: Path) -> None:
    """Draw translations and attention above, and below them each cell as a column of panels.

    A column has one subword's steps below one another: first the gates in one plot, as the mean
    over all units with the middle half of them as a band, which says at a glance where a cell
    forgets or writes. A mean of one half may be all units half open or half of them wide open,
    and only single units show which; so each gate then has a heat map of all its units, followed
    by the cell state (or, where there is none, the hidden state) in the same way. Units have no
    order of their own and are sorted, in each map by itself, by their mean over the sentence:
    what stays the same shows as a smooth slope from top to bottom, and what a word changes
    as a vertical stripe. The norms of the states are at the bottom.

    Columns are layers from top to bottom, and from left to right the encoder, a direction
    each, and the decoder; their steps are in the sentence's order whichever way a cell reads.

    Args:
        inspection: what to draw; a picture of no cells has translations and attention alone.
        path: `.png` or `.svg`.

    Raises:
        ConfigError: another ending, or a place that cannot be written.
    """
    require_format(path)
    grid = _grid(inspection.cells)
    widths = [max(map(_column_width, column)) for column in zip(*grid, strict=True)] if grid else []
    heights = [max(map(_column_height, row)) for row in grid]
    map_width = map_height = 0.0
    if inspection.attention is not None:
        map_width = MARGINS + STEP * len(inspection.source_pieces)
        map_height = 1.3 + 0.24 * len(inspection.target_pieces)
    width = max(sum(widths), map_width + TEXT)
    lines = _lines(inspection, int(CHARACTERS_AN_INCH * (width - map_width)))
    head = max(map_height, 0.5 + LINE * len(lines))
    look = {"text.color": INK, "axes.edgecolor": RULE}
    with rc_context(style() | look):
        figure = Figure((width, head + sum(heights)), DOTS_AN_INCH, layout="constrained")
        parts = figure.subfigures(
            1 + len(heights), 1, height_ratios=[head, *heights], squeeze=False
        )
        _draw_head(parts[0, 0], inspection, "\n".join(lines), (width - map_width, map_width))
        for row, part in zip(grid, parts[1:, 0], strict=True):
            columns = part.subfigures(1, len(row), width_ratios=widths, squeeze=False)[0]
            for trace, column in zip(row, columns, strict=True):
                if trace is not None:
                    _draw_cell(column, trace, _labels(inspection, trace))
        save(figure, path)


def _grid(cells: Sequence[CellTrace]) -> list[list[CellTrace | None]]:
    """A row for each layer; the encoder's directions and the decoder as columns."""
    columns = list(dict.fromkeys((trace.part, trace.reads_backwards) for trace in cells))
    by_place = {(trace.layer, trace.part, trace.reads_backwards): trace for trace in cells}
    layers = range(1, max((trace.layer for trace in cells), default=0) + 1)
    return [[by_place.get((layer, *column)) for column in columns] for layer in layers]


def _column_width(trace: CellTrace | None) -> float:
    return LEAST_COLUMN if trace is None else max(LEAST_COLUMN, MARGINS + STEP * len(trace.hidden))


def _column_height(trace: CellTrace | None) -> float:
    if trace is None:
        return 0.0
    return TITLE_AND_SUBWORDS + PANEL * sum(_panel_heights(trace))


def _panel_heights(trace: CellTrace) -> list[float]:
    """Of means, a map for each gate, a map of the memory, and norms; in shares of PANEL."""
    maps = len(trace.gates) + 1
    return [1.0] * (bool(trace.gates) + maps) + [NORM_PANEL] * len(_states(trace))


def _states(trace: CellTrace) -> dict[str, Array]:
    return {"hidden": trace.hidden} | ({} if trace.cell is None else {"cell": trace.cell})


def _labels(inspection: Inspection, trace: CellTrace) -> list[str]:
    return inspection.source_pieces if trace.part == "encoder" else inspection.target_pieces


def _lines(inspection: Inspection, columns: int) -> list[str]:
    """Source, translations with their scores and a legend: lines of at most so many characters."""
    lines = [*textwrap.wrap(f"source:  {inspection.source}", columns), ""]
    lines.append("translations, the best first, with log P / length^α:")
    for number, one in enumerate(inspection.alternatives, 1):
        shown = "".join(mark if mark.isprintable() else "\ufffd" for mark in one.text.strip())
        text = f"{number}.  {one.score:.3f}   {shown or '(empty)'}"
        lines += textwrap.wrap(text, columns, subsequent_indent="        ")
    if inspection.cells:
        legend = "heat maps: a unit a row, sorted by its mean over the sentence"
        if any(trace.gates for trace in inspection.cells):
            legend = f"lines: gates' mean over units, with the middle half as a band; {legend}"
        lines += ["", *textwrap.wrap(legend, columns)]
    return lines


def _draw_head(
    part: SubFigure, inspection: Inspection, text: str, widths: tuple[float, float]
) -> None:
    """The text, and the attention map beside it."""
    sides = part.subfigures(1, 2, width_ratios=[widths[0], widths[1] or 1e-3], squeeze=False)[0]
    axes = sides[0].add_subplot()
    axes.axis("off")
    axes.text(0.0, 1.0, text, va="top", transform=axes.transAxes, linespacing=1.5)
    if inspection.attention is None:
        return
    axes = sides[1].add_subplot()
    image = axes.imshow(inspection.attention, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _name_steps(axes, inspection.source_pieces, top=True)
    axes.set_yticks(range(len(inspection.target_pieces)), inspection.target_pieces)
    _bar(sides[1], image, axes, "attention")


def _draw_cell(part: SubFigure, trace: CellTrace, subwords: Sequence[str]) -> None:
    """One cell's panels, below one another."""
    direction = f", {'backwards ←' if trace.reads_backwards else 'forwards →'}"
    title = f"{trace.part}, layer {trace.layer}{direction if trace.part == 'encoder' else ''}"
    part.suptitle(f"{title}  ({trace.hidden.shape[1]} units)", fontsize=10)
    heights = _panel_heights(trace)
    rows = part.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    panels = iter(rows[:, 0])
    if trace.gates:
        _draw_means(next(panels), trace)
        maps = []
        for name, values in trace.gates.items():
            maps.append(next(panels))
            image = _heat_map(maps[-1], values, "viridis", (0.0, 1.0))
            maps[-1].set_ylabel(f"{name} gate", fontsize=8)
        _bar(part, image, maps, "0 shut, 1 open")
    name, states = list(_states(trace).items())[-1]
    # The few largest units would leave the others without colour.
    limit = float(np.quantile(np.abs(states), 0.99)) or 1.0
    axes = next(panels)
    _bar(part, _heat_map(axes, states, "RdBu_r", (-limit, limit)), axes, None)
    axes.set_ylabel(f"{name} state", fontsize=8)
    for name, states in _states(trace).items():
        axes = next(panels)
        axes.plot(norms(states), "o-", color=INK, markersize=3, linewidth=1.2, clip_on=False)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(f"{name}\nnorm", fontsize=8)
        _quiet(axes)
    _name_steps(axes, subwords, top=False)
    axes.set_xlabel("reads" if trace.part == "encoder" else "writes", fontsize=8)


def _draw_means(axes: Any, trace: CellTrace) -> None:
    """Mean and middle half over units, one line a gate."""
    for place, (name, values) in enumerate(trace.gates.items()):
        steps, colour = range(len(values)), COLOURS[place]
        low, high = np.quantile(values, [0.25, 0.75], axis=1)
        axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(
            steps, values.mean(1), "o-", color=colour, markersize=3, linewidth=1.2, label=name
        )
    axes.set_ylim(0, 1)
    axes.set_ylabel("gates", fontsize=8)
    axes.legend(
        fontsize=7, ncols=3, frameon=False, loc="lower right", bbox_to_anchor=(1, 0.98), borderpad=0
    )
    _quiet(axes)


def _heat_map(axes: Any, values: Array, colours: str, limits: tuple[float, float]) -> Any:
    """All units, [step, unit], sorted by their mean over the steps: the highest at the top."""
    order = np.argsort(-values.mean(0), kind="stable")
    image = axes.imshow(
        values[:, order].T, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto"
    )
    axes.set_yticks([])
    _quiet(axes)
    return image


def _quiet(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2, labelsize=7)


def _name_steps(axes: Any, subwords: Sequence[str], top: bool) -> None:
    turned = {"rotation": 60, "ha": "left" if top else "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(subwords)), subwords, **turned)
    if top:
        axes.xaxis.tick_top()
        axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8)


def _bar(part: SubFigure, image: Any, axes: Any, label: str | None) -> None:
    bar = part.colorbar(image, ax=axes, fraction=0.04, pad=0.02, aspect=30)
    if label:
        bar.set_label(label, fontsize=7)
    bar.ax.tick_params(labelsize=6, length=2)
    bar.outline.set_visible(False)
