"""Stacked and bidirectional layers against `torch.nn` on packed sequences."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import Cell
from seq2seq.model.cells import CellState, GRUCell, RecurrentCell
from seq2seq.model.layers import RecurrentLayers, Unrolled, padding_mask, turn_around

CELLS: tuple[Cell, ...] = get_args(Cell)
TWINS: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
INPUT, HIDDEN = 5, 4
LENGTHS = torch.tensor([3, 6, 1, 6, 2])


def fresh_layers(
    kind: Cell, layers: int, bidirectional: bool, dtype: torch.dtype = torch.float64
) -> RecurrentLayers:
    """Layers with all weights, biases too, drawn at random."""
    torch.manual_seed(1)
    made = RecurrentLayers(kind, INPUT, HIDDEN, layers, bidirectional)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)
    return made.to(dtype)


def cells_by_torch_name(layers: RecurrentLayers) -> dict[str, RecurrentCell]:
    """Our cells by the endings of torch's parameter names, such as l1_reverse."""
    named = {f"l{layer}": cell for layer, cell in enumerate(layers.forward_cells)}
    for layer, cell in enumerate(layers.backward_cells):
        named[f"l{layer}_reverse"] = cell
    assert all(isinstance(cell, RecurrentCell) for cell in named.values())
    return named  # type: ignore[return-value]


def twin_of(kind: Cell, layers: RecurrentLayers) -> nn.RNNBase:
    """The layer of torch with the same weights."""
    depth, both = len(layers.forward_cells), bool(layers.backward_cells)
    twin = TWINS[kind](INPUT, HIDDEN, depth, batch_first=True, bidirectional=both)
    weights = {}
    for name, cell in cells_by_torch_name(layers).items():
        twin.to(cell.bias.dtype)
        weights[f"weight_ih_{name}"] = cell.weight_input
        weights[f"weight_hh_{name}"] = cell.weight_hidden
        weights[f"bias_ih_{name}"] = cell.bias
        second = torch.zeros_like(cell.bias)
        if isinstance(cell, GRUCell):
            second[2 * HIDDEN :] = cell.bias_candidate
        weights[f"bias_hh_{name}"] = second
    twin.load_state_dict(weights)
    return twin


def sample(dtype: torch.dtype = torch.float64) -> Tensor:
    torch.manual_seed(2)
    return torch.randn(len(LENGTHS), int(LENGTHS.max()), INPUT, dtype=dtype, requires_grad=True)


