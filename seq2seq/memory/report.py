"""The report: what each cell solves, beside the paper's figures, as Markdown, a page and JSON."""

from __future__ import annotations

import dataclasses
import statistics
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, get_args

from seq2seq.checkpoint import replacing, write_json
from seq2seq.memory.catalogue import TASKS, make_task
from seq2seq.memory.experiment import Finding, Place
from seq2seq.memory.gradients import Curve
from seq2seq.memory.network import MemoryCell
from seq2seq.memory.paper import FIGURES, lstm_figure
from seq2seq.memory.paper import Figure as PaperFigure
from seq2seq.memory.task import Task
from seq2seq.report.content import Block, Figure, Paragraph, Report, Section, Table
from seq2seq.report.html import page
from seq2seq.report.markdown import markdown as as_markdown
from seq2seq.report.memory_plots import Ladder, Tried, by_distance, longest_lags
from seq2seq.report.plots import FORMATS

Kept = list[tuple[Finding, dict[str, Any]]]
Rows = list[list[str]]
_FLOOR = 1e-12  # of the gradients' axis
_TITLE = "How long each cell remembers"
_LADDERS = "longest-lags"

_NOTE = """\
Sequences to success are counted by the paper's own rule for each task, median and range over the \
seeds that succeeded; wrong is out of 2,560 fresh sequences after training, median over all seeds. \
With \
the batched trainer every cell, the RNN too, follows clipped gradients; RNN, GRU and LSTM start \
with orthogonal recurrent weights, the 1997 cell with the paper's small ones. Experiment numbers \
and figures are those of Hochreiter & Schmidhuber 1997 (Neural Computation 9(8):1735-1780), means \
over its trials; the ratio is our median over its figure for LSTM, and below 1 is better."""


class Summary(NamedTuple):
    """The seeds of one place taken together."""

    place: Place
    outcomes: list[Finding]

    @property
    def solved(self) -> list[int]:
        """Sequences to success of the seeds that succeeded."""
        numbers = [finding.outcome.sequences for finding in self.outcomes]
        return [number for number in numbers if number is not None]

    @property
    def is_solved(self) -> bool:
        """At least half of the seeds succeeded."""
        return 2 * len(self.solved) >= len(self.outcomes)

    @property
    def ratio(self) -> float | None:
        """Our median over the paper's figure, where both are."""
        figure = paper_figure(self.place)
        if not self.solved or figure is None or figure.sequences is None:
            return None
        return statistics.median(self.solved) / figure.sequences


def paper_figure(place: Place) -> PaperFigure | None:
    """What the paper's LSTM did in the same place."""
    return lstm_figure(place.task, place.lag, place.distractors)


def summaries(kept: Kept) -> list[Summary]:
    """One for each place, in the order given."""
    findings = [finding for finding, _ in kept]
    return [Summary(place, list(group)) for place, group in groupby(findings, lambda f: f.place)]


def _row(summary: Summary) -> list[str]:
    place, outcomes = summary.place, [finding.outcome for finding in summary.outcomes]
    numbers = summary.solved
    spread = f"{statistics.median(numbers):,.0f}" if numbers else "–"
    if len(numbers) > 1:
        spread += f" ({min(numbers):,} to {max(numbers):,})"
    figure = paper_figure(place)
    theirs = f"{figure.sequences:,}" if figure and figure.sequences else "–"
    wrong = f"{statistics.median(outcome.wrong for outcome in outcomes):,.0f}"
    if figure and figure.wrong is not None:
        wrong += f" (paper: {figure.wrong:g})"
    diverged = sum(outcome.diverged for outcome in outcomes)
    return [
        place.problem,
        f"{place.lag:,}",
        place.cell,
        place.trainer,
        f"{len(numbers)} of {len(outcomes)}" + (f", {diverged} diverged" if diverged else ""),
        spread,
        theirs,
        f"{summary.ratio:.2f}" if summary.ratio is not None else "–",
        wrong,
        f"{statistics.median(outcome.steps_per_second for outcome in outcomes):,.0f}",
        f"{max(outcome.trained for outcome in outcomes):,}",
    ]


