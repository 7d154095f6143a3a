"""The cell of 1997: its equations by hand, its loop against its steps, both its gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from seq2seq.memory import online
from seq2seq.memory.batched import Recipe, new_network
from seq2seq.memory.carousel import Blocks
from seq2seq.memory.catalogue import make_task
from seq2seq.memory.cell1997 import LSTM1997Cell, spread
from seq2seq.memory.gated_units import unroll_gated_units
from seq2seq.memory.network import MemoryCell, tensors
from seq2seq.memory.online import Networks, Stream, train_side_by_side
from seq2seq.memory.paper import DESIGNS
from seq2seq.memory.success import StreakRule
from seq2seq.model.cells import CellState, make_cell

LENGTH = 9


def fresh(blocks: Blocks, truncated: bool, inputs: int = 3) -> LSTM1997Cell:
    torch.manual_seed(1)
    return LSTM1997Cell(inputs, blocks, (-1.0, -2.0), (0.5,), 0.8, truncated).double()


def sample() -> torch.Tensor:
    torch.manual_seed(2)
    return torch.randn(4, LENGTH, 3, dtype=torch.float64, requires_grad=True)


def steps(cell: LSTM1997Cell, inputs: torch.Tensor, cut: bool) -> torch.Tensor:
    """Step by step; with `cut`, no error passes from a step to the one before but by the state."""
    state = cell.zero_state(len(inputs), inputs)
    outputs = []
    for now in inputs.unbind(1):
        hidden = state.hidden.detach() if cut else state.hidden
        state = cell.advance(cell.project(now), CellState(hidden, state.cell))
        outputs.append(state.hidden[:, : cell.hidden_size])
    return torch.stack(outputs, 1)


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_two_steps_and_their_truncated_gradient_by_hand():
    cell = fresh(Blocks(1, 1), truncated=True, inputs=1)
    weights = {
        "c": (0.7, 0.2, 0.3, -0.4),
        "in": (0.5, -0.6, 0.1, 0.8),
        "out": (-0.3, 0.9, 0.2, 0.1),
    }
    with torch.no_grad():
        rows = list(weights.values())
        cell.weight_input[:] = torch.tensor(rows)[:, :1]
        cell.weight_hidden[:] = torch.tensor(rows)[:, 1:]
        cell.bias[:] = torch.tensor([0.0, -1.0, 0.5])
    x1, x2 = 1.5, -0.5
    w = {unit: row[0] for unit, row in weights.items()}
    u = {unit: row[1:] for unit, row in weights.items()}  # from cell, input gate, output gate

    in1, out1 = logistic(w["in"] * x1 - 1), logistic(w["out"] * x1 + 0.5)
    g1 = 4 * logistic(w["c"] * x1) - 2
    s1 = in1 * g1
    y1 = (out1 * (2 * logistic(s1) - 1), in1, out1)

    def net(unit: str, bias: float) -> float:
        return w[unit] * x2 + sum(a * b for a, b in zip(u[unit], y1, strict=True)) + bias

    in2, out2, g2 = (
        logistic(net("in", -1)),
        logistic(net("out", 0.5)),
        4 * logistic(net("c", 0)) - 2,
    )
    s2 = s1 + in2 * g2
    h2 = 2 * logistic(s2) - 1

    inputs = torch.tensor([[[x1], [x2]]], dtype=torch.float64)
    outputs, last = cell.unroll(inputs, torch.tensor([2]), cell.zero_state(1, inputs))
    assert outputs[0, :, 0].tolist() == pytest.approx([y1[0], out2 * h2], abs=1e-7)
    assert last.cell.item() == pytest.approx(s2, abs=1e-7)

    # The error of y_2 goes to s_2, and unchanged to s_1; nowhere else back to the first step.
    at_state = out2 * (1 - h2**2) / 2
    slope = {1: 1 - (g1 / 2) ** 2, 2: 1 - (g2 / 2) ** 2}  # g' = 2 · (1 − tanh²) / 2
    at_cell = {1: at_state * in1 * slope[1], 2: at_state * in2 * slope[2]}
    at_in = {1: at_state * g1 * in1 * (1 - in1), 2: at_state * g2 * in2 * (1 - in2)}
    at_out = h2 * out2 * (1 - out2)
    outputs[0, 1, 0].backward()
    by_input = [
        at_cell[1] * x1 + at_cell[2] * x2,
        at_in[1] * x1 + at_in[2] * x2,
        at_out * x2,
    ]
    assert cell.weight_input.grad[:, 0].tolist() == pytest.approx(by_input, abs=1e-7)
    assert cell.bias.grad.tolist() == pytest.approx(
        [at_cell[1] + at_cell[2], at_in[1] + at_in[2], at_out], abs=1e-7
    )
    recurrent = [at * y for at in (at_cell[2], at_in[2], at_out) for y in y1]
    assert cell.weight_hidden.grad.flatten().tolist() == pytest.approx(recurrent, abs=1e-7)


@pytest.mark.parametrize("blocks", [Blocks(2, 2), Blocks(3, 1), Blocks(1, 4)])
@pytest.mark.parametrize("truncated", [False, True])
def test_the_loop_equals_the_steps_in_values_and_gradients(blocks, truncated):
    cell, inputs = fresh(blocks, truncated), sample()
    outputs, last = cell.unroll(inputs, torch.full((4,), LENGTH), cell.zero_state(4, inputs))
    twin = steps(cell, inputs, cut=truncated)
    torch.testing.assert_close(outputs, twin, rtol=0, atol=1e-12)
    weight = torch.randn_like(twin)
    leaves = [inputs, *cell.parameters()]
    ours = torch.autograd.grad((outputs * weight).sum(), leaves)
    theirs = torch.autograd.grad((twin * weight).sum(), leaves)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)
    assert last.hidden[:, : blocks.cells].equal(outputs[:, -1])


def test_truncated_differs_from_full_only_by_the_recurrent_connections():
    inputs = sample()
    both = []
    for scale in (1.0, 0.0):
        gradients = []
        for truncated in (True, False):
            cell = fresh(Blocks(2, 2), truncated)
            with torch.no_grad():
                cell.weight_hidden *= scale
            outputs = cell.unroll(inputs, torch.full((4,), LENGTH), cell.zero_state(4, inputs))[0]
            loss = outputs[:, -1].sum()
            gradients.append(torch.autograd.grad(loss, [cell.weight_input, cell.bias]))
        both.append(gradients)
    for one, other in zip(*both[1], strict=True):  # no recurrent connections: nothing is cut
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    assert not torch.allclose(both[0][0][0], both[0][1][0], rtol=1e-3)


def test_last_states_are_those_of_each_row():
    cell, inputs = fresh(Blocks(2, 2), True), sample()
    lengths = torch.tensor([9, 4, 1, 6])
    _, last = cell.unroll(inputs, lengths, cell.zero_state(4, inputs))
    for row, length in enumerate(lengths.tolist()):
        alone = inputs[row : row + 1, :length]
        _, mine = cell.unroll(alone, torch.tensor([length]), cell.zero_state(1, inputs))
        torch.testing.assert_close(last.hidden[row], mine.hidden[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(last.cell[row], mine.cell[0], rtol=0, atol=1e-12)


def test_biases_are_spread_over_the_blocks():
    assert spread((), 3).tolist() == [0, 0, 0]
    assert spread((-3, -6), 2).tolist() == [-3, -6]
    assert spread((-2, -4), 5).tolist() == [-2, -2.5, -3, -3.5, -4]
    cell = LSTM1997Cell(2, Blocks(3, 2), (-2, -4, -6), (-1,))
    assert cell.bias.tolist() == [0] * 6 + [-2, -4, -6] + [-1] * 3


def weight_count(name: str, lag: int | None) -> int:
    """Without the biases that are zero; the next test holds that they stay so."""
    networks = Networks(make_task(name, lag), DESIGNS[name], [1])
    return sum(np.count_nonzero(weight) for weight in networks.weights.values())


def test_the_papers_networks_have_as_many_weights_as_the_paper_says():
    assert weight_count("4", 100) == 93
    assert weight_count("6a", 100) == 156
    assert weight_count("6b", 100) == 308
    assert weight_count("1", None) == 276  # gates alone have a bias
    assert weight_count("3a", 100) == 102  # all but the output units have
    assert weight_count("2c", 50) == 364  # none has


@pytest.mark.parametrize(
    ("name", "lag"), [("4", 24), ("2a", 5), ("2c", 9), ("3a", 20), ("6a", 30), ("1", None)]
)
def test_an_online_update_is_the_papers_gradient(name, lag):
    task = make_task(name, lag)
    design = DESIGNS[name]._replace(learning_rate=0.1)
    networks = Networks(task, design, [1, 2])
    before = {key: torch.from_numpy(weight.copy()) for key, weight in networks.weights.items()}
    examples = [Stream(task, seed).take() for seed in (5, 6)]
    outputs = networks.learn(examples)
    for copy, example in enumerate(examples):
        cell = LSTM1997Cell(task.input_size, design.blocks, truncated=True)
        own = {key: weight[copy].requires_grad_() for key, weight in before.items()}
        own = {key: weight.detach().clone().requires_grad_() for key, weight in own.items()}
        read = torch.from_numpy(example.inputs)
        if task.of_symbols:
            read = torch.nn.functional.one_hot(read, task.input_size).float()
        projected = read @ own["input"].T + own["bias"]
        cell.weight_hidden = torch.nn.Parameter(own["hidden"].detach().clone())
        start = cell.zero_state(1, projected)
        hidden, _ = cell.unroll_projected(projected, torch.from_numpy(example.lengths), start)
        nets = hidden[0, example.times] @ own["output"].T + own["output_bias"]
        if "direct" in own:
            nets = nets + read[0, example.times] @ own["direct"].T
        predicted = torch.sigmoid(nets)
        np.testing.assert_allclose(outputs[copy], predicted.detach(), atol=1e-5)
        loss = (torch.from_numpy(example.targets) - predicted).square().sum() / 2
        loss.backward()
        gradients = {key: weight.grad for key, weight in own.items() if key != "hidden"}
        gradients["hidden"] = cell.weight_hidden.grad
        if name in ("1", "2c", "3a"):  # output units have no bias there
            gradients["output_bias"].zero_()
        if name in ("1", "2c"):  # memory cells have none, and in 2c no gate has
            gradients["bias"][: 6 if name == "1" else None] = 0
        for key, gradient in gradients.items():
            moved = networks.weights[key][copy] - before[key][copy].detach().numpy()
            np.testing.assert_allclose(moved, -0.1 * gradient.numpy(), atol=2e-6)


def test_networks_side_by_side_are_as_alone(monkeypatch):
    """The second of them ends first, the last with the budget."""
    task = make_task("4", 24)
    monkeypatch.setattr(type(task), "rule", StreakRule(1))  # one sequence that went well
    # Outcomes hold the weights themselves in the place of what the weights get wrong.
    monkeypatch.setattr(online, "wrong_on_fresh", lambda _, network: network.weights)
    together = {}
    train_side_by_side(task, DESIGNS["4"], [1, 3, 2], 9, together.__setitem__)
    assert list(together) == [3, 1, 2]
    ends = [(outcome.solved, outcome.trained) for outcome in together.values()]
    assert ends == [(True, 1), (True, 4), (False, 9)]
    for seed, beside in together.items():
        alone = {}
        train_side_by_side(task, DESIGNS["4"], [seed], 9, alone.__setitem__)
        only = alone[seed]
        assert (beside.solved, beside.sequences) == (only.solved, only.sequences)
        assert beside.trained == only.trained
        for name, weight in only.wrong.items():
            np.testing.assert_allclose(beside.wrong[name], weight, atol=1e-6)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm", "lstm-1997"])
def test_symbols_by_their_number_equal_symbols_spelt_out(kind: MemoryCell):
    task = make_task("2c", 70)  # more symbols than rows of weights: read by number
    network = new_network(kind, task, Recipe(hidden_size=4), 1)
    batch = tensors(task.fresh(3, np.random.default_rng(1)))
    hidden = network.hidden(batch.inputs, batch.lengths)
    spelt = torch.nn.functional.one_hot(batch.inputs, task.input_size).float()
    start = network.cell.zero_state(3, spelt)
    twin, _ = network.cell.unroll(spelt, batch.lengths, start)
    for row, length in enumerate(batch.lengths.tolist()):
        torch.testing.assert_close(hidden[row, :length], twin[row, :length], rtol=0, atol=1e-5)


def test_forget_gates_open_for_as_long_as_the_lag():
    task = make_task("4", 100)
    bias = new_network("lstm", task, Recipe(hidden_size=64), 1).cell.bias
    assert bias[:64].equal(-bias[64:128])
    assert bias[64:128].min() >= 0
    assert math.log(60) < bias[64:128].max() <= math.log(100)
    chosen = new_network("lstm", task, Recipe(hidden_size=4, remember=5.0), 1).cell.bias
    assert chosen.tolist() == [0] * 4 + [5] * 4 + [0] * 8
    gru = new_network("gru", task, Recipe(hidden_size=4, remember=2.0), 1).cell.bias
    assert gru.tolist() == [0] * 4 + [2] * 4 + [0] * 4


@pytest.mark.parametrize("size", [1, 5])
def test_the_grus_loop_equals_torch_in_values_and_gradients(size):
    torch.manual_seed(1)
    cell = make_cell("gru", 3, size).double()
    with torch.no_grad():
        cell.bias_candidate.uniform_(-1, 1)
    inputs = torch.randn(4, 7, 3, dtype=torch.double)
    weights = torch.randn(4, 7, size, dtype=torch.double)
    outcomes = []
    for way in ("torch", "own"):
        start = torch.full((4, size), 0.3, dtype=torch.double, requires_grad=True)
        projected = cell.project(inputs)
        if way == "own":
            states = unroll_gated_units(projected, cell.weight_hidden, cell.bias_candidate, start)
        else:
            lengths = torch.full((4,), 7)
            nothing = torch.zeros(4, 0, dtype=torch.double)
            states, _ = cell.unroll(inputs, lengths, CellState(start, nothing))
        learnt = [*cell.parameters(), start]
        outcomes.append([states, *torch.autograd.grad((states * weights).sum(), learnt)])
    for theirs, own in zip(*outcomes, strict=True):
        torch.testing.assert_close(own, theirs)
