"""The settings tree: what can be chosen, with its default and its reason.

Every field's docstring is its `--help`. Settings are checked when they are made, so that a
value out of range is refused before any work begins. `presets` are whole trees for a corpus;
`with_system` turns a preset into one rung of the ladder, so that one thing changes at a time.
"""

from __future__ import annotations

import dataclasses
import json
import math
import reprlib
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from seq2seq.errors import ConfigError

Cell = Literal["rnn", "lstm", "gru", "gru-reset-before"]
Decoder = Literal["context-vector", "attention"]
AttentionKind = Literal["additive", "dot", "scaled-dot", "general"]
System = Literal[
    "rnn", "gru", "lstm", "lstm-reversed", "lstm-bidirectional", "dot", "general", "attention"
]
Rung = Literal["language-model", System]
"""What a comparison may train: a translation system, or the ladder's ground floor."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


def _require_share(name: str, value: float) -> None:
    _require(0 <= value < 1, f"{name} is {value}; it must lie in [0, 1).")


def _require_finite(name: str, value: float) -> None:
    # Not math.isfinite, which fails on whole numbers too large for a float.
    _require(-math.inf < value < math.inf, f"{name} is {value}; it must be a finite number.")


def _require_at_least(name: str, value: float, least: float) -> None:
    _require_finite(name, value)
    _require(value >= least, f"{name} is {value}; it must be at least {least}.")


def _require_above_zero(name: str, value: float) -> None:
    _require_finite(name, value)
    _require(value > 0, f"{name} is {value}; it must be above 0.")


@dataclass(frozen=True)
class CorpusSettings:
    """Which sentence pairs to learn from."""

    name: str = "phrasebook"
    """`phrasebook` (embedded), a dataset on the Hugging Face hub (`bentrevett/multi30k`), a local
    file or folder (JSONL, CSV, TSV, Parquet), or parallel text: a prefix (`data/news` for
    `data/news.en` and `data/news.de`) or both files with a comma (`a.txt,b.txt`)."""
    subset: str | None = None
    """The configuration of a hub dataset, for those that have several (`de-en`)."""
    source_language: str = "en"
    """Column or file ending of the language to translate from."""
    target_language: str = "ko"
    """Column or file ending of the language to translate into."""
    max_words: int = 200
    """Training pairs with more words than this on either side are dropped, and counted."""
    max_length_ratio: float = 9.0
    """Training pairs whose sides differ in length (characters) by more than this factor are
    dropped, and counted; short sentences are exempt."""
    validation_pairs: int = 1000
    """Pairs cut off for validation where the corpus has no such split (at most a tenth)."""
    test_pairs: int = 1000
    """Pairs cut off for the test where the corpus has no such split (at most a tenth)."""
    split_seed: int = 0
    """Seed of the cut, apart from the training seed: every run sees the same test."""

    def __post_init__(self) -> None:
        _require(
            bool(self.name.strip()), "corpus.name is empty; name a corpus, such as phrasebook."
        )
        _require(
            self.source_language != self.target_language,
            f"corpus.source_language and corpus.target_language are both {self.source_language!r}; "
            "they must differ.",
        )
        _require_at_least("corpus.max_words", self.max_words, 1)
        _require_at_least("corpus.max_length_ratio", self.max_length_ratio, 1)
        _require_at_least("corpus.validation_pairs", self.validation_pairs, 1)
        _require_at_least("corpus.test_pairs", self.test_pairs, 1)


@dataclass(frozen=True)
class TokenizerSettings:
    """How sentences become subwords (SentencePiece)."""

    kind: Literal["unigram", "bpe"] = "unigram"
    """Unigram language model (Kudo 2018) or byte-pair encoding (Sennrich et al. 2016)."""
    vocabulary_size: int = 8000
    """Subwords; lowered, and said, where the text cannot fill it."""
    joint: bool = True
    """One vocabulary for both languages; needed where all embeddings are tied."""
    character_coverage: float = 1.0
    """Share of characters with a subword of their own; the rest is spelt in bytes."""

    def __post_init__(self) -> None:
        # 256 bytes, four special tokens, and something to spell with.
        _require_at_least("tokenizer.vocabulary_size", self.vocabulary_size, 300)
        _require(
            0.9 <= self.character_coverage <= 1,
            f"tokenizer.character_coverage is {self.character_coverage}; it must lie in [0.9, 1].",
        )


@dataclass(frozen=True)
class ModelSettings:
    """The encoder-decoder: each system of the ladder is one choice of these."""

    cell: Cell = "lstm"
    """Recurrent cell of encoder and decoder."""
    decoder: Decoder = "attention"
    """One context vector for the whole sentence, or attention: a new one at every step."""
    attention: AttentionKind = "additive"
    """How a source position is scored (attention decoder only)."""
    context: Literal["initial", "every-step"] = "every-step"
    """Where the single context vector enters: the initial state alone (Sutskever et al. 2014), or
    every step as well (Cho et al. 2014). Context-vector decoder only."""
    input_feeding: bool = True
    """The context vector enters the next state (Bahdanau et al. 2015). Without it, attention reads
    the finished state and only the readout sees it (Luong et al. 2015, without input feeding)."""
    query_word: bool = False
    """The word before takes part in asking where to look, beside the state (additive attention with
    input feeding only)."""
    lexical_readout: Literal["none", "shared", "own"] = "none"
    """The readout also sees embedded source words, through a layer of their own (Nguyen and Chiang
    2018): those where the decoder's attention looks (shared), or where an attention of its own
    looks with the state after the step (own). Attention decoder only."""
    reverse_source: bool = False
    """Read the source backwards (Sutskever et al. 2014)."""
    bidirectional: bool = True
    """The encoder reads both ways; each direction has half of `hidden_size`."""
    embedding_size: int = 256
    """Units of the word embeddings, source and target."""
    hidden_size: int = 384
    """Units of the decoder, and of the encoder's two directions together."""
    attention_size: int = 256
    """Units of the additive attention's hidden layer."""
    encoder_layers: int = 1
    """Recurrent layers of the encoder, one upon the other."""
    decoder_layers: int = 1
    """Recurrent layers of the decoder; with attention, the lowest attends."""
    tied: Literal["none", "target", "all"] = "all"
    """Output weights = target embeddings (`target`), and = source embeddings too (`all`): Press and
    Wolf 2017. The readout then has `embedding_size` units, which halves the vocabulary's cost."""
    dropout: float = 0.2
    """On embeddings, between layers and on the readout, in training."""
    word_dropout: float = 0.05
    """Share of words whose whole embedding is blanked, on both sides (Sennrich and Zhang 2019)."""
    encoder_dropout: float = 0.0
    """On the encoder's hidden states, also the last ones, with which the decoder begins, in
    training; an LSTM's last cell state stays whole."""
    recurrent_dropout: float = 0.0
    """Share of the recurrent weights blanked for a batch, in training (DropConnect; Merity et al.
    2018)."""
    sequence_dropout: bool = False
    """`dropout` and `encoder_dropout` blank the same units at every step of a sentence (Gal and
    Ghahramani 2016)."""

    def __post_init__(self) -> None:
        for name in (
            "embedding_size",
            "hidden_size",
            "attention_size",
            "encoder_layers",
            "decoder_layers",
        ):
            _require_at_least(f"model.{name}", getattr(self, name), 1)
        for name in ("dropout", "word_dropout", "encoder_dropout", "recurrent_dropout"):
            _require_share(f"model.{name}", getattr(self, name))
        _require(
            not self.query_word
            or (
                self.decoder == "attention" and self.attention == "additive" and self.input_feeding
            ),
            "model.query_word needs additive attention with input feeding; "
            "turn it off by --model.no-query-word, or choose --model.decoder attention "
            "--model.attention additive --model.input-feeding.",
        )
        _require(
            self.lexical_readout == "none" or self.decoder == "attention",
            f"model.lexical_readout is {self.lexical_readout!r}, but a decoder with one context "
            "vector sees no source words; "
            "choose --model.lexical-readout none, or --model.decoder attention.",
        )
        _require(
            not (self.bidirectional and self.hidden_size % 2),
            f"model.hidden_size is {self.hidden_size}; "
            "a bidirectional encoder needs an even number.",
        )


