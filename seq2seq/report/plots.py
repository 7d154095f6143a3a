"""Pictures, by matplotlib: PNG or SVG by the file's ending."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from seq2seq.errors import ConfigError
from seq2seq.report.font import hangul_font

FORMATS = (".png", ".svg")
# Colours that people with any kind of colour vision tell apart, on light and dark ground (Okabe
# and Ito 2008, without black and yellow).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f")
INK, RULE = "#1b1f24", "#d0d4d9"
"""Of text and axes, and of grid lines: a page that holds the SVG may put its own in their place."""
MOST_SUBWORDS = 120  # of either side on a map: 6,700 pixels
_NO_GLYPH = r"Glyph (\d+) .* missing from font"
"""What matplotlib warns of a character that no font has, by its number."""


def _fonts() -> list[str]:
    """Font families to try in order: the usual one, then one that has Hangul."""
    families = ["DejaVu Sans"]
    font = hangul_font()
    if font:
        font_manager.fontManager.addfont(str(font))
        families.append(font_manager.FontProperties(fname=str(font)).get_name())
    return families


def style() -> Any:
    """Text as outlines, so that an SVG needs no font; the same file for the same picture."""
    return {
        "font.family": _fonts(),
        "svg.fonttype": "path",
        "svg.hashsalt": "seq2seq",
        "text.parse_math": False,  # $ is a dollar
    }


def require_format(path: Path) -> None:
    """Refuse other endings than `.png` and `.svg`."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path} ends in {path.suffix!r}; pictures are .png or .svg.")


def save(figure: Figure, path: Path, transparent: bool = False) -> None:
    """Write the figure, the same bytes for the same picture."""
    is_svg = path.suffix.lower() == ".svg"
    try:
        with _boxes_named(path):
            figure.savefig(
                path, transparent=transparent, metadata={"Date": None} if is_svg else None
            )
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None


