"""The model that everybody is measured on, and the sentences.

A joint vocabulary of 8,000 subwords, embeddings of 256, a bidirectional LSTM encoder of 2 × 256, an
LSTM decoder of 512 with the context vector fed in, additive attention of 512, untied weights,
dropout 0.3, label smoothing 0.1, Adam, batches of 64 sentences of like length.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from benchmarks.protocol import END, UNKNOWN, PairBatch, Workload
from seq2seq.config import CorpusSettings, ModelSettings, TokenizerSettings, TrainingSettings
from seq2seq.text.pair_files import SentencePair

VOCABULARY = 8_000
BATCH_SENTENCES = 64
MODEL = ModelSettings(
    cell="lstm",
    decoder="attention",
    attention="additive",
    input_feeding=True,
    bidirectional=True,
    embedding_size=256,
    hidden_size=512,
    attention_size=512,
    tied="none",
    dropout=0.3,
    word_dropout=0.0,
)
TRAINING = TrainingSettings(
    optimizer="adam",
    label_smoothing=0.1,
    clip_norm=1.0,
    max_updates=1_000_000_000,
    device="cpu",
    precision="float32",
)

Report = Callable[[str], None]


def multi30k_folder() -> Path | None:
    """Where Multi30k lies, if it does: `SEQ2SEQ_MULTI30K`, or beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "multi30k"
    folder = Path(os.environ.get("SEQ2SEQ_MULTI30K", beside))
    return folder if (folder / "train.jsonl").is_file() else None


def make_workload(home: Path, report: Report) -> tuple[Path, str]:
    """The batches as a file, made once, and in words what they are.

    English → German of Multi30k where it is present, with our own tokenizer; else tokens drawn at
    random, of the lengths that Multi30k has. Speed depends on lengths and not on which tokens.
    """
    folder = multi30k_folder()
    path = home / ("multi30k.npz" if folder else "random.npz")
    if not path.is_file():
        train, test = _tokenized(folder, home, report) if folder else _random()
        Workload(VOCABULARY, _batches(train, by_target=True), _batches(test, by_target=False)).save(
            path
        )
    if folder:
        return path, "Multi30k, English → German, our SentencePiece model"
    return path, "random tokens of Multi30k's lengths, because Multi30k is not at hand"


Pairs = list[tuple[list[int], list[int]]]


def _tokenized(folder: Path, home: Path, report: Report) -> tuple[Pairs, Pairs]:
    from seq2seq.text.corpus import load_corpus
    from seq2seq.text.tokenizer import train_tokenizer

    settings = CorpusSettings(name=str(folder), source_language="en", target_language="de")
    corpus = load_corpus(settings, home / "prepared", report)
    tokenizer = train_tokenizer(
        TokenizerSettings(vocabulary_size=VOCABULARY), corpus.splits["train"], report
    )

    def tokens(pairs: Iterable[SentencePair]) -> Pairs:
        source, target = zip(*pairs, strict=True)
        encoded = zip(tokenizer.encode_source(source), tokenizer.encode_target(target), strict=True)
        return [([*s, END], [*t, END]) for s, t in encoded if s and t]

    return tokens(corpus.splits["train"]), tokens(corpus.splits["test"])


def _random() -> tuple[Pairs, Pairs]:
    """Target lengths are log-normal with Multi30k's mean of about 16; sources about as long."""
    random = np.random.default_rng(0)

    def sentence(length: int) -> list[int]:
        return [*random.integers(UNKNOWN + 1, VOCABULARY, max(1, length - 1)).tolist(), END]

    def pairs(count: int) -> Pairs:
        lengths = np.exp(random.normal(2.71, 0.34, count)).round().astype(int)
        sources = (lengths * random.normal(0.95, 0.12, count)).round().astype(int)
        return [(sentence(s), sentence(t)) for s, t in zip(sources, lengths, strict=True)]

    return pairs(29_000), pairs(1_000)


def _batches(pairs: Pairs, by_target: bool) -> list[PairBatch]:
    """Batches of sentences of like length, from short to long.

    Training knows the targets and sorts by them; translation knows the sources alone.
    """
    key = (lambda pair: (len(pair[1]), len(pair[0]))) if by_target else (lambda p: len(p[0]))
    pairs = sorted(pairs, key=key)
    if by_target:  # full batches alone: the few shortest pairs are left out
        pairs = pairs[len(pairs) % BATCH_SENTENCES :]
    return [
        PairBatch(
            [np.array(source) for source, _ in pairs[start : start + BATCH_SENTENCES]],
            [np.array(target) for _, target in pairs[start : start + BATCH_SENTENCES]],
        )
        for start in range(0, len(pairs), BATCH_SENTENCES)
    ]


def stratified(count: int, per_round: int, round_number: int, seed: int = 0) -> list[int]:
    """Batch numbers for one round: one from each of `per_round` spans of length, drawn at random.

    The batches go from short to long, so that every round has short, middling and long ones in the
    same proportion.
    """
    random = np.random.default_rng([seed, round_number])
    edges = np.linspace(0, count, per_round + 1).astype(int)
    return [int(random.integers(*span)) for span in itertools.pairwise(edges)]


def mean_target_tokens(batches: list[PairBatch]) -> float:
    """Target tokens in a sentence, END counted."""
    return sum(batch.tokens for batch in batches) / sum(len(batch.target) for batch in batches)


def read_json(path: Path) -> dict[str, object]:
    """What an earlier run left, or nothing."""
    if not path.is_file():
        return {}
    document: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return document
