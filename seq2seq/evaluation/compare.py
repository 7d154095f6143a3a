"""Finished and evaluated runs side by side: everything a report says, as one JSON document.

Nothing is drawn or worded here; `seq2seq.report` does that from the document alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from seq2seq.evaluation import buckets, rarity
from seq2seq.evaluation.attending import measure_attention
from seq2seq.evaluation.comparability import differing_settings
from seq2seq.evaluation.contenders import describe_systems
from seq2seq.evaluation.ground_floor import describe_ground_floor
from seq2seq.evaluation.material import Material, Outputs, read_outputs, settings_of
from seq2seq.evaluation.samples import MOST_DIFFERENT, chosen_rows, most_different
from seq2seq.evaluation.scores import paired_randomization
from seq2seq.evaluation.word_order import kendall_distance
from seq2seq.text.words import count_words

LAYOUT = "seq2seq comparison"
VERSION = 2  # 1: a one-sided paired test, and F1 by rarity without words of no reference
MAPS_OF_DIFFERENT = 2  # attention maps of the most different sentences, besides the chosen ones


def compare_runs(material: Material, report: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything about runs that are trained and evaluated; plain JSON values.

    Raises:
        CheckpointError: a run is not trained to its end.
    """
    outputs = {split: read_outputs(material, split) for split in material.splits}
    main = material.splits[0]
    report("comparing: paired tests")
    document: dict[str, Any] = {
        "layout": LAYOUT,
        "version": VERSION,
        "corpus": _corpus_document(material),
        "splits": material.splits,
        "systems": describe_systems(material),
        "settings": differing_settings(settings_of(material)),
        "significance": _significance(material, outputs),
        "language_model": describe_ground_floor(material, report),
    }
    report("comparing: where the systems differ")
    document["by_length"] = _by_length(outputs, main)
    document["by_rarity"] = _by_rarity(material, outputs[main])
    document["by_order"] = _by_order(material, outputs, main)
    document |= _sentences(material, outputs, main)
    report("comparing: what the systems look at")
    attending = [system["name"] for system in document["systems"] if system.get("has_attention")]
    shown = [*document["samples"]]
    known = {(one["split"], one["row"]) for one in shown}
    unseen = [one for one in document["differing"] if (one["split"], one["row"]) not in known]
    shown += unseen[:MAPS_OF_DIFFERENT]
    document |= measure_attention(material, attending, shown, report)
    return document


def _corpus_document(material: Material) -> dict[str, Any]:
    corpus = material.corpus
    first = next(iter(settings_of(material).values()))
    return {
        "name": corpus.name,
        "fingerprint": corpus.fingerprint,
        "source_language": first.corpus.source_language,
        "target_language": first.corpus.target_language,
        "sizes": {split: len(pairs) for split, pairs in corpus.splits.items()},
    }


# Which is better, and is it more than noise


def _significance(material: Material, outputs: Mapping[str, Outputs]) -> dict[str, Any]:
    """Paired tests of each system against the first one, seed by seed."""
    standing = material.standing
    baseline, *others = standing
    tests, signatures = [], {}
    for split, output in outputs.items():
        for place, first in enumerate(standing[baseline]):
            rivals = {
                system: [run.seed for run in standing[system]].index(first.seed)
                for system in others
                if first.seed in [run.seed for run in standing[system]]
            }
            if not rivals:
                continue
            lines = [output.translations[baseline][place]]
            lines += [output.translations[system][there] for system, there in rivals.items()]
            base, *found = paired_randomization(lines, output.references)
            for system, scores in zip(rivals, found, strict=True):
                for score, against in zip(scores, base, strict=True):
                    signatures[score.name] = score.signature
                    tests.append(
                        {
                            "split": split,
                            "system": system,
                            "seed": first.seed,
                            "score": score.name,
                            "value": score.value,
                            "baseline": against.value,
                            "p_value": score.p_value,
                        }
                    )
    return {"baseline": baseline, "signatures": signatures, "tests": tests}


# Where


def _by_length(outputs: Mapping[str, Outputs], main: str) -> dict[str, Any]:
    """By words of the source, the split `long` joined to the main one where there is one."""
    splits = [main, *(split for split in outputs if split == "long" and split != main)]
    output = outputs[main]
    for split in splits[1:]:
        output = output.joined(outputs[split])
    lengths = [count_words(source) for source in output.sources]
    found = buckets.bounded_buckets(lengths, buckets.LENGTH_BOUNDS)
    rows = buckets.score_buckets(found, output.translations, output.references)
    return {"splits": splits, "rows": rows}


def _by_rarity(material: Material, output: Outputs) -> dict[str, Any]:
    training = (pair.target for pair in material.corpus.splits["train"])
    said = (line for seeds in output.translations.values() for lines in seeds for line in lines)
    counts = rarity.training_counts(training, itertools.chain(output.references, said))
    return {"rows": rarity.score_rarity(output.translations, output.references, counts)}


def _by_order(
    material: Material, outputs: Mapping[str, Outputs], main: str
) -> dict[str, Any] | None:
    """By reordering; None where the alignment is not known."""
    if main not in material.alignments:
        return None
    output = outputs[main]
    distances = [kendall_distance(links) for links in material.alignments[main]]
    found = buckets.equal_buckets(distances, 4)
    rows = buckets.score_buckets(found, output.translations, output.references)
    for row, bucket in zip(rows, found, strict=True):
        words = [count_words(output.sources[sentence]) for sentence in bucket.rows]
        row["mean_words"] = sum(words) / len(words)
        row["mean_distance"] = sum(distances[n] for n in bucket.rows) / len(bucket.rows)
    return {"split": main, "rows": rows}


# Sentences


def _sentences(material: Material, outputs: Mapping[str, Outputs], main: str) -> dict[str, Any]:
    """Some by rule, and those on which the first runs of the systems differ most."""
    sizes = {split: len(output.sources) for split, output in outputs.items()}
    chosen = chosen_rows(sizes, material.splits)
    firsts = {system: seeds[0] for system, seeds in outputs[main].translations.items()}
    different = most_different(firsts, outputs[main].references, MOST_DIFFERENT)
    return {
        "samples": [_sentence(outputs, split, row) for split, row in chosen],
        "differing": [
            {**_sentence(outputs, main, row), "chrf": scores} for row, scores in different
        ],
    }


def _sentence(outputs: Mapping[str, Outputs], split: str, row: int) -> dict[str, Any]:
    output = outputs[split]
    return {
        "split": split,
        "row": row,
        "source": output.sources[row],
        "reference": output.references[row],
        "translations": {system: seeds[0][row] for system, seeds in output.translations.items()},
    }
