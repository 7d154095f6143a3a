"""Shortlists: the whole vocabulary changes nothing, and no sentence sees its neighbours."""

import dataclasses
import io
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq.cli import main
from seq2seq.config import ModelSettings, SearchSettings
from seq2seq.decoding import DecodingOptions
from seq2seq.errors import ConfigError
from seq2seq.inference.quantized import Int8Weight, quantized
from seq2seq.inference.search import search
from seq2seq.inference.shortlist import (
    FREQUENT,
    Shortlist,
    ShortlistedModel,
    load_lexicon,
    save_lexicon,
    shortlisted_search,
)
from seq2seq.inference.translator import Translator
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.lexicon import CANDIDATES, Lexicon
from seq2seq.text.tokenizer import BEGIN, END, PADDING, UNKNOWN
from seq2seq.translating import open_translator
from tests.conftest import TINY

VOCABULARY = 40
SMALL = ModelSettings(embedding_size=12, hidden_size=16, attention_size=8, tied="none")
BEAM = SearchSettings(beam_size=3)
SOURCE = torch.tensor(
    [[7, 9, 30, 12, END], [21, 8, END, PADDING, PADDING], [5, END, PADDING, PADDING, PADDING]]
)
LENGTHS = torch.tensor([5, 3, 2])


def model(seed=0):
    torch.manual_seed(seed)
    made = EncoderDecoder(SMALL, VOCABULARY, VOCABULARY).eval()
    with torch.no_grad():
        made.output_bias.normal_()  # so that a bias put in the wrong place shows
    return made


def lexicon(of=lambda subword: [4 + (subword * k) % 36 for k in (1, 2, 3)]):
    """Each subword has three translations."""
    candidates = np.full((VOCABULARY, CANDIDATES), END, np.int32)
    for subword in range(4, VOCABULARY):
        candidates[subword, : len(of(subword))] = of(subword)
    return Lexicon(candidates, np.arange(20, 30, dtype=np.int32))


def whole():
    """A lexicon by which everything may become anything."""
    return Lexicon(lexicon().candidates, np.arange(4, VOCABULARY, dtype=np.int32))


def shortlist(per_subword=2, frequent=1, joint=False):
    return Shortlist(lexicon(), per_subword, VOCABULARY, joint, frequent)


def test_what_a_sentence_may_become():
    allowed = shortlist().allowed(torch.tensor([[5, 6, END, PADDING]]))
    # 5 becomes 9 or 14, 6 becomes 10 or 16, and 20 is the most frequent.
    expected = [PADDING, BEGIN, END, UNKNOWN, 9, 10, 14, 16, 20]
    assert allowed[0].nonzero()[:, 0].tolist() == expected
    copies = shortlist(joint=True).allowed(torch.tensor([[5, 6, END, PADDING]]))
    assert copies[0].nonzero()[:, 0].tolist() == sorted([*expected, 5, 6])


@pytest.mark.parametrize("beam_size", [1, 3])
@pytest.mark.parametrize("make", [lambda made: made, quantized])
def test_the_whole_vocabulary_changes_nothing(beam_size, make):
    made = make(model())
    settings = dataclasses.replace(BEAM, beam_size=beam_size)
    everything = Shortlist(whole(), 1, VOCABULARY, False, VOCABULARY)
    without = search(made, SOURCE, LENGTHS, settings, beam_size, with_weights=True)
    within = shortlisted_search(
        made, everything, SOURCE, LENGTHS, settings, beam_size, with_weights=True
    )
    assert [[h.tokens for h in best] for best in within] == [
        [h.tokens for h in best] for best in without
    ]
    flat = [[h for best in found for h in best] for found in (within, without)]
    for one, other in zip(*flat, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-5)
        torch.testing.assert_close(one.weights, other.weights)


@pytest.mark.parametrize("make", [lambda made: made, quantized])
def test_probabilities_are_the_model_s_own_within_the_shortlist(make):
    made = make(model())
    few = shortlist()
    with torch.inference_mode():
        view = ShortlistedModel(made, few, SOURCE)
        begin = torch.full((3,), BEGIN)
        memory, own = view.encode(SOURCE, LENGTHS), made.encode(SOURCE, LENGTHS)
        found = view.step(begin, view.start(memory), memory).logits.softmax(1)
        expected = made.step(begin, made.start(own), own).logits
    expected = expected.masked_fill(~few.allowed(SOURCE), -torch.inf).softmax(1)
    spread = torch.zeros(3, VOCABULARY).index_copy_(1, view.vocabulary, found)
    torch.testing.assert_close(spread, expected)


@pytest.mark.parametrize("beam_size", [1, 3])
@pytest.mark.parametrize("make", [lambda made: made, quantized])
def test_no_sentence_sees_its_neighbours(beam_size, make):
    made = make(model())
    settings = dataclasses.replace(BEAM, beam_size=beam_size)
    together = shortlisted_search(made, shortlist(), SOURCE, LENGTHS, settings, beam_size)
    may = shortlist().allowed(SOURCE)
    for row, best in enumerate(together):
        length = int(LENGTHS[row])
        alone = shortlisted_search(
            made, shortlist(), SOURCE[row : row + 1, :length], LENGTHS[row : row + 1],
            settings, beam_size,
        )[0]  # fmt: skip
        assert [h.tokens for h in best] == [h.tokens for h in alone]
        assert [h.score for h in best] == pytest.approx([h.score for h in alone], abs=1e-5)
        assert all(may[row, token] for h in best for token in h.tokens)
    assert any(  # the case is one where the rows' shortlists differ from the union
        (may[row] != may.any(0)).any() for row in range(3)
    )


