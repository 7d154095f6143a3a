"""How large a model, how small its subwords and how much noise a corpus wants, by its pairs.

Little text wants few subwords, small batches and much dropout (Sennrich and Zhang 2019, "Revisiting
Low-Resource Neural Machine Translation"); much text wants the opposite and fewer passes. The band
of Multi30k is measured in docs/results/quality.md, of the first one subwords and weight decay are
(docs/corpora.md); the others are not.

Passes change with the pairs and not with the band, so that no corpus learns much less for having a
pair more: tiny ones go round until they have had some updates, large ones until they have read
some pairs.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from seq2seq.config import LanguageSettings, ModelSettings, Settings


class Band(NamedTuple):
    """Settings for corpora of fewer than `below` training pairs."""

    below: float
    tokenizer: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]


# The band without changes is the preset multi30k as it is.
BANDS = (
    Band(
        5_000,
        {"vocabulary_size": 2000},
        {
            "embedding_size": 128,
            "hidden_size": 256,
            "attention_size": 128,
            "dropout": 0.3,
            "word_dropout": 0.1,
        },
        {"batch_tokens": 500, "warmup_updates": 100},
    ),
    Band(20_000, {"vocabulary_size": 4000}, {}, {}),
    Band(60_000, {}, {}, {}),
    Band(200_000, {}, {"dropout": 0.2, "word_dropout": 0.05}, {"weight_decay": 0.01}),
    Band(
        float("inf"),
        {"vocabulary_size": 16_000},
        {"hidden_size": 512, "dropout": 0.1, "word_dropout": 0.0},
        {
            "batch_tokens": 4000,
            "warmup_updates": 1000,
            "weight_decay": 0.01,
            "validate_every": 1000,
        },
    ),
)


TINY_PAIRS_READ = 20_000
"""Pairs read in training a corpus of 100 to 499: what 40 epochs of 500 are."""
LARGE_PAIRS_READ = 2_000_000
"""Pairs read in training a corpus of 90,909 to 666,666."""


def epochs_for(pairs: int) -> int:
    """How often to go through a corpus of this many training pairs."""
    if pairs < BANDS[0].below:
        return min(200, max(40, -(-TINY_PAIRS_READ // pairs)))
    return min(22, max(3, -(-LARGE_PAIRS_READ // pairs)))


def size_for(settings: Settings, pairs: int) -> Settings:
    """The settings with vocabulary, sizes, noise and budget for this many training pairs."""
    band = _band_of(pairs)
    return dataclasses.replace(
        settings,
        tokenizer=dataclasses.replace(settings.tokenizer, **band.tokenizer),
        model=dataclasses.replace(settings.model, **band.model),
        training=dataclasses.replace(settings.training, **band.training, epochs=epochs_for(pairs)),
    )


def rule_in_words(settings: Settings | LanguageSettings, pairs: int) -> str:
    """Which rule was applied, one line: the band and what it chose."""
    place = BANDS.index(_band_of(pairs))
    lowest = int(BANDS[place - 1].below) if place else 0
    highest = BANDS[place].below
    if highest == float("inf"):
        band = f"{lowest:,} or more"
    else:
        band = f"{lowest:,} to {int(highest) - 1:,}" if lowest else f"fewer than {int(highest):,}"
    tokenizer, model, training = settings.tokenizer, settings.model, settings.training
    noise = f"dropout {model.dropout}"
    if isinstance(model, ModelSettings):
        noise += f", word dropout {model.word_dropout}"
    return (
        f"sized for {pairs:,} pairs, the rule for {band}: {tokenizer.vocabulary_size:,} subwords, "
        f"hidden {model.hidden_size}, {noise}, weight decay {training.weight_decay}, "
        f"{training.batch_tokens:,} tokens a batch, {training.epochs} epochs "
        "(options named on the command line win)"
    )


def _band_of(pairs: int) -> Band:
    return next(band for band in BANDS if pairs < band.below)
