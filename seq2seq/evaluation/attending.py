"""What systems with attention look at: maps of single sentences, and figures over a split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seq2seq.checkpoint import load_model, read_config
from seq2seq.evaluation import attention
from seq2seq.evaluation.alignment import (
    alignment_error_rate,
    diagonal_links,
    strongest_links,
    word_weights,
    words_of_pieces,
)
from seq2seq.evaluation.attention import ForcedAttention
from seq2seq.evaluation.material import Material
from seq2seq.evaluation.spread import spread
from seq2seq.inference.translator import Translator
from seq2seq.text.alignments import Links
from seq2seq.text.tokenizer import Tokenizer

MAP_SUBWORDS = 60  # of either side that a map shows


def measure_attention(
    material: Material,
    attending: Sequence[str],
    shown: Sequence[Mapping[str, Any]],
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Attention maps of some sentences, and figures about attention over the main split.

    Args:
        material: of the comparison.
        attending: the systems that have attention.
        shown: the sentences to draw maps of: `split`, `row` and `source` of each.
        report: receives one line a message.

    Returns:
        Plain values: `maps`, and `attention` with the figures of each system, over its seeds.
    """
    main = material.splits[0]
    maps: list[dict[str, Any]] = []
    figures: dict[str, dict[str, Any]] = {}
    pairs = list(material.corpus.splits[main])
    links = material.alignments.get(main)
    for system in attending:
        summaries, errors = [], []
        for place, run in enumerate(material.standing[system]):
            model, tokenizer = load_model(run.folder), Tokenizer.load(run.folder)
            if place == 0:
                search = read_config(run.folder).settings.search
                translator = Translator(model, tokenizer, search, report)
                maps += _maps(translator, system, run.seed, shown)
            forced = list(attention.attend_to_references(model, tokenizer, pairs))
            summaries.append(attention.summarise_attention(forced))
            if links is not None:
                errors.append(_alignment_error(forced, links))
        figures[system] = attention.over_seeds(summaries)
        if errors:
            found = spread(errors)
            figures[system]["alignment_error"] = {
                "value": found.mean,
                "deviation": found.deviation,
            }
    diagonal = None if links is None else _diagonal_error(pairs, links)
    return {
        "maps": maps,
        "attention": {"split": main, "systems": figures, "diagonal_error": diagonal},
    }


def _maps(
    translator: Translator, system: str, seed: int, shown: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    found = translator.translate([sentence["source"] for sentence in shown], with_weights=True)
    return [
        {
            "system": system,
            "seed": seed,
            "split": sentence["split"],
            "row": sentence["row"],
            "source": translation.source_pieces[:MAP_SUBWORDS],
            "target": translation.target_pieces[:MAP_SUBWORDS],
            "weights": [
                [round(w, 4) for w in row[:MAP_SUBWORDS]]
                for row in translation.weights[:MAP_SUBWORDS].tolist()
            ],
            "subwords": [len(translation.source_pieces), len(translation.target_pieces)],
        }
        for sentence, translation in zip(shown, found, strict=True)
        if translation.weights is not None
    ]


def _alignment_error(forced: Sequence[ForcedAttention], links: Sequence[Links]) -> float:
    """AER of the strongest source word of each target word."""
    found = []
    for one in forced:
        weights = word_weights(
            one.weights[:, :-1],
            words_of_pieces(one.source_pieces),
            words_of_pieces(one.target_pieces),
        )
        found.append(strongest_links(weights))
    return alignment_error_rate(found, [links[one.row] for one in forced])


def _diagonal_error(pairs: Sequence[tuple[str, str]], links: Sequence[Links]) -> float:
    found = [diagonal_links(len(source.split()), len(target.split())) for source, target in pairs]
    return alignment_error_rate(found, links)
