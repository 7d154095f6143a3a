"""Sentences cut anew at every visit: other subwords, the same text, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.config import TokenizerSettings
from seq2seq.text.pair_files import PairFiles
from seq2seq.text.subword_sampling import SubwordSampler
from seq2seq.text.tokenizer import BEGIN, END, PADDING, Tokenizer, train_tokenizer
from tests.conftest import SubwordKind

ROWS = np.random.default_rng(0).permutation(200)[:30]
ALPHA = {"unigram": 0.05, "bpe": 0.4}  # at which cuts vary even in this small vocabulary


@pytest.fixture(scope="module")
def tokenizer(kind: SubwordKind, counting_files: PairFiles) -> Tokenizer:
    settings = TokenizerSettings(kind=kind, vocabulary_size=330)
    return train_tokenizer(settings, counting_files, lambda line: None)


def test_the_text_stays_and_its_cut_changes(
    counting_files: PairFiles, tokenizer: Tokenizer, kind: SubwordKind
) -> None:
    sampler = SubwordSampler(counting_files, tokenizer.segmenters(kind, ALPHA[kind]), seed=1)
    seen = set()
    for place in range(8):
        batch = sampler(ROWS, 0, place)
        assert batch.rows.tolist() == ROWS.tolist()
        assert bool((batch.target[:, 0] == BEGIN).all())
        for row, ids, length in zip(ROWS, batch.target, batch.target_lengths, strict=True):
            assert ids[length] == END
            assert bool((ids[length + 1 :] == PADDING).all())
            assert tokenizer.decode_target([ids.tolist()]) == [counting_files[int(row)].target]
        sources = [ids[: n - 1].tolist() for ids, n in zip(batch.source, batch.source_lengths)]  # noqa: B905
        # One joint model: the target's decoder reads the source, too.
        assert tokenizer.decode_target(sources) == [counting_files[int(row)].source for row in ROWS]
        seen.add(tuple(batch.target.flatten().tolist()))
    assert len(seen) == 8


def test_seed_epoch_and_place_decide(
    counting_files: PairFiles, tokenizer: Tokenizer, kind: SubwordKind
) -> None:
    def drawn(seed: int, epoch: int, place: int) -> list[int]:
        segmenters = tokenizer.segmenters(kind, ALPHA[kind])
        sampler = SubwordSampler(counting_files, segmenters, seed)
        flat: list[int] = sampler(ROWS, epoch, place).source.flatten().tolist()
        return flat

    first = drawn(1, 2, 3)
    assert drawn(1, 2, 3) == first
    assert first not in (drawn(2, 2, 3), drawn(1, 3, 3), drawn(1, 2, 4))
