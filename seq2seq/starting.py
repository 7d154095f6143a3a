"""Beginning with the weights and subwords of another run, instead of weights by chance.

What was learnt from much text carries over to little text of one's own (Luong and Manning 2015,
"Stanford Neural Machine Translation Systems for Spoken Language Domains"), and from a text to the
same text as models say it (`diversification.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from seq2seq.checkpoint import (
    RunConfig,
    build_model,
    find_run,
    lineage,
    load_weights,
    put_weights,
    read_config,
)
from seq2seq.config import Settings
from seq2seq.errors import CheckpointError, ConfigError, CorpusError
from seq2seq.learnt import learnt_corpus
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.corpus import Corpus

NOISE = ("dropout", "word_dropout", "encoder_dropout", "recurrent_dropout", "sequence_dropout")
"""Settings of a model that its weights do not depend on."""


def find_start(settings: Settings) -> Path | None:
    """The folder of the run to begin with, if the settings name one, and it fits them.

    Raises:
        CheckpointError: there is no such run.
        ConfigError: it has other subwords, another model, or the other direction: its weights would
            mean something else.
    """
    if settings.training.start_from is None:
        return None
    start = find_run(settings.training.start_from)
    kept = read_config(start).settings
    corpus, learnt = settings.corpus, kept.corpus
    if (corpus.source_language, corpus.target_language) == (
        learnt.target_language,
        learnt.source_language,
    ):
        raise ConfigError(
            f"{start.name} translates {learnt.source_language} to {learnt.target_language}; "
            "start from a run of the same direction."
        )
    for group, mine, theirs in (
        ("tokenizer", settings.tokenizer, kept.tokenizer),
        ("model", settings.model, kept.model),
    ):
        for name, value in vars(theirs).items():
            wanted = getattr(mine, name)
            if wanted != value and not (group == "model" and name in NOISE):
                raise ConfigError(
                    f"{group}.{name} is {value} in {start.name} and {wanted} here; weights carry "
                    f"over to the same {group} alone, so leave that option out."
                )
    return start


def first_model(config: RunConfig, start: Path | None) -> EncoderDecoder:
    """A run's model before its first update: drawn with its seed, or as the run `start` ended.

    Raises:
        CheckpointError: see `begin_with`.
    """
    torch.manual_seed(config.settings.training.seed)
    model = build_model(config)
    if start:
        begin_with(model, start)
    return model


def begin_with(model: EncoderDecoder, start: Path) -> None:
    """Give a model the best weights of the run that it starts from.

    Raises:
        CheckpointError: they are missing, damaged, or of other shapes.
    """
    path = start / "model.safetensors"
    put_weights(model, load_weights(path), path)


def warn_of_known(
    start: Path, corpus: Corpus, prepared: Path, report: Callable[[str], None]
) -> None:
    """Say how many sentences that a run is measured on stand in what it has begun with learnt.

    Args:
        start: the run that it starts from; those that this one started from count, too.
        corpus: what the new run learns from and is measured on.
        prepared: the folder of all prepared corpora.
        report: receives one line for each run and split with such sentences, and one for each run
            whose text cannot be looked up.
    """
    for run in lineage(start):
        try:
            learnt = learnt_corpus(run, prepared, report)
        except (CheckpointError, CorpusError) as error:
            report(f"{run.name}: whether it learnt what is measured on here is not known: {error}")
            continue
        for split, pairs in corpus.splits.items():
            if split == "train":
                continue
            sources = {pair.source for pair in pairs}
            known = {pair.source for pair in learnt.splits["train"] if pair.source in sources}
            if known:
                report(
                    f"{run.name} learnt {len(known):,} of the {len(sources):,} sources of {split}: "
                    "scores on it will say too much"
                )


def warn_of_others(folders: Sequence[Path], prepared: Path, report: Callable[[str], None]) -> None:
    """`warn_of_known` for runs that become one, which is measured on what the first one is."""
    first, *others = folders
    text = read_config(first).corpus
    others = [other for other in others if read_config(other).corpus != text]
    if not others:
        return
    try:
        corpus = learnt_corpus(first, prepared, report)
    except (CheckpointError, CorpusError) as error:
        names = ", ".join(other.name for other in others)
        report(f"whether {names} learnt what {first.name} is measured on is not known: {error}")
        return
    for other in others:
        warn_of_known(other, corpus, prepared, report)