@dataclass(frozen=True)
class TrainingSettings:
    """How the model learns."""

    seed: int = 1
    """Of weights, dropout and the order of batches."""
    start_from: str | None = None
    """For translation runs: a run whose best weights and subwords to begin with, instead of weights
    by chance; a name under checkpoints/ or a path. Subwords and model must be its own: `seq2seq
    train` takes them from it."""
    epochs: int = 10
    """Passes over the training pairs: the budget, and what the schedule decays over."""
    max_updates: int | None = None
    """A budget in weight updates instead of epochs."""
    batch_tokens: int = 1000
    """Target tokens in a batch, padding not counted."""
    accumulate: int = 1
    """Batches whose gradients are added up for one update."""
    optimizer: Literal["adam", "adamw"] = "adamw"
    """Adam (Kingma and Ba 2015), or with weight decay apart (Loshchilov and Hutter 2019)."""
    learning_rate: float = 2e-3
    """The peak, reached after warm-up."""
    schedule: Literal["cosine", "linear", "inverse-sqrt", "constant"] = "cosine"
    """How the learning rate decays after warm-up; cosine and linear end near zero."""
    warmup_updates: int = 200
    """Updates over which the learning rate rises from zero to its peak; at most a quarter of the
    budget."""
    weight_decay: float = 0.01
    """AdamW only; never on biases."""
    clip_norm: float = 1.0
    """Gradients longer than this are scaled down to it (Pascanu et al. 2013)."""
    label_smoothing: float = 0.1
    """Share of the probability spread over the whole vocabulary (Szegedy et al. 2016)."""
    subword_sampling: float | None = None
    """Cut training sentences into subwords anew at every visit. For unigram the exponent of subword
    regularisation (Kudo 2018), 0.1 to 1, smaller is more random; for bpe the share of merges left
    out (Provilkov et al. 2020). The default is the best cut alone."""
    validate_every: int | None = None
    """Updates between validations; the default is once an epoch."""
    select_by: Literal["bleu", "loss"] = "bleu"
    """What on validation decides which weights are the best."""
    patience: int | None = None
    """Validations without a better one after which training stops early; the default is never."""
    average_last: int = 0
    """Keep the weights of this many last validations, average them at the end, and take the average
    if it is better on validation; 0 is off. `seq2seq average` can average them otherwise."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """What products are worked out in; `auto` is bf16 on a GPU or CPU that multiplies it natively
    and float32 elsewhere."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; `auto` is a GPU where there is one."""
    threads: int | None = None
    """CPU threads; the default leaves the choice to torch."""

    def __post_init__(self) -> None:
        for name, least in (
            ("epochs", 1),
            ("batch_tokens", 1),
            ("accumulate", 1),
            ("warmup_updates", 0),
            ("weight_decay", 0),
        ):
            _require_at_least(f"training.{name}", getattr(self, name), least)
        _require(
            -(1 << 63) <= self.seed < 1 << 63,
            f"training.seed is {self.seed}; it must be a whole number from −2⁶³ to 2⁶³ − 1.",
        )
        for name in ("max_updates", "validate_every", "patience", "threads"):
            value = getattr(self, name)
            if value is not None:
                _require_at_least(f"training.{name}", value, 1)
        if self.subword_sampling is not None:
            _require(
                0 < self.subword_sampling <= 1,
                f"training.subword_sampling is {self.subword_sampling}; it must lie in (0, 1].",
            )
        _require(
            self.average_last == 0 or self.average_last >= 2,
            f"training.average_last is {self.average_last}; it must be 0 or at least 2.",
        )
        for name in ("learning_rate", "clip_norm"):
            _require_above_zero(f"training.{name}", getattr(self, name))
        _require_share("training.label_smoothing", self.label_smoothing)


