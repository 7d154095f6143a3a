"""The answer to: which is better, and is it more than noise?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seq2seq.report.content import (
    Block,
    Listing,
    Paragraph,
    Table,
)
from seq2seq.report.document import Document, all_rungs, good_runs, standing
from seq2seq.report.numbers import full_score, listed, mean, p_value

SCORES = ("BLEU", "chrF2", "TER")
SIGNIFICANT = 0.05


def opening(document: Document) -> list[Block]:
    """What was compared, the verdicts in a sentence each, and what failed."""
    corpus = document["corpus"]
    main = document["splits"][0]
    blocks: list[Block] = [
        Paragraph(
            f"{corpus['source_language']} to {corpus['target_language']}, "
            f"{corpus['sizes']['train']:,} training pairs, {corpus['sizes'][main]:,} sentences of "
            f"{main}. {_seeds_in_words(document)}"
        )
    ]
    verdicts = [_verdict(document, system) for system in standing(document)[1:]]
    if verdicts:
        blocks.append(Listing(verdicts))
    failures = [
        f"{rung['name']}, seed {run['seed']}: failed. {run['failure']}"
        for rung in all_rungs(document)
        for run in rung["runs"]
        if run["failure"] is not None
    ]
    if failures:
        blocks += [Paragraph("Not all runs reached their end:"), Listing(failures)]
    return blocks


def _seeds_in_words(document: Document) -> str:
    """How many seeds, and which system has which where they differ."""
    seeds = {
        system["name"]: sorted(run["seed"] for run in good_runs(system))
        for system in document["systems"]
    }
    seeds = {name: own for name, own in seeds.items() if own}
    every = sorted(set().union(*seeds.values()))
    if len(every) == 1:
        return "One seed: how much luck in training weighs is not measured here."
    means = "figures are means over them, ± their sample standard deviation."
    if all(own == every for own in seeds.values()):
        return f"{len(every)} seeds ({', '.join(map(str, every))}): {means}"
    each = [f"{name} {', '.join(map(str, own))}" for name, own in seeds.items()]
    return f"Seeds that differ ({'; '.join(each)}): {means}"


def _verdict(document: Document, system: str) -> str:
    """One system against the first, in a sentence."""
    significance = document["significance"]
    baseline, main = significance["baseline"], document["splits"][0]
    tests = [
        test
        for test in significance["tests"]
        if (test["system"], test["split"], test["score"]) == (system, main, "BLEU")
    ]
    if not tests:
        return f"{system} shares no seed with {baseline}, so that no paired test was made."
    gain = mean([_gain(test) for test in tests])
    values = listed([p_value(test["p_value"]) for test in tests])
    sure = [test for test in tests if test["p_value"] < SIGNIFICANT]
    opposed = sum(_gain(test) * gain < 0 for test in sure)
    how = f"(approximate randomisation, p = {values})"
    if gain == 0:
        return f"{system} scores as much BLEU as {baseline} on {main} {how}."
    if len(tests) == 1:
        weight = "more than" if sure else "no more than"
        noise = f"{weight} the choice of test sentences explains {how}"
    else:
        noise = (
            f"more than the choice of test sentences explains with {len(sure) - opposed} of "
            f"{len(tests)} seeds{f', and the other way round with {opposed}' if opposed else ''} "
            f"{how}"
        )
    direction = "more" if gain >= 0 else "less"
    return f"{system} scores {abs(gain):.2f} BLEU {direction} than {baseline} on {main}: {noise}."


def _gain(test: Mapping[str, Any]) -> float:
    return float(test["value"] - test["baseline"])


def which_is_better(document: Document) -> list[Block]:
    """Scores with intervals and spread, paired tests, signatures."""
    blocks: list[Block] = [
        Paragraph(
            "Each score with its 95% interval over resampled test sentences"
            + (
                "; over several seeds the mean ± standard deviation, and the mean interval."
                if _has_several_seeds(document)
                else "."
            )
            + " BLEU and chrF2: more is better; TER: less is better."
        )
    ]
    for split in document["splits"]:
        rows = [
            [system["name"], *(full_score(system["scores"][split][score]) for score in SCORES)]
            for system in document["systems"]
            if "scores" in system
        ]
        size = document["corpus"]["sizes"][split]
        headings = [f"{split}, {size:,} sentences", "BLEU", "chrF2", "TER ↓"]
        blocks.append(Table(headings, rows))
    return blocks + _significance(document) + _signatures(document)


def _has_several_seeds(document: Document) -> bool:
    return any(len(good_runs(system)) > 1 for system in document["systems"])


def _significance(document: Document) -> list[Block]:
    significance = document["significance"]
    if not significance["tests"]:
        return []
    keys = dict.fromkeys(
        (test["split"], test["system"], test["seed"]) for test in significance["tests"]
    )
    rows = []
    for split, system, seed in keys:
        by_score = {
            test["score"]: test
            for test in significance["tests"]
            if (test["split"], test["system"], test["seed"]) == (split, system, seed)
        }
        rows.append([system, split, str(seed), *(_difference(by_score[name]) for name in SCORES)])
    return [
        Paragraph(
            f"Against {significance['baseline']}, on the same sentences, seed by seed: the "
            "difference and the two-sided p-value of approximate randomisation (Riezler and "
            "Maxwell 2005) of sacrebleu's scores, 1,000 trials, whose least possible p is 0.001. A "
            "small p says that the choice of test sentences hardly explains the difference; of "
            "other training runs it says nothing, which is what several seeds are for. No "
            "correction for the number of tests."
        ),
        Table(["system", "split", "seed", "BLEU", "chrF2", "TER ↓"], rows),
    ]


def _difference(test: Mapping[str, Any]) -> str:
    difference = f"{_gain(test):+.2f}".replace("-", "−")
    return f"{difference} (p = {p_value(test['p_value'])})"


def _signatures(document: Document) -> list[Block]:
    first = next(system for system in document["systems"] if "scores" in system)
    scores = first["scores"][document["splits"][0]]
    lines = [f"{name}: {score['signature']}" for name, score in scores.items()]
    lines += [
        f"{name}, paired test: {signature}"
        for name, signature in document["significance"]["signatures"].items()
        if signature != scores[name]["signature"]
    ]
    return [
        Paragraph("Signatures by sacrebleu, of intervals and of paired tests:"),
        Listing(lines),
    ]
