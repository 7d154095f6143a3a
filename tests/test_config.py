"""The settings tree: what is refused, what the presets hold, and its way to JSON and back."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import json
import math
from typing import Any, get_args, get_type_hints

import pytest

from seq2seq import config
from seq2seq.config import (
    PRESETS,
    CorpusSettings,
    LanguageSettings,
    ModelSettings,
    SearchSettings,
    Settings,
    System,
    TokenizerSettings,
    TrainingSettings,
    fingerprint_text,
    from_json,
    preset,
    to_json,
    with_system,
)
from seq2seq.errors import ConfigError, Seq2SeqError

GROUPS = (CorpusSettings, TokenizerSettings, ModelSettings, TrainingSettings, SearchSettings)

REFUSED: list[tuple[type, dict[str, Any], str]] = [
    (CorpusSettings, {"name": "  "}, "corpus.name is empty; name a corpus, such as phrasebook."),
    (
        CorpusSettings,
        {"source_language": "de", "target_language": "de"},
        "corpus.source_language and corpus.target_language are both 'de'; they must differ.",
    ),
    (CorpusSettings, {"max_words": 0}, "corpus.max_words is 0; it must be at least 1."),
    (
        CorpusSettings,
        {"max_length_ratio": 0.5},
        "corpus.max_length_ratio is 0.5; it must be at least 1.",
    ),
    (
        CorpusSettings,
        {"validation_pairs": 0},
        "corpus.validation_pairs is 0; it must be at least 1.",
    ),
    (CorpusSettings, {"test_pairs": -3}, "corpus.test_pairs is -3; it must be at least 1."),
    (
        TokenizerSettings,
        {"vocabulary_size": 299},
        "tokenizer.vocabulary_size is 299; it must be at least 300.",
    ),
    (
        TokenizerSettings,
        {"character_coverage": 1.1},
        "tokenizer.character_coverage is 1.1; it must lie in [0.9, 1].",
    ),
    (ModelSettings, {"embedding_size": 0}, "model.embedding_size is 0; it must be at least 1."),
    (ModelSettings, {"hidden_size": 0}, "model.hidden_size is 0; it must be at least 1."),
    (ModelSettings, {"attention_size": 0}, "model.attention_size is 0; it must be at least 1."),
    (ModelSettings, {"encoder_layers": 0}, "model.encoder_layers is 0; it must be at least 1."),
    (ModelSettings, {"decoder_layers": 0}, "model.decoder_layers is 0; it must be at least 1."),
    (ModelSettings, {"dropout": 1.0}, "model.dropout is 1.0; it must lie in [0, 1)."),
    (ModelSettings, {"word_dropout": -0.1}, "model.word_dropout is -0.1; it must lie in [0, 1)."),
    (
        ModelSettings,
        {"query_word": True, "attention": "dot"},
        "model.query_word needs additive attention with input feeding; "
        "turn it off by --model.no-query-word, or choose --model.decoder attention "
        "--model.attention additive --model.input-feeding.",
    ),
    (
        ModelSettings,
        {"query_word": True, "decoder": "context-vector"},
        "model.query_word needs additive attention with input feeding; "
        "turn it off by --model.no-query-word, or choose --model.decoder attention "
        "--model.attention additive --model.input-feeding.",
    ),
    (
        ModelSettings,
        {"lexical_readout": "own", "decoder": "context-vector"},
        "model.lexical_readout is 'own', but a decoder with one context vector sees no source "
        "words; choose --model.lexical-readout none, or --model.decoder attention.",
    ),
    (
        ModelSettings,
        {"hidden_size": 7},
        "model.hidden_size is 7; a bidirectional encoder needs an even number.",
    ),
    (TrainingSettings, {"epochs": 0}, "training.epochs is 0; it must be at least 1."),
    (TrainingSettings, {"batch_tokens": 0}, "training.batch_tokens is 0; it must be at least 1."),
    (TrainingSettings, {"accumulate": 0}, "training.accumulate is 0; it must be at least 1."),
    (
        TrainingSettings,
        {"warmup_updates": -1},
        "training.warmup_updates is -1; it must be at least 0.",
    ),
    (
        TrainingSettings,
        {"weight_decay": -0.5},
        "training.weight_decay is -0.5; it must be at least 0.",
    ),
    *(
        (
            TrainingSettings,
            {"average_last": last},
            f"training.average_last is {last}; it must be 0 or at least 2.",
        )
        for last in (-1, 1)
    ),
    *(
        (
            kind,
            {
                "tokenizer": TokenizerSettings(kind="bpe"),
                "training": TrainingSettings(subword_sampling=1.0, select_by=chosen_by),
            },
            "training.subword_sampling is 1, which leaves out every merge of bpe: training would "
            "see single characters alone; choose a smaller share, such as 0.1.",
        )
        for kind, chosen_by in ((Settings, "bleu"), (LanguageSettings, "loss"))
    ),
    (
        TrainingSettings,
        {"seed": 1 << 63},
        "training.seed is 9223372036854775808; it must be a whole number from −2⁶³ to 2⁶³ − 1.",
    ),
    (TrainingSettings, {"max_updates": 0}, "training.max_updates is 0; it must be at least 1."),
    (
        TrainingSettings,
        {"validate_every": 0},
        "training.validate_every is 0; it must be at least 1.",
    ),
    (TrainingSettings, {"patience": 0}, "training.patience is 0; it must be at least 1."),
    (TrainingSettings, {"threads": 0}, "training.threads is 0; it must be at least 1."),
    (
        TrainingSettings,
        {"learning_rate": 0.0},
        "training.learning_rate is 0.0; it must be above 0.",
    ),
    (TrainingSettings, {"clip_norm": 0.0}, "training.clip_norm is 0.0; it must be above 0."),
    (
        TrainingSettings,
        {"label_smoothing": 1.0},
        "training.label_smoothing is 1.0; it must lie in [0, 1).",
    ),
    (SearchSettings, {"beam_size": 0}, "search.beam_size is 0; it must lie in 1 to 1000."),
    (SearchSettings, {"beam_size": 1001}, "search.beam_size is 1001; it must lie in 1 to 1000."),
    (
        SearchSettings,
        {"length_penalty": -1.0},
        "search.length_penalty is -1.0; it must lie in 0 to 10.",
    ),
    (
        SearchSettings,
        {"max_length_factor": 0.0},
        "search.max_length_factor is 0.0; it must be above 0.",
    ),
    (
        Settings,
        {"tokenizer": TokenizerSettings(joint=False)},
        "model.tied is 'all', which needs one vocabulary for both languages; "
        "set --tokenizer.joint or --model.tied target.",
    ),
]


@pytest.mark.parametrize(
    ("group", "values", "message"), REFUSED, ids=[str(values)[:50] for _, values, _ in REFUSED]
)
def test_a_bad_value_is_refused_with_one_line(
    group: type, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        group(**values)
    assert str(raised.value) == message
    assert "\n" not in message


def number_fields() -> list[tuple[type, str]]:
    return [
        (group, name)
        for group in GROUPS
        for name, kind in get_type_hints(group).items()
        if kind is float
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("group", "name"), number_fields())
def test_no_setting_takes_a_number_that_is_none(group: type, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"^[a-z]+\.{name} is {value}; it must [^\n]+\.$"):
        group(**{name: value})


@pytest.mark.parametrize(
    "values",
    [
        (CorpusSettings, {"max_length_ratio": 1.0, "max_words": 1}),
        (TokenizerSettings, {"vocabulary_size": 300, "character_coverage": 0.9}),
        (ModelSettings, {"dropout": 0.0, "word_dropout": 0.999, "encoder_layers": 1}),
        (ModelSettings, {"hidden_size": 7, "bidirectional": False}),
        (TrainingSettings, {"warmup_updates": 0, "patience": 1, "max_updates": 1}),
        (SearchSettings, {"beam_size": 1000, "length_penalty": 0.0}),
        (
            Settings,
            {"tokenizer": TokenizerSettings(joint=False), "model": ModelSettings(tied="target")},
        ),
    ],
)
def test_values_at_the_limits_are_taken(values: tuple[type, dict[str, Any]]) -> None:
    group, fields = values
    made = group(**fields)
    assert {name: getattr(made, name) for name in fields} == fields


def test_every_setting_explains_itself() -> None:
    """A field's docstring is its `--help`."""
    tree = ast.parse(inspect.getsource(config))
    silent = []
    for group in tree.body:
        if not isinstance(group, ast.ClassDef) or group.name in ("Settings", "LanguageSettings"):
            continue
        for statement, after in zip(group.body, [*group.body[1:], None], strict=True):
            if isinstance(statement, ast.AnnAssign):
                explained = (
                    isinstance(after, ast.Expr)
                    and isinstance(after.value, ast.Constant)
                    and isinstance(after.value.value, str)
                )
                if not explained:
                    silent.append(f"{group.name}.{ast.unparse(statement.target)}")
    assert silent == []