@dataclass(frozen=True)
class SearchSettings:
    """How a translation is searched for."""

    beam_size: int = 5
    """Hypotheses kept at each step; 1 is greedy."""
    length_penalty: float = 1.0
    """Exponent alpha of the length that a hypothesis' log-probability is divided by; 0 is none."""
    max_length_factor: float = 2.0
    """A translation has at most this many times the source's subwords, plus ten."""

    def __post_init__(self) -> None:
        _require(
            1 <= self.beam_size <= 1000,
            f"search.beam_size is {self.beam_size}; it must lie in 1 to 1000.",
        )
        _require(
            0 <= self.length_penalty <= 10,
            f"search.length_penalty is {self.length_penalty}; it must lie in 0 to 10.",
        )
        _require_above_zero("search.max_length_factor", self.max_length_factor)


@dataclass(frozen=True)
class Settings:
    """All of a run: saved beside its weights as `config.json`."""

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    search: SearchSettings = field(default_factory=SearchSettings)

    def __post_init__(self) -> None:
        _require(
            self.tokenizer.joint or self.model.tied != "all",
            "model.tied is 'all', which needs one vocabulary for both languages; "
            "set --tokenizer.joint or --model.tied target.",
        )
        _require_merges(self.tokenizer, self.training)


@dataclass(frozen=True)
class LanguageModelSettings:
    """The language model: embedding → recurrent layers → readout → output."""

    cell: Cell = "lstm"
    """Recurrent cell."""
    embedding_size: int = 256
    """Units of the word embeddings."""
    hidden_size: int = 512
    """Units of each layer."""
    layers: int = 2
    """Recurrent layers, one upon the other."""
    tied: bool = True
    """Output weights = embeddings (Press and Wolf 2017)."""
    dropout: float = 0.25
    """On embeddings, between layers and on the readout, in training."""

    def __post_init__(self) -> None:
        for name in ("embedding_size", "hidden_size", "layers"):
            _require_at_least(f"model.{name}", getattr(self, name), 1)
        _require_share("model.dropout", self.dropout)


