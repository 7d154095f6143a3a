"""Gates by hand; states equal to the model's own; the picture and its numbers; mistakes."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from seq2seq.checkpoint import load_model
from seq2seq.cli import main
from seq2seq.config import ModelSettings, SearchSettings, Settings, with_system
from seq2seq.errors import ConfigError
from seq2seq.inference.inspection import (
    Alternative,
    CellTrace,
    Inspection,
    gates_and_state,
    inspect_sentence,
    norms,
    trace_decoder,
    trace_encoder,
)
from seq2seq.inference.translator import Translator
from seq2seq.model.cells import CellState, make_cell
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.report.gate_plots import draw_inspection
from seq2seq.report.plots import attention_map, save
from seq2seq.text.tokenizer import BEGIN, END, Tokenizer
from tests.conftest import TINY

SMALL = ModelSettings(
    embedding_size=5, hidden_size=6, attention_size=4, dropout=0.5, word_dropout=0.2
)
SENTENCE = torch.tensor([7, 4, 9, 4, 11, END])
WRITTEN = [5, 8, 8, 6, END]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_lstm_gates_by_hand():
    cell = make_cell("lstm", 1, 1)
    with torch.no_grad():
        cell.weight_input.copy_(torch.tensor([[1.0], [2.0], [0.5], [-1.0]]))  # i, f, g, o
        cell.weight_hidden.copy_(torch.tensor([[0.1], [0.2], [0.3], [0.4]]))
        cell.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.5]))
    before = CellState(torch.tensor([[0.5]]), torch.tensor([[-2.0]]))
    gates, after = gates_and_state(cell, torch.tensor([[3.0]]), before)
    i, f, o = sigmoid(3 + 0.05), sigmoid(6 + 0.1 + 1), sigmoid(-3 + 0.2 + 0.5)
    assert {name: gate.item() for name, gate in gates.items()} == pytest.approx(
        {"forget": f, "input": i, "output": o}
    )
    memory = f * -2 + i * math.tanh(1.5 + 0.15)
    assert after.cell.item() == pytest.approx(memory)
    assert after.hidden.item() == pytest.approx(o * math.tanh(memory))


def test_gru_gates_by_hand():
    cell = make_cell("gru", 1, 1)
    with torch.no_grad():
        cell.weight_input.copy_(torch.tensor([[1.0], [-2.0], [0.5]]))  # r, z, n
        cell.weight_hidden.copy_(torch.tensor([[0.1], [0.2], [0.3]]))
    before = CellState(torch.tensor([[0.5]]), torch.zeros(1, 0))
    gates, after = gates_and_state(cell, torch.tensor([[3.0]]), before)
    reset, update = sigmoid(3.05), sigmoid(-5.9)
    assert gates["reset"].item() == pytest.approx(reset)
    assert gates["update"].item() == pytest.approx(update)
    candidate = math.tanh(1.5 + reset * 0.15)
    assert after.hidden.item() == pytest.approx((1 - update) * candidate + update * 0.5)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru", "gru-reset-before"])
def test_every_cell_goes_where_its_gates_lead(kind):
    torch.manual_seed(3)
    cell = make_cell(kind, 4, 5)
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter)
    state = CellState(torch.randn(2, 5), torch.randn(2, 5 if kind == "lstm" else 0))
    for inputs in torch.randn(6, 2, 4):
        expected = cell.step(inputs, state)
        _, state = gates_and_state(cell, inputs, state)
        torch.testing.assert_close(state, expected)


def fresh_model(**changes: object) -> EncoderDecoder:
    torch.manual_seed(1)
    model = EncoderDecoder(dataclasses.replace(SMALL, **changes), 12, 12)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return model.eval()


ENCODERS = [
    {"cell": "rnn", "bidirectional": False},
    {"cell": "gru", "bidirectional": True, "encoder_layers": 2},
    {"cell": "gru-reset-before", "bidirectional": True},
    {"cell": "lstm", "bidirectional": False, "reverse_source": True, "encoder_layers": 2},
    {"cell": "lstm", "bidirectional": True, "encoder_layers": 3},
    {"cell": "lstm", "bidirectional": True, "reverse_source": True},
]


@pytest.mark.parametrize("changes", ENCODERS)
def test_the_encoder_reaches_these_states(changes):
    model = fresh_model(**changes)
    with torch.no_grad():
        embedded = model.source_embedding(SENTENCE)[None]
        encoded = model.encoder(embedded, torch.tensor([len(SENTENCE)]))
    traces = trace_encoder(model, SENTENCE)
    layers = changes.get("encoder_layers", 1)
    directions = 1 + changes["bidirectional"]
    assert [trace.layer for trace in traces] == sorted(list(range(1, layers + 1)) * directions)
    top = traces[-directions:]
    first_reads_backwards = changes.get("reverse_source", False)
    assert [t.reads_backwards for t in top] == [
        first_reads_backwards,
        not first_reads_backwards,
    ][:directions]
    states = np.concatenate([trace.hidden for trace in top], 1)
    np.testing.assert_allclose(states, encoded.values[0], atol=1e-6)
    if changes["cell"] == "lstm":
        last = [trace.cell[0 if trace.reads_backwards else -1] for trace in top]
        np.testing.assert_allclose(np.concatenate(last), encoded.summary_cell[0], atol=1e-6)
    else:
        assert all(trace.cell is None for trace in traces)


DECODERS = [
    {"cell": "rnn", "decoder": "context-vector", "context": "initial"},
    {"cell": "gru", "decoder": "context-vector", "decoder_layers": 2},
    {"cell": "lstm", "decoder": "context-vector", "decoder_layers": 2},
    {"cell": "lstm", "decoder": "attention", "decoder_layers": 3},
    {"cell": "gru-reset-before", "decoder": "attention"},
    {"cell": "lstm", "decoder": "attention", "attention": "dot", "input_feeding": False},
]


@pytest.mark.parametrize("changes", DECODERS)
def test_the_decoder_reaches_these_states(changes):
    model = fresh_model(**changes)
    with torch.no_grad():
        memory = model.encode(SENTENCE[None], torch.tensor([len(SENTENCE)]))
        state, states = model.start(memory), []
        for token in [BEGIN, *WRITTEN[:-1]]:
            state = model.step(torch.tensor([token]), state, memory).state
            states.append(state)
    traces = trace_decoder(model, WRITTEN, memory)
    assert len(traces) == changes.get("decoder_layers", 1)
    for layer, trace in enumerate(traces):
        assert (trace.part, trace.layer, trace.reads_backwards) == ("decoder", layer + 1, False)
        hidden = torch.stack([state.hidden[0, layer] for state in states])
        np.testing.assert_allclose(trace.hidden, hidden, atol=1e-6)
        if changes["cell"] == "lstm":
            cell = torch.stack([state.cell[0, layer] for state in states])
            np.testing.assert_allclose(trace.cell, cell, atol=1e-6)


NAMES = {"rnn": [], "gru": ["reset", "update"], "lstm": ["forget", "input", "output"]}


@pytest.mark.parametrize("cell", NAMES)
def test_gates_have_their_names_and_lie_between_0_and_1(cell):
    model = fresh_model(**vars(with_system(Settings(model=SMALL), cell).model))
    for trace in trace_encoder(model, SENTENCE):
        assert list(trace.gates) == NAMES[cell]
        for values in trace.gates.values():
            assert values.shape == (len(SENTENCE), SMALL.hidden_size)
            assert 0 < values.min() < values.max() < 1


def trained(counting_corpus, *more: str) -> Path:
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "4", *more]) == 0
    return Path("checkpoints/r")


def test_translations_and_attention_are_the_translators_own(counting_corpus):
    run = trained(counting_corpus)
    model, tokenizer, search = load_model(run), Tokenizer.load(run), SearchSettings(beam_size=3)
    found = inspect_sentence(model, tokenizer, " one  two\tthree ", search, n_best=3)
    (expected,) = Translator(model, tokenizer, search, print).translate(
        ["one two three"], n_best=3, with_weights=True
    )
    assert found.source == "one two three"
    assert found.source_pieces == expected.source_pieces
    for mine, theirs in zip(found.alternatives, expected.candidates, strict=True):
        assert (mine.text, mine.pieces) == (theirs.text, theirs.target_pieces)
        assert mine.score == pytest.approx(theirs.score)
        assert mine.log_probability == pytest.approx(mine.score * len(mine.pieces))
    np.testing.assert_array_equal(found.attention, expected.weights)
    for trace in found.cells:
        pieces = found.source_pieces if trace.part == "encoder" else found.target_pieces
        assert len(trace.hidden) == len(pieces)


def by_hand(layers: int = 1) -> Inspection:
    draw = np.random.default_rng(0)
    source, target = ["▁Größe", "▁für", "▁Ärger", "ß", "</s>"], ["▁남자가", "▁책을", "▁읽", "는다"]

    def trace(part, layer, backwards, steps):
        gates = {name: draw.random((steps, 7)).astype(np.float32) for name in NAMES["lstm"]}
        states = draw.normal(size=(2, steps, 7)).astype(np.float32)
        return CellTrace(part, layer, backwards, gates, *states)

    encoder = [trace("encoder", n + 1, b, 5) for n in range(layers) for b in (False, True)]
    attention = draw.dirichlet(np.ones(5), size=4).astype(np.float32)
    alternatives = [
        Alternative("남자가 책을 읽는다", target, -1.5, -0.3),
        Alternative("a\x07 $1$ $", [], -2, -2),
    ]
    cells = [*encoder, trace("decoder", 1, False, 4)]
    return Inspection("Größe für Ärger", source, alternatives, attention, cells)


def size_of(png: Path) -> tuple[int, int]:
    data = png.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def test_the_picture_has_all_glyphs_and_room_for_all_layers(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of glyphs that no font has
        draw_inspection(by_hand(layers=2), tmp_path / "two.png")
        draw_inspection(by_hand()._replace(cells=[]), tmp_path / "none.svg")
    # Three columns of 3.6 inches; two layers of 6.99 below a head of 2.26, at 110 dots an inch.
    assert size_of(tmp_path / "two.png") == pytest.approx((1188, 1786), abs=1)
    assert (tmp_path / "none.svg").read_text().count("<svg") == 1
    with pytest.raises(ConfigError, match=r"ends in '.pdf'; pictures are .png or .svg"):
        draw_inspection(by_hand(), tmp_path / "one.pdf")


def test_the_command_draws_and_writes_the_numbers(counting_corpus, capsys):
    run = trained(counting_corpus, "--system", "lstm")
    assert main(["inspect", "r", "--source", "two three", "--n-best", "2"]) == 0
    said = capsys.readouterr()
    assert size_of(run / "inspect/inspection.png")[0] > 500
    document = json.loads((run / "inspect/inspection.json").read_text())
    assert [line.split(" ||| ")[1] for line in said.out.splitlines()] == [
        one["text"] for one in document["alternatives"]
    ]
    assert len(document["alternatives"]) == 2
    assert (document["run"], document["cell"], document["source"]) == ("r", "lstm", "two three")
    assert document["attention"] is None
    assert [(cell["part"], cell["reads"]) for cell in document["cells"]] == [
        ("encoder", "forwards"),
        ("decoder", "forwards"),
    ]
    model, tokenizer = load_model(run), Tokenizer.load(run)
    search = SearchSettings()
    (encoder, _) = inspect_sentence(model, tokenizer, "two three", search, 1).cells
    kept = document["cells"][0]
    np.testing.assert_allclose(kept["gates"]["forget"]["units"], encoder.gates["forget"], atol=6e-6)
    means = np.mean(kept["gates"]["input"]["units"], axis=1)
    np.testing.assert_allclose(kept["gates"]["input"]["mean"], means, atol=2e-5)
    np.testing.assert_allclose(kept["cell_state"]["norm"], norms(encoder.cell), atol=6e-6)
    expected = [math.hypot(*step) for step in kept["hidden"]["units"]]
    np.testing.assert_allclose(kept["hidden"]["norm"], expected, atol=1e-4)


def test_parts_are_shown_where_asked_and_elsewhere_if_asked(counting_corpus, workplace, capsys):
    trained(counting_corpus)
    command = ["inspect", "r", "--source", "two", "--out", "there/x", "--show"]
    assert main([*command, "attention", "decoder"]) == 0
    document = json.loads((workplace / "there/x/inspection.json").read_text())
    weights = np.array(document["attention"])
    assert weights.shape == (len(document["target_subwords"]), len(document["source_subwords"]))
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-4)
    assert [cell["part"] for cell in document["cells"]] == ["decoder"]
    assert main([*command, "encoder"]) == 0
    document = json.loads((workplace / "there/x/inspection.json").read_text())
    assert document["attention"] is None
    assert [cell["reads"] for cell in document["cells"]] == ["forwards", "backwards"]


def test_mistakes_get_one_line(counting_corpus, workplace, capsys):
    trained(counting_corpus, "--system", "gru")
    (workplace / "file").write_text("")
    cases = [
        (["none", "--source", "one"], "There is no run 'none'; under checkpoints/ there are r."),
        (["r"], "--source"),
        (["r", "--source", " \t"], "--source is empty; give a sentence"),
        (["r", "--source", "a\udcff"], "--source is not valid Unicode text"),
        (["r", "--source", "one " * 90], "subwords, of which a picture holds 80"),
        (["r", "--source", "one", "--show", "attention"], "has no attention to show"),
        (["r", "--source", "one", "--show", "gates"], "invalid choice 'gates'"),
        (["r", "--source", "one", "--n-best", "6"], "ask for 1 to 5, or raise --beam-size"),
        (["r", "--source", "one", "--n-best", "0"], "0 best translations are asked"),
        (["r", "--source", "one", "--out", "file/x"], "file/x cannot be made a folder"),
    ]
    for arguments, line in cases:
        capsys.readouterr()
        assert main(["inspect", *arguments]) == 2, arguments
        said = capsys.readouterr().err.strip()
        assert line in said
        assert "\n" not in said
    assert not (workplace / "checkpoints/r/inspect").exists()


def test_characters_without_a_font_are_named_in_one_line(tmp_path, capsys):
    path = tmp_path / "map.png"
    attention_map(["one", "two"], ["烃", "한", "\u2fd5烃"], np.full((3, 2), 0.5, np.float32), path)
    said = capsys.readouterr().err
    assert said == f"{path} has boxes where no font has the character: 烃 \u2fd5\n"
    figure = Figure()
    figure.savefig = lambda *args, **kwargs: warnings.warn("of another kind", stacklevel=1)
    with pytest.warns(UserWarning, match="of another kind"):
        save(figure, path)
    assert capsys.readouterr().err == ""
