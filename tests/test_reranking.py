"""Reranking by a model of the other direction: its probabilities, the new order, the commands."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from seq2seq.cli import main
from seq2seq.config import ModelSettings, SearchSettings
from seq2seq.errors import CheckpointError
from seq2seq.inference import reranking
from seq2seq.inference.reranking import NoisyChannelReranker, SourceScorer, log_probabilities
from seq2seq.inference.translator import Candidate, Translation
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.tokenized import TokenizedSplit
from seq2seq.text.tokenizer import BEGIN, END
from seq2seq.translating import DecodingOptions, open_translator
from tests.conftest import BACK, TINY, counting_pairs, made_once, write_counting_splits

VOCABULARY = 40
SOURCE = [[7, 9, 30, 12], [], [21, 8], [5] * 9, [11, 39]]
TARGET = [[4, 5], [6, 7, 8, 9, 10, 11], [], [20] * 3, [12, 13, 14]]


@pytest.mark.parametrize("decoder", ["attention", "context-vector"])
@pytest.mark.parametrize("logits_at_once", [1, 8 * VOCABULARY, 2**20])
def test_log_probabilities_are_those_of_the_steps(decoder, logits_at_once, monkeypatch):
    """Token by token through `step`, each pair alone; however the pairs are put into batches."""
    monkeypatch.setattr(reranking, "_LOGITS_AT_ONCE", logits_at_once)
    torch.manual_seed(3)
    settings = ModelSettings(decoder=decoder, embedding_size=12, hidden_size=16, attention_size=8)
    model = EncoderDecoder(settings, VOCABULARY, VOCABULARY)
    nn.init.normal_(model.output_bias)
    found = log_probabilities(model, TokenizedSplit.of(SOURCE, TARGET))
    with torch.no_grad():
        for source, target, log in zip(SOURCE, TARGET, found, strict=True):
            memory = model.encode(torch.tensor([[*source, END]]), torch.tensor([len(source) + 1]))
            state, total = model.start(memory), 0.0
            for before, token in zip([BEGIN, *target], [*target, END], strict=True):
                step = model.step(torch.tensor([before]), state, memory)
                state = step.state
                total += float(nn.functional.cross_entropy(step.logits, torch.tensor([token])))
            assert log == pytest.approx(-total, abs=1e-4)


class Fixed:
    """A scorer that knows its scores."""

    def __init__(self, scores: dict[tuple[str, str], float]) -> None:
        self.known = scores

    def scores(self, translations, sources, alpha):
        assert alpha == 0.7
        return [self.known[pair] for pair in zip(translations, sources, strict=True)]


def test_the_new_order_is_that_of_both_scores():
    def candidates(**scores: float) -> Translation:
        return Translation([Candidate(text, s, [], None) for text, s in scores.items()], [])

    first = Fixed({("a", "x"): -4.0, ("b", "x"): -1.0, ("c", "y"): -1.0, ("d", "y"): -2.0})
    second = Fixed({("a", "x"): -2.0, ("b", "x"): -2.0, ("c", "y"): -3.0, ("d", "y"): -2.0})
    rerank = NoisyChannelReranker([first, second], weight=0.5, alpha=0.7)  # type: ignore[list-item]
    found = rerank(["x", "y"], [candidates(a=-1.0, b=-1.2), candidates(c=-1.0, d=-1.0)])
    # a: −1 + ½ · −3, b: −1.2 + ½ · −1.5; c and d: −1 + ½ · −2, and the beam's order stays.
    assert [[candidate.text for candidate in one.candidates] for one in found] == [
        ["b", "a"],
        ["c", "d"],
    ]
    assert [candidate.score for one in found for candidate in one.candidates] == [
        pytest.approx(score) for score in (-1.95, -2.5, -2.0, -2.0)
    ]
    assert rerank([], []) == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run en → de and one de → en over the same pairs."""

    def make() -> None:
        write_counting_splits(Path("counting"))
        for name, more in (("one", []), ("back", BACK)):
            assert main(["train", "own", *TINY, *more, "--run", name]) == 0

    return made_once(tmp_path_factory, make)


@pytest.fixture
def runs(trained, workplace):
    """A copy of them."""
    shutil.copytree(trained, workplace, dirs_exist_ok=True)


def test_the_winner_is_that_of_the_whole_beam(runs):
    """By hand: the beam of five, the other run's own probabilities, the formula."""
    sentences = [*(source for source, _ in counting_pairs(12, seed=5)), ""]
    search = SearchSettings(beam_size=5, length_penalty=0.8)
    with open_translator("one", search, print) as alone:
        beams = alone.translate(sentences, n_best=5)
    reports: list[str] = []
    options = DecodingOptions(rerank_by=("back",), rerank_weight=40.0)
    with open_translator("one", search, reports.append, options) as translator:
        best = translator.translate(sentences, n_best=2, with_weights=True)
        [scorer] = translator.reranker.scorers
    changed = 0
    for sentence, beam, two in zip(sentences[:-1], beams, best, strict=False):
        length = len(scorer.tokenizer.encode_target([sentence])[0]) + 1
        scored = []
        for candidate in beam.candidates:
            ids = [scorer.tokenizer.encode_source([candidate.text])[0]]
            target = scorer.tokenizer.encode_target([sentence])
            [log] = log_probabilities(scorer.model, TokenizedSplit.of(ids, target))
            scored.append((candidate.score + 40.0 * log / math.pow(length, 0.8), candidate.text))
        scored.sort(reverse=True)
        assert [candidate.text for candidate in two.candidates] == [text for _, text in scored[:2]]
        assert two.score == pytest.approx(scored[0][0], abs=1e-3)
        assert two.weights is not None
        changed += two.text != beam.text
    assert changed > 2
    assert best[-1].text == ""


