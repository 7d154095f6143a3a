"""Figures about attention by hand, and forced attention against search and single sentences."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq.checkpoint import load_model
from seq2seq.cli import main
from seq2seq.config import SearchSettings
from seq2seq.evaluation.attention import (
    AttentionSummary,
    ForcedAttention,
    attend_to_references,
    backward_steps,
    coverage,
    entropy,
    over_seeds,
    summarise_attention,
)
from seq2seq.inference.translator import Translator
from seq2seq.text.pair_files import SentencePair
from seq2seq.text.tokenizer import BEGIN, END, Tokenizer
from tests.conftest import TINY, counting_pairs


def test_entropy_by_hand() -> None:
    weights = np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4])
    assert entropy(weights).tolist() == pytest.approx([0, math.log(2), math.log(4)])


def test_coverage_by_hand() -> None:
    assert coverage(np.array([[0.75, 0.25], [0.5, 0.5]])).tolist() == [1.25, 0.75]


def test_steps_back_by_hand() -> None:
    # Strongest places 0, 2, 2, 1: one of three steps goes back.
    weights = np.array([[0.9, 0.1, 0], [0, 0.3, 0.7], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
    assert backward_steps(weights) == (1, 3)
    assert backward_steps(weights[:1]) == (0, 0)


def test_the_summary_by_hand() -> None:
    """The last column is the end of the source: it counts for entropy, not for coverage."""
    one = ForcedAttention(0, ["a", "b"], ["x", "y"], np.array([[1.0, 0, 0], [0.9, 0.1, 0]]))
    two = ForcedAttention(1, ["c"], ["z"], np.array([[0.5, 0.5]]))
    found = summarise_attention([one, two])
    second = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    # Coverage a 1.9, b 0.1, c 0.5.
    assert found == AttentionSummary(
        sentences=2,
        entropy=pytest.approx((0 + second + math.log(2)) / 3),
        overlooked=pytest.approx(1 / 3),
        often=pytest.approx(1 / 3),
        backward=0,
    )


def test_over_seeds_by_hand() -> None:
    found = over_seeds([AttentionSummary(5, 1.0, 0.2, 0, 0), AttentionSummary(5, 3.0, 0.2, 0, 0)])
    assert found["entropy"] == {"value": 2.0, "deviation": pytest.approx(math.sqrt(2))}
    assert found["overlooked"] == {"value": pytest.approx(0.2), "deviation": 0}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt a little."""
    folder = tmp_path_factory.mktemp("attending")
    for language, side in (("en", 0), ("de", 1)):
        text = "".join(pair[side] + "\n" for pair in counting_pairs(200))
        (folder / f"counting.{language}").write_text(text, encoding="utf-8")
    size = ["--model.hidden-size", "32", "--model.embedding-size", "16"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        torch.set_num_threads(1)
        assert main(["train", "--run", "r", *TINY, *size, "--training.epochs", "15"]) == 0
    return folder / "checkpoints/r"


def test_forced_attention(run: Path) -> None:
    model, tokenizer = load_model(run), Tokenizer.load(run)
    pairs = [SentencePair(*pair) for pair in counting_pairs(90, seed=3)]
    found = {one.row: one for one in attend_to_references(model, tokenizer, pairs)}
    assert sorted(found) == list(range(90))
    for row in (0, 40, 89):
        # Alone, without batch or padding.
        source = tokenizer.encode_source([pairs[row].source])[0]
        target = tokenizer.encode_target([pairs[row].target])[0]
        memory = model.encode(torch.tensor([[*source, END]]), torch.tensor([len(source) + 1]))
        state, weights = model.start(memory), []
        for token in [BEGIN, *target[:-1]]:
            step = model.step(torch.tensor([token]), state, memory)
            state = step.state
            weights.append(step.weights[0].detach().double().numpy())
        assert found[row].weights == pytest.approx(np.stack(weights), abs=1e-6)
        assert found[row].source_pieces == tokenizer.source_pieces(source)
        assert found[row].target_pieces == tokenizer.target_pieces(target)


def test_led_through_its_own_translation_a_model_looks_where_it_looked(run: Path) -> None:
    model, tokenizer = load_model(run), Tokenizer.load(run)
    translator = Translator(model, tokenizer, SearchSettings(beam_size=1), print)
    sources = [source for source, _ in counting_pairs(30, seed=4)]
    translations = translator.translate(sources, with_weights=True)
    pairs = [SentencePair(s, t.text) for s, t in zip(sources, translations, strict=True)]
    compared = 0
    for one in attend_to_references(model, tokenizer, pairs):
        own = translations[one.row]
        if own.target_pieces[:-1] == one.target_pieces:  # spelt the same way
            compared += 1
            assert own.weights is not None
            assert one.weights == pytest.approx(own.weights[:-1].double().numpy(), abs=1e-6)
    assert compared > 3


def test_empty_sides_are_left_out(run: Path) -> None:
    pairs = [SentencePair("one", ""), SentencePair("one", "eins"), SentencePair("", "eins")]
    found = list(attend_to_references(load_model(run), Tokenizer.load(run), pairs))
    assert [one.row for one in found] == [1]
