"""Pictures, by matplotlib: PNG or SVG by the file's ending."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from seq2seq.errors import ConfigError

FORMATS = (".png", ".svg")


def _fonts() -> list[str]:
    """Font families to try in order: the usual one, then one that has Hangul.

    The package `koreanize-matplotlib` carries NanumGothic (Open Font License); only its font file
    is used.
    """
    families = ["DejaVu Sans"]
    package = importlib.util.find_spec("koreanize_matplotlib")
    if package and package.origin:
        font = Path(package.origin).parent / "fonts" / "NanumGothic.ttf"
        if font.is_file():
            font_manager.fontManager.addfont(str(font))
            families.append(font_manager.FontProperties(fname=str(font)).get_name())
    return families


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
        ConfigError: another ending, or a place that cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path} ends in {path.suffix!r}; pictures are .png or .svg.")
    with rc_context({"font.family": _fonts(), "svg.fonttype": "path"}):
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
        try:
            figure.savefig(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None


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
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path} ends in {path.suffix!r}; pictures are .png or .svg.")
    with rc_context({"font.family": _fonts(), "svg.fonttype": "path", "svg.hashsalt": "seq2seq"}):
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
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None