def test_what_is_translated_in_pieces_stays_as_it_is(runs):
    """The best of each piece, even where other joins of the beam's would pool to a better score."""
    lines = [" ".join(source for source, _ in counting_pairs(120, seed)) for seed in range(30)]
    reports: list[str] = []
    options = DecodingOptions(rerank_by=("back",), rerank_weight=0.0)
    with open_translator("one", None, print) as alone:
        expected = alone.translate(lines)
    with open_translator("one", None, reports.append, options) as translator:
        assert translator.translate(lines) == expected
    assert len([line for line in reports if line.endswith("pieces, not reranked.")]) == 30


@pytest.mark.parametrize(
    "more", [{"ensemble": ("two",)}, {"quantize": True}, {"shortlist": 5}], ids=str
)
def test_it_goes_with_other_options(runs, more):
    """The beam is theirs, the choice is of the same scorer, in float32."""
    assert main(["train", "own", *TINY, "--training.seed", "2", "--run", "two"]) == 0
    sentences = [source for source, _ in counting_pairs(12, seed=5)]
    with open_translator("one", None, print, DecodingOptions(**more)) as alone:
        beams = alone.translate(sentences, n_best=5)
    options = DecodingOptions(rerank_by=("back",), rerank_weight=40.0, **more)
    with open_translator("one", None, print, options) as translator:
        best = translator.translate(sentences)
        [scorer] = translator.reranker.scorers
    kinds = {type(module).__module__ for module in scorer.model.modules()}
    assert not any("quantized" in kind for kind in kinds)
    for found, expected in zip(
        best, NoisyChannelReranker([scorer], 40.0, 1.0)(sentences, beams), strict=True
    ):
        assert found.text == expected.text
        assert found.score == pytest.approx(expected.score, abs=1e-3)


def test_damaged_weights_are_said(runs):
    options = DecodingOptions(rerank_by=("back",))
    with open_translator("one", None, print, options) as translator:
        [scorer] = translator.reranker.scorers
        assert isinstance(scorer, SourceScorer)
        with torch.no_grad():
            scorer.model.output_bias.fill_(math.nan)
        with pytest.raises(CheckpointError, match="The probabilities of back are not numbers"):
            translator.translate(["one two"])


def test_the_commands_rerank(runs, monkeypatch, capsys):
    text = "".join(f"{source}\n" for source, _ in counting_pairs(12, seed=5)).encode()

    def said(*more: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        assert main(["translate", "one", *more]) == 0
        return capsys.readouterr().out

    by_back = said("--rerank-by", "back", "--rerank-weight", "40")
    assert by_back != said()
    assert said("--rerank-by", "back", "--rerank-weight", "0") == said()
    assert said("--rerank-by", "back", "--rerank-weight", "40", "--processes", "2") == by_back
    assert main(["evaluate", "one", "--rerank-by", "back", "--json"]) == 0
    printed = capsys.readouterr()
    [document] = json.loads(printed.out)["one"]
    assert (document["rerank_by"], document["rerank_weight"]) == (["back"], 0.3)
    assert "one: scores of --rerank-by are shown, but not kept" in printed.err


def test_runs_that_cannot_rerank_are_refused(runs, workplace, capsys):
    def refused(*arguments: str) -> str:
        assert main([*arguments]) == 2
        return capsys.readouterr().err

    assert refused("translate", "one", "--rerank-by", "one") == (
        "seq2seq: one translates en to de; --rerank-by needs runs that translate de to en.\n"
    )
    assert "no run 'none'" in refused("translate", "one", "--rerank-by", "none")
    assert "no choice; give --beam-size 5." in refused(
        "evaluate", "one", "--rerank-by", "back", "--beam-size", "1"
    )
    assert "back is named twice; name each run once." in refused(
        "translate", "one", "--rerank-by", "back", "checkpoints/back"
    )
    for weight in ("-1", "nan", "inf"):
        assert "it must be a number, at least 0." in refused(
            "translate", "one", "--rerank-by", "back", "--rerank-weight", weight
        )
    assert "is the weight of --rerank-by" in refused("translate", "one", "--rerank-weight", "1")
    # A backward run that has learnt what is being tested on would know the answers.
    pairs = (workplace / "counting/test.en").read_text("utf-8").splitlines()
    for language in ("en", "de"):
        test = (workplace / f"counting/test.{language}").read_text("utf-8")
        (workplace / "seen").mkdir(exist_ok=True)
        for split in ("train", "validation", "test"):
            own = (workplace / f"counting/{split}.{language}").read_text("utf-8")
            (workplace / f"seen/{split}.{language}").write_text(
                own + test if split == "train" else own if split == "validation" else "x\n", "utf-8"
            )
    options = [*TINY, *BACK, "--corpus.name", "seen", "--run", "knows"]
    assert main(["train", "own", *options, "--training.max-updates", "2"]) == 0
    capsys.readouterr()
    message = f"knows learnt {len(pairs)} pairs of test, which it would know"
    assert message in refused("evaluate", "one", "--rerank-by", "knows")
    # So would one that has started from it.
    started = [*TINY, *BACK, "--training.start-from", "knows", "--training.max-updates", "2"]
    assert main(["train", *started, "--corpus.name", "counting", "--run", "innocent"]) == 0
    capsys.readouterr()
    assert message in refused("evaluate", "one", "--rerank-by", "innocent")
