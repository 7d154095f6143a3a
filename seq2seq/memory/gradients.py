"""How much of a gradient arrives over a distance: at the start and after training.

Three measures for a sequence of T steps, each over the distance T − t:

- ‖∂h_T/∂h_t‖, largest singular value, the whole state in between: h_t, and for cells that have one
  the cell state, pass everything on, but only h_t is moved;
- ‖∂loss/∂x_t‖, Euclidean length;
- the cell state's own path: the product of what it is multiplied with from t to T, the forget gates
  of the LSTM, the update gates of the GRU, and 1 for the 1997 cell; mean over units.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import jacrev, vmap
from torch.nn import functional

from seq2seq.errors import ConfigError
from seq2seq.memory.batched import Recipe, new_network, train
from seq2seq.memory.cell1997 import LSTM1997Cell
from seq2seq.memory.experiment import check_memory, free_bytes, gigabytes, in_words
from seq2seq.memory.network import AnyCell, MemoryCell, Network, tensors
from seq2seq.memory.task import Task
from seq2seq.model.cells import CellState, GRUCell, GRUResetBeforeCell, LSTMCell

_SEQUENCES = 8


@dataclass(frozen=True)
class Curve:
    """One cell's measures; entry d belongs to the distance d, median over sequences.

    Attributes:
        cell: which.
        trained: after training, or before.
        hidden: ‖∂h_T/∂h_t‖.
        inputs: ‖∂loss/∂x_t‖.
        path: along the cell state alone; empty for the RNN.
    """

    cell: str
    trained: bool
    hidden: list[float]
    inputs: list[float]
    path: list[float]


def state_jacobians(cell: AnyCell, projected: Tensor, state: CellState) -> list[Tensor]:
    """∂h_T/∂h_t for t = T, T−1, …, 0: each [batch, outputs, outputs].

    Args:
        cell: any.
        projected: W x + b of sequences of one length, [batch, time, gates * hidden].
        state: before the first step.
    """
    hidden, total = state.hidden.shape[1], state.hidden.shape[1] + state.cell.shape[1]

    def step(joined: Tensor, now: Tensor) -> Tensor:
        after = cell.advance(now[None], CellState(joined[None, :hidden], joined[None, hidden:]))
        return torch.cat(after, 1)[0]

    joined = torch.cat(state, 1)
    each = []
    for now in projected.unbind(1):
        each.append(vmap(jacrev(step))(joined, now))
        joined = vmap(step)(joined, now)
    product = torch.eye(total, dtype=projected.dtype).expand(len(projected), -1, -1)
    reached = [product]
    for jacobian in reversed(each):
        product = product @ jacobian
        reached.append(product)
    # Of the 1997 cell the gates are part of the state, but only memory cells are outputs.
    outputs = cell.hidden_size
    return [matrix[:, :outputs, :outputs] for matrix in reached]


def path_products(cell: AnyCell, projected: Tensor, outputs: Tensor) -> Tensor:
    """What of a cell state's error arrives along its own path: [batch, time + 1], by distance.

    Args:
        cell: with a path of its own.
        projected: W x + b, [batch, time, gates * hidden].
        outputs: hidden states after each step, [batch, time, hidden].
    """
    before = torch.cat([torch.zeros_like(outputs[:, :1]), outputs[:, :-1]], 1)
    size = cell.hidden_size
    if isinstance(cell, LSTM1997Cell):
        kept = torch.ones_like(outputs)
    else:
        assert isinstance(cell, LSTMCell | GRUCell | GRUResetBeforeCell)
        # The LSTM's forget gate and the GRU's update gate are both the second block.
        weight = cell.weight_hidden[size : 2 * size]
        nets = projected[..., size : 2 * size] + functional.linear(before, weight)
        kept = torch.sigmoid(nets)
    products = kept.flip(1).cumprod(1).mean(-1)
    return torch.cat([torch.ones_like(products[:, :1]), products], 1)


def input_gradients(network: Network, task: Task, seed: int) -> Tensor:
    """‖∂loss/∂x_t‖ of the last error signal alone: [sequences, time], by distance from it.

    Other signals, which some tasks have at every step, would show their own steps' errors and not
    what arrives from afar. Symbols count as the vectors with a single 1 that they stand for.

    Args:
        network: any.
        task: whose loss.
        seed: of the sequences.
    """
    rows = []
    for batch in _one_by_one(task, seed):
        last = int(batch.times.argmax())
        one = slice(last, last + 1)
        batch = batch._replace(
            rows=batch.rows[one], times=batch.times[one], targets=batch.targets[one]
        )
        projected = network.project(batch.inputs).detach().requires_grad_()
        hidden = network.from_projected(projected, batch.lengths)
        logits = network.logits(hidden, batch)
        loss = functional.binary_cross_entropy_with_logits(logits, batch.targets)
        errors, of_outputs = torch.autograd.grad(loss, (projected, logits))
        time = int(batch.times[0])
        arrived = errors[0, : time + 1] @ network.cell.weight_input
        if len(network.direct):  # the output units read the last symbol, too
            arrived[time] += network.direct @ of_outputs[0]
        rows.append(arrived.norm(dim=-1).flip(0))
    shortest = min(len(row) for row in rows)
    return torch.stack([row[:shortest] for row in rows]).detach()


def _one_by_one(task: Task, seed: int):  # type: ignore[no-untyped-def]
    sequences = task.fresh(_SEQUENCES, np.random.default_rng([seed, 4]))
    for row in range(_SEQUENCES):
        batch = tensors(sequences.select(row, row + 1))
        if not task.of_symbols:
            batch = batch._replace(inputs=batch.inputs.double())
        yield batch._replace(targets=batch.targets.double())


def curve(network: Network, task: Task, cell: MemoryCell, trained: bool, seed: int = 1) -> Curve:
    """One cell's measures on fresh sequences of a task, in double precision."""
    network = copy.deepcopy(network).double()
    inner = network.cell
    if isinstance(inner, LSTM1997Cell):
        inner.truncated = False  # what really arrives, not what training looks at
    norms, paths = [], []
    with torch.no_grad():
        for batch in _one_by_one(task, seed):
            projected = network.project(batch.inputs)
            start = inner.zero_state(1, projected)
            matrices = torch.cat(state_jacobians(inner, projected, start))
            norms.append(torch.linalg.matrix_norm(matrices, 2))
            if inner.has_cell_state or isinstance(inner, GRUCell):
                outputs = network.from_projected(projected, batch.lengths)
                paths.append(path_products(inner, projected, outputs)[0])
    arrived = input_gradients(network, task, seed)
    return Curve(
        cell,
        trained,
        median_over(norms),
        arrived.median(0).values.tolist(),
        median_over(paths),
    )


