"""The cells against `torch.nn`, and the one that torch lacks against plain NumPy."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seq2seq.config import Cell
from seq2seq.model import unrolling
from seq2seq.model.cells import (
    CellState,
    GRUCell,
    GRUResetBeforeCell,
    LSTMCell,
    RecurrentCell,
    last_of_each_row,
    make_cell,
)
from seq2seq.model.unrolling import unroll_by_hand

CELLS: tuple[Cell, ...] = get_args(Cell)
TWINS: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
INPUT, HIDDEN = 5, 6
LENGTHS = torch.tensor([4, 7, 1, 7, 3])


def fresh_cell(kind: Cell, dtype: torch.dtype) -> RecurrentCell:
    """A cell with all weights, biases too, drawn at random."""
    torch.manual_seed(3)
    cell = make_cell(kind, INPUT, HIDDEN)
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.5)
    return cell.to(dtype)


def twin_of(kind: Cell, cell: RecurrentCell) -> nn.RNNBase:
    """The layer of torch with the same weights; its second bias is zero where we have but one."""
    twin = TWINS[kind](INPUT, HIDDEN, batch_first=True).to(cell.bias.dtype)
    with torch.no_grad():
        twin.weight_ih_l0.copy_(cell.weight_input)
        twin.weight_hh_l0.copy_(cell.weight_hidden)
        twin.bias_ih_l0.copy_(cell.bias)
        twin.bias_hh_l0.zero_()
        if isinstance(cell, GRUCell):
            twin.bias_hh_l0[2 * HIDDEN :] = cell.bias_candidate
    return twin


def sample(cell: RecurrentCell) -> tuple[Tensor, CellState]:
    """Inputs for `LENGTHS` and a state that is not zero."""
    torch.manual_seed(4)
    inputs = torch.randn(len(LENGTHS), int(LENGTHS.max()), INPUT, dtype=cell.bias.dtype)
    zero = cell.zero_state(len(LENGTHS), inputs)
    state = CellState(torch.randn_like(zero.hidden), torch.randn_like(zero.cell))
    for tensor in (inputs, *state):
        tensor.requires_grad_()
    return inputs, state


def loop_of_steps(
    cell: RecurrentCell, inputs: Tensor, lengths: Tensor, state: CellState
) -> tuple[Tensor, CellState]:
    """`unroll` in the plainest words: a step at a time, and a row stops at its length."""
    outputs = []
    for time in range(inputs.shape[1]):
        after = cell.step(inputs[:, time], state)
        alive = (time < lengths)[:, None]
        state = CellState(
            torch.where(alive, after.hidden, state.hidden),
            torch.where(alive, after.cell, state.cell),
        )
        outputs.append(after.hidden)
    return torch.stack(outputs, 1), state


def unroll(
    cell: RecurrentCell, inputs: Tensor, lengths: Tensor, state: CellState
) -> tuple[Tensor, CellState]:
    return cell.unroll(inputs, lengths, state)


def weighted(outputs: Tensor, state: CellState) -> Tensor:
    """One number that every value but padding's enters with a weight of its own."""
    generator = torch.Generator().manual_seed(5)
    is_token = torch.arange(outputs.shape[1]) < LENGTHS[:, None]
    parts = (outputs[is_token], *state)
    return sum(
        (part * torch.randn(part.shape, generator=generator, dtype=part.dtype)).sum()
        for part in parts
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("way", [loop_of_steps, unroll, unroll_by_hand])
@pytest.mark.parametrize("kind", list(TWINS))
def test_values_and_gradients_equal_torch(
    kind: Cell, way: Any, dtype: torch.dtype, tolerance: float
) -> None:
    cell = fresh_cell(kind, dtype)
    inputs, state = sample(cell)
    outputs, last = way(cell, inputs, LENGTHS, state)

    twin = twin_of(kind, cell)
    twin_inputs = inputs.detach().clone().requires_grad_()
    twin_state = CellState(*(part.detach().clone().requires_grad_() for part in state))
    packed = nn.utils.rnn.pack_padded_sequence(
        twin_inputs, LENGTHS, batch_first=True, enforce_sorted=False
    )
    before = twin_state.hidden[None]
    if kind == "lstm":
        twin_packed, (hidden, cell_state) = twin(packed, (before, twin_state.cell[None]))
        twin_last = CellState(hidden[0], cell_state[0])
    else:
        twin_packed, hidden = twin(packed, before)
        twin_last = CellState(hidden[0], twin_state.cell)
    twin_outputs, _ = nn.utils.rnn.pad_packed_sequence(twin_packed, batch_first=True)

    def equal(ours: Tensor | None, theirs: Tensor | None) -> None:
        assert ours is not None
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)

    is_token = torch.arange(outputs.shape[1]) < LENGTHS[:, None]
    equal(outputs[is_token], twin_outputs[is_token])
    equal(last.hidden, twin_last.hidden)
    equal(last.cell, twin_last.cell)

    weighted(outputs, last).backward()
    weighted(twin_outputs, twin_last).backward()
    equal(inputs.grad, twin_inputs.grad)
    equal(state.hidden.grad, twin_state.hidden.grad)
    if kind == "lstm":
        equal(state.cell.grad, twin_state.cell.grad)
    equal(cell.weight_input.grad, twin.weight_ih_l0.grad)
    equal(cell.weight_hidden.grad, twin.weight_hh_l0.grad)
    equal(cell.bias.grad, twin.bias_ih_l0.grad)
    if isinstance(cell, GRUCell):
        equal(cell.bias_candidate.grad, twin.bias_hh_l0.grad[2 * HIDDEN :])


