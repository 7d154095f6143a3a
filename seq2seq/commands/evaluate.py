"""`seq2seq evaluate`: score runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from seq2seq.commands.arguments import decoding_options, parse, run_search, say
from seq2seq.errors import ConfigError


@dataclass(frozen=True)
class Evaluate:
    """Score runs on splits of their corpus: BLEU, chrF2, TER by sacrebleu on cased plain text."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Folders under checkpoints/, or paths."""
    split: tuple[str, ...] = ("test",)
    """Splits to translate."""
    ensemble: tuple[str, ...] = ()
    """Other runs that translate together with the one named: the mean of their probabilities."""
    beam_size: int | None = None
    """Hypotheses kept; the run's own setting if absent."""
    length_penalty: float | None = None
    """Exponent of the length normalisation; the run's own setting if absent."""
    convention: Literal["cased", "lowercase-tokenized"] = "cased"
    """`lowercase-tokenized` adds the BLEU that papers on Multi30k give: lower-cased, punctuation
    normalised, Moses-tokenised text."""
    processes: int = 1
    """Translate in so many processes of one thread each: faster for many sentences on a CPU."""
    quantize: bool = False
    """Multiply in 8-bit integers: faster on a CPU, at a small cost in BLEU."""
    shortlist: int | None = None
    """Choose from so many likeliest translations of each source subword, and the most frequent
    ones, instead of the whole vocabulary: faster; 50 is a good number."""
    rerank_by: tuple[str, ...] = ()
    """Runs of the other direction: of the beam's hypotheses the one wins whose source they find
    likely, too (noisy-channel reranking). It takes as long again as a search in float32."""
    rerank_weight: float | None = None
    """How much their score counts beside the run's own; 0.3 if absent."""
    json: bool = False
    """Print one JSON document instead of tables."""


def run(arguments: list[str]) -> int:
    """Translate the splits and print the scores."""
    chosen = parse(Evaluate, "evaluate", arguments)
    from seq2seq import translating

    if not chosen.runs:
        raise ConfigError("Name at least one run, before all options: seq2seq evaluate RUN.")
    if chosen.ensemble and len(chosen.runs) > 1:
        raise ConfigError(
            f"--ensemble adds runs to one, and {len(chosen.runs)} are named: seq2seq evaluate "
            f"{chosen.runs[0]} --ensemble {' '.join([*chosen.runs[1:], *chosen.ensemble])}."
        )
    options = decoding_options(chosen)
    documents: dict[str, object] = {}
    for run in chosen.runs:
        search = run_search(run, chosen.beam_size, chosen.length_penalty)
        evaluations = translating.evaluate_run(
            run, chosen.split, search, say, options, chosen.convention
        )
        members = (run, *chosen.ensemble)
        name = " + ".join(members)
        how: dict[str, object] = {"quantize": chosen.quantize, "shortlist": chosen.shortlist}
        if chosen.ensemble:
            how["ensemble"] = members
        if chosen.rerank_by:
            how["rerank_by"] = options.rerank_by
            how["rerank_weight"] = options.used_rerank_weight
        documents[name] = [evaluation.as_json() | how for evaluation in evaluations]
        if not chosen.json:
            for evaluation in evaluations:
                from seq2seq.report.tables import evaluation_text

                print(evaluation_text(name, evaluation.as_json()))
    if chosen.json:
        print(json.dumps(documents, ensure_ascii=False, indent=2))
    return 0
