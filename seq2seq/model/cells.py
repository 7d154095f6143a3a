"""Recurrent cells from their equations: tanh RNN, LSTM, GRU in both published forms.

Each cell offers two ways through the same weights:

- `step`, the equation, one time step: what search uses and what one reads to learn;
- `unroll`, a whole sequence through torch's fused kernel where there is one: what training uses.

The tests hold both equal to `torch.nn`, values and gradients. Shapes are batch first throughout.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import Cell
from seq2seq.model.dropout import Dropout


class CellState(NamedTuple):
    """What a cell carries from one step to the next."""

    hidden: Tensor  # [batch, hidden]
    cell: Tensor  # [batch, hidden] for the LSTM; [batch, 0] for cells without a cell state


class RecurrentCell(nn.Module, ABC):
    """One recurrent layer in one direction: `gates` blocks of W x + U h + b.

    Attributes:
        weight_input: W, [gates * hidden, input].
        weight_hidden: U, [gates * hidden, hidden].
        bias: b, [gates * hidden].
        recurrent_dropout: blanks a share of U itself in training, none to begin with.
    """

    gates: int
    has_cell_state = False

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Start with Glorot weights from input, orthogonal ones from state, and zero biases.

        Orthogonal recurrence keeps the gradient's length over time at the start (Saxe et al. 2014).
        """
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.weight_input = nn.Parameter(torch.empty(self.gates * hidden_size, input_size))
        self.weight_hidden = nn.Parameter(torch.empty(self.gates * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(self.gates * hidden_size))
        self.recurrent_dropout = Dropout(0.0)
        bound = math.sqrt(6 / (input_size + hidden_size))
        nn.init.uniform_(self.weight_input, -bound, bound)
        with torch.no_grad():
            for block in self.weight_hidden.chunk(self.gates):
                nn.init.orthogonal_(block)

    def zero_state(self, batch: int, like: Tensor) -> CellState:
        """The state before the first step, all zeros, on the device and in the type of `like`."""
        return CellState(
            like.new_zeros(batch, self.hidden_size),
            like.new_zeros(batch, self.hidden_size if self.has_cell_state else 0),
        )

    def project(self, inputs: Tensor) -> Tensor:
        """W x + b, the part that needs no state: [..., input] → [..., gates * hidden]."""
        return nn.functional.linear(inputs, self.weight_input, self.bias)

    def step(self, inputs: Tensor, state: CellState) -> CellState:
        """One time step: inputs [batch, input] → the next state."""
        return self.advance(self.project(inputs), state)

    @abstractmethod
    def advance(
        self, projected: Tensor, state: CellState, recurrent_weight: Tensor | None = None
    ) -> CellState:
        """The equation, given `projected` = W x + b: [batch, gates * hidden] → the next state.

        `recurrent_weight` stands in for U: what `recurrent_weight_for_all_steps` gave.
        """

    def recurrent_weight_for_all_steps(self) -> Tensor:
        """U; in training, with `recurrent_dropout`, a share of it blanked.

        One mask serves all steps of a batch, so that the state keeps its paths through time:
        DropConnect (Wan et al. 2013), on the recurrent weights as in Merity et al. 2018, section 2.
        """
        dropped: Tensor = self.recurrent_dropout(self.weight_hidden)
        return dropped

    def unroll(self, inputs: Tensor, lengths: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """All steps of padded sentences at once.

        Args:
            inputs: [batch, time, input].
            lengths: tokens in each row, at least 1, [batch].
            state: before the first step.

        Returns:
            Hidden states [batch, time, hidden], of no meaning where there is padding, and the
            state after each row's last token.
        """
        projected = self.project(inputs)
        recurrent_weight = self.recurrent_weight_for_all_steps()
        hiddens = []
        for step in range(inputs.shape[1]):
            state = self.advance(projected[:, step], state, recurrent_weight)
            hiddens.append(state.hidden)
        outputs = torch.stack(hiddens, 1)
        return outputs, CellState(last_of_each_row(outputs, lengths), state.cell)


def last_of_each_row(outputs: Tensor, lengths: Tensor) -> Tensor:
    """What stands at each row's last token: [batch, time, …], [batch] → [batch, …]."""
    return outputs[torch.arange(len(outputs), device=outputs.device), lengths - 1]


class RNNCell(RecurrentCell):
    """The simple recurrent network, Elman 1990.

    h_t = tanh(W x_t + U h_{t-1} + b)
    """

    gates = 1

    def advance(
        self, projected: Tensor, state: CellState, recurrent_weight: Tensor | None = None
    ) -> CellState:
        """See `RecurrentCell.advance`."""
        weight = self.weight_hidden if recurrent_weight is None else recurrent_weight
        hidden = torch.tanh(projected + nn.functional.linear(state.hidden, weight))
        return CellState(hidden, state.cell)

    def unroll(self, inputs: Tensor, lengths: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """See `RecurrentCell.unroll`; torch's kernel."""
        weight_hidden = self.recurrent_weight_for_all_steps()
        weights = [self.weight_input, weight_hidden, self.bias, torch.zeros_like(self.bias)]
        outputs, _ = torch.rnn_tanh(
            inputs, state.hidden[None], weights, True, 1, 0.0, self.training, False, True
        )
        return outputs, CellState(last_of_each_row(outputs, lengths), state.cell)


class LSTMCell(RecurrentCell):
    """Long short-term memory with a forget gate: Hochreiter and Schmidhuber 1997, Gers et al. 2000.

        i, f, o = σ(W x_t + U h_{t-1} + b), a block each      input, forget and output gate
        g       = tanh(W x_t + U h_{t-1} + b)                 candidate
        c_t     = f ∘ c_{t-1} + i ∘ g                         cell state
        h_t     = o ∘ tanh(c_t)                               hidden state

    The blocks lie in torch's order: i, f, g, o. The forget gate's bias starts at 1, so that the
    cell remembers until it learns otherwise (Gers et al. 2000; Jozefowicz et al. 2015).
    """

    gates = 4
    has_cell_state = True

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """See `RecurrentCell`; the forget gate starts open."""
        super().__init__(input_size, hidden_size)
        with torch.no_grad():
            self.bias[hidden_size : 2 * hidden_size] = 1.0

    def advance(
        self, projected: Tensor, state: CellState, recurrent_weight: Tensor | None = None
    ) -> CellState:
        """See `RecurrentCell.advance`."""
        weight = self.weight_hidden if recurrent_weight is None else recurrent_weight
        blocks = projected + nn.functional.linear(state.hidden, weight)
        input_gate, forget_gate, candidate, output_gate = blocks.chunk(4, -1)
        cell = torch.sigmoid(forget_gate) * state.cell
        cell = cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
        return CellState(torch.sigmoid(output_gate) * torch.tanh(cell), cell)

    def unroll(self, inputs: Tensor, lengths: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """See `RecurrentCell.unroll`; torch's kernel (oneDNN's on a CPU, cuDNN's on a GPU).

        The kernel hands out the cell state after the last column only, where shorter rows have
        already read padding. One more input, 1 at padding, therefore shuts the input gate there
        and opens the forget gate, both exactly: the cell state waits unchanged.
        """
        weight_input: Tensor = self.weight_input
        is_padding = torch.arange(inputs.shape[1], device=lengths.device) >= lengths[:, None]
        if bool(is_padding.any()):
            inputs = torch.cat([inputs, is_padding[..., None].to(inputs.dtype)], -1)
            weight_input = torch.cat([weight_input, self._hold_weights()[:, None]], -1)
        weight_hidden = self.recurrent_weight_for_all_steps()
        weights = [weight_input, weight_hidden, self.bias, torch.zeros_like(self.bias)]
        start = (state.hidden[None], state.cell[None])
        outputs, _, cell = torch.lstm(
            inputs, start, weights, True, 1, 0.0, self.training, False, True
        )
        return outputs, CellState(last_of_each_row(outputs, lengths), cell[0])

    def _hold_weights(self) -> Tensor:
        """What an input of 1 adds to the gates to hold the cell state, [4 * hidden].

        σ(−10,000) is exactly 0 and σ(10,000) exactly 1 in every floating-point type used here.
        """
        hold = self.weight_input.new_zeros(4, self.hidden_size)
        hold[0], hold[1] = -1e4, 1e4
        return hold.flatten()


class GRUCell(RecurrentCell):
    """Gated recurrent unit, the reset gate after the product: Cho et al. 2014, version 1; cuDNN.

        r, z = σ(W x_t + U h_{t-1} + b), a block each         reset and update gate
        n    = tanh(W x_t + b + r ∘ (U h_{t-1} + b_U))        candidate
        h_t  = (1 − z) ∘ n + z ∘ h_{t-1}

    The blocks lie in torch's order: r, z, n.
    """

    gates = 3

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """See `RecurrentCell`; the candidate has a bias inside the reset gate's product as well."""
        super().__init__(input_size, hidden_size)
        self.bias_candidate = nn.Parameter(torch.zeros(hidden_size))  # b_U

    def advance(
        self, projected: Tensor, state: CellState, recurrent_weight: Tensor | None = None
    ) -> CellState:
        """See `RecurrentCell.advance`."""
        weight = self.weight_hidden if recurrent_weight is None else recurrent_weight
        recurrent = nn.functional.linear(state.hidden, weight)
        reset_input, update_input, candidate_input = projected.chunk(3, -1)
        reset_state, update_state, candidate_state = recurrent.chunk(3, -1)
        reset = torch.sigmoid(reset_input + reset_state)
        update = torch.sigmoid(update_input + update_state)
        candidate = torch.tanh(candidate_input + reset * (candidate_state + self.bias_candidate))
        return CellState(candidate + update * (state.hidden - candidate), state.cell)

    def recurrent_bias(self) -> Tensor:
        """What is added to U h for all gates, b_U and zeros: [3 * hidden]."""
        no_bias = self.bias.new_zeros(2 * self.hidden_size)
        return torch.cat([no_bias, self.bias_candidate])

    def unroll(self, inputs: Tensor, lengths: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """See `RecurrentCell.unroll`; torch's kernel."""
        weights = [
            self.weight_input,
            self.recurrent_weight_for_all_steps(),
            self.bias,
            self.recurrent_bias(),
        ]
        outputs, _ = torch.gru(
            inputs, state.hidden[None], weights, True, 1, 0.0, self.training, False, True
        )
        return outputs, CellState(last_of_each_row(outputs, lengths), state.cell)


class GRUResetBeforeCell(RecurrentCell):
    """Gated recurrent unit, the reset gate before the product: Cho et al. 2014, section 2.3.

        r, z = σ(W x_t + U h_{t-1} + b), a block each         reset and update gate
        n    = tanh(W x_t + U (r ∘ h_{t-1}) + b)              candidate
        h_t  = (1 − z) ∘ n + z ∘ h_{t-1}

    The product must wait for the reset gate, so no fused kernel offers this form and training
    goes step by step.
    """

    gates = 3

    def advance(
        self, projected: Tensor, state: CellState, recurrent_weight: Tensor | None = None
    ) -> CellState:
        """See `RecurrentCell.advance`."""
        weight = self.weight_hidden if recurrent_weight is None else recurrent_weight
        size = self.hidden_size
        gates_weight, candidate_weight = torch.split(weight, [2 * size, size])
        gates_input, candidate_input = torch.split(projected, [2 * size, size], -1)
        gates = torch.sigmoid(gates_input + nn.functional.linear(state.hidden, gates_weight))
        reset, update = gates.chunk(2, -1)
        candidate = torch.tanh(
            candidate_input + nn.functional.linear(reset * state.hidden, candidate_weight)
        )
        return CellState(candidate + update * (state.hidden - candidate), state.cell)


_CELLS: dict[Cell, type[RecurrentCell]] = {
    "rnn": RNNCell,
    "lstm": LSTMCell,
    "gru": GRUCell,
    "gru-reset-before": GRUResetBeforeCell,
}


def make_cell(
    kind: Cell, input_size: int, hidden_size: int, recurrent_dropout: float = 0.0
) -> RecurrentCell:
    """A fresh cell of this kind; `recurrent_dropout` is the share of U blanked in training."""
    cell = _CELLS[kind](input_size, hidden_size)
    cell.recurrent_dropout.p = recurrent_dropout
    return cell
