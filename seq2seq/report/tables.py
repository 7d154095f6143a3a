"""Results as text for a terminal: tables whose numbers carry unit, interval and signature."""

from __future__ import annotations

import io
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from seq2seq.evaluation.compare import Comparison

# Wide enough for every table whatever the terminal, so that piped output is the same everywhere.
WIDTH = 110


def _drawn(*parts: Table | str) -> str:
    target = io.StringIO()
    console = Console(file=target, width=WIDTH, highlight=False, markup=False, soft_wrap=False)
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
        table.add_column(heading, no_wrap=heading != "signature")
    for score in evaluation["scores"]:
        table.add_row(score["name"], _with_interval(score), score["signature"])
    return _drawn(table)


def comparison_text(comparison: Comparison) -> str:
    """Systems side by side: costs and scores, signatures, samples, and where the runs lie."""
    parts: list[Table | str] = [_score_table(comparison), *_signatures(comparison), ""]
    for sample in comparison.samples:
        table = Table(
            box=None, show_header=False, padding=(0, 2, 0, 0), title_justify="left",
            title=f"a sentence of {sample.split}",
        )  # fmt: skip
        table.add_row("source", sample.source)
        table.add_row("reference", sample.reference)
        for contender, line in zip(comparison.contenders, sample.translations, strict=True):
            table.add_row(contender.system, line)
        parts += [table, ""]
    parts.append("The runs lie in " + ", ".join(str(c.folder) for c in comparison.contenders) + ".")
    return _drawn(*parts)


def _score_table(comparison: Comparison) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("system")
    for heading in ("parameters", "updates", "minutes", "tokens/s"):
        table.add_column(heading, justify="right")
    for split in comparison.splits:
        table.add_column(f"{split}: BLEU [95%]", justify="right", no_wrap=True)
        table.add_column("chrF2", justify="right")
        table.add_column("TER ↓", justify="right")
    for contender in comparison.contenders:
        cells = [
            contender.system,
            f"{contender.parameters:,}",
            f"{contender.updates:,}",
            f"{contender.minutes:.1f}",
            f"{contender.tokens_per_second:,.0f}",
        ]
        for split in comparison.splits:
            by_name = {score["name"]: score for score in contender.scores[split]["scores"]}
            cells.append(_with_interval(by_name["BLEU"]))
            cells += [f"{by_name[name]['value']:.1f}" for name in ("chrF2", "TER")]
        table.add_row(*cells)
    return table


def _signatures(comparison: Comparison) -> list[str]:
    scores = comparison.contenders[0].scores[comparison.splits[0]]["scores"]
    return [f"{score['name']}: {score['signature']}" for score in scores]