def median_over(rows: Sequence[Tensor]) -> list[float]:
    """Over sequences, as far as all of them go."""
    if not rows:
        return []
    shortest = min(len(row) for row in rows)
    middle: list[float] = torch.stack([row[:shortest] for row in rows]).median(0).values.tolist()
    return middle


def check_curve_memory(task: Task, recipe: Recipe, free: int) -> None:
    """Refuse a lag at which the Jacobians do not fit: those of each step and their products.

    The largest state is that of the 1997 cell: cells, gates and cell states.

    Raises:
        ConfigError: says how much they need.
    """
    needed = 3 * 8 * task.longest * (3 * recipe.hidden_size) ** 2
    if needed > free:
        raise ConfigError(
            f"Gradients of task {task.name} with lag {task.lag:,} need about {gigabytes(needed)}; "
            f"{gigabytes(free)} are free. Shorten --lags or lower --hidden-size."
        )


def measure(
    task: Task, cells: Sequence[MemoryCell], recipe: Recipe, report: Callable[[str], None]
) -> list[Curve]:
    """Each cell before and after a training with seed 1.

    Raises:
        ConfigError: the machine cannot hold a training or the Jacobians of all steps.
    """
    check_memory(task, recipe, free_bytes())
    check_curve_memory(task, recipe, free_bytes())
    curves = []
    for cell in cells:
        mine = task.for_seed(1)
        network = new_network(cell, mine, recipe, 1)
        curves.append(curve(network, mine, cell, trained=False))
        outcome = train(network, mine, recipe, 1)
        report(f"{task.name} {cell}, lag {task.lag:,}: {in_words(outcome)}")
        curves.append(curve(network, mine, cell, trained=True))
    return curves
