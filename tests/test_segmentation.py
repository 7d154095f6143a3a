"""Random segmentations: against SentencePiece, against all cuts written out, and repeatable."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.config import TokenizerSettings
from seq2seq.text.pair_files import PairFiles
from seq2seq.text.segmentation import BPESegmenter, Subwords, UnigramSegmenter
from seq2seq.text.tokenizer import Tokenizer, train_tokenizer
from tests.conftest import SubwordKind

BYTES = range(1000, 1256)
BEST = {"unigram": 500.0, "bpe": 0.0}  # at which nothing is left to chance
# Words of the corpus, spaces of all kinds, SentencePiece's own sign, letters it has not seen.
TEXT = st.lists(
    st.sampled_from(
        ["one", "twenty", "t", "seven", " ", "  ", "▁", "\t", "é", "漢字", "🙂", "<s>"]
    ),
    max_size=8,
).map("".join) | st.text(max_size=12)


@pytest.fixture(scope="module")
def tokenizer(kind: SubwordKind, counting_files: PairFiles) -> Tokenizer:
    settings = TokenizerSettings(kind=kind, vocabulary_size=330, joint=False)
    return train_tokenizer(settings, counting_files, lambda line: None)


@settings(deadline=None, derandomize=True)
@given(text=TEXT)
def test_without_chance_it_is_sentencepieces_cut(
    text: str, kind: SubwordKind, tokenizer: Tokenizer
) -> None:
    for side, encode in enumerate((tokenizer.encode_source, tokenizer.encode_target)):
        segmenter = tokenizer.segmenters(kind, BEST[kind])[side]
        assert segmenter.segment([text], seed=1) == encode([text])


@settings(deadline=None, derandomize=True)
@given(text=TEXT.filter(lambda text: "▁" not in text), seed=st.integers(0, 2**256 - 1))
def test_every_draw_spells_the_text(
    text: str, seed: int, kind: SubwordKind, tokenizer: Tokenizer
) -> None:
    segmenter = tokenizer.segmenters(kind, 0.1)[1]
    [line] = tokenizer.decode_target(segmenter.segment([text], seed))
    assert line == tokenizer.decode_target(tokenizer.encode_target([text]))[0]


def test_another_process_draws_the_same(
    kind: SubwordKind, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    tokenizer.save(tmp_path)
    program = (
        "import sys, pathlib; from seq2seq.text.tokenizer import Tokenizer;"
        "one = Tokenizer.load(pathlib.Path(sys.argv[1])).segmenters(sys.argv[2], 0.2)[0];"
        "print(one.segment(['twenty one and seven'] * 20, seed=3))"
    )
    run = [sys.executable, "-c", program, str(tmp_path), kind]
    printed = {subprocess.run(run, capture_output=True, text=True, check=True).stdout for _ in "ab"}
    here = tokenizer.segmenters(kind, 0.2)[0]
    ids = here.segment(["twenty one and seven"] * 20, seed=3)
    assert printed == {f"{ids}\n"}
    assert len(set(map(tuple, ids))) > 1
    assert here.segment(["twenty one and seven"] * 20, seed=4) != ids


def _vocabulary(scores: dict[str, float]) -> Subwords:
    return Subwords({name: place for place, name in enumerate(scores)}, scores, BYTES)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_unigram_draws_each_cut_by_its_probability(alpha: float) -> None:
    """Kudo 2018, section 3.3, over all cuts of "▁aba" written out, "b" being unknown."""
    scores = {"▁": -2.0, "a": -1.5, "▁a": -2.5, "ab": -2.2, "ba": -3.0, "▁ab": -4.0}
    costs = {**scores, "b": min(scores.values()) - 10}
    cuts = {}
    for ends in itertools.product([False, True], repeat=3):
        places = [0, *(i + 1 for i, end in enumerate(ends) if end), 4]
        parts = tuple("▁aba"[i:j] for i, j in itertools.pairwise(places))
        if all(part in costs for part in parts):
            cuts[parts] = math.exp(alpha * sum(costs[part] for part in parts))
    assert len(cuts) == 6
    subwords = _vocabulary(scores)
    drawn = Counter(map(tuple, UnigramSegmenter(subwords, alpha).segment(["aba"] * 20_000, seed=5)))
    for parts, weight in cuts.items():
        ids = tuple(token for part in parts for token in subwords.spell(part))
        share = weight / sum(cuts.values())
        assert drawn.pop(ids, 0) / 20_000 == pytest.approx(share, abs=0.015)
    assert not drawn


def test_bpe_leaves_out_this_share_of_merges() -> None:
    """Algorithm 1 of Provilkov et al. 2020 by hand: p² that neither merge of "▁ab" is kept."""
    p = 0.3
    subwords = _vocabulary({"▁": -9.0, "a": -9.0, "b": -9.0, "▁a": -1.0, "ab": -2.0})
    drawn = Counter(map(tuple, BPESegmenter(subwords, p).segment(["ab"] * 20_000, seed=5)))
    spelt = {("▁a", "b"): 1 - p, ("▁", "ab"): p * (1 - p), ("▁", "a", "b"): p * p}
    for parts, share in spelt.items():
        ids = tuple(subwords.ids[part] for part in parts)
        assert drawn[ids] / 20_000 == pytest.approx(share, abs=0.015)


def test_bpe_may_keep_a_merge_that_it_left_out_before() -> None:
    """Dropout is drawn anew before each merge: by hand over the steps of "▁abc"."""
    p = 0.4
    subwords = _vocabulary({"▁": -9.0, "a": -9.0, "b": -9.0, "c": -9.0, "▁a": -1.0, "bc": -2.0})
    drawn = Counter(map(tuple, BPESegmenter(subwords, p).segment(["abc"] * 20_000, seed=5)))
    # First step: ▁a kept; or ▁a left out and bc kept; or both left out. Then the other one's turn.
    spelt = {
        ("▁a", "bc"): (1 - p) * (1 - p) + p * (1 - p) * (1 - p),
        ("▁a", "b", "c"): (1 - p) * p,
        ("▁", "a", "bc"): p * (1 - p) * p,
        ("▁", "a", "b", "c"): p * p,
    }
    assert sum(spelt.values()) == pytest.approx(1)
    for parts, share in spelt.items():
        ids = tuple(subwords.ids[part] for part in parts)
        assert drawn[ids] / 20_000 == pytest.approx(share, abs=0.015)


def test_bpe_at_its_ends(counting_files: PairFiles) -> None:
    settings = TokenizerSettings(kind="bpe", vocabulary_size=330)
    tokenizer = train_tokenizer(settings, counting_files, lambda line: None)
    texts = [pair.source for pair in counting_files]
    plain, characters = (tokenizer.segmenters("bpe", p)[0].segment(texts, 9) for p in (0.0, 1.0))
    assert plain == tokenizer.encode_source(texts)
    assert sum(map(len, characters)) == sum(len(text) + 1 for text in texts)


def test_unigram_follows_the_likeliest_cut_more_at_a_higher_exponent(
    counting_files: PairFiles,
) -> None:
    settings = TokenizerSettings(vocabulary_size=330)
    tokenizer = train_tokenizer(settings, counting_files, lambda line: None)
    texts = [pair.source for pair in counting_files]
    tokens = [
        sum(map(len, tokenizer.segmenters("unigram", alpha)[0].segment(texts, seed=9)))
        for alpha in (0.001, 0.1, 0.3)
    ]
    assert tokens[0] > tokens[1] > tokens[2] > sum(map(len, tokenizer.encode_source(texts)))
