"""What is chosen by the number of pairs, and that the user is told and has the last word."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from seq2seq.checkpoint import read_config, read_language_config
from seq2seq.cli import main
from seq2seq.config import PRESETS, Settings, language_settings, preset
from seq2seq.sizing import BANDS, rule_in_words, size_for

QUICK = [
    *("--corpus.name", "counting", "--corpus.source-language", "en"),
    *("--corpus.target-language", "de", "--training.max-updates", "1"),
    *("--tokenizer.vocabulary-size", "330", "--model.hidden-size", "8"),
]


def test_less_text_gets_less_model_and_more_noise():
    sizes = [size_for(preset("own"), pairs) for pairs in (1_000, 30_000, 1_000_000)]
    rising = [
        [one.tokenizer.vocabulary_size for one in sizes],
        [one.model.hidden_size for one in sizes],
        [one.training.batch_tokens for one in sizes],
        [-one.model.dropout for one in sizes],
        [-one.training.epochs for one in sizes],
    ]
    for values in rising:
        assert values == sorted(values)
        assert values[0] < values[-1]


def test_the_band_of_multi30k_is_its_recipe():
    own, recipe = size_for(preset("own"), 29_000), PRESETS["multi30k"]
    assert own.tokenizer == recipe.tokenizer
    assert own.model == recipe.model
    assert own.training == recipe.training


@pytest.mark.parametrize(
    ("pairs", "band"),
    [
        (1, "fewer than 5,000"),
        (4_999, "fewer than 5,000"),
        (5_000, "5,000 to 19,999"),
        (19_999, "5,000 to 19,999"),
        (20_000, "20,000 to 59,999"),
        (59_999, "20,000 to 59,999"),
        (60_000, "60,000 to 199,999"),
        (199_999, "60,000 to 199,999"),
        (200_000, "200,000 or more"),
        (10**9, "200,000 or more"),
    ],
)
def test_the_bands_meet(pairs, band):
    assert f"the rule for {band}: " in rule_in_words(size_for(Settings(), pairs), pairs)


@pytest.mark.parametrize(
    ("pairs", "epochs"),
    [(10, 200), (100, 200), (300, 67), (500, 40), (4_999, 40), (5_000, 22), (90_909, 22),
     (100_000, 20), (199_999, 11), (200_000, 10), (500_000, 4), (666_667, 3), (10**9, 3)],
)  # fmt: skip
def test_epochs_by_pairs(pairs, epochs):
    assert size_for(preset("own"), pairs).training.epochs == epochs


def test_a_pair_more_never_costs_much_of_what_is_read():
    """Where the number of passes changes, and where the band does, by a quarter at most."""
    sizes = sorted({*range(5_000, 10**6, 997), *(b.below - d for b in BANDS[1:-1] for d in (0, 1))})
    read = [pairs * size_for(preset("own"), int(pairs)).training.epochs for pairs in sizes]
    assert all(after > before * 0.74 for before, after in pairwise(read))


def test_the_line_names_what_was_chosen():
    sized = size_for(preset("own"), 100_000)
    assert rule_in_words(sized, 100_000) == (
        "sized for 100,000 pairs, the rule for 60,000 to 199,999: 8,000 subwords, hidden 384, "
        "dropout 0.2, word dropout 0.05, weight decay 0.01, 1,000 tokens a batch, 20 epochs "
        "(options named on the command line win)"
    )
    of_one_language = rule_in_words(language_settings(sized), 100_000)
    assert ", dropout 0.2, weight decay 0.01, " in of_one_language


def test_a_corpus_of_ones_own_is_sized_and_options_win(counting_corpus, capsys):
    counting_corpus(300)
    assert main(["train", "--run", "sized", *QUICK, "--model.dropout", "0.21"]) == 0
    settings = read_config(Path("checkpoints/sized")).settings
    small = BANDS[0]
    assert settings.training.batch_tokens == small.training["batch_tokens"]
    assert settings.model.word_dropout == small.model["word_dropout"]
    assert (settings.model.dropout, settings.model.hidden_size) == (0.21, 8)
    assert settings.tokenizer.vocabulary_size == 330
    said = capsys.readouterr().err
    assert "the rule for fewer than 5,000: 330 subwords, hidden 8, dropout 0.21" in said
    assert main(["train", "own", "--run", "again", *QUICK, "--model.dropout", "0.21"]) == 0
    assert read_config(Path("checkpoints/again")).settings == settings


def test_compare_and_language_model_are_sized_alike(counting_corpus, capsys, no_pictures):
    counting_corpus(300)
    quick = [*QUICK, "--match", "none", "--systems", "gru", "dot"]
    assert main(["compare", "--run", "both", *quick]) == 0
    assert read_config(Path("checkpoints/both-dot")).settings.training.batch_tokens == 500
    assert main(["language-model", "--run", "text", *QUICK]) == 0
    assert read_language_config(Path("checkpoints/text")).settings.model.dropout == 0.3
    assert capsys.readouterr().err.count("sized for") == 2


def test_a_named_preset_is_left_as_it_is(counting_corpus, capsys):
    counting_corpus(300)
    assert main(["train", "phrasebook", "--run", "named", *QUICK]) == 0
    settings = read_config(Path("checkpoints/named")).settings
    assert settings.training.batch_tokens == PRESETS["phrasebook"].training.batch_tokens
    assert "sized for" not in capsys.readouterr().err


def test_own_without_a_corpus_is_refused(workplace, capsys):
    assert main(["train", "own"]) == 2
    assert "name them with --corpus.name" in capsys.readouterr().err
