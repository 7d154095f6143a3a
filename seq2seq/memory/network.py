"""A network for a task: one recurrent layer and a layer of output units in [0, 1]."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from seq2seq.memory.carousel import Blocks
from seq2seq.memory.cell1997 import LSTM1997Cell
from seq2seq.memory.gated_units import unroll_gated_units
from seq2seq.memory.paper import DESIGNS
from seq2seq.memory.sequences import Sequences
from seq2seq.memory.task import Task
from seq2seq.model.cells import GRUCell, LSTMCell, RecurrentCell, RNNCell, make_cell

MemoryCell = Literal["rnn", "gru", "lstm", "lstm-1997"]
AnyCell = RecurrentCell | LSTM1997Cell


class Tensors(NamedTuple):
    """A batch of `Sequences` as torch reads them."""

    inputs: Tensor  # [batch, time, input], or symbols [batch, time]
    lengths: Tensor  # [batch]
    rows: Tensor  # [signals]
    times: Tensor  # [signals]
    targets: Tensor  # [signals, output]


def tensors(sequences: Sequences) -> Tensors:
    """The same memory, without the truth that only a judge may see."""
    return Tensors(*(torch.from_numpy(np.ascontiguousarray(part)) for part in sequences[:5]))


def open_the_carousel(cell: AnyCell, bias: float | None, lag: int, close_input: bool) -> None:
    """Bias a cell towards remembering at the start, where it has a gate for that.

    Args:
        cell: changed in place: the LSTM's forget gate, the GRU's update gate; others stay.
        bias: that gate's bias (Gers et al. 2000 found that it must be high for long lags); by
            default it is drawn so that the units' memories last evenly from one step to `lag`:
            log u with u even in [1, lag] (Tallec and Ollivier 2018, "Can recurrent neural
            networks warp time?", section 2).
        lag: of the task.
        close_input: where the bias is drawn, give the LSTM's input gate the opposite one.
    """
    size = cell.hidden_size
    with torch.no_grad():
        if not isinstance(cell, LSTMCell | GRUCell):
            return
        gate = cell.bias[size : 2 * size]
        if bias is not None:
            gate.fill_(bias)
            return
        gate.copy_(torch.empty(size).uniform_(1, max(lag, 2)).log())
        if isinstance(cell, LSTMCell) and close_input:
            cell.bias[:size] = -gate


def make_memory_cell(
    kind: MemoryCell, task: Task, hidden_size: int, remember: float | None, truncated: bool
) -> AnyCell:
    """A fresh cell; torch's random numbers must be seeded.

    Args:
        kind: which.
        task: gives the input units, the lag and the paper's gate biases.
        hidden_size: units; an even number for the 1997 cell, whose blocks have two.
        remember: see `open_the_carousel`.
        truncated: the paper's gradient for the 1997 cell.
    """
    design = DESIGNS[task.name]
    if kind == "lstm-1997":
        return LSTM1997Cell(
            task.input_size,
            Blocks(hidden_size // 2, 2),
            design.input_bias,
            design.output_bias,
            design.weights,
            truncated,
        )
    cell = make_cell(kind, task.input_size, hidden_size)
    # Where the paper starts with input gates that are nearly shut, so does the LSTM of today; and
    # in 2c and 5, which it solves sooner so.
    close_input = bool(design.input_bias) or task.name in ("2c", "5", "5-13")
    open_the_carousel(cell, remember, max(task.minimal_lag, task.lag), close_input)
    return cell


class Network(nn.Module):
    """A cell and output units: logits where the task gives error signals, and nowhere else.

    With `direct`, for tasks of symbols, the output units read the input too, as the paper's do in
    2a and 2b: what follows from the last symbol alone then needs no memory.
    """

    def __init__(
        self, cell: AnyCell, output_size: int, of_symbols: bool, direct: bool = False
    ) -> None:
        """Put fresh output units on a cell."""
        super().__init__()
        self.cell = cell
        self.of_symbols = of_symbols
        self.output = nn.Linear(cell.hidden_size, output_size)
        if output_size > 1:
            # One of n is right, so begin at 1/n: else a hundred units that must first be silenced
            # drive the cells into saturation and what they hold is lost.
            nn.init.constant_(self.output.bias, -math.log(output_size - 1))
        inputs = cell.weight_input.shape[1] if direct else 0
        self.direct = nn.Parameter(torch.zeros(inputs, output_size))  # a row a symbol

    def forward(self, batch: Tensors) -> Tensor:
        """Logits at the error signals: [signals, output]."""
        return self.logits(self.hidden(batch.inputs, batch.lengths), batch)

    def logits(self, hidden: Tensor, batch: Tensors) -> Tensor:
        """Logits at the error signals, given `hidden`, [batch, time, hidden]."""
        nets: Tensor = self.output(hidden[batch.rows, batch.times])
        if len(self.direct):
            nets = nets + functional.embedding(batch.inputs[batch.rows, batch.times], self.direct)
        return nets

    def hidden(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """What the output units see after each step: [batch, time, hidden]."""
        cell = self.cell
        if isinstance(cell, GRUCell):
            return self.from_projected(self.project(inputs), lengths)
        if not self.of_symbols:
            return cell.unroll(inputs, lengths, cell.zero_state(len(inputs), inputs))[0]
        size = cell.weight_input.shape[1]
        if size <= 2 * len(cell.weight_input) and not isinstance(cell, LSTM1997Cell):
            spelt = functional.one_hot(inputs, size).to(cell.bias.dtype)
            return cell.unroll(spelt, lengths, cell.zero_state(len(inputs), spelt))[0]
        # W times a vector with a single 1 is a column of W: no product over a thousand symbols.
        return self.from_projected(self.project(inputs), lengths)

    def project(self, inputs: Tensor) -> Tensor:
        """W x + b for each step, whatever the inputs are: [batch, time, gates * hidden]."""
        if not self.of_symbols:
            return self.cell.project(inputs)
        columns = self.cell.weight_input.t().contiguous()  # gathered in half the time
        return functional.embedding(inputs, columns) + self.cell.bias

    def from_projected(self, projected: Tensor, lengths: Tensor) -> Tensor:
        """As `hidden`, given W x + b: a loop of our own, or a kernel with the identity for W."""
        cell = self.cell
        start = cell.zero_state(len(projected), projected)
        if isinstance(cell, LSTM1997Cell):
            return cell.unroll_projected(projected, lengths, start)[0]
        if isinstance(cell, GRUCell):
            return unroll_gated_units(
                projected, cell.weight_hidden, cell.bias_candidate, start.hidden
            )
        zero = torch.zeros_like(cell.bias)
        weights = [torch.eye(len(zero), dtype=zero.dtype), cell.weight_hidden, zero, zero]
        common = (True, 1, 0.0, self.training, False, True)
        match cell:
            case LSTMCell():
                states = (start.hidden[None], start.cell[None])
                return torch.lstm(projected, states, weights, *common)[0]
            case RNNCell():
                return torch.rnn_tanh(projected, start.hidden[None], weights, *common)[0]
        raise TypeError(f"{type(cell).__name__} has no fused kernel")