HEADINGS = [
    "task", "lag", "cell", "trainer", "solved by", "sequences to success",
    "paper's LSTM", "ratio", "wrong of 2,560", "steps/s", "trained at most",
]  # fmt: skip


def table_text(kept: Kept) -> str:
    """The table for a terminal."""
    rows = [HEADINGS, *map(_row, summaries(kept))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def longest_solved(found: list[Summary]) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
    """(task, trainer) → cell → longest lag that at least half of the seeds solved, longest tried.

    A lag counts only if all shorter ones that were tried are solved too.
    """
    result: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    broken: set[tuple[str, str, str]] = set()
    for summary in sorted(found, key=lambda s: s.place.lag):
        task, lag, cell, trainer = summary.place.problem, *summary.place[1:4]
        cells = result.setdefault((task, trainer), {})
        solved = cells.get(cell, (0, 0))[0]
        if not summary.is_solved:
            broken.add((task, trainer, cell))
        if (task, trainer, cell) not in broken:
            solved = lag
        cells[cell] = (solved, lag)
    return result


def _longest_rows(found: list[Summary]) -> Rows:
    rows = []
    for (task, trainer), cells in longest_solved(found).items():
        for cell, (solved, tried) in cells.items():
            failed = f"{_first_failure(found, task, trainer, cell)}"
            rows.append([task, trainer, cell, f"{solved:,}" if solved else "–", failed,
                         f"{tried:,}"])  # fmt: skip
    return rows


def _first_failure(found: list[Summary], task: str, trainer: str, cell: str) -> str:
    lags = [
        summary.place.lag
        for summary in found
        if (summary.place.problem, *summary.place[2:4]) == (task, cell, trainer)
        and not summary.is_solved
    ]
    return f"{min(lags):,}" if lags else "–"


_LONGEST = ["task", "trainer", "cell", "longest lag solved", "shortest lag failed", "longest tried"]


def _figures(tasks: list[str]) -> Rows:
    return [[task, *_figure(figure)] for task in tasks for figure in FIGURES[task]]


def _figure(figure: PaperFigure) -> list[str]:
    kinds = f", p = {figure.distractors}" if figure.distractors else ""
    return [
        figure.method + kinds,
        f"{figure.lag:,}",
        f"{figure.solved:.0%}" if figure.solved is not None else "–",
        f"{figure.sequences:,}" if figure.sequences else "never",
        f"{figure.wrong:g}" if figure.wrong is not None else "–",
    ]


_PAPER = ["task", "method", "lag", "trials that succeed", "sequences to success", "wrong of 2,560"]


def _report(kept: Kept) -> Report:
    found = summaries(kept)
    tasks = [name for name in TASKS if any(s.place.task == name for s in found)]
    problems = {s.place.task: _task(s.place) for s in found}
    described = "; ".join(f"{name}: {problems[name].title}" for name in tasks)
    text = f"{_NOTE} {described}."
    sections = [
        Section("What was solved", [Paragraph(text), Table(HEADINGS, [*map(_row, found)])]),
        Section(
            "The paper's figures",
            [
                Paragraph("The paper's tables for these tasks, rivals included."),
                Table(_PAPER, _figures(tasks)),
            ],
        ),
    ]
    with_lags = [summary for summary in found if summary.place.lag]
    if with_lags:
        sections.insert(0, _longest_section(with_lags))
    return Report(_TITLE, "", "", [], sections)


def _longest_section(found: list[Summary]) -> Section:
    text = "Solved means by at least half of the seeds, and every shorter lag tried as well."
    blocks: list[Block] = [Paragraph(text), Table(_LONGEST, _longest_rows(found))]
    if ladders(found):
        blocks.insert(1, Figure(_LADDERS, "The lags that each cell was given, and seeds solved."))
    return Section("The longest lag that each cell solves", blocks)


def ladders(found: list[Summary]) -> list[Ladder]:
    """The tasks with several lags, cell by cell."""
    drawn = []
    for (task, trainer), cells in longest_solved(found).items():
        rows: dict[str, list[Tried]] = {}
        for cell in sorted(cells, key=list(get_args(MemoryCell)).index):
            rows[cell] = [
                Tried(s.place.lag, len(s.solved), len(s.outcomes), s.is_solved)
                for s in sorted(found, key=lambda s: s.place.lag)
                if (s.place.problem, s.place.trainer, s.place.cell) == (task, trainer, cell)
            ]
        if len({tried.lag for row in rows.values() for tried in row}) > 1:
            title = f"{task}: {TASKS[task.split(',')[0]].title} ({trainer})"
            drawn.append(Ladder(title, rows))
    return drawn


def _task(place: Place) -> Task:
    return make_task(place.task, place.lag or None)


def markdown(kept: Kept) -> str:
    """The report, its plots in files beside it."""
    return as_markdown(_report(kept))


def write_report(kept: Kept, folder: Path) -> None:
    """Write memory.md, memory.html and memory.json, each whole or not at all, and their plots."""
    drawn = ladders([summary for summary in summaries(kept) if summary.place.lag])
    if drawn:
        for ending in FORMATS:
            longest_lags(drawn, folder / f"{_LADDERS}{ending}")
    _write(folder / "memory.md", markdown(kept))
    _write(folder / "memory.html", page(_report(kept), folder))
    document = [
        {**settings, "seed": finding.seed, **dataclasses.asdict(finding.outcome)}
        for finding, settings in kept
    ]
    write_json(folder / "memory.json", {"version": 1, "trainings": document})


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_gradients(what: str, curves: list[Curve], folder: Path) -> list[Path]:
    """Write gradients.html and .md with their plots, and gradients.json with the numbers.

    Args:
        what: the sequences were; for the title.
        curves: of all cells.
        folder: for all of them.
    """
    rows: dict[str, dict[str, dict[str, list[tuple[int, float]]]]] = {}
    for when, trained in (("at the start", False), ("after training", True)):
        lines = {curve.cell: curve for curve in curves if curve.trained == trained}
        if lines:
            rows[when] = {
                "‖∂h(T)/∂h(t)‖": {cell: [*enumerate(c.hidden)] for cell, c in lines.items()},
                "‖∂loss/∂x(t)‖": {cell: [*enumerate(c.inputs)] for cell, c in lines.items()},
                "the cell state's path": {
                    cell: [*enumerate(c.path)] for cell, c in lines.items() if c.path
                },
            }
    folder.mkdir(parents=True, exist_ok=True)
    for ending in FORMATS:
        by_distance(rows, _FLOOR, folder / f"gradients{ending}")
    text = (
        "Medians over at most 8 fresh sequences of T steps; the loss is that of the last error "
        "signal. What falls with the distance vanishes, what rises explodes; the axis ends at "
        f"{_FLOOR:g}, and a line that is missing lies below it. The cell state's path is the "
        "product of forget gates (LSTM) or update gates (GRU), mean over units; it is 1 for the "
        "cell of 1997."
    )
    title = f"Gradient by distance: {what}"
    figure = Figure("gradients", f"Gradients over the distance T − t, {what}.")
    report = Report(title, "", "", [Paragraph(text), figure], [])
    paths = [folder / name for name in ("gradients.html", "gradients.md", "gradients.json")]
    _write(paths[0], page(report, folder))
    _write(paths[1], as_markdown(report))
    document = {
        "version": 1,
        "sequences": what,
        "curves": [dataclasses.asdict(curve) for curve in curves],
    }
    write_json(paths[2], document)
    return paths