@dataclass(frozen=True)
class LanguageSettings:
    """All of a language model's run: it learns the target side of a corpus alone."""

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    model: LanguageModelSettings = field(default_factory=LanguageModelSettings)
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(select_by="loss", label_smoothing=0.0)
    )

    def __post_init__(self) -> None:
        _require(
            self.training.select_by == "loss",
            "training.select_by is 'bleu', but a language model translates nothing; "
            "leave it at loss.",
        )
        _require(
            self.training.start_from is None,
            "training.start_from is for translation runs; a language model begins by chance.",
        )
        _require_merges(self.tokenizer, self.training)


def _require_merges(tokenizer: TokenizerSettings, training: TrainingSettings) -> None:
    _require(
        not (tokenizer.kind == "bpe" and training.subword_sampling == 1),
        "training.subword_sampling is 1, which leaves out every merge of bpe: training would see "
        "single characters alone; choose a smaller share, such as 0.1.",
    )


SettingsT = TypeVar("SettingsT", Settings, LanguageSettings)


def to_json(settings: Settings | LanguageSettings) -> dict[str, Any]:
    """The settings as plain JSON values."""
    return dataclasses.asdict(settings)


def from_json(document: dict[str, Any]) -> Settings:
    """Settings from what `to_json` wrote; every field must be there, and none besides.

    Raises:
        ConfigError: an unknown or missing group or field, or a value of another type.
    """
    return _from_json(Settings, document)


def language_from_json(document: dict[str, Any]) -> LanguageSettings:
    """A language model's settings; see `from_json`."""
    return _from_json(LanguageSettings, document)


def _from_json(kind: type[SettingsT], document: dict[str, Any]) -> SettingsT:
    groups = get_type_hints(kind)
    _require(isinstance(document, dict), "The settings are not a JSON object.")
    unknown = sorted(set(document) - set(groups))
    _require(not unknown, f"Settings hold unknown groups: {', '.join(unknown)}.")
    missing = sorted(set(groups) - set(document))
    _require(not missing, f"Settings lack the groups: {', '.join(missing)}.")
    return kind(**{name: _group_from_json(name, groups[name], document[name]) for name in groups})


def _group_from_json(name: str, group: Any, values: Any) -> Any:
    _require(isinstance(values, dict), f"Settings group {name} is not a JSON object.")
    types = get_type_hints(group)
    unknown = sorted(set(values) - set(types))
    _require(not unknown, f"Settings group {name} holds unknown fields: {', '.join(unknown)}.")
    missing = sorted(set(types) - set(values))
    _require(not missing, f"Settings group {name} lacks the fields: {', '.join(missing)}.")
    for key, value in values.items():
        _require(
            _is_of_type(value, types[key]),
            f"{name}.{key} is {reprlib.repr(value)}; it must be {_in_words(types[key])}.",
        )
    return group(**values)


def _is_of_type(value: object, expected: Any) -> bool:
    """Whether a JSON value may stand in a field of this type."""
    if get_origin(expected) is Literal:
        return value in get_args(expected)
    if alternatives := get_args(expected):  # such as int | None
        return any(_is_of_type(value, alternative) for alternative in alternatives)
    # By the exact type, because to isinstance True is an int. A whole number is a number, too.
    return type(value) in ((float, int) if expected is float else (expected,))


