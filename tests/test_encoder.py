"""The encoder against `torch.nn` reading each sentence alone, in each direction."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import Cell, ModelSettings
from seq2seq.model.cells import RecurrentCell
from seq2seq.model.encoder import Encoder

CELLS: tuple[Cell, ...] = get_args(Cell)
EMBEDDING, HIDDEN = 5, 6
LENGTHS = torch.tensor([4, 2, 1, 4])


def fresh_encoder(
    cell: Cell = "lstm", bidirectional: bool = False, reverse_source: bool = False, layers: int = 1
) -> Encoder:
    torch.manual_seed(1)
    settings = ModelSettings(
        cell=cell,
        bidirectional=bidirectional,
        reverse_source=reverse_source,
        embedding_size=EMBEDDING,
        hidden_size=HIDDEN,
        encoder_layers=layers,
        dropout=0.0,
    )
    encoder = Encoder(settings)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    return encoder.double()


def sample() -> Tensor:
    torch.manual_seed(2)
    return torch.randn(len(LENGTHS), 4, EMBEDDING, dtype=torch.float64)


def read_alone(cell: nn.Module, sentence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What torch's LSTM makes of one sentence [time, embedding]: states, last hidden, last cell."""
    assert isinstance(cell, RecurrentCell)
    twin = nn.LSTM(cell.input_size, cell.hidden_size).double()
    second_bias = torch.zeros_like(cell.bias)
    weights = (cell.weight_input, cell.weight_hidden, cell.bias, second_bias)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    twin.load_state_dict(dict(zip(names, weights, strict=True)))
    states, (hidden, last_cell) = twin(sentence)
    return states, hidden[0], last_cell[0]


def close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_forwards() -> None:
    encoder, embedded = fresh_encoder(), sample()
    encoded = encoder(embedded, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        states, hidden, cell = read_alone(encoder.layers.forward_cells[0], embedded[row, :length])
        close(encoded.values[row, :length], states)
        close(encoded.summary[row], hidden)
        close(encoded.summary_cell[row], cell)


def test_backwards() -> None:
    """Sutskever et al. 2014: from the last token to the first; `values` keep the source's order."""
    encoder, embedded = fresh_encoder(reverse_source=True), sample()
    encoded = encoder(embedded, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        backwards = embedded[row, :length].flip(0)
        states, hidden, cell = read_alone(encoder.layers.forward_cells[0], backwards)
        close(encoded.values[row, :length], states.flip(0))
        close(encoded.summary[row], hidden)
        close(encoded.values[row, 0], hidden)  # the first token is read last
        close(encoded.summary_cell[row], cell)


@pytest.mark.parametrize("reverse_source", [False, True])
def test_both_ways(reverse_source: bool) -> None:
    """Each direction has half of the units; reversed, the two directions change places."""
    encoder = fresh_encoder(bidirectional=True, reverse_source=reverse_source)
    embedded = sample()
    encoded = encoder(embedded, LENGTHS)
    (first,), (second,) = encoder.layers.forward_cells, encoder.layers.backward_cells
    for row, length in enumerate(LENGTHS.tolist()):
        sentence = embedded[row, :length]
        if reverse_source:
            sentence = sentence.flip(0)
        states, hidden, cell = read_alone(first, sentence)
        back_states, back_hidden, back_cell = read_alone(second, sentence.flip(0))
        both = torch.cat([states, back_states.flip(0)], -1)
        close(encoded.values[row, :length], both.flip(0) if reverse_source else both)
        close(encoded.summary[row], torch.cat([hidden, back_hidden]))
        close(encoded.summary_cell[row], torch.cat([cell, back_cell]))


def test_the_summary_is_the_highest_layers() -> None:
    encoder, embedded = fresh_encoder(layers=2), sample()
    encoded = encoder(embedded, LENGTHS)
    low, high = encoder.layers.forward_cells
    for row, length in enumerate(LENGTHS.tolist()):
        states, hidden, cell = read_alone(high, read_alone(low, embedded[row, :length])[0])
        close(encoded.values[row, :length], states)
        close(encoded.summary[row], hidden)
        close(encoded.summary_cell[row], cell)


@pytest.mark.parametrize("reverse_source", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_shapes_mask_and_zeros_at_padding(
    cell: Cell, bidirectional: bool, reverse_source: bool
) -> None:
    embedded = sample()
    encoded = fresh_encoder(cell, bidirectional, reverse_source)(embedded, LENGTHS)
    rows = ["".join("x" if spot else "." for spot in row) for row in encoded.is_padding.tolist()]
    assert rows == ["....", "..xx", ".xxx", "...."]
    assert encoded.values.shape == (4, 4, HIDDEN)
    assert (encoded.values[encoded.is_padding] == 0).all()
    assert (encoded.values[~encoded.is_padding] != 0).all()
    assert torch.equal(encoded.words, embedded)  # in the source's order, reversed or not
    assert encoded.summary.shape == (4, HIDDEN)
    assert encoded.summary_cell.shape == (4, HIDDEN if cell == "lstm" else 0)