@contextmanager
def _boxes_named(path: Path) -> Iterator[None]:
    """One line for all characters that matplotlib has no font for, instead of a warning each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", _NO_GLYPH, UserWarning)
        yield
    missing = {}
    for warning in caught:
        glyph = re.match(_NO_GLYPH, str(warning.message))
        if glyph:
            missing[chr(int(glyph[1]))] = True
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    if missing:
        print(
            f"{path} has boxes where no font has the character: {' '.join(missing)}",
            file=sys.stderr,
        )


def attention_map(
    source: Sequence[str], target: Sequence[str], weights: NDArray[np.float32], path: Path
) -> None:
    """Draw where attention looked: a row for each target subword, a column for each source one.

    Args:
        source: source subwords.
        target: target subwords.
        weights: [target, source]; every row sums to 1.
        path: `.png` or `.svg`.

    Raises:
        ConfigError: another ending, a place that cannot be written, or more subwords than a map
            can show.
    """
    require_format(path)
    if max(len(source), len(target)) > MOST_SUBWORDS:
        raise ConfigError(
            f"{path} is not drawn: the sentence has {len(source)} subwords and its translation "
            f"{len(target)}; a map shows {MOST_SUBWORDS} at most."
        )
    with rc_context(style()):
        width, height = 1.6 + 0.36 * len(source), 1.4 + 0.32 * len(target)
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(source)), source, rotation=60, ha="left", rotation_mode="anchor")
        axes.set_yticks(range(len(target)), target)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelsize=9)
        axes.spines[:].set_visible(False)
        axes.set_xticks(np.arange(len(source) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(target) + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="#dddddd", linewidth=0.5)
        axes.tick_params(which="minor", length=0)
        bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
        bar.set_label("attention weight", fontsize=8)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)
        save(figure, path)


class Curves(NamedTuple):
    """One small plot: some lines over a logarithmic scale of sizes."""

    x_label: str
    y_label: str
    lines: Mapping[str, Sequence[tuple[float, float]]]  # label -> points


def line_plots(plots: Sequence[Curves], path: Path) -> None:
    """Draw small plots beside one another, both scales logarithmic, with one legend for all.

    Args:
        plots: from left to right; lines of one label have one colour.
        path: `.png` or `.svg`.

    Raises:
        ConfigError: another ending, or a place that cannot be written.
    """
    require_format(path)
    with rc_context(style()):
        figure = Figure(figsize=(3.1 * len(plots), 3.0), dpi=150, layout="constrained")
        labels = list(dict.fromkeys(label for plot in plots for label in plot.lines))
        for place, plot in enumerate(plots):
            axes = figure.add_subplot(1, len(plots), place + 1)
            for label, points in plot.lines.items():
                colour = f"C{labels.index(label)}"
                axes.plot(*zip(*points, strict=True), "o-", color=colour, markersize=3, label=label)
            axes.set_xscale("log")
            axes.set_yscale("log")
            ticks = sorted({x for points in plot.lines.values() for x, _ in points})
            axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks], rotation=45)
            axes.set_xticks([], minor=True)
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(plot.x_label)
            axes.set_ylabel(plot.y_label)
            axes.grid(color="#dddddd", linewidth=0.5)
            axes.tick_params(labelsize=7)
        if len(labels) > 1:
            handles = figure.axes[0].get_legend_handles_labels()
            figure.legend(*handles, loc="outside upper center", ncols=len(labels), fontsize=8)
        save(figure, path)


class Series(NamedTuple):
    """One line of a chart."""

    label: str  # lines of one label have one colour and stand in the legend once
    points: Sequence[tuple[float, float]]
    intervals: Sequence[tuple[float, float]] = ()  # low and high at each point, if known


class Panel(NamedTuple):
    """One of several charts beside one another."""

    x_label: str
    y_label: str
    series: Sequence[Series]
    categories: Sequence[str] = ()  # names of the places 0, 1, ... if x is no number


def charts(panels: Sequence[Panel], path: Path) -> None:
    """Draw charts beside one another, with one legend for all.

    Args:
        panels: from left to right.
        path: `.png`, or `.svg`, whose ground is transparent.

    Raises:
        ConfigError: another ending, or a place that cannot be written.
    """
    require_format(path)
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    with rc_context(style() | dict.fromkeys(inked, INK)):
        figure = Figure(figsize=(4.4 * len(panels), 3.3), dpi=150, layout="constrained")
        labels = list(dict.fromkeys(one.label for panel in panels for one in panel.series))
        handles: dict[str, Any] = {}
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), place + 1)
            for one in panel.series:
                handles.setdefault(one.label, _draw(axes, one, labels, bool(panel.categories)))
            if panel.categories:
                axes.set_xticks(range(len(panel.categories)), panel.categories)
            else:
                axes.xaxis.set_major_locator(MaxNLocator(6))
            axes.set_xlabel(panel.x_label)
            axes.set_ylabel(panel.y_label)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color=RULE, linewidth=0.5)
            axes.set_axisbelow(True)
            axes.tick_params(labelsize=8)
        if len(labels) > 1:
            figure.legend(
                [handles[label] for label in labels], labels, loc="outside upper center",
                ncols=min(4, len(labels)), fontsize=8, frameon=False,
            )  # fmt: skip
        save(figure, path, transparent=path.suffix.lower() == ".svg")


def _draw(axes: Any, one: Series, labels: Sequence[str], is_categorical: bool) -> Any:
    """One line, with its intervals; between categories side by side, so that none hides another."""
    place = labels.index(one.label)
    shift = 0.09 * (place - (len(labels) - 1) / 2) if is_categorical else 0.0
    xs, ys = [x + shift for x, _ in one.points], [y for _, y in one.points]
    marks = {"color": COLOURS[place % len(COLOURS)], "marker": "o", "markersize": 3}
    if not one.intervals:
        return axes.plot(xs, ys, linewidth=1.2, **marks)[0]
    # The mean of several seeds may lie outside an interval that is a mean of its own.
    below = [max(0.0, y - low) for y, (low, _) in zip(ys, one.intervals, strict=True)]
    above = [max(0.0, high - y) for y, (_, high) in zip(ys, one.intervals, strict=True)]
    return axes.errorbar(xs, ys, yerr=[below, above], linewidth=1.2, capsize=2, **marks)
