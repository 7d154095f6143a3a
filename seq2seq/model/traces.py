"""One step of each cell for the hand-written loops over time: forwards in place, and its way back.

A trace is what the steps leave for the way back. The cells' equations, as one reads them, are in
`cells`; here they are worked out into memory that was allocated for all steps beforehand, time
first, and their gradients are derived by hand. All gates' sums come from the loop: `projected` has
what the inputs contribute, `recurrent` what the state before does.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seq2seq.model.cells import GRUCell, LSTMCell, RecurrentCell, RNNCell

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input  # δ ∘ y ∘ (1 − y)
_tanh_backward = torch.ops.aten.tanh_backward.grad_input  # δ ∘ (1 − y²)


class StepGradient(NamedTuple):
    """Gradients of one step, written in place by a cell on the way back."""

    hidden: Tensor  # δh on entry; on exit what h_{t-1} gets of it directly
    cell: Tensor  # δc on entry, δc_{t-1} on exit
    inputs: Tensor  # δz
    recurrent: Tensor  # δu; the same memory as `inputs` for cells that add u and x


class RNNTrace(NamedTuple):
    """What an RNN's steps leave for the way back: nothing but the hidden states."""

    cells: Tensor  # [1, batch, 0]: there is no cell state

    @classmethod
    def allocate(cls, inputs: Tensor, cell: Tensor) -> RNNTrace:
        return cls(cell[None])

    def advance(self, step: int, projected: Tensor, recurrent: Tensor, hiddens: Tensor) -> None:
        """See `RNNCell`."""
        torch.tanh(projected.add_(recurrent), out=hiddens[step + 1])

    def retreat(self, step: int, hiddens: Tensor, gradient: StepGradient) -> None:
        """δz = δh ∘ (1 − h²)."""
        _tanh_backward(gradient.hidden, hiddens[step + 1], grad_input=gradient.inputs)
        gradient.hidden.zero_()


class LSTMTrace(NamedTuple):
    """What an LSTM's steps leave for the way back."""

    cells: Tensor  # [target + 1, batch, hidden]: c, from before the first step
    squashed: Tensor  # [target, batch, hidden]: tanh c
    gates: Tensor  # [target, batch, 4 * hidden]: i, f, g, o

    @classmethod
    def allocate(cls, inputs: Tensor, cell: Tensor) -> LSTMTrace:
        cells = cell.new_empty(len(inputs) + 1, *cell.shape)
        cells[0] = cell
        return cls(cells, torch.empty_like(cells[1:]), torch.empty_like(inputs))

    def advance(self, step: int, projected: Tensor, recurrent: Tensor, hiddens: Tensor) -> None:
        """See `LSTMCell`."""
        before = projected.add_(recurrent).chunk(4, -1)
        gates = self.gates[step].chunk(4, -1)
        for squash, gate, result in zip(_LSTM_SQUASHES, before, gates, strict=True):
            squash(gate, out=result)
        input_gate, forget_gate, candidate, output_gate = gates
        cell = torch.mul(forget_gate, self.cells[step], out=self.cells[step + 1])
        cell.addcmul_(input_gate, candidate)
        torch.mul(output_gate, torch.tanh(cell, out=self.squashed[step]), out=hiddens[step + 1])

    def retreat(self, step: int, hiddens: Tensor, gradient: StepGradient) -> None:
        """The product rule on LSTMCell's equations.

        δo = δh ∘ tanh c        δc += δh ∘ o ∘ (1 − tanh² c)
        δi = δc ∘ g             δf = δc ∘ c_{t-1}            δg = δc ∘ i        δc_{t-1} = δc ∘ f
        """
        input_gate, forget_gate, candidate, output_gate = self.gates[step].chunk(4, -1)
        of_input, of_forget, of_candidate, of_output = gradient.inputs.chunk(4, -1)
        squashed, hidden, cell = self.squashed[step], gradient.hidden, gradient.cell
        _sigmoid_backward(hidden * squashed, output_gate, grad_input=of_output)
        hidden.mul_(output_gate)
        cell.add_(_tanh_backward(hidden, squashed, grad_input=hidden))
        _sigmoid_backward(cell * candidate, input_gate, grad_input=of_input)
        _sigmoid_backward(cell * self.cells[step], forget_gate, grad_input=of_forget)
        _tanh_backward(cell * input_gate, candidate, grad_input=of_candidate)
        cell.mul_(forget_gate)
        hidden.zero_()


class GRUTrace(NamedTuple):
    """What a GRU's steps leave for the way back."""

    cells: Tensor  # [1, batch, 0]: there is no cell state
    candidates: Tensor  # [target, batch, hidden]: U h + b_U, the candidate's share
    gates: Tensor  # [target, batch, 3 * hidden]: r, z, n

    @classmethod
    def allocate(cls, inputs: Tensor, cell: Tensor) -> GRUTrace:
        return cls(cell[None], torch.empty_like(inputs[:, :, ::3]), torch.empty_like(inputs))

    def advance(self, step: int, projected: Tensor, recurrent: Tensor, hiddens: Tensor) -> None:
        """See `GRUCell`."""
        reset, update, candidate = self.gates[step].chunk(3, -1)
        reset_before, update_before, candidate_before = projected.chunk(3, -1)
        from_reset, from_update, from_candidate = recurrent.chunk(3, -1)
        torch.sigmoid(reset_before.add_(from_reset), out=reset)
        torch.sigmoid(update_before.add_(from_update), out=update)
        self.candidates[step] = from_candidate
        torch.tanh(candidate_before.addcmul_(reset, from_candidate), out=candidate)
        torch.lerp(candidate, hiddens[step], update, out=hiddens[step + 1])

    def retreat(self, step: int, hiddens: Tensor, gradient: StepGradient) -> None:
        """The product rule on GRUCell's equations, with m = U h_{t-1} + b_U of the candidate.

        δz = δh ∘ (h_{t-1} − n)        δn = δh ∘ (1 − z)        δr = δn ∘ m        δm = δn ∘ r
        δh_{t-1} = δh ∘ z
        """
        reset, update, candidate = self.gates[step].chunk(3, -1)
        of_reset, of_update, of_candidate = gradient.inputs.chunk(3, -1)
        hidden = gradient.hidden
        _sigmoid_backward(hidden * (hiddens[step] - candidate), update, grad_input=of_update)
        _tanh_backward(hidden - hidden * update, candidate, grad_input=of_candidate)
        _sigmoid_backward(of_candidate * self.candidates[step], reset, grad_input=of_reset)
        gradient.recurrent.copy_(gradient.inputs)
        gradient.recurrent.chunk(3, -1)[2].mul_(reset)
        hidden.mul_(update)


Trace = RNNTrace | LSTMTrace | GRUTrace
TRACES: dict[type[RecurrentCell], type[Trace]] = {
    RNNCell: RNNTrace,
    LSTMCell: LSTMTrace,
    GRUCell: GRUTrace,
}
_LSTM_SQUASHES = torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid  # of i, f, g, o
