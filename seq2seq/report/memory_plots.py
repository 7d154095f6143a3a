"""Plots of what cells remember: the longest lag solved, and gradients by distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from seq2seq.report.plots import COLOURS, INK, RULE, require_format, save, style

Points = Sequence[tuple[float, float]]
_CELLS = ("rnn", "gru", "lstm", "lstm-1997")
_INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")


class Tried(NamedTuple):
    """One lag that a cell was trained on."""

    lag: int
    succeeded: int  # seeds
    seeds: int
    is_solved: bool


class Ladder(NamedTuple):
    """One task's lags."""

    title: str
    cells: Mapping[str, Sequence[Tried]]  # cell → its lags, shortest first


def _colour(cell: str, cells: Sequence[str]) -> str:
    """The same for a cell in every plot."""
    place = _CELLS.index(cell) if cell in _CELLS else len(_CELLS) + list(cells).index(cell)
    return COLOURS[place % len(COLOURS)]


def longest_lags(ladders: Sequence[Ladder], path: Path) -> None:
    """Draw a ladder a task: a row a cell, a mark a lag, and a bar up to the longest lag solved.

    Args:
        ladders: from top to bottom.
        path: `.png`, or `.svg`, whose ground is transparent.

    Raises:
        ConfigError: another ending, or a place that cannot be written.
    """
    require_format(path)
    rows = [len(ladder.cells) for ladder in ladders]
    with rc_context(style() | dict.fromkeys(_INKED, INK)):
        height = sum(0.55 + 0.42 * count for count in rows) + 0.7
        figure = Figure(figsize=(6.4, height), dpi=150, layout="constrained")
        parts = figure.subplots(
            len(rows), 1, sharex=True, squeeze=False, height_ratios=[0.4 + count for count in rows]
        )[:, 0]
        for axes, ladder in zip(parts, ladders, strict=True):
            _draw_ladder(axes, ladder)
        lags = {tried.lag for ladder in ladders for row in ladder.cells.values() for tried in row}
        axes = parts[-1]
        axes.set_xscale("log")
        axes.set_xticks(sorted(lags), [f"{lag:,}" for lag in sorted(lags)])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(min(lags) / 1.25, max(lags) * 1.25)
        axes.set_xlabel("lag (steps)")
        marks: dict[str, Any] = {"color": INK, "marker": "o", "markersize": 7, "linestyle": "none"}
        handles = [
            Line2D([], [], **marks),
            Line2D([], [], markerfacecolor="none", **marks),
        ]
        labels = ["solved by at least half of the seeds", "not solved"]
        figure.legend(
            handles, labels, loc="outside upper center", ncols=2, fontsize=8, frameon=False
        )
        save(figure, path, transparent=path.suffix.lower() == ".svg")


def _draw_ladder(axes: Axes, ladder: Ladder) -> None:
    for place, (cell, row) in enumerate(ladder.cells.items()):
        colour = _colour(cell, list(ladder.cells))
        solved = []
        for tried in row:
            if not tried.is_solved:
                break
            solved.append(tried.lag)
        if solved:
            axes.plot(
                [solved[0], solved[-1]], [place, place], color=colour, linewidth=7, alpha=0.3,
                solid_capstyle="round",
            )  # fmt: skip
        for tried in row:
            face = colour if tried.is_solved else "none"
            axes.plot(tried.lag, place, "o", color=colour, markerfacecolor=face, markersize=7)
            axes.annotate(
                f"{tried.succeeded} of {tried.seeds}", (tried.lag, place), (0, 7),
                textcoords="offset points", ha="center", fontsize=6.5,
            )  # fmt: skip
    axes.set_yticks(range(len(ladder.cells)), list(ladder.cells))
    axes.set_ylim(len(ladder.cells) - 0.5, -0.75)
    axes.set_title(ladder.title, fontsize=9, loc="left")
    axes.grid(axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def by_distance(
    rows: Mapping[str, Mapping[str, Mapping[str, Points]]], floor: float, path: Path
) -> None:
    """Draw lines over the distance T − t on a logarithmic axis, plots of one measure below another.

    Args:
        rows: when → what is measured → cell → points; each `when` has the same measures.
        floor: where the axis ends below; what is smaller is not seen.
        path: `.png`, or `.svg`, whose ground is transparent.

    Raises:
        ConfigError: another ending, or a place that cannot be written.
    """
    require_format(path)
    columns = len(next(iter(rows.values())))
    powers = {"text.parse_math": True}  # of ten, on the axis
    with rc_context(style() | dict.fromkeys(_INKED, INK) | powers):
        figure = Figure(
            figsize=(3.1 * columns, 2.4 * len(rows) + 0.5), dpi=150, layout="constrained"
        )
        grid = figure.subplots(len(rows), columns, sharex=True, sharey="col", squeeze=False)
        handles: dict[str, Any] = {}
        for line, (when, plots) in zip(grid, rows.items(), strict=True):
            for axes, (name, cells) in zip(line, plots.items(), strict=True):
                handles |= _draw_distances(axes, cells, floor)
                axes.set_title(f"{name}, {when}", fontsize=8)
        for axes in grid.flat:
            bottom, top = axes.get_ylim()
            axes.set_ylim(max(bottom, floor), top)
            axes.yaxis.set_major_locator(LogLocator(numticks=7))
        for axes in grid[-1]:
            axes.set_xlabel("distance T − t (steps)", fontsize=8)
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        figure.legend(
            handles.values(), handles.keys(), loc="outside upper center",
            ncols=max(len(handles), 1), fontsize=8, frameon=False,
        )  # fmt: skip
        save(figure, path, transparent=path.suffix.lower() == ".svg")


def _draw_distances(axes: Axes, cells: Mapping[str, Points], floor: float) -> dict[str, Any]:
    handles = {}
    for cell, points in cells.items():
        above = [(x, y) for x, y in points if y > floor]
        if above:
            colour = _colour(cell, list(cells))
            (handles[cell],) = axes.plot(*zip(*above, strict=True), color=colour, linewidth=1.2)
    axes.set_yscale("log")
    axes.grid(color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
    return handles
