"""The answers that a comparison's report gives, section by section, from its document alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seq2seq.report.answer_how import attention_answer, cost, learning
from seq2seq.report.answer_source import source_worth
from seq2seq.report.answer_where import where, word_order
from seq2seq.report.answer_which import opening, which_is_better
from seq2seq.report.content import (
    Block,
    Listing,
    Paragraph,
    Report,
    Section,
    Table,
    Translations,
)
from seq2seq.report.document import Document, all_rungs, good_runs, standing
from seq2seq.report.numbers import listed


def comparison_report(document: Document) -> Report:
    """The whole report, in the order in which a reader asks."""
    corpus = document["corpus"]
    sections = [
        Section("Which is better, and is it more than noise?", which_is_better(document)),
        Section("What is the source worth?", source_worth(document)),
        Section("Where?", where(document)),
        Section("What of word order?", word_order(document)),
        Section("At what cost?", cost(document)),
        Section("How did they learn?", learning(document)),
        Section("What do they look at?", attention_answer(document)),
        Section("Which sentences do they translate most differently?", _sentences(document)),
        Section("How was this compared?", _conditions(document)),
    ]
    return Report(
        f"{listed(standing(document))} on {corpus['name']}",
        corpus["source_language"],
        corpus["target_language"],
        opening(document),
        [section for section in sections if section.blocks],
    )


def _sentences(document: Document) -> list[Block]:
    blocks: list[Block] = []
    if document["differing"]:
        blocks.append(
            Paragraph(
                "The largest differences in chrF2 between systems, whichever way they go, each "
                "system with its first seed; in brackets the sentence's chrF2."
            )
        )
        blocks += [_translations(one, one["chrf"]) for one in document["differing"]]
    blocks.append(Paragraph("And three sentences by rule, so that nobody picks the nice ones."))
    return blocks + [_translations(one, {}) for one in document["samples"]]


def _translations(sentence: Mapping[str, Any], scores: Mapping[str, float]) -> Translations:
    systems = [
        (f"{name} ({scores[name]:.0f})" if name in scores else name, text)
        for name, text in sentence["translations"].items()
    ]
    title = f"Sentence {sentence['row'] + 1:,} of {sentence['split']}"
    return Translations(title, sentence["source"], sentence["reference"], systems)


def _conditions(document: Document) -> list[Block]:
    items = [_in_common(document)]
    matching = document["matching"]
    if matching and matching["rule"]:
        sizes = ", ".join(f"{name} {size}" for name, size in matching["hidden_sizes"].items())
        items.append(
            f"Equal size: {matching['rule']} Preset: {matching['preset_hidden_size']}; {sizes}."
        )
    elif matching:
        items.append("Sizes are as the preset has them: parameters were not matched.")
    counts = [system["parameters"] for system in document["systems"] if "scores" in system]
    items.append(
        f"Parameters: {min(counts):,} to {max(counts):,}, "
        f"{100 * (max(counts) - min(counts)) / max(counts):.1f}% apart."
    )
    blocks: list[Block] = [Listing(items)]
    if document["settings"]:
        names = standing(document)
        blocks += [
            Paragraph("Settings in which the systems differ:"),
            Table(
                ["setting", *names],
                [
                    [setting, *(str(values[name]) for name in names)]
                    for setting, values in document["settings"].items()
                ],
            ),
        ]
    folders = [run["folder"] for rung in all_rungs(document) for run in good_runs(rung)]
    return [*blocks, Paragraph(f"The runs lie in {', '.join(folders)}.")]


def _in_common(document: Document) -> str:
    """What all runs share, as found in them and not as promised."""
    runs = [run for system in document["systems"] for run in good_runs(system)]
    different = document["settings"]
    main = document["splits"][0]
    measured = {run["scores"][main]["corpus"] for run in runs}
    learnt = {run["learnt"] for run in runs if run.get("learnt")}
    is_one_text = len(measured | learnt) == 1
    are_same_subwords = len({run["tokenizer"] for run in runs}) == 1
    if is_one_text:
        same = [f"the same text ({document['corpus']['fingerprint']})"]
    else:
        same = ["the same test sentences, but not the same training text"]
    if are_same_subwords:
        same.append("the same subwords")
    are_same_steps = not any(setting.startswith("training.") for setting in different)
    if is_one_text and are_same_subwords and are_same_steps:
        same.append("per seed the same batches in the same order")
    if len({run["updates"] for run in runs}) == 1:
        same.append(f"{runs[0]['updates']:,} updates each")
    if not any(setting.startswith("search.") for setting in different):
        same.append("the same search")
    return f"In common: {listed(same)}."