@pytest.mark.parametrize("kind", CELLS)
def test_without_padding_unroll_equals_the_loop(kind: Cell) -> None:
    """The kernel's other path: with rows of one length it is asked for nothing special."""
    cell = fresh_cell(kind, torch.float64)
    inputs, state = sample(cell)
    lengths = torch.full_like(LENGTHS, inputs.shape[1])
    outputs, last = cell.unroll(inputs, lengths, state)
    expected, expected_last = loop_of_steps(cell, inputs, lengths, state)
    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(last, expected_last, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_the_kernel_without_gradients_equals_the_loop(kind: Cell) -> None:
    """Translating takes another path through torch than training does."""
    cell = fresh_cell(kind, torch.float32).eval()
    inputs, state = sample(cell)
    expected, expected_last = loop_of_steps(cell, inputs, LENGTHS, state)
    with torch.inference_mode():
        outputs, last = cell.unroll(inputs, LENGTHS, state)
        torch.testing.assert_close(last, expected_last, rtol=1e-5, atol=1e-5)
        for row, length in enumerate(LENGTHS.tolist()):
            torch.testing.assert_close(
                outputs[row, :length], expected[row, :length], rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("cpu", ["AMX", "AVX-512", "AVX2"])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_bf16_goes_through_the_kernel_on_avx512_alone_and_else_through_the_loop_by_hand(
    kind: Cell, cpu: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And bf16 adds its rounding only: states, and the gradient's direction."""
    if cpu == "AVX-512" and not unrolling.has_avx512():
        pytest.skip("this CPU has no AVX-512, and so its kernel no bf16")
    cell = fresh_cell(kind, torch.float32)
    inputs, state = sample(cell)
    expected = cell.unroll(inputs, LENGTHS, state)
    exact = torch.autograd.grad(weighted(*expected), [inputs, *cell.parameters()])
    calls: list[RecurrentCell] = []
    by_hand = cpu != "AVX-512"
    original = unrolling.unroll_by_hand
    monkeypatch.setattr(unrolling, "has_tiles", lambda: cpu == "AMX")
    monkeypatch.setattr(unrolling, "has_avx512", lambda: cpu != "AVX2")
    monkeypatch.setattr(
        unrolling, "unroll_by_hand", lambda *args: calls.append(args[0]) or original(*args)
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        outputs, last = unrolling.unroll(cell, inputs, LENGTHS, state)
    assert calls == ([cell] if precision == "bf16" and by_hand and kind in TWINS else [])
    total = weighted(outputs.float(), CellState(*(part.float() for part in last)))
    found = torch.autograd.grad(total, [inputs, *cell.parameters()])
    is_token = torch.arange(outputs.shape[1]) < LENGTHS[:, None]
    tolerance = 1e-6 if precision == "float32" else 0.06
    torch.testing.assert_close(
        outputs[is_token].float(), expected[0][is_token], rtol=0, atol=tolerance
    )
    for one, other in zip(found, exact, strict=True):
        assert (one - other).norm() <= tolerance * other.norm()


@pytest.mark.parametrize("kind", CELLS)
def test_on_a_gpu_bf16_leaves_the_kernel_in_float32(kind: Cell) -> None:
    """Here on a CPU, whose autocast would lower the kernel's inputs as well."""
    cell = fresh_cell(kind, torch.float32)
    inputs, state = sample(cell)
    expected = cell.unroll(inputs.bfloat16().float(), LENGTHS, state)
    with torch.autocast("cpu", torch.bfloat16):
        outputs, last = unrolling.unroll_in_float32(cell, inputs.bfloat16(), LENGTHS, state)
    assert outputs.dtype == torch.float32
    torch.testing.assert_close(outputs, expected[0])
    torch.testing.assert_close(last.hidden, expected[1].hidden)


@pytest.mark.parametrize("kind", CELLS)
def test_kernels_are_given_whole_states(kind: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """As cuDNN demands; layers hand out slices."""
    cell = fresh_cell(kind, torch.float32)
    inputs, state = sample(cell)
    layers = CellState(*(torch.stack([part, part], 1) for part in state))
    given: list[CellState] = []
    original = type(cell).unroll

    def note(self: RecurrentCell, *args: Any) -> Any:
        given.append(args[2])
        return original(self, *args)

    monkeypatch.setattr(type(cell), "unroll", note)
    sliced = CellState(*(part[:, 0] for part in layers))
    assert not sliced.hidden.is_contiguous()
    unrolling.unroll(cell, inputs, LENGTHS, sliced)
    assert [part.is_contiguous() for part in given[0]] == [True, True]
    torch.testing.assert_close(given[0].hidden, state.hidden)


@pytest.mark.parametrize("kind", list(TWINS))
def test_by_hand_the_state_alone_may_be_asked_for(kind: Cell) -> None:
    """What nobody asks for sends no gradient; here the outputs before the last."""
    cell = fresh_cell(kind, torch.float64)
    inputs, state = sample(cell)
    gradients = []
    for way in (unrolling.unroll_by_hand, loop_of_steps):
        last = way(cell, inputs, LENGTHS, state)[1]
        part = last.cell if kind == "lstm" else last.hidden
        gradients.append(torch.autograd.grad(part.sum(), [inputs, *cell.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-values))


def published_gru(
    weights: dict[str, NDArray[np.float64]], x: NDArray[np.float64], h: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cho et al. 2014, section 2.3, equations 5 to 8, unit by unit, with biases."""
    after = np.empty_like(h)
    reset = sigmoid(weights["W_r"] @ x + weights["U_r"] @ h + weights["b_r"])
    for j in range(len(h)):
        z = sigmoid(weights["W_z"][j] @ x + weights["U_z"][j] @ h + weights["b_z"][j])
        candidate = np.tanh(weights["W"][j] @ x + weights["U"][j] @ (reset * h) + weights["b"][j])
        after[j] = z * h[j] + (1 - z) * candidate
    return after


@pytest.mark.parametrize("way", [loop_of_steps, unroll])
def test_gru_reset_before_is_the_published_one(way: Any) -> None:
    cell = fresh_cell("gru-reset-before", torch.float64)
    inputs, state = sample(cell)
    outputs, last = way(cell, inputs, LENGTHS, state)
    weights: dict[str, NDArray[np.float64]] = {}
    for letter, matrix in (("W", cell.weight_input), ("U", cell.weight_hidden), ("b", cell.bias)):
        blocks = matrix.detach().numpy().reshape(3, HIDDEN, *matrix.shape[1:])
        weights[f"{letter}_r"], weights[f"{letter}_z"], weights[letter] = blocks
    for row, length in enumerate(LENGTHS.tolist()):
        h = state.hidden[row].detach().numpy()
        for time in range(length):
            h = published_gru(weights, inputs[row, time].detach().numpy(), h)
            np.testing.assert_allclose(outputs[row, time].detach().numpy(), h, atol=1e-13)
        np.testing.assert_allclose(last.hidden[row].detach().numpy(), h, atol=1e-13)


class Unroll(nn.Module):
    """`unroll` as a function of inputs, state and (through `functional_call`) weights."""

    def __init__(self, cell: RecurrentCell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, inputs: Tensor, hidden: Tensor, lengths: Tensor) -> Tensor:
        state = CellState(hidden, hidden.new_zeros(len(hidden), 0))
        outputs, last = self.cell.unroll(inputs, lengths, state)
        return torch.cat([outputs.flatten(1), last.hidden], 1)


def test_gru_reset_before_passes_gradcheck() -> None:
    torch.manual_seed(6)
    unroll = Unroll(make_cell("gru-reset-before", 2, 3).double())
    names = [name for name, _ in unroll.named_parameters()]
    weights = [torch.randn_like(weight).requires_grad_() for weight in unroll.parameters()]
    inputs = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    hidden = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)

    def run(inputs: Tensor, hidden: Tensor, *weights: Tensor) -> Tensor:
        by_name = dict(zip(names, weights, strict=True))
        result: Tensor = torch.func.functional_call(
            unroll, by_name, (inputs, hidden, torch.tensor([3, 1]))
        )
        return result

    assert torch.autograd.gradcheck(run, (inputs, hidden, *weights))


def test_the_two_grus_differ_in_the_reset_alone() -> None:
    """With one set of weights: equal where the state before is zero, different after."""
    after, before = GRUCell(INPUT, HIDDEN).double(), GRUResetBeforeCell(INPUT, HIDDEN).double()
    missing, unexpected = after.load_state_dict(before.state_dict(), strict=False)
    assert (missing, unexpected) == (["bias_candidate"], [])
    inputs, state = sample(after)
    zero = after.zero_state(len(LENGTHS), inputs)
    torch.testing.assert_close(
        after.step(inputs[:, 0], zero), before.step(inputs[:, 0], zero), rtol=0, atol=1e-15
    )
    difference = after.step(inputs[:, 0], state).hidden - before.step(inputs[:, 0], state).hidden
    assert difference.abs().max() > 1e-2


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_padding_holds_the_cell_state_exactly(dtype: torch.dtype) -> None:
    """However long the padding and whatever stands in it; and no gradient comes back from it."""
    cell = fresh_cell("lstm", dtype)
    inputs, state = sample(cell)
    longer = torch.cat([inputs, 100 * torch.randn(len(LENGTHS), 40, INPUT, dtype=dtype)], 1)
    longer = longer.detach().requires_grad_()
    _, last = cell.unroll(longer, LENGTHS, state)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = CellState(state.hidden[row : row + 1], state.cell[row : row + 1])
        _, expected = cell.unroll(longer[row : row + 1, :length], LENGTHS[row : row + 1], alone)
        tolerance = {torch.float64: 1e-14, torch.float32: 1e-6, torch.bfloat16: 2e-2}[dtype]
        torch.testing.assert_close(last.cell[row], expected.cell[0], rtol=0, atol=tolerance)
        torch.testing.assert_close(last.hidden[row], expected.hidden[0], rtol=0, atol=tolerance)
    (last.cell.sum() + last.hidden.sum()).backward()
    assert longer.grad is not None
    is_padding = torch.arange(longer.shape[1]) >= LENGTHS[:, None]
    assert longer.grad[is_padding].abs().max() == 0
    assert longer.grad[~is_padding].abs().min() > 0


@pytest.mark.parametrize("kind", CELLS)
def test_fresh_weights(kind: Cell) -> None:
    torch.manual_seed(7)
    cell = make_cell(kind, 30, 20)
    bound = (6 / (30 + 20)) ** 0.5
    assert cell.weight_input.shape == (cell.gates * 20, 30)
    assert bound * 0.99 < cell.weight_input.abs().max() <= bound
    for block in cell.weight_hidden.chunk(cell.gates):
        torch.testing.assert_close(block @ block.T, torch.eye(20), rtol=0, atol=1e-5)
    expected_bias = torch.zeros(cell.gates * 20)
    if isinstance(cell, LSTMCell):
        expected_bias[20:40] = 1
    assert torch.equal(cell.bias, expected_bias)
    if isinstance(cell, GRUCell):
        assert torch.equal(cell.bias_candidate, torch.zeros(20))


@pytest.mark.parametrize(("kind", "cell_size"), [("lstm", 6), ("gru", 0), ("rnn", 0)])
def test_the_first_state_is_zero_and_in_the_type_of_the_inputs(kind: Cell, cell_size: int) -> None:
    state = make_cell(kind, INPUT, HIDDEN).zero_state(3, torch.ones(1, dtype=torch.float64))
    assert torch.equal(state.hidden, torch.zeros(3, 6, dtype=torch.float64))
    assert torch.equal(state.cell, torch.zeros(3, cell_size, dtype=torch.float64))


def test_last_of_each_row_by_hand() -> None:
    outputs = torch.tensor([[[1], [2], [3]], [[4], [5], [6]], [[7], [8], [9]]])
    assert last_of_each_row(outputs, torch.tensor([2, 3, 1])).tolist() == [[2], [6], [7]]


@pytest.mark.parametrize("kind", CELLS)
def test_recurrent_dropout_blanks_weights_once_a_batch(kind: Cell) -> None:
    """The same as the cell without dropout whose weights are blanked by hand."""
    cell = fresh_cell(kind, torch.float64)
    inputs, state = sample(cell)
    cell.recurrent_dropout.p = 0.4
    torch.manual_seed(5)
    outputs, last = cell.unroll(inputs, LENGTHS, state)
    torch.manual_seed(5)
    blanked = cell.recurrent_weight_for_all_steps()
    share = float((blanked == 0).float().mean())
    assert share == pytest.approx(0.4, abs=0.2)
    by_hand = fresh_cell(kind, torch.float64)
    with torch.no_grad():
        by_hand.weight_hidden.copy_(blanked)
    expected, expected_last = by_hand.unroll(inputs, LENGTHS, state)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(last.hidden, expected_last.hidden)
    (gradient,) = torch.autograd.grad(outputs.square().sum(), cell.weight_hidden)
    (of_blanked,) = torch.autograd.grad(expected.square().sum(), by_hand.weight_hidden)
    kept = blanked != 0
    torch.testing.assert_close(gradient[kept], of_blanked[kept] / (1 - 0.4), rtol=1e-4, atol=0)
    assert not gradient[~kept].any()
    assert cell.eval().recurrent_weight_for_all_steps() is cell.weight_hidden