def test_too_many_translations_are_refused():
    for number in (0, CANDIDATES + 1):
        with pytest.raises(ConfigError, match=f"--shortlist {number} is out of range: 1 to 200"):
            shortlist(per_subword=number)


def test_another_model_has_no_shortlist():
    with pytest.raises(TypeError, match="needs an EncoderDecoder"):
        Translator(object(), object(), BEAM, print, shortlist=shortlist())  # type: ignore[arg-type]


def test_a_lexicon_is_kept_and_told_from_another(tmp_path):
    path = tmp_path / "lexicon.npz"
    assert load_lexicon(path, "text") is None
    save_lexicon(path, lexicon(), "text")
    kept = load_lexicon(path, "text")
    assert kept is not None
    assert (kept.candidates == lexicon().candidates).all()
    assert (kept.frequent == lexicon().frequent).all()
    assert load_lexicon(path, "other text") is None
    path.write_bytes(path.read_bytes()[:100])
    assert load_lexicon(path, "text") is None


def test_a_lexicon_that_cannot_be_kept_serves_all_the_same(
    counting_corpus, workplace, capsys, monkeypatch
):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    (workplace / "checkpoints/r/lexicon.npz").mkdir()  # stands in the way, also of root
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\n")))
    assert main(["translate", "r", "--shortlist", "5"]) == 0
    said = capsys.readouterr()
    assert "shortlist: learnt anew each time, because" in said.err
    assert said.out.count("\n") == 1


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "lexicon.npz"
    with path.open("wb") as file:
        np.savez(file, format=np.array([{"a": print}], dtype=object))
    assert load_lexicon(path, "text") is None


def assert_both_reach_the_search(run):
    """The model is in integers; what a shortlist leaves out never comes, however likely it is."""
    with open_translator(run, None, print, DecodingOptions(quantize=True)) as translator:
        assert isinstance(translator.model.output_weight, Int8Weight)
    with open_translator(run, None, print, DecodingOptions(shortlist=1)) as translator:
        row = [*translator.tokenizer.encode_source(["one two three"])[0], END]
        kept = np.load(Path("checkpoints", run, "lexicon.npz"))
        may = {*range(UNKNOWN + 1), *kept["frequent"][:FREQUENT], *kept["candidates"][row, 0]}
        may |= set(row) if translator.tokenizer.is_joint else set()
        assert translator.shortlist.candidates.shape[1] == 1 + translator.tokenizer.is_joint
        must_not = [token not in may for token in range(translator.shortlist.target_size)]
        with torch.no_grad():
            translator.model.output_bias[must_not] += 100
        (best,) = translator.search_batch([row], 5, False)
        assert may.issuperset(token for hypothesis in best for token in hypothesis.tokens)
        translator.shortlist = None
        (best,) = translator.search_batch([row], 1, False)
        assert may.isdisjoint(best[0].tokens)


def test_the_commands_have_both_options(counting_corpus, workplace, capsys, monkeypatch):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    folder = workplace / "checkpoints" / "r"
    assert main(["evaluate", "r", "--split", "validation"]) == 0
    scores = (folder / "scores.json").read_bytes()
    capsys.readouterr()
    assert main(["evaluate", "r", "--split", "validation", "--quantize", "--shortlist", "5"]) == 0
    said = capsys.readouterr()
    assert "learning from the training pairs" in said.err
    assert "BLEU" in said.out
    assert "scores of --quantize and --shortlist are shown, but not kept" in said.err
    assert "Warning" not in said.err
    assert (folder / "scores.json").read_bytes() == scores, "fast ways are not the run's scores"
    assert main(["evaluate", "r", "--split", "validation", "--shortlist", "5"]) == 0
    assert "learning" not in capsys.readouterr().err, "learnt once and kept"
    assert_both_reach_the_search("r")
    source = workplace / "counting.en"
    source.write_text("".join(reversed(source.read_text().splitlines(keepends=True))))
    assert main(["evaluate", "r", "--split", "validation", "--shortlist", "5"]) == 0
    assert "learning" not in capsys.readouterr().err, "kept for the text that the run learnt"
    (folder / "lexicon.npz").unlink()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\n")))
    assert main(["translate", "r", "--shortlist", "5"]) == 2
    assert "have changed since" in capsys.readouterr().err, "never from text that it did not learn"
    assert main(["evaluate", "r", "--shortlist", "0"]) == 2
    assert "--shortlist 0 is out of range: 1 to 200" in capsys.readouterr().err
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"device": "cpu"', '"device": "auto"'))
    assert main(["translate", "r", "--quantize"]) == 2
    assert "--quantize is for CPUs, and r runs on this machine's GPU" in capsys.readouterr().err
