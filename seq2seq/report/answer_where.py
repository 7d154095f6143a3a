"""The answer to: where do systems differ? By length, by rarity of words, by word order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq.report.content import (
    Block,
    Figure,
    Paragraph,
    Table,
)
from seq2seq.report.document import Document
from seq2seq.report.figures import bucket_label, distance_label
from seq2seq.report.numbers import listed, with_interval, with_spread


def where(document: Document) -> list[Block]:
    """By length of the source, by rarity of words, and on the split of long sentences."""
    by_length, by_rarity = document["by_length"], document["by_rarity"]
    splits = listed(by_length["splits"])
    blocks: list[Block] = [
        Paragraph(
            f"By length of the source in words, over {splits}. Small groups are joined to their "
            "neighbours; [95% interval over sentences]."
        ),
        Figure("length", "BLEU and chrF2 by length of the source sentence."),
        _bucket_table(by_length["rows"], "words", bucket_label, "sentences", "BLEU"),
        _bucket_table(by_length["rows"], "words", bucket_label, "sentences", "chrF2"),
    ]
    if by_rarity["rows"]:
        blocks += [
            Paragraph(
                f"By rarity, on {document['splits'][0]}: F1 of the reference's words by how often "
                "the training text shows them. Words are compared as they are written, without "
                "their punctuation."
            ),
            Figure("rarity", "F1 of words by how often training showed them."),
            _bucket_table(by_rarity["rows"], "times in training", bucket_label, "words", "F1"),
        ]
    if "long" in document["splits"][1:]:
        blocks += _long_split(document)
    return blocks


def _long_split(document: Document) -> list[Block]:
    main = document["splits"][0]
    rows = []
    for system in document["systems"]:
        if "scores" in system:
            short, long = (system["scores"][split]["BLEU"]["mean"] for split in (main, "long"))
            kept = f"{100 * long / short:.0f}%" if short > 0 else "–"
            rows.append([system["name"], f"{short:.2f}", f"{long:.2f}", kept])
    about = f"How much of its BLEU on {main} each system keeps on the longer sentences of long:"
    return [
        Paragraph(about),
        Table(["system", f"BLEU on {main}", "BLEU on long", "kept"], rows),
    ]


def _bucket_table(
    rows: Sequence[Mapping[str, Any]], what: str, label: Any, counted: str, score: str
) -> Table:
    systems = list(rows[0]["systems"])
    return Table(
        [what, counted, *(f"{system}: {score}" for system in systems)],
        [
            [
                label(row),
                f"{row[counted]:,}",
                *(with_interval(row["systems"][system][score]) for system in systems),
            ]
            for row in rows
        ],
    )


def word_order(document: Document) -> list[Block]:
    """By amount of reordering, and alignment error; nothing where alignments are not known."""
    if not document["by_order"]:
        return []
    return [*_by_reordering(document["by_order"]), *_alignment_errors(document["attention"])]


def _by_reordering(by_order: Document) -> list[Block]:
    rows = by_order["rows"]
    systems = list(rows[0]["systems"])
    return [
        Paragraph(
            "The corpus' grammar knows which word tells what. The Kendall distance of a pair is "
            "the share of its links that cross one another: 0 is the same order in both "
            f"languages, 1 the reverse. The sentences of {by_order['split']} by that distance, in "
            "groups of like size; mind the column of lengths, for what reorders more is also "
            "longer or shorter."
        ),
        Figure("word-order", "BLEU and chrF2 by how far the reference reorders its source."),
        Table(
            ["distance", "sentences", "mean words", *(f"{name}: BLEU" for name in systems)],
            [
                [
                    distance_label(row),
                    f"{row['sentences']:,}",
                    f"{row['mean_words']:.1f}",
                    *(with_interval(row["systems"][name]["BLEU"]) for name in systems),
                ]
                for row in rows
            ],
        ),
    ]


def _alignment_errors(attention: Document) -> list[Block]:
    errors = {
        name: figures["alignment_error"]
        for name, figures in attention["systems"].items()
        if "alignment_error" in figures
    }
    if not errors:
        return []
    return [
        Paragraph(
            "Alignment error rate (Och and Ney 2003) of attention against the known links, "
            "while the system writes the reference: each target word is linked to the source "
            "word that its subwords look at most. 0 is perfect; the diagonal, which looks at "
            "the same place in both sentences, is there for scale."
        ),
        Table(
            ["system", "alignment error rate"],
            [
                *([name, with_spread(e["value"], e["deviation"], 3)] for name, e in errors.items()),
                ["(diagonal)", f"{attention['diagonal_error']:.3f}"],
            ],
        ),
    ]
