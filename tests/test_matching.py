"""Systems of equal size, counted on real models."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from seq2seq.config import ModelSettings, Settings, System, preset, with_system
from seq2seq.errors import ConfigError
from seq2seq.evaluation.matching import match_parameters
from seq2seq.model.encoder_decoder import EncoderDecoder


def real_count(model: ModelSettings, vocabulary: int) -> int:
    return sum(
        weight.numel() for weight in EncoderDecoder(model, vocabulary, vocabulary).parameters()
    )


def test_the_ladder_of_the_phrasebook_comes_within_5_per_cent() -> None:
    systems = {system: with_system(preset("phrasebook"), system) for system in get_args(System)}
    found = match_parameters(systems, 2000, 2000)
    most = real_count(systems["lstm"].model, 2000)
    for system, sized in found.items():
        size = sized.settings.model.hidden_size
        assert size % 2 == 0
        assert sized.parameters == real_count(sized.settings.model, 2000)
        assert abs(sized.parameters - most) <= 0.05 * most
        # Nothing but the size has changed, and that only where it had to.
        model = dataclasses.replace(sized.settings.model, hidden_size=256)
        assert dataclasses.replace(sized.settings, model=model) == systems[system]
        if abs(real_count(systems[system].model, 2000) - most) <= 0.05 * most:
            assert size == 256
        else:
            for other in (size - 2, size + 2):
                neighbour = dataclasses.replace(sized.settings.model, hidden_size=other)
                distance = abs(real_count(neighbour, 2000) - most)
                assert distance >= abs(sized.parameters - most)
    assert {system: one.settings.model.hidden_size for system, one in found.items()} == {
        "rnn": 526, "gru": 324, "lstm": 256, "lstm-reversed": 256, "lstm-bidirectional": 272,
        "dot": 272, "general": 256, "attention": 256,
    }  # fmt: skip


def test_two_systems_of_the_presets_keep_their_size() -> None:
    for name, vocabulary in (("phrasebook", 2000), ("multi30k", 8000)):
        systems: dict[str, Settings] = {
            system: with_system(preset(name), system) for system in ("lstm", "attention")
        }
        found = match_parameters(systems, vocabulary, vocabulary)
        assert {system: one.settings for system, one in found.items()} == systems


def test_a_system_that_no_size_fits_is_an_error() -> None:
    model = ModelSettings(embedding_size=1, hidden_size=2, attention_size=1)
    base = Settings(model=model)
    systems: dict[str, Settings] = {s: with_system(base, s) for s in ("lstm", "rnn")}
    with pytest.raises(ConfigError) as error:
        match_parameters(systems, 4, 4)
    assert str(error.value).startswith("No hidden size brings rnn within 5% of ")
    assert str(error.value).endswith("choose other sizes, or compare with --match none.")