def _in_words(expected: Any) -> str:
    if get_origin(expected) is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(expected))
    if alternatives := get_args(expected):
        return " or ".join(_in_words(alternative) for alternative in alternatives)
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return {**words, NoneType: "null"}[expected]


def fingerprint_text(*groups: object) -> str:
    """A stable text of settings, for naming caches by content."""
    return json.dumps([dataclasses.asdict(group) for group in groups], sort_keys=True)  # type: ignore[call-overload]


OWN = "own"

# Many passes with much noise and decay: docs/results/quality.md has what fewer with less come to.
_MULTI30K_MODEL = ModelSettings(
    query_word=True, lexical_readout="own", dropout=0.3, word_dropout=0.1
)
_MULTI30K_TRAINING = TrainingSettings(epochs=22, weight_decay=0.3)

PRESETS: dict[str, Settings] = {
    "phrasebook": Settings(
        corpus=CorpusSettings(name="phrasebook", source_language="en", target_language="ko"),
        tokenizer=TokenizerSettings(vocabulary_size=2000),
        model=ModelSettings(
            embedding_size=128, hidden_size=256, attention_size=128, dropout=0.1, word_dropout=0.0
        ),
        training=TrainingSettings(
            epochs=3, batch_tokens=1000, learning_rate=3e-3, warmup_updates=100
        ),
    ),
    "multi30k": Settings(
        corpus=CorpusSettings(
            name="bentrevett/multi30k", source_language="en", target_language="de"
        ),
        model=_MULTI30K_MODEL,
        training=_MULTI30K_TRAINING,
    ),
    # Sentences of the user's own: `sizing.size_for` goes on from here.
    OWN: Settings(model=_MULTI30K_MODEL, training=_MULTI30K_TRAINING),
}


def preset(name: str) -> Settings:
    """The settings that a preset stands for.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}; there are {', '.join(PRESETS)}.")
    return PRESETS[name]


def language_settings(settings: Settings) -> LanguageSettings:
    """A language model of the same corpus, tokenizer, sizes and budget as a translation run.

    Without label smoothing, which would keep it from the probabilities that perplexity measures.
    """
    model, training = settings.model, settings.training
    return LanguageSettings(
        settings.corpus,
        settings.tokenizer,
        LanguageModelSettings(
            embedding_size=model.embedding_size,
            hidden_size=model.hidden_size,
            dropout=model.dropout,
        ),
        dataclasses.replace(training, select_by="loss", label_smoothing=0.0, start_from=None),
    )


def with_system(settings: Settings, system: System) -> Settings:
    """The same run with the model of one rung of the ladder.

    Elman 1990 (rnn), Cho et al. 2014 (gru), Hochreiter and Schmidhuber 1997 and Sutskever et al.
    2014 (lstm, lstm-reversed), Luong et al. 2015 (dot, general), Bahdanau et al. 2015 (attention).
    lstm-bidirectional has the encoder of those with attention (Schuster and Paliwal 1997) and one
    vector all the same, so that between it and them the decoder alone changes.
    """
    one_vector = {
        "decoder": "context-vector",
        "bidirectional": False,
        "reverse_source": False,
        "query_word": False,
        "lexical_readout": "none",
    }
    attending = {
        "cell": "lstm",
        "decoder": "attention",
        "bidirectional": True,
        "reverse_source": False,
    }
    changes: dict[str, dict[str, Any]] = {
        "rnn": {"cell": "rnn", **one_vector},
        "gru": {"cell": "gru", **one_vector},
        "lstm": {"cell": "lstm", **one_vector},
        "lstm-reversed": {"cell": "lstm", **one_vector, "reverse_source": True},
        "lstm-bidirectional": {"cell": "lstm", **one_vector, "bidirectional": True},
        "dot": {**attending, "attention": "dot", "query_word": False},
        "general": {**attending, "attention": "general", "query_word": False},
        "attention": {**attending, "attention": "additive"},
    }
    if system not in changes:
        raise ConfigError(f"There is no system {system!r}; there are {', '.join(changes)}.")
    model = dataclasses.replace(settings.model, **changes[system])
    return dataclasses.replace(settings, model=model)
