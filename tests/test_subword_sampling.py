"""Sentences cut anew at every visit: other subwords, the same text, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.config import TokenizerSettings
from seq2seq.text.pair_files import PairFiles, PairWriter
from seq2seq.text.subword_sampling import SubwordSampler
from seq2seq.text.tokenizer import BEGIN, END, PADDING, Tokenizer, train_tokenizer
from tests.conftest import counting_pairs

ROWS = np.random.default_rng(0).permutation(200)[:30]
ALPHA = {"unigram": 0.05, "bpe": 0.4}  # at which cuts vary even in this small vocabulary


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairFiles:
    folder = tmp_path_factory.mktemp("pairs")
    paths = folder / "train.source", folder / "train.target"
    with PairWriter(*paths) as writer:
        writer.write(counting_pairs(200))
    return PairFiles(*paths)


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tokenizer(kind: str, pairs: PairFiles) -> Tokenizer:
    settings = TokenizerSettings(kind=kind, vocabulary_size=330)  # type: ignore[arg-type]
    return train_tokenizer(settings, pairs, lambda line: None)


def test_the_text_stays_and_its_cut_changes(
    pairs: PairFiles, tokenizer: Tokenizer, kind: str
) -> None:
    sampler = SubwordSampler(pairs, tokenizer, ALPHA[kind], seed=1)
    seen = set()
    for place in range(8):
        batch = sampler(ROWS, 0, place)
        assert batch.rows.tolist() == ROWS.tolist()
        assert bool((batch.target[:, 0] == BEGIN).all())
        for row, ids, length in zip(ROWS, batch.target, batch.target_lengths, strict=True):
            assert ids[length] == END
            assert bool((ids[length + 1 :] == PADDING).all())
            assert tokenizer.decode_target([ids.tolist()]) == [pairs[int(row)].target]
        sources = [ids[: n - 1].tolist() for ids, n in zip(batch.source, batch.source_lengths)]  # noqa: B905
        # One joint model: the target's decoder reads the source, too.
        assert tokenizer.decode_target(sources) == [pairs[int(row)].source for row in ROWS]
        seen.add(tuple(batch.target.flatten().tolist()))
    assert len(seen) == 8


def test_seed_epoch_and_place_decide(pairs: PairFiles, tokenizer: Tokenizer, kind: str) -> None:
    def drawn(seed: int, epoch: int, place: int) -> list[int]:
        sampler = SubwordSampler(pairs, tokenizer, ALPHA[kind], seed)
        flat: list[int] = sampler(ROWS, epoch, place).source.flatten().tolist()
        return flat

    first = drawn(1, 2, 3)
    drawn(4, 5, 6)
    assert drawn(1, 2, 3) == first
    assert first not in (drawn(2, 2, 3), drawn(1, 3, 3), drawn(1, 2, 4))


def test_unigram_follows_the_likeliest_cut_more_at_a_higher_exponent(pairs: PairFiles) -> None:
    """Kudo 2018, section 3.3: α → 0 is uniform over cuts, a high one the best cut."""
    settings = TokenizerSettings(vocabulary_size=330)
    tokenizer = train_tokenizer(settings, pairs, lambda line: None)
    texts = [pair.source for pair in pairs]
    best = tokenizer.encode_source(texts)
    tokens = [
        sum(map(len, tokenizer.sample(texts, texts, alpha, seed=9)[0])) for alpha in (0.1, 0.5, 1.0)
    ]
    assert tokens[0] > tokens[1] > tokens[2] >= sum(map(len, best))


def test_bpe_without_dropped_merges_is_the_plain_cut(pairs: PairFiles) -> None:
    settings = TokenizerSettings(kind="bpe", vocabulary_size=330)
    tokenizer = train_tokenizer(settings, pairs, lambda line: None)
    texts = [pair.source for pair in pairs]
    assert tokenizer.sample(texts, texts, 1e-9, seed=9)[0] == tokenizer.encode_source(texts)
    all_dropped = tokenizer.sample(texts, texts, 1.0, seed=9)[0]
    assert sum(map(len, all_dropped)) == sum(len(text) + 1 for text in texts)