def test_the_presets() -> None:
    assert list(PRESETS) == ["phrasebook", "multi30k", "own"]
    phrasebook, multi30k = preset("phrasebook"), preset("multi30k")
    assert (phrasebook.corpus.name, phrasebook.corpus.target_language) == ("phrasebook", "ko")
    assert multi30k.corpus.name == "bentrevett/multi30k"
    assert (multi30k.corpus.source_language, multi30k.corpus.target_language) == ("en", "de")
    recipe = ModelSettings(query_word=True, lexical_readout="own", dropout=0.3, word_dropout=0.1)
    assert multi30k.model == preset("own").model == recipe
    training = TrainingSettings(epochs=22, weight_decay=0.3)
    assert multi30k.training == preset("own").training == training


def test_an_unknown_preset_or_system_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as raised:
        preset("multi30")
    assert str(raised.value) == "There is no preset 'multi30'; there are phrasebook, multi30k, own."
    with pytest.raises(ConfigError) as raised:
        with_system(Settings(), "transformer")  # type: ignore[arg-type]
    assert str(raised.value) == (
        "There is no system 'transformer'; "
        "there are rnn, gru, lstm, lstm-reversed, lstm-bidirectional, dot, general, attention."
    )


LADDER = {
    # system: cell, decoder, attention, bidirectional, reverse_source
    "rnn": ("rnn", "context-vector", "additive", False, False),
    "gru": ("gru", "context-vector", "additive", False, False),
    "lstm": ("lstm", "context-vector", "additive", False, False),
    "lstm-reversed": ("lstm", "context-vector", "additive", False, True),
    "lstm-bidirectional": ("lstm", "context-vector", "additive", True, False),
    "dot": ("lstm", "attention", "dot", True, False),
    "general": ("lstm", "attention", "general", True, False),
    "attention": ("lstm", "attention", "additive", True, False),
}


