"""Plots of what cells remember: the longest lag solved, and gradients by distance."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

Points = Sequence[tuple[float, float]]


def _svg(figure: Figure) -> str:
    """The figure as an SVG element to put into a page, the same bytes every time."""
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None})
    text = target.getvalue()
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)


def longest_lags(title: str, lags: Mapping[str, float], tried: Mapping[str, float]) -> str:
    """Bars: the longest lag that each cell solved, and in a paler tone the longest it was given.

    Args:
        title: over the plot.
        lags: cell → longest lag solved; 0 for none.
        tried: cell → longest lag it was trained on.

    Returns:
        An SVG element.
    """
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "seq2seq"}):
        figure = Figure(figsize=(5.2, 0.7 + 0.4 * len(lags)), layout="constrained")
        axes = figure.add_subplot()
        names = list(lags)
        places = range(len(names))
        axes.barh(places, [tried[name] for name in names], color="#dddddd", label="tried")
        axes.barh(places, [lags[name] for name in names], color="C0", label="solved")
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xscale("symlog", linthresh=10)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("longest lag")
        axes.legend(fontsize=7)
        return _svg(figure)


def by_distance(title: str, plots: Mapping[str, Mapping[str, Points]], floor: float) -> str:
    """Lines over the distance T − t on a logarithmic axis, one small plot beside another.

    Args:
        title: over all of them.
        plots: name of a plot → label of a line → points.
        floor: where the axis ends below; what is smaller is not seen.

    Returns:
        An SVG element.
    """
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "seq2seq"}):
        figure = Figure(figsize=(3.4 * len(plots), 3.2), layout="constrained")
        figure.suptitle(title, fontsize=10)
        labels = list(dict.fromkeys(label for lines in plots.values() for label in lines))
        for place, (name, lines) in enumerate(plots.items()):
            axes = figure.add_subplot(1, len(plots), place + 1)
            for label, points in lines.items():
                above = [(x, y) for x, y in points if y > floor]
                if above:
                    colour = f"C{labels.index(label)}"
                    axes.plot(*zip(*above, strict=True), color=colour, label=label)
            axes.set_yscale("log")
            bottom, top = axes.get_ylim()
            axes.set_ylim(max(bottom, floor), top)
            axes.set_title(name, fontsize=8)
            axes.set_xlabel("distance T − t")
            axes.grid(color="#dddddd", linewidth=0.5)
            axes.tick_params(labelsize=7)
        handles = {
            label: handle
            for axes in figure.axes
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            handles.values(), handles.keys(), loc="outside lower center",
            ncols=max(len(handles), 1), fontsize=8,
        )  # fmt: skip
        return _svg(figure)