def read_with_torch(
    twin: nn.RNNBase, inputs: Tensor, start: CellState | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs, and last hidden and cell states as [batch, layers, hidden * directions]."""
    packed = nn.utils.rnn.pack_padded_sequence(
        inputs, LENGTHS, batch_first=True, enforce_sorted=False
    )
    before = None
    if start is not None:
        hidden, cell = (part.transpose(0, 1).contiguous() for part in start)
        before = (hidden, cell) if isinstance(twin, nn.LSTM) else hidden
    packed_outputs, last = twin(packed, before)
    outputs, _ = nn.utils.rnn.pad_packed_sequence(packed_outputs, batch_first=True)
    hidden, cell = last if isinstance(twin, nn.LSTM) else (last, last[..., :0])

    def side_by_side(states: Tensor) -> Tensor:
        # [layers * directions, batch, hidden] → [batch, layers, directions * hidden]
        depth = twin.num_layers
        return states.unflatten(0, (depth, -1)).permute(2, 0, 1, 3).flatten(2)

    return outputs, side_by_side(hidden), side_by_side(cell)


def weighted(*parts: Tensor) -> Tensor:
    """One number that every value enters with a weight of its own."""
    generator = torch.Generator().manual_seed(3)
    return sum(
        (part * torch.randn(part.shape, generator=generator, dtype=torch.float64)).sum()
        for part in parts
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("kind", list(TWINS))
def test_values_and_gradients_equal_torch(
    kind: Cell, depth: int, bidirectional: bool, dtype: torch.dtype, tolerance: float
) -> None:
    layers = fresh_layers(kind, depth, bidirectional, dtype)
    twin = twin_of(kind, layers)
    inputs, twin_inputs = sample(dtype), sample(dtype)
    ours = layers(inputs, LENGTHS)
    theirs = read_with_torch(twin, twin_inputs)
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=tolerance, atol=tolerance)

    weighted(*ours).backward()
    weighted(*theirs).backward()
    torch.testing.assert_close(inputs.grad, twin_inputs.grad, rtol=tolerance, atol=tolerance)
    for name, cell in cells_by_torch_name(layers).items():
        pairs = {
            "weight_ih": cell.weight_input,
            "weight_hh": cell.weight_hidden,
            "bias_ih": cell.bias,
        }
        for prefix, parameter in pairs.items():
            expected = getattr(twin, f"{prefix}_{name}").grad
            torch.testing.assert_close(parameter.grad, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", list(TWINS))
def test_a_start_reaches_every_layer(kind: Cell) -> None:
    layers = fresh_layers(kind, 3, bidirectional=False)
    torch.manual_seed(4)
    cell_size = HIDDEN if kind == "lstm" else 0
    start = CellState(
        torch.randn(len(LENGTHS), 3, HIDDEN, dtype=torch.float64),
        torch.randn(len(LENGTHS), 3, cell_size, dtype=torch.float64),
    )
    ours = layers(sample(), LENGTHS, start)
    theirs = read_with_torch(twin_of(kind, layers), sample(), start)
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=0, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("kind", CELLS)
def test_a_loop_over_step_equals_all_steps_at_once(kind: Cell, depth: int) -> None:
    layers = fresh_layers(kind, depth, bidirectional=False)
    inputs = sample()
    time = inputs.shape[1]
    cell_size = HIDDEN if kind == "lstm" else 0
    torch.manual_seed(4)
    start = CellState(
        torch.randn(len(inputs), depth, HIDDEN, dtype=torch.float64),
        torch.randn(len(inputs), depth, cell_size, dtype=torch.float64),
    )
    unrolled = layers(inputs, torch.full_like(LENGTHS, time), start)
    state = start
    for step in range(time):
        state = layers.step(inputs[:, step], state)
        torch.testing.assert_close(
            state.hidden[:, -1], unrolled.outputs[:, step], rtol=0, atol=1e-12
        )
    torch.testing.assert_close(state.hidden, unrolled.hidden, rtol=0, atol=1e-12)
    torch.testing.assert_close(state.cell, unrolled.cell, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_a_sentence_alone_equals_itself_in_company(kind: Cell, bidirectional: bool) -> None:
    layers = fresh_layers(kind, 2, bidirectional)
    inputs = sample()
    together = layers(inputs, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = layers(inputs[row : row + 1, :length], LENGTHS[row : row + 1])
        padded = nn.functional.pad(alone.outputs[0], (0, 0, 0, inputs.shape[1] - length))
        torch.testing.assert_close(together.outputs[row], padded, rtol=0, atol=1e-12)
        torch.testing.assert_close(together.hidden[row], alone.hidden[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(together.cell[row], alone.cell[0], rtol=0, atol=1e-12)


def reads_once(
    layers: RecurrentLayers, inputs: Tensor
) -> tuple[Unrolled, list[tuple[Tensor, Tensor]]]:
    """A pass, and what went into the dropout and came out of it, a pair a call."""
    calls: list[tuple[Tensor, Tensor]] = []
    handle = layers.dropout.register_forward_hook(
        lambda module, before, after: calls.append((before[0].detach(), after.detach()))
    )
    result = layers(inputs, torch.full((len(inputs),), inputs.shape[1]))
    handle.remove()
    return result, calls


def test_dropout_stands_between_layers_with_its_rate_and_scale() -> None:
    torch.manual_seed(5)
    layers = RecurrentLayers("gru", INPUT, 50, 3, dropout=0.3)
    result, calls = reads_once(layers, torch.randn(20, 10, INPUT))
    assert len(calls) == 2  # between three layers, neither below nor above them
    for before, after in calls:
        kept = after != 0
        torch.testing.assert_close(after[kept], before[kept] / 0.7)
        # Of 10,000 units 70% are kept; four standard deviations are 1.8%.
        assert abs(kept.float().mean().item() - 0.7) < 0.018
    assert (result.outputs != 0).all()


def test_dropout_is_off_in_evaluation() -> None:
    torch.manual_seed(5)
    layers = RecurrentLayers("gru", INPUT, 8, 3, dropout=0.3)
    plain = RecurrentLayers("gru", INPUT, 8, 3)
    plain.load_state_dict(layers.state_dict())
    inputs, lengths = torch.randn(4, 6, INPUT), torch.full((4,), 6)
    torch.testing.assert_close(
        layers.eval()(inputs, lengths), plain(inputs, lengths), rtol=0, atol=0
    )
    state = CellState(torch.randn(4, 3, 8), torch.zeros(4, 3, 0))
    expected = plain.step(inputs[:, 0], state)
    torch.testing.assert_close(layers.step(inputs[:, 0], state), expected, rtol=0, atol=0)
    assert not torch.allclose(layers.train().step(inputs[:, 0], state).hidden, expected.hidden)


def test_padding_mask_by_hand() -> None:
    mask = padding_mask(torch.tensor([4, 2, 1]), 4)
    rows = ["".join("x" if cell else "." for cell in row) for row in mask.tolist()]
    assert rows == ["....", "..xx", ".xxx"]


def test_turn_around_by_hand() -> None:
    letters = ["abcd", "ab--", "a---", "abc-"]
    values = torch.tensor([[ord(letter) for letter in row] for row in letters])
    turned = turn_around(values, torch.tensor([4, 2, 1, 3]))
    assert ["".join(map(chr, row)) for row in turned.tolist()] == ["dcba", "ba--", "a---", "cba-"]


def test_turn_around_carries_whole_vectors_and_undoes_itself() -> None:
    values = torch.randn(len(LENGTHS), 6, 3, 2, generator=torch.Generator().manual_seed(6))
    turned = turn_around(values, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        assert torch.equal(turned[row, :length], values[row, :length].flip(0))
        assert torch.equal(turned[row, length:], values[row, length:])
    assert torch.equal(turn_around(turned, LENGTHS), values)


def test_the_gradient_of_turn_around() -> None:
    values = torch.zeros(2, 3, requires_grad=True)
    weights = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    (turn_around(values, torch.tensor([3, 2])) * weights).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [[3.0, 2.0, 1.0], [5.0, 4.0, 6.0]]


def test_the_gradient_of_turn_around_takes_any_layout() -> None:
    """A gradient may come expanded or transposed, and must not be misread."""
    values = torch.zeros(3, 4, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([4, 1, 3])
    assert torch.autograd.gradcheck(lambda v: turn_around(v, lengths).transpose(0, 2), values)
    turn_around(values, lengths).sum().backward()
    assert torch.equal(values.grad, torch.ones_like(values))