@pytest.mark.parametrize("name", list(PRESETS))
@pytest.mark.parametrize("system", get_args(System))
def test_a_system_changes_the_model_and_only_its_own_rung(name: str, system: System) -> None:
    before = preset(name)
    untouched = copy.deepcopy(before)
    after = with_system(before, system)
    cell, decoder, attention, bidirectional, reverse_source = LADDER[system]
    assert after == dataclasses.replace(
        before,
        model=dataclasses.replace(
            before.model,
            cell=cell,  # type: ignore[arg-type]
            decoder=decoder,  # type: ignore[arg-type]
            attention=attention,  # type: ignore[arg-type]
            bidirectional=bidirectional,
            reverse_source=reverse_source,
            # Only additive attention can be asked by the word before, too.
            query_word=before.model.query_word and system == "attention",
            # One vector has no source words to show.
            lexical_readout=before.model.lexical_readout if decoder == "attention" else "none",
        ),
    )
    assert before == untouched


@pytest.mark.parametrize("system", get_args(System))
@pytest.mark.parametrize("name", list(PRESETS))
def test_settings_survive_json(name: str, system: System) -> None:
    settings = with_system(preset(name), system)
    document = json.loads(json.dumps(to_json(settings)))
    assert from_json(document) == settings
    assert to_json(from_json(document)) == document


def test_values_other_than_the_defaults_survive_json() -> None:
    settings = Settings(
        corpus=CorpusSettings(name="a,b", subset="de-en", source_language="ja", max_words=3),
        tokenizer=TokenizerSettings(kind="bpe", joint=False),
        model=ModelSettings(tied="none", hidden_size=3, bidirectional=False, cell="gru"),
        training=TrainingSettings(max_updates=7, patience=2, threads=1, validate_every=5),
        search=SearchSettings(beam_size=1, length_penalty=0.0),
    )
    assert from_json(json.loads(json.dumps(to_json(settings)))) == settings


