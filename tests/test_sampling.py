"""Nuclei by hand; how often tokens are drawn; the same seed, the same texts."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.inference.sampling import (
    TEXTS_AT_ONCE,
    Sampling,
    draw,
    nucleus,
    probabilities,
    sample_texts,
)
from seq2seq.model.cells import CellState
from seq2seq.text.tokenizer import BEGIN, END, PADDING, UNKNOWN

HAND_MADE = torch.tensor([[0.05, 0.5, 0.15, 0.3]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (0.01, {1: 1.0}),
        (0.5, {1: 1.0}),  # exactly enough
        (0.51, {1: 0.5 / 0.8, 3: 0.3 / 0.8}),
        (0.8, {1: 0.5 / 0.8, 3: 0.3 / 0.8}),
        (0.9, {1: 0.5 / 0.95, 3: 0.3 / 0.95, 2: 0.15 / 0.95}),
        (1.0, {1: 0.5, 3: 0.3, 2: 0.15, 0: 0.05}),
    ],
)
def test_a_nucleus_by_hand(top_p, expected):
    kept, tokens = nucleus(HAND_MADE, top_p)
    found = {t: p for t, p in zip(tokens[0].tolist(), kept[0].tolist(), strict=True) if p > 0}
    assert list(found) == list(expected)  # the likeliest first
    assert found == pytest.approx(expected)


def test_rows_have_nuclei_of_their_own():
    kept, _ = nucleus(torch.cat([HAND_MADE, torch.full((1, 4), 0.25).double()]), 0.6)
    assert (kept > 0).sum(1).tolist() == [2, 3]


def test_drawing_inverts_the_distribution_function():
    # In the nucleus of 0.95, token 1 reaches to 0.526, token 3 to 0.842, token 2 to 1.
    places = torch.tensor([0.0, 0.526, 0.527, 0.842, 0.843, 1 - 2**-53], dtype=torch.float64)
    tokens = draw(HAND_MADE.expand(6, -1), 0.9, places)
    assert tokens.tolist() == [1, 1, 3, 3, 2, 2]


def test_tokens_are_drawn_as_often_as_they_are_likely():
    draws = torch.rand(40_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    counts = torch.bincount(draw(HAND_MADE.expand(40_000, -1), 0.9, draws), minlength=4)
    # Four standard deviations of a share are below 0.01.
    assert (counts / 40_000).tolist() == pytest.approx(
        [0, 0.5 / 0.95, 0.15 / 0.95, 0.3 / 0.95], abs=0.01
    )


def test_temperature_by_hand():
    logits = torch.tensor([[9.0, 9.0, math.log(4), 9.0, 0.0]])  # END is 2, word 4; others never
    assert probabilities(logits, 1.0)[0].tolist() == pytest.approx([0, 0, 0.8, 0, 0.2])
    assert probabilities(logits, 0.5)[0].tolist() == pytest.approx([0, 0, 16 / 17, 0, 1 / 17])
    assert probabilities(logits, 2.0)[0].tolist() == pytest.approx([0, 0, 2 / 3, 0, 1 / 3])
    assert probabilities(logits, 0.0)[0].tolist() == [0, 0, 1, 0, 0]
    assert probabilities(logits, 1e-300)[0].tolist() == [0, 0, 1, 0, 0]
    assert {PADDING, BEGIN, UNKNOWN} == {0, 1, 3}


def test_probabilities_that_are_no_numbers_are_refused():
    with pytest.raises(CheckpointError, match="are not numbers; its weights are damaged"):
        probabilities(torch.full((1, 5), math.nan), 1.0)


class CountingStep(NamedTuple):
    logits: Tensor
    state: CellState


class Counting:
    """After token t comes t + 1 or, half as likely, END; the state counts the steps."""

    def start(self, batch: int) -> CellState:
        return CellState(torch.zeros(batch, 1, 1), torch.zeros(batch, 1, 0))

    def step(self, token: Tensor, state: CellState) -> CountingStep:
        logits = torch.full((len(token), 300), -math.inf)
        following = torch.where(token == BEGIN, 4, token + 1)
        logits.scatter_(1, following[:, None], math.log(2 / 3))
        logits[:, END] = math.log(1 / 3)
        assert (state.hidden == state.hidden[0]).all()
        return CountingStep(logits, CellState(state.hidden + 1, state.cell))


def test_texts_begin_with_the_prompt_and_end_at_end():
    samples = sample_texts(Counting(), [7, 9], Sampling(texts=3000, max_tokens=50))
    assert len(samples) == 3000 > TEXTS_AT_ONCE
    lengths = []
    for tokens, complete in samples:
        assert complete
        assert tokens == [7, *range(9, 9 + len(tokens) - 1)]
        lengths.append(len(tokens) - 2)
    # Words before END are geometric: mean 2, and none in a third of the texts.
    assert sum(lengths) / 3000 == pytest.approx(2, abs=0.2)
    assert lengths.count(0) / 3000 == pytest.approx(1 / 3, abs=0.04)


def test_a_text_is_cut_and_says_so():
    (sample,) = sample_texts(Counting(), [], Sampling(temperature=0, max_tokens=5))
    assert sample == ([4, 5, 6, 7, 8], False)
    cut = sample_texts(Counting(), [], Sampling(texts=500, max_tokens=2))
    assert {(tuple(s.tokens), s.complete) for s in cut} == {
        ((), True),
        ((4,), True),
        ((4, 5), False),
    }


def test_the_same_seed_draws_the_same_texts_and_others_draw_others():
    def texts(**changes):
        return sample_texts(Counting(), [5], Sampling(texts=40, max_tokens=30)._replace(**changes))

    assert texts() == texts() != texts(seed=2)
    assert texts(seed=-1) == texts(seed=-1)
    assert texts(texts=20) == texts()[:20]  # no text depends on those after it
    assert {len(sample.tokens) for sample in texts(top_p=0.6)} == {31}  # END is not in the nucleus


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"temperature": -0.1}, "--temperature is -0.1; it must be a finite number, at least 0."),
        ({"temperature": math.nan}, "--temperature is nan; it must be a finite number"),
        ({"temperature": math.inf}, "--temperature is inf; it must be a finite number"),
        ({"top_p": 0.0}, "--top-p is 0.0; it must be above 0 and at most 1."),
        ({"top_p": 1.01}, "--top-p is 1.01; it must be above 0"),
        ({"top_p": math.nan}, "--top-p is nan; it must be above 0"),
        ({"texts": 0}, "--count is 0; it must be at least 1."),
        ({"max_tokens": 0}, "--max-tokens is 0; it must lie in 1 to 10000."),
        ({"max_tokens": 10**20}, f"--max-tokens is {10**20}; it must lie in 1 to 10000."),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, line):
    with pytest.raises(ConfigError) as refusal:
        sample_texts(Counting(), [], Sampling()._replace(**changes))
    assert str(refusal.value).startswith(line)
