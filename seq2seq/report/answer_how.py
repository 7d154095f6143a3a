"""The answers to: at what cost, how learnt, and looking at what?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq.report.content import (
    Block,
    Figure,
    Paragraph,
    Table,
)
from seq2seq.report.document import Document, all_rungs, good_runs, language_model
from seq2seq.report.figures import map_name
from seq2seq.report.numbers import listed, mean, peak_megabytes, with_spread

UNKNOWN = "–"


def cost(document: Document) -> list[Block]:
    """Parameters, precision, updates, minutes, memory, and speed in training and in decoding."""
    main = document["splits"][0]
    rungs = [rung for rung in all_rungs(document) if good_runs(rung)]
    headings = [
        *("system", "parameters", "precision", "updates", "minutes"),
        *("peak MB", "tokens/s", "sentences/s"),
    ]
    beams = {
        run["scores"][main]["beam_size"]
        for system in document["systems"]
        for run in good_runs(system)
    }
    blocks: list[Block] = [
        Table(headings, [_cost_row(rung, main) for rung in rungs]),
        Paragraph(
            "Minutes and target tokens a second are of the updates alone, validation not counted; "
            f"sentences a second are of translating {main} with a beam of "
            f"{listed([str(beam) for beam in sorted(beams)])}. Peak MB is the most main memory "
            "that the whole process held while it trained and validated, program and libraries "
            "among it, a GPU's memory not. Runs made while the machine had other work look slower "
            "than they are."
        ),
    ]
    precisions = _precisions(rungs)
    if len([kind for kind in precisions if kind != UNKNOWN]) > 1:
        blocks.append(
            Paragraph(
                "Runs differ in the precision that training multiplied in: their minutes do not "
                "compare, and their scores only if precision makes no difference to them."
            )
        )
    if UNKNOWN in precisions:
        blocks.append(
            Paragraph(f"{UNKNOWN} for precision: not noted, because the run is from before it was.")
        )
    if any(run.get("peak_bytes") is None for rung in rungs for run in good_runs(rung)):
        blocks.append(
            Paragraph(
                "– for memory: not known, because the run is from before it was measured, or "
                "another one in the same process held more and the system keeps one mark for both."
            )
        )
    return blocks


def _precisions(rungs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What all runs of these were trained in, each once; a dash where it is not known."""
    return sorted({run.get("precision") or UNKNOWN for rung in rungs for run in good_runs(rung)})


def _cost_row(rung: Mapping[str, Any], main: str) -> list[str]:
    runs = good_runs(rung)
    decoding = [run["scores"][main].get("sentences_per_second") for run in runs]
    return [
        rung["name"],
        f"{rung['parameters']:,}",
        listed(_precisions([rung])),
        f"{mean([run['updates'] for run in runs]):,.0f}",
        f"{mean([run['minutes'] for run in runs]):.1f}",
        peak_megabytes(runs),
        f"{mean([run['tokens_per_second'] for run in runs]):,.0f}",
        "–" if None in decoding else f"{mean(decoding):,.0f}",
    ]


def learning(document: Document) -> list[Block]:
    """Validation by update and by minute."""
    rows = []
    for rung in all_rungs(document):
        for run in good_runs(rung):
            curve = run["curve"]
            if not curve:
                continue
            translates = "bleu" in curve[0]
            best = max(curve, key=lambda event: event.get("bleu", -event["nats_per_token"]))
            rows.append(
                [
                    rung["name"],
                    str(run["seed"]),
                    f"{best['bleu']:.2f}" if translates else "–",
                    f"{best['update']:,}",
                    f"{best['minutes']:.1f}",
                    f"{min(event['nats_per_token'] for event in curve):.3f}",
                ]
            )
    if not rows:
        return []
    headings = ["system", "seed", "best BLEU", "at update", "at minute", "least loss, nats"]
    blocks: list[Block] = [
        Figure("learning", "Validation by update and by minute; a line for each run."),
        Table(headings, rows),
    ]
    if model := language_model(document):
        note = f"{model['name']} translates nothing: its best is the validation of the least loss."
        blocks.append(Paragraph(note))
    return blocks


def attention_answer(document: Document) -> list[Block]:
    """Entropy, coverage and monotony of attention, and maps; nothing where no system has any."""
    attention, maps = document["attention"], document["maps"]
    if not attention["systems"]:
        return []
    rows = [
        [
            name,
            with_spread(figures["entropy"]["value"], figures["entropy"]["deviation"]),
            *(_per_cent(figures[figure]) for figure in ("overlooked", "often", "backward")),
        ]
        for name, figures in attention["systems"].items()
    ]
    blocks: list[Block] = [
        Paragraph(
            f"Over {attention['split']}, while the system writes the reference. Entropy, in nats "
            "a target subword: 0 is one place alone, ln n all of n places alike. Coverage: the "
            "share of source subwords whose weights sum to less than 0.5 (overlooked) and to more "
            "than 1.5 (looked at more than once). Steps back: the share of steps whose strongest "
            "place lies before that of the step before; a monotone alignment has none."
        ),
        Table(["system", "entropy", "overlooked", "more than once", "steps back"], rows),
    ]
    figures = enumerate(maps, start=1)
    return blocks + [Figure(map_name(number), _map_caption(one), True) for number, one in figures]


def _map_caption(one: Mapping[str, Any]) -> str:
    shown = [len(one["source"]), len(one["target"])]
    cut = (
        ""
        if shown == one["subwords"]
        else (
            f" The first {shown[1]} of {one['subwords'][1]} and {shown[0]} of {one['subwords'][0]}."
        )
    )
    return (
        f"{one['system']}, seed {one['seed']}: sentence {one['row'] + 1:,} of {one['split']}. "
        f"A row for each subword written, a column for each read.{cut}"
    )


def _per_cent(figure: Mapping[str, Any]) -> str:
    deviation = None if figure["deviation"] is None else 100 * figure["deviation"]
    return with_spread(100 * figure["value"], deviation, 1) + "%"