def changed(group: str, field: str, value: object) -> dict[str, Any]:
    document = to_json(Settings())
    document[group][field] = value
    return document


WRONG_TYPES: list[tuple[str, str, object, str]] = [
    ("model", "hidden_size", "big", "model.hidden_size is 'big'; it must be a whole number."),
    ("model", "hidden_size", True, "model.hidden_size is True; it must be a whole number."),
    ("model", "hidden_size", 512.0, "model.hidden_size is 512.0; it must be a whole number."),
    ("model", "hidden_size", None, "model.hidden_size is None; it must be a whole number."),
    ("model", "dropout", True, "model.dropout is True; it must be a number."),
    ("model", "dropout", "0.1", "model.dropout is '0.1'; it must be a number."),
    ("model", "bidirectional", 1, "model.bidirectional is 1; it must be true or false."),
    ("model", "bidirectional", "no", "model.bidirectional is 'no'; it must be true or false."),
    (
        "model",
        "cell",
        "lstmm",
        "model.cell is 'lstmm'; it must be one of 'rnn', 'lstm', 'gru', 'gru-reset-before'.",
    ),
    (
        "model",
        "tied",
        ["all"],
        "model.tied is ['all']; it must be one of 'none', 'target', 'all'.",
    ),
    ("corpus", "name", 5, "corpus.name is 5; it must be text."),
    ("corpus", "subset", False, "corpus.subset is False; it must be text or null."),
    (
        "training",
        "patience",
        "never",
        "training.patience is 'never'; it must be a whole number or null.",
    ),
    (
        "training",
        "max_updates",
        True,
        "training.max_updates is True; it must be a whole number or null.",
    ),
    ("training", "seed", {"a": 1}, "training.seed is {'a': 1}; it must be a whole number."),
    (
        "training",
        "learning_rate",
        math.nan,
        "training.learning_rate is nan; it must be a finite number.",
    ),
    ("search", "beam_size", 0, "search.beam_size is 0; it must lie in 1 to 1000."),
]


@pytest.mark.parametrize(("group", "field", "value", "message"), WRONG_TYPES)
def test_json_of_another_type_is_refused_with_one_line(
    group: str, field: str, value: object, message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        from_json(changed(group, field, value))
    assert str(raised.value) == message


def test_a_whole_number_may_stand_for_a_number() -> None:
    assert from_json(changed("search", "length_penalty", 0)).search.length_penalty == 0


def test_a_long_or_broken_value_is_shown_in_one_short_line() -> None:
    with pytest.raises(ConfigError) as raised:
        from_json(changed("model", "cell", "line\nbreak" * 1000))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 150


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda document: [], "The settings are not a JSON object."),
        (lambda document: None, "The settings are not a JSON object."),
        (
            lambda document: {**document, "zeta": {}, "alpha": {}},
            "Settings hold unknown groups: alpha, zeta.",
        ),
        (
            lambda document: {
                name: group for name, group in document.items() if name not in ("search", "model")
            },
            "Settings lack the groups: model, search.",
        ),
        (lambda document: {**document, "model": 3}, "Settings group model is not a JSON object."),
        (
            lambda document: {**document, "model": {**document["model"], "heads": 8, "beta": 0}},
            "Settings group model holds unknown fields: beta, heads.",
        ),
        (
            lambda document: {**document, "search": {"length_penalty": 1.0}},
            "Settings group search lacks the fields: beam_size, max_length_factor.",
        ),
    ],
)
def test_a_document_of_another_shape_is_refused(damage: Any, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        from_json(damage(to_json(Settings())))
    assert str(raised.value) == message


def test_contradictions_are_found_in_json_too() -> None:
    with pytest.raises(ConfigError, match=r"model.tied is 'all'"):
        from_json(changed("tokenizer", "joint", False))


def test_the_errors_are_one_tree() -> None:
    assert issubclass(ConfigError, Seq2SeqError)


def test_a_fingerprint_follows_every_setting_and_nothing_else() -> None:
    assert fingerprint_text(CorpusSettings()) == fingerprint_text(CorpusSettings())
    assert fingerprint_text(CorpusSettings()) != fingerprint_text(CorpusSettings(max_words=199))
    assert fingerprint_text(CorpusSettings()) != fingerprint_text(TokenizerSettings())
