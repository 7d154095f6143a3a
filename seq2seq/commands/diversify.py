"""`seq2seq diversify`: a corpus' training text, and the same as its own models translate it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from seq2seq.commands.arguments import parse, say
from seq2seq.errors import ConfigError


@dataclass(frozen=True)
class Diversify:
    """Let runs translate their own training text, and write a corpus of both.

    To each pair is added its source with the runs' translation and, with --backward, its target
    with the translation of runs of the other direction. No text comes from elsewhere; validation
    and test stay as they are. docs/corpora.md says what it gave.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(name="RUN")]
    """Folders under checkpoints/, or paths; several of them translate together, as an ensemble."""
    backward: tuple[str, ...] = ()
    """Runs of the other direction on the same corpus; several of them translate together, too."""
    apart: bool = False
    """Each run translates for itself, and its pairs are added to those of the others."""
    to: Path | None = None
    """The folder to write; by default one under data/, named by the first run."""
    processes: int = 1
    """Translate in so many processes of one thread each."""
    quantize: bool = False
    """Translate in 8-bit integers: two to three times as fast on a CPU, nearly as well."""


def run(arguments: list[str]) -> int:
    """Diversify."""
    chosen = parse(Diversify, "diversify", arguments)
    if not chosen.runs:
        raise ConfigError("Name at least one run, before all options: seq2seq diversify RUN.")
    from seq2seq.checkpoint import find_run, read_config
    from seq2seq.diversification import diversify

    made = diversify(
        chosen.runs,
        chosen.backward,
        chosen.to,
        say,
        chosen.processes,
        chosen.quantize,
        chosen.apart,
    )
    corpus = read_config(find_run(chosen.runs[0])).settings.corpus
    say(
        f"{made.folder}: {made.own:,} pairs of the corpus, {made.forward:,} with a translated "
        f"target, {made.backward:,} with a translated source. Learn from it with: seq2seq train "
        f"--corpus.name {made.folder} --corpus.source-language {corpus.source_language} "
        f"--corpus.target-language {corpus.target_language} (sizes and epochs then go by all of "
        "its pairs; name them to have others)"
    )
    return 0
