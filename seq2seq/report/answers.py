"""The answers that a comparison's report gives, section by section, from its document alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq.report.content import (
    Block,
    Figure,
    Listing,
    Paragraph,
    Report,
    Section,
    Table,
    Translations,
)
from seq2seq.report.figures import bucket_label, distance_label, map_name
from seq2seq.report.numbers import (
    full_score,
    listed,
    mean,
    p_value,
    with_interval,
    with_spread,
)

Document = Mapping[str, Any]
SCORES = ("BLEU", "chrF2", "TER")
SIGNIFICANT = 0.05


def comparison_report(document: Document) -> Report:
    """The whole report, in the order in which a reader asks."""
    corpus = document["corpus"]
    sections = [
        Section("Which is better, and is it more than noise?", _which(document)),
        Section("Where?", _where(document)),
        Section("What of word order?", _word_order(document)),
        Section("At what cost?", _cost(document)),
        Section("How did they learn?", _learning(document)),
        Section("What do they look at?", _attention(document)),
        Section("Which sentences do they translate most differently?", _sentences(document)),
        Section("How was this compared?", _conditions(document)),
    ]
    return Report(
        f"{listed(standing(document))} on {corpus['name']}",
        corpus["source_language"],
        corpus["target_language"],
        _opening(document),
        [section for section in sections if section.blocks],
    )


def standing(document: Document) -> list[str]:
    """The systems of which at least one run did not fail."""
    return [system["name"] for system in document["systems"] if "scores" in system]


def good_runs(system: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of a system that did not fail."""
    return [run for run in system["runs"] if run["failure"] is None]


def _opening(document: Document) -> list[Block]:
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
        f"{system['name']}, seed {run['seed']}: failed. {run['failure']}"
        for system in document["systems"]
        for run in system["runs"]
        if run["failure"] is not None
    ]
    if failures:
        blocks += [Paragraph("Not all runs reached their end:"), Listing(failures)]
    return blocks


def _seeds_in_words(document: Document) -> str:
    seeds = {run["seed"] for system in document["systems"] for run in good_runs(system)}
    if len(seeds) == 1:
        return "One seed: how much luck in training weighs is not measured here."
    return (
        f"{len(seeds)} seeds ({', '.join(map(str, sorted(seeds)))}): figures are means over them, "
        "± their sample standard deviation."
    )


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
    gain = mean([test["value"] - test["baseline"] for test in tests])
    sure = sum(test["p_value"] < SIGNIFICANT for test in tests)
    values = listed([p_value(test["p_value"]) for test in tests])
    if len(tests) == 1:
        weight = "more than" if sure else "no more than"
        noise = f"{weight} the choice of test sentences explains (paired bootstrap, p = {values})"
    else:
        noise = (
            f"more than the choice of test sentences explains with {sure} of {len(tests)} seeds "
            f"(paired bootstrap, p = {values})"
        )
    direction = "more" if gain >= 0 else "less"
    return f"{system} scores {abs(gain):.2f} BLEU {direction} than {baseline} on {main}: {noise}."


def _which(document: Document) -> list[Block]:
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
            "difference and the p-value of a paired bootstrap test (Koehn 2004) by sacrebleu with "
            "1,000 resamples, whose least possible p is 0.001. A small p says that another choice "
            "of test sentences would hardly undo the difference; of other training runs it says "
            "nothing, which is what several seeds are for. No correction for the number of tests."
        ),
        Table(["system", "split", "seed", "BLEU", "chrF2", "TER ↓"], rows),
    ]


def _difference(test: Mapping[str, Any]) -> str:
    difference = f"{test['value'] - test['baseline']:+.2f}".replace("-", "−")
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
        Paragraph(
            "Signatures by sacrebleu, the same for intervals and paired tests where one is given:"
        ),
        Listing(lines),
    ]


def _where(document: Document) -> list[Block]:
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
        blocks.append(_long_split(document))
    return blocks


def _long_split(document: Document) -> Block:
    main = document["splits"][0]
    rows = []
    for system in document["systems"]:
        if "scores" in system:
            short, long = (system["scores"][split]["BLEU"]["mean"] for split in (main, "long"))
            kept = f"{100 * long / short:.0f}%" if short > 0 else "–"
            rows.append([system["name"], f"{short:.2f}", f"{long:.2f}", kept])
    return Table(["system", f"BLEU on {main}", "BLEU on long", "kept"], rows)


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


def _word_order(document: Document) -> list[Block]:
    by_order, attention = document["by_order"], document["attention"]
    if not by_order:
        return []
    rows = by_order["rows"]
    systems = list(rows[0]["systems"])
    blocks: list[Block] = [
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
    errors = {
        name: figures["alignment_error"]
        for name, figures in attention["systems"].items()
        if "alignment_error" in figures
    }
    if errors:
        blocks += [
            Paragraph(
                "Alignment error rate (Och and Ney 2003) of attention against the known links, "
                "while the system writes the reference: each target word is linked to the source "
                "word that its subwords look at most. 0 is perfect; the diagonal, which looks at "
                "the same place in both sentences, is there for scale."
            ),
            Table(
                ["system", "alignment error rate"],
                [
                    *(
                        [name, with_spread(e["value"], e["deviation"], 3)]
                        for name, e in errors.items()
                    ),
                    ["(diagonal)", f"{attention['diagonal_error']:.3f}"],
                ],
            ),
        ]
    return blocks


def _cost(document: Document) -> list[Block]:
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


def _learning(document: Document) -> list[Block]:
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


def _attention(document: Document) -> list[Block]:
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
    folders = [run["folder"] for system in document["systems"] for run in good_runs(system)]
    return [*blocks, Paragraph(f"The runs lie in {', '.join(folders)}.")]


def _in_common(document: Document) -> str:
    """What all runs share, as found in them and not as promised."""
    runs = [run for system in document["systems"] for run in good_runs(system)]
    different = document["settings"]
    main = document["splits"][0]
    is_one_text = len({run["scores"][main]["corpus"] for run in runs}) == 1
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
