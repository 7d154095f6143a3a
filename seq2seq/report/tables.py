"""Results as text for a terminal: tables whose numbers carry unit, interval and signature."""

from __future__ import annotations

import io
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from seq2seq.report.answer_source import perplexity_table
from seq2seq.report.document import all_rungs, good_runs, language_model
from seq2seq.report.numbers import mean, peak_megabytes

# Whatever the terminal, so that piped output is the same everywhere; wider where figures need it.
WIDTH = 110


def _drawn(*parts: Table | str, width: int = WIDTH) -> str:
    target = io.StringIO()
    console = Console(file=target, width=width, highlight=False, markup=False, soft_wrap=False)
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in target.getvalue().rstrip("\n").split("\n"))


def _with_interval(score: dict[str, Any]) -> str:
    if score["low"] is None:
        return f"{score['value']:.2f}"
    return f"{score['value']:.2f} [{score['low']:.1f}, {score['high']:.1f}]"


def evaluation_text(run: str, evaluation: dict[str, Any]) -> str:
    """One run's scores on one split, as `Evaluation.as_json` gives them."""
    title = (
        f"{run} · {evaluation['split']}: {evaluation['sentences']:,} sentences, "
        f"beam {evaluation['beam_size']}, {evaluation['sentences_per_second']:,} sentences/s"
    )
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    for heading in ("score", "value [95% interval]", "signature"):
        # A signature is read whole or not at all, so it goes on in the next line.
        table.add_column(heading, no_wrap=heading != "signature", overflow="fold")
    for score in evaluation["scores"]:
        table.add_row(score["name"], _with_interval(score), score["signature"])
    lines = [f"{evaluation['convention']}: {evaluation['done']}"]
    for convention, other in evaluation.get("conventions", {}).items():
        for score in other["scores"]:
            name = f"{score['name']} {convention}"
            table.add_row(name, _with_interval(score), score["signature"])
        lines.append(f"{convention}: {other['done']}")
    return _drawn(table, *lines)


def perplexity_text(run: str, splits: dict[str, dict[str, Any]]) -> str:
    """A language model's perplexities, as `Perplexity.as_json` gives them, a row for each split."""
    title = f"{run} · words stand between spaces; the end of a sentence counts as one"
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("split", no_wrap=True)
    for heading in ("sentences", "nats/subword", "perplexity", "nats/word", "perplexity of words"):
        table.add_column(heading, justify="right", no_wrap=True)
    for split, one in splits.items():
        table.add_row(
            split,
            f"{one['sentences']:,}",
            f"{one['nats_per_token']:.3f}",
            f"{one['perplexity_per_token']:,.2f}",
            f"{one['nats_per_word']:.3f}",
            f"{one['perplexity_per_word']:,.2f}",
        )
    return _drawn(table)


def comparison_text(document: dict[str, Any]) -> str:
    """Systems side by side: costs and scores, signatures, samples, and where the runs lie."""
    scores, costs = _score_table(document), _cost_table(document)
    parts: list[Table | str] = [scores, *_signatures(document), costs]
    figures = [scores, costs]
    if language_model(document):
        figures.append(_source_table(document))
        parts.append(figures[-1])
    for sample in document["samples"]:
        table = Table(
            box=None, show_header=False, padding=(0, 2, 0, 0), title_justify="left",
            title=f"a sentence of {sample['split']}",
        )  # fmt: skip
        table.add_row("source", sample["source"])
        table.add_row("reference", sample["reference"])
        for system, line in sample["translations"].items():
            table.add_row(system, line)
        parts += [table, ""]
    runs = [run for rung in all_rungs(document) for run in rung["runs"]]
    parts += [
        f"{run['folder']} failed: {run['failure']}" for run in runs if run["failure"] is not None
    ]
    folders = [run["folder"] for run in runs if run["failure"] is None]
    parts.append("The runs lie in " + ", ".join(folders) + ".")
    return _drawn(*parts, width=max(WIDTH, *map(_whole_width, figures)))


def _whole_width(table: Table) -> int:
    """The columns that a table takes when no cell is cut."""
    console = Console(width=100_000)
    return Measurement.get(console, console.options, table).maximum


def _score_table(document: dict[str, Any]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("system", no_wrap=True)
    for split in document["splits"]:
        for heading in (f"{split}: BLEU [95%]", "chrF2", "TER ↓"):
            table.add_column(heading, justify="right", no_wrap=True)
    for system in document["systems"]:
        if "scores" not in system:
            table.add_row(system["name"], "failed")
            continue
        cells = [system["name"]]
        for by_name in system["scores"].values():
            cells.append(_with_interval({**by_name["BLEU"], "value": by_name["BLEU"]["mean"]}))
            cells += [f"{by_name[name]['mean']:.1f}" for name in ("chrF2", "TER")]
        table.add_row(*cells)
    return table


def _cost_table(document: dict[str, Any]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("system", no_wrap=True)
    headings = ("seeds", "parameters", "updates", "minutes", "peak MB", "tokens/s", "sentences/s")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    main = document["splits"][0]
    for system in all_rungs(document):
        runs = good_runs(system)
        if not runs:
            continue
        speeds = [run["scores"][main].get("sentences_per_second") for run in runs]
        table.add_row(
            system["name"],
            f"{len(runs)}",
            f"{system['parameters']:,}",
            f"{_mean_of(runs, 'updates'):,.0f}",
            f"{_mean_of(runs, 'minutes'):.1f}",
            peak_megabytes(runs),
            f"{_mean_of(runs, 'tokens_per_second'):,.0f}",
            "–" if None in speeds else f"{mean(speeds):,.0f}",
        )
    return table


def _source_table(document: dict[str, Any]) -> Table:
    """The perplexity of the target with and without the source, as the report has it."""
    worth = perplexity_table(document, document["splits"][0])
    table = Table(box=SIMPLE_HEAD)
    for number, heading in enumerate(worth.headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in worth.rows:
        table.add_row(*row)
    return table


def _mean_of(runs: list[dict[str, Any]], name: str) -> float:
    return float(sum(run[name] for run in runs) / len(runs))


def _signatures(document: dict[str, Any]) -> list[str]:
    scored = next(system for system in document["systems"] if "scores" in system)
    scores = scored["scores"][document["splits"][0]]
    return [f"{name}: {score['signature']}" for name, score in scores.items()]
