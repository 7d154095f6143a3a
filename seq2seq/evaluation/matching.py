"""Sizes under which systems have equally many parameters, so that a comparison is fair."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import torch

from seq2seq.config import Settings
from seq2seq.errors import ConfigError
from seq2seq.model.encoder_decoder import EncoderDecoder, parameter_count

TOLERANCE = 0.05
RULE = (
    "The system that has the most parameters at the preset's size keeps its size; so does every "
    "system within 5% of it. The others get the even hidden_size whose count comes nearest."
)


class Sized(NamedTuple):
    """A system's settings and how large they make it."""

    settings: Settings
    parameters: int


def count_parameters(settings: Settings, source_vocabulary: int, target_vocabulary: int) -> int:
    """Trainable numbers of a model with these settings, without making its weights."""
    with torch.device("meta"):
        return parameter_count(EncoderDecoder(settings.model, source_vocabulary, target_vocabulary))


def match_parameters(
    systems: Mapping[str, Settings], source_vocabulary: int, target_vocabulary: int
) -> dict[str, Sized]:
    """The same systems, grown to within 5% of the largest by `RULE`.

    Raises:
        ConfigError: a system has no hidden size that comes within 5%.
    """

    def sized(settings: Settings, hidden_size: int | None = None) -> Sized:
        if hidden_size is not None:
            model = dataclasses.replace(settings.model, hidden_size=hidden_size)
            settings = dataclasses.replace(settings, model=model)
        return Sized(settings, count_parameters(settings, source_vocabulary, target_vocabulary))

    given = {system: sized(settings) for system, settings in systems.items()}
    most = max(one.parameters for one in given.values())
    matched = {}
    for system, one in given.items():
        if not _is_near(one.parameters, most):
            size = one.settings.model.hidden_size
            low, high = size // 2, size  # halves, so that the size is even
            while sized(one.settings, 2 * high).parameters < most:
                low, high = high, 2 * high
            while high - low > 1:
                middle = (low + high) // 2
                below = sized(one.settings, 2 * middle).parameters < most
                low, high = (middle, high) if below else (low, middle)
            candidates = [sized(one.settings, 2 * half) for half in (low, high) if half]
            one = min(candidates, key=lambda found: abs(found.parameters - most))
            if not _is_near(one.parameters, most):
                raise ConfigError(
                    f"No hidden size brings {system} within 5% of {most:,} parameters (nearest: "
                    f"{one.parameters:,}); choose other sizes, or compare with --match none."
                )
        matched[system] = one
    return matched


def _is_near(parameters: int, wanted: int) -> bool:
    return abs(parameters - wanted) <= TOLERANCE * wanted
