"""The answers to: at what cost, how learnt, and looking at what?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seq2seq.report.content import (
    Block,
    Figure,
    Paragraph,
    Table,
)
from seq2seq.report.document import Document, good_runs
from seq2seq.report.figures import map_name
from seq2seq.report.numbers import listed, mean, with_spread


def cost(document: Document) -> list[Block]:
    """Parameters, updates, minutes, and speed in training and in decoding."""
    main = document["splits"][0]
    rows = []
    for system in document["systems"]:
        runs = good_runs(system)
        if not runs:
            continue
        decoding = [run["scores"][main]["sentences_per_second"] for run in runs]
        rows.append(
            [
                system["name"],
                f"{system['parameters']:,}",
                f"{mean([run['updates'] for run in runs]):,.0f}",
                f"{mean([run['minutes'] for run in runs]):.1f}",
                f"{mean([run['tokens_per_second'] for run in runs]):,.0f}",
                f"{mean(decoding):,.0f}",
            ]
        )
    headings = ["system", "parameters", "updates", "minutes", "tokens/s", "sentences/s"]
    beams = {
        run["scores"][main]["beam_size"]
        for system in document["systems"]
        for run in good_runs(system)
    }
    return [
        Table(headings, rows),
        Paragraph(
            "Minutes and target tokens a second are of the updates alone, validation not counted; "
            f"sentences a second are of translating {main} with a beam of "
            f"{listed([str(beam) for beam in sorted(beams)])}. Runs made while the machine had "
            "other work look slower than they are."
        ),
    ]


def learning(document: Document) -> list[Block]:
    """Validation by update and by minute."""
    rows = []
    for system in document["systems"]:
        for run in good_runs(system):
            curve = run["curve"]
            if not curve:
                continue
            best = max(curve, key=lambda event: event["bleu"])
            rows.append(
                [
                    system["name"],
                    str(run["seed"]),
                    f"{best['bleu']:.2f}",
                    f"{best['update']:,}",
                    f"{best['minutes']:.1f}",
                    f"{min(event['nats_per_token'] for event in curve):.3f}",
                ]
            )
    if not rows:
        return []
    headings = ["system", "seed", "best BLEU", "at update", "at minute", "least loss, nats"]
    return [
        Figure("learning", "Validation by update and by minute; a line for each run."),
        Table(headings, rows),
    ]


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
