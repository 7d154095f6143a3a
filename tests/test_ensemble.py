"""Ensembles against one model alone, and against the mean of probabilities by hand."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from pathlib import Path

import pytest
import torch

from seq2seq.cli import main
from seq2seq.config import ModelSettings, SearchSettings
from seq2seq.inference.ensemble import Ensemble
from seq2seq.inference.quantized import quantized
from seq2seq.inference.search import NEVER_GENERATED, search
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.tokenizer import BEGIN, END, PADDING
from tests.conftest import TINY

VOCABULARY = 40
SMALL = ModelSettings(embedding_size=12, hidden_size=16, attention_size=8, tied="none")
LARGER = ModelSettings(embedding_size=14, hidden_size=20, attention_size=6)
PLAIN = ModelSettings(cell="gru", decoder="context-vector", embedding_size=8, hidden_size=24)
SOURCE = torch.tensor(
    [[7, 9, 30, 12, END], [21, 8, END, PADDING, PADDING], [5, END, PADDING, PADDING, PADDING]]
)
LENGTHS = torch.tensor([5, 3, 2])


def model(seed: int = 0, settings: ModelSettings = SMALL) -> EncoderDecoder:
    torch.manual_seed(seed)
    made = EncoderDecoder(settings, VOCABULARY, VOCABULARY).eval()
    with torch.no_grad():
        made.output_bias.normal_()
        for parameter in made.parameters():
            parameter.mul_(2)  # far from uniform, so that the models disagree
    return made


@pytest.mark.parametrize("beam_size", [1, 4])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("make", [lambda made: made, quantized])
def test_a_model_with_itself_translates_as_it_does_alone(beam_size, times, make):
    made = make(model())
    beam = SearchSettings(beam_size=beam_size)
    alone = search(made, SOURCE, LENGTHS, beam, beam_size, with_weights=True)
    together = search(Ensemble([made] * times), SOURCE, LENGTHS, beam, beam_size, with_weights=True)
    assert [[h.tokens for h in best] for best in together] == [
        [h.tokens for h in best] for best in alone
    ]
    flat = [[h for best in found for h in best] for found in (together, alone)]
    for one, other in zip(*flat, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-5)
        torch.testing.assert_close(one.weights, other.weights)


@torch.inference_mode()
def test_a_step_is_the_mean_of_the_probabilities_by_hand():
    members = [model(0), model(1, LARGER)]
    ensemble = Ensemble(members)
    memory = ensemble.encode(SOURCE, LENGTHS)
    rows = torch.tensor([2, 0, 0])
    token = torch.full((3,), BEGIN)
    found = ensemble.step(token, ensemble.start(memory), memory)
    after = ensemble.step(torch.tensor([9, 4, 9]), found.state.select(rows), memory.select(rows))

    first, second = [], []
    for member in members:
        own = member.encode(SOURCE, LENGTHS)
        step = member.step(token, member.start(own), own)
        first.append((step.logits.softmax(1), step.weights))
        step = member.step(torch.tensor([9, 4, 9]), step.state.select(rows), own.select(rows))
        second.append((step.logits.softmax(1), step.weights))
    for ours, theirs in ((found, first), (after, second)):
        (p, a), (q, b) = theirs
        torch.testing.assert_close(ours.logits.exp(), (p + q) / 2)
        torch.testing.assert_close(ours.weights, (a + b) / 2)
        torch.testing.assert_close(ours.weights.sum(1), torch.ones(3))
    assert (first[0][0] - first[1][0]).abs().max() > 0.05, "the members disagree"


@torch.inference_mode()
def test_a_translation_s_probability_is_the_product_of_the_means():
    members = [model(0), model(1, LARGER), model(2, PLAIN)]
    (best,), *_ = search(Ensemble(members), SOURCE, LENGTHS, SearchSettings(beam_size=3))
    assert len(best.tokens) > 1
    expected, before = 0.0, BEGIN
    own = [member.encode(SOURCE[:1], LENGTHS[:1]) for member in members]
    states = [member.start(memory) for member, memory in zip(members, own, strict=True)]
    for token in [*best.tokens, END][: best.length]:
        steps = [
            member.step(torch.tensor([before]), state, memory)
            for member, state, memory in zip(members, states, own, strict=True)
        ]
        mean = sum(float(step.logits.softmax(1)[0, token]) for step in steps) / 3
        expected += math.log(mean)
        states, before = [step.state for step in steps], token
    assert best.log_probability == pytest.approx(expected, abs=1e-4)
    assert not set(NEVER_GENERATED) & set(best.tokens)


def test_attention_is_the_mean_over_those_that_attend():
    attending, plain = model(0), model(1, PLAIN)
    token = torch.full((3,), BEGIN)
    with torch.inference_mode():
        for ensemble in (Ensemble([attending, plain]), Ensemble([plain, plain])):
            memory = ensemble.encode(SOURCE, LENGTHS)
            found = ensemble.step(token, ensemble.start(memory), memory).weights
            if ensemble.models[0] is plain:
                assert found is None
                continue
            own = attending.encode(SOURCE, LENGTHS)
            torch.testing.assert_close(
                found, attending.step(token, attending.start(own), own).weights
            )


def test_dropout_is_off_in_every_member_while_it_is_searched():
    settings = ModelSettings(embedding_size=12, hidden_size=16, attention_size=8, dropout=0.5)
    ensemble = Ensemble([model(0, settings), model(1, settings)])
    beam = SearchSettings(beam_size=2)
    expected = search(ensemble.eval(), SOURCE, LENGTHS, beam)
    found = search(ensemble.train(), SOURCE, LENGTHS, beam)
    assert [[h.tokens for h in best] for best in found] == [
        [h.tokens for h in best] for best in expected
    ]
    assert all(member.training for member in ensemble.models)


def test_an_ensemble_of_none_or_of_two_vocabularies_is_refused():
    with pytest.raises(ValueError, match="needs one vocabulary; found \\[\\]"):
        Ensemble([])
    with pytest.raises(ValueError, match=r"found \[\(40, 40\), \(40, 41\)\]"):
        Ensemble([model(), EncoderDecoder(SMALL, 40, 41)])


@pytest.fixture
def runs(counting_corpus, capsys):
    """Two runs that differ in their seed, one of another tokenizer, one the other way round."""
    counting_corpus(60)
    tiny = [*TINY, "--training.max-updates", "2"]
    assert main(["train", "--run", "a", *tiny]) == 0
    assert main(["train", "--run", "b", *tiny, "--training.seed", "2"]) == 0
    assert main(["train", "--run", "other", *tiny, "--tokenizer.kind", "bpe"]) == 0
    shutil.copytree("checkpoints/a", "checkpoints/back")
    path = Path("checkpoints/back/config.json")
    document = json.loads(path.read_text())
    document["settings"]["corpus"] |= {"source_language": "de", "target_language": "en"}
    path.write_text(json.dumps(document))
    capsys.readouterr()


def translated(capsys, monkeypatch, *arguments):
    lines = io.TextIOWrapper(io.BytesIO(b"one two\n\nfive six seven\n"))
    monkeypatch.setattr(sys, "stdin", lines)
    assert main(["translate", *arguments]) == 0
    return capsys.readouterr().out


def test_the_commands_take_ensembles(runs, capsys, monkeypatch):
    # Two of the same under two names translate as one.
    shutil.copytree("checkpoints/a", "checkpoints/again")
    alone = translated(capsys, monkeypatch, "a")
    assert alone.count("\n") == 3
    assert translated(capsys, monkeypatch, "a", "--ensemble", "again") == alone
    scored = [translated(capsys, monkeypatch, "a", "--n-best", "2", *more)
              for more in ([], ["--ensemble", "b"])]  # fmt: skip
    assert scored[0] != scored[1]

    assert main(["evaluate", "a", "--json"]) == 0
    own = json.loads(capsys.readouterr().out)["a"][0]
    kept = Path("checkpoints/a/scores.json").read_bytes()
    assert main(["evaluate", "a", "--ensemble", "again", "--json"]) == 0
    said = capsys.readouterr()
    (together,) = json.loads(said.out)["a + again"]
    assert together["ensemble"] == ["a", "again"]
    assert together["scores"] == own["scores"]
    assert "scores of --ensemble are shown, but not kept" in said.err
    assert main(["evaluate", "a", "--ensemble", "b", "--quantize"]) == 0
    said = capsys.readouterr()
    assert "a + b · test" in said.out
    assert Path("checkpoints/a/scores.json").read_bytes() == kept
    assert not Path("checkpoints/b/scores.json").exists()


NO_ENSEMBLE = [
    (
        ["translate", "a", "--ensemble", "b", "other"],
        "other has another tokenizer than a; the runs of an ensemble need the same one: train "
        "them on one corpus with the same --tokenizer settings.",
    ),
    (
        ["evaluate", "a", "--ensemble", "back"],
        "back translates de to en and a en to de; runs that translate one text need one direction.",
    ),
    (
        ["evaluate", "a", "--ensemble", "a", "b"],
        "a is named twice; name each run once.",
    ),
    (
        ["translate", "a", "--ensemble", "b", "--shortlist", "50"],
        "--shortlist works with one run alone; leave it or --ensemble out.",
    ),
    (
        ["evaluate", "a", "b", "--ensemble", "other"],
        "--ensemble adds runs to one, and 2 are named: seq2seq evaluate a --ensemble b other.",
    ),
]


def test_what_makes_no_ensemble_is_refused_in_one_line(runs, capsys):
    for arguments, message in NO_ENSEMBLE:
        assert main(arguments) == 2
        assert capsys.readouterr().err == f"seq2seq: {message}\n"
