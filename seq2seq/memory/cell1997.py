"""Long short-term memory as it was in 1997: no forget gate, and squashing functions of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seq2seq.memory.carousel import (
    Blocks,
    Trace,
    forward,
    full_gradient,
    recurrent_gradient,
    truncated_gradient,
)
from seq2seq.model.cells import CellState, last_of_each_row


class LSTM1997Cell(nn.Module):
    """Memory cell blocks with input and output gates: Hochreiter and Schmidhuber 1997, section 4.

        net      = W x_t + U y_{t-1} + b        y: all cells and all gates (the hidden layer is
        in, out  = σ(net)                       fully connected, gates read gates)
        s_t      = s_{t-1} + in ∘ g(net_c)      g = 4σ − 2, in [−2, 2]
        y^c_t    = out ∘ h(s_t)                 h = 2σ − 1, in [−1, 1]

    The cell state's own path has weight 1 at every step, the constant error carousel. With
    `truncated`, the gradient is the paper's: errors go back in time along that path only.

    Attributes:
        weight_input: W, [units, input].
        weight_hidden: U, [units, units].
        bias: b, [units].
        hidden_size: memory cells, what the layer above reads.
    """

    has_cell_state = True

    def __init__(
        self,
        input_size: int,
        blocks: Blocks,
        input_bias: tuple[float, ...] = (),
        output_bias: tuple[float, ...] = (),
        weights: float = 0.1,
        truncated: bool = True,
    ) -> None:
        """Start with small weights, drawn evenly, and with gates biased by block.

        Args:
            input_size: units of the input.
            blocks: memory cell blocks and their size.
            input_bias: of the blocks' input gates; spread evenly from the first value to the last
                if the blocks are more.
            output_bias: likewise of the output gates.
            weights: all others lie between −weights and weights.
            truncated: take the paper's gradient instead of the full one.
        """
        super().__init__()
        self.input_size = input_size
        self.blocks = blocks
        self.hidden_size = blocks.cells
        self.truncated = truncated
        self.weight_input = nn.Parameter(torch.empty(blocks.units, input_size))
        self.weight_hidden = nn.Parameter(torch.empty(blocks.units, blocks.units))
        self.bias = nn.Parameter(torch.zeros(blocks.units))
        nn.init.uniform_(self.weight_input, -weights, weights)
        nn.init.uniform_(self.weight_hidden, -weights, weights)
        cells, middle = blocks.cells, blocks.cells + blocks.number
        with torch.no_grad():
            self.bias[cells:middle] = spread(input_bias, blocks.number)
            self.bias[middle:] = spread(output_bias, blocks.number)

    def zero_state(self, batch: int, like: Tensor) -> CellState:
        """Before the first step nothing is active, not even the gates."""
        return CellState(
            like.new_zeros(batch, self.blocks.units), like.new_zeros(batch, self.hidden_size)
        )

    def project(self, inputs: Tensor) -> Tensor:
        """W x + b: [..., input] → [..., units]."""
        return nn.functional.linear(inputs, self.weight_input, self.bias)

    def advance(self, projected: Tensor, state: CellState) -> CellState:
        """The equations, one step, given W x + b; the state's `hidden` is y, [batch, units]."""
        nets = projected + nn.functional.linear(state.hidden, self.weight_hidden)
        number, size = self.blocks
        parts = [number * size, number, number]
        candidate, input_gate, output_gate = torch.split(nets, parts, -1)
        input_gate, output_gate = torch.sigmoid(input_gate), torch.sigmoid(output_gate)
        flow = input_gate.repeat_interleave(size, -1) * 2 * torch.tanh(candidate / 2)
        cell = state.cell + flow
        output = output_gate.repeat_interleave(size, -1) * torch.tanh(cell / 2)
        return CellState(torch.cat([output, input_gate, output_gate], -1), cell)

    def unroll(self, inputs: Tensor, lengths: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """All steps at once, on the CPU.

        Args:
            inputs: [batch, time, input].
            lengths: steps of each row, [batch].
            state: before the first step; no gradient goes to it.

        Returns:
            The memory cells' outputs [batch, time, hidden], of no meaning after a row's end, and
            the state after each row's last step, likewise without gradient.
        """
        return self.unroll_projected(self.project(inputs), lengths, state)

    def unroll_projected(
        self, projected: Tensor, lengths: Tensor, state: CellState
    ) -> tuple[Tensor, CellState]:
        """As `unroll`, given W x + b, [batch, time, units]."""
        outputs, activations, states = _Carousel.apply(
            projected, self.weight_hidden, state.hidden, state.cell, self.blocks, self.truncated
        )  # type: ignore[no-untyped-call]
        last = CellState(last_of_each_row(activations, lengths), last_of_each_row(states, lengths))
        return outputs, last


def spread(values: tuple[float, ...], count: int) -> Tensor:
    """`count` values, evenly from the first given to the last; zeros if none is given."""
    if not values:
        return torch.zeros(count)
    if count == len(values):
        return torch.tensor(values)
    return torch.linspace(values[0], values[-1], count)


class _Carousel(torch.autograd.Function):
    """The NumPy loop as one operation: [batch, time, units] → [batch, time, cells]."""

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        recurrent: Tensor,
        activation: Tensor,
        state: Tensor,
        blocks: Blocks,
        truncated: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        steps = np.ascontiguousarray(projected.detach().transpose(0, 1).numpy()[:, None])
        before = activation.detach().numpy()[None]
        trace = forward(
            steps, recurrent.detach().numpy()[None], blocks, before, state.detach().numpy()[None]
        )
        ctx.trace, ctx.blocks, ctx.truncated, ctx.before = trace, blocks, truncated, before
        ctx.save_for_backward(recurrent)
        activations = torch.from_numpy(trace.activations[:, 0]).transpose(0, 1)
        states = torch.from_numpy(trace.states[:, 0]).flatten(2).transpose(0, 1)
        ctx.mark_non_differentiable(activations, states)
        return activations[..., : blocks.cells].contiguous(), activations, states

    @staticmethod
    def backward(
        ctx: Any, gradient: Tensor, *_: Tensor
    ) -> tuple[Tensor, Tensor, None, None, None, None]:
        trace: Trace = ctx.trace
        (recurrent,) = ctx.saved_tensors
        outputs = np.ascontiguousarray(gradient.transpose(0, 1).numpy()[:, None])
        if ctx.truncated:
            nets = truncated_gradient(trace, ctx.blocks, outputs)
        else:
            nets = full_gradient(trace, ctx.blocks, outputs, recurrent.detach().numpy()[None])
        weights = recurrent_gradient(trace, nets, ctx.before)
        return (
            torch.from_numpy(nets[:, 0]).transpose(0, 1),
            torch.from_numpy(weights[0]),
            None,
            None,
            None,
            None,
        )
