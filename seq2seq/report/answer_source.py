"""The answer to: what is the source worth? The language model beside those that read the source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seq2seq.report.content import Block, Listing, Paragraph, Table
from seq2seq.report.document import Document, good_runs, language_model
from seq2seq.report.numbers import with_spread


def source_worth(document: Document) -> list[Block]:
    """Perplexity with and without the source, and text of the model that knows none.

    Nothing where no language model took part, or none reached its end.
    """
    model = language_model(document)
    if not model:
        return []
    sampling = model["sampling"]
    blocks: list[Block] = [
        Paragraph(
            f"The ladder's ground floor, {model['name']}, has never seen a source sentence: it "
            "foretells each subword of the target from those before it. The systems foretell the "
            "same subwords and know the source besides; the nats that they save are what they get "
            "out of it. Perplexity is exp(nats). Words are what stands between spaces; the end of "
            "a sentence counts as one subword and as one word."
        )
    ]
    blocks += [perplexity_table(document, split) for split in document["splits"]]
    return [
        *blocks,
        Paragraph(_conditions(document, model)),
        Paragraph(
            f"What {model['name']} writes by itself, the first {len(model['texts'])} texts "
            f"(temperature {sampling['temperature']:g}, top-p {sampling['top_p']:g}, seed "
            f"{sampling['seed']}):"
        ),
        Listing(model["texts"], document["corpus"]["target_language"]),
    ]


def perplexity_table(document: Document, split: str) -> Table:
    """The language model first, then each system and what the source saves it."""
    model = language_model(document)
    assert model is not None
    alone = model["perplexity"][split]
    rows = [[model["name"], *_figures(alone), "–"]]
    for system, by_split in model["systems"].items():
        known = by_split[split]
        saved = alone["nats_per_word"]["mean"] - known["nats_per_word"]["mean"]
        rows.append([system, *_figures(known), f"{saved:.2f}".replace("-", "−")])
    headings = [
        "nats a subword",
        "perplexity",
        "nats a word",
        "perplexity of words",
        "saved a word",
    ]
    size = document["corpus"]["sizes"][split]
    return Table([f"{split}, {size:,} sentences", *headings], rows)


def _figures(figures: Mapping[str, Any]) -> list[str]:
    cells = []
    for name in ("nats_per_token", "nats_per_word"):
        nats = figures[name]
        cells.append(with_spread(nats["mean"], nats["deviation"], 3))
        cells.append(f"{math.exp(min(nats['mean'], 700.0)):,.2f}")
    return cells


def _conditions(document: Document, model: Mapping[str, Any]) -> str:
    """What makes the two figures not quite alike."""
    settings = model["settings"]
    sizes = settings["model"]
    updates = {run["updates"] for run in good_runs(model)}
    said = (
        f"{model['name']}: {model['parameters']:,} parameters, not matched with the systems', in "
        f"{sizes['layers']} layers of {sizes['hidden_size']}; "
        f"{' or '.join(f'{one:,}' for one in sorted(updates))} updates."
    )
    if settings["training"]["label_smoothing"] == 0:
        said += (
            " It learns without label smoothing and keeps the weights of the least loss. Systems "
            "that learn with smoothing, or keep the weights of the best BLEU, show more nats than "
            "they could: what the source saves them is, if anything, too low here."
        )
    return said
