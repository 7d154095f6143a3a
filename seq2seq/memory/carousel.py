"""The whole-sequence loop of the 1997 cell and its gradient, derived by hand, in NumPy.

At the few units of the paper's networks nearly all time goes into calling functions, and NumPy's
calls cost a fraction of torch's. `copies` networks with weights of their own run side by side.
Where the gradient is truncated as in the paper, the way back needs no loop at all: the cell state
hands errors on unchanged, so its error is a running sum from the end.

Units lie in the order: all memory cells block by block, the input gates, the output gates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.floating]


class Blocks(NamedTuple):
    """Memory cell blocks: cells of a block share its gates."""

    number: int
    size: int

    @property
    def cells(self) -> int:
        """Memory cells of all blocks."""
        return self.number * self.size

    @property
    def units(self) -> int:
        """Cells, input gates and output gates."""
        return self.number * (self.size + 2)


class Trace(NamedTuple):
    """What the way forward leaves for the way back; gates one a block, broadcast over its cells."""

    activations: Reals  # [time, copies, batch, units]
    candidate: Reals  # g, [time, copies, batch, block, size]
    states: Reals  # s, likewise
    squashed: Reals  # h(s), likewise

    def gates(self, blocks: Blocks) -> tuple[Reals, Reals]:
        """Input and output gates, [time, copies, batch, block, 1]."""
        first = blocks.cells
        middle = first + blocks.number
        return self.activations[..., first:middle, None], self.activations[..., middle:, None]


def forward(
    projected: Reals, recurrent: Reals, blocks: Blocks, activation: Reals, state: Reals
) -> Trace:
    """All steps.

        net_t  = W x_t + b + U y_{t-1}                y: cells and gates, all of them
        s_t    = s_{t-1} + σ(net_in) ∘ g(net_c)       g = 4σ − 2 = 2 tanh(net/2)
        y^c_t  = σ(net_out) ∘ h(s_t)                  h = 2σ − 1 = tanh(s/2)

    Args:
        projected: W x + b, [time, copies, batch, units].
        recurrent: U, [copies, units, units].
        blocks: how the units hang together.
        activation: y_0, [copies, batch, units].
        state: s_0, [copies, batch, cells].
    """
    time, copies, batch, _ = projected.shape
    cells, middle = blocks.cells, blocks.cells + blocks.number
    inner = (copies, batch, blocks.number, blocks.size)
    # Every squashing function here is a tanh of half its argument, stretched and moved.
    nets = 0.5 * projected
    weight = 0.5 * np.swapaxes(recurrent, 1, 2)
    candidate = np.empty((time, *inner), projected.dtype)
    states, squashed = np.empty_like(candidate), np.empty_like(candidate)
    flow = np.empty(inner, projected.dtype)
    product = np.empty_like(activation)
    state = state.reshape(inner)
    for step in range(time):
        now = nets[step]
        np.matmul(activation, weight, out=product)
        now += product
        np.tanh(now, out=now)
        gates = now[..., cells:]
        gates *= 0.5
        gates += 0.5
        inside = now[..., :cells].reshape(inner)
        np.multiply(inside, 2.0, out=candidate[step])
        np.multiply(candidate[step], now[..., cells:middle, None], out=flow)
        state = np.add(state, flow, out=states[step])
        np.multiply(state, 0.5, out=flow)
        np.tanh(flow, out=squashed[step])
        np.multiply(squashed[step], now[..., middle:, None], out=inside)
        now[..., :cells] = inside.reshape(copies, batch, cells)
        activation = now
    return Trace(nets, candidate, states, squashed)


def _nets_gradient(
    trace: Trace, blocks: Blocks, outputs: Reals, states: Reals
) -> tuple[Reals, Reals, Reals]:
    """Errors at cells [time, …, cells], input gates and output gates, at some or all steps.

    Args:
        trace: of those steps.
        blocks: how the units hang together.
        outputs: error at each cell's output, [time, copies, batch, block, size].
        states: error at each cell's state, likewise.
    """
    input_gate, output_gate = trace.gates(blocks)
    flat = (*trace.activations.shape[:-1], blocks.cells)
    at_cells = states * input_gate * (2 - 0.5 * trace.candidate**2) * 0.5
    at_input = (states * trace.candidate).sum(-1) * (input_gate * (1 - input_gate))[..., 0]
    at_output = (outputs * trace.squashed).sum(-1) * (output_gate * (1 - output_gate))[..., 0]
    return at_cells.reshape(flat), at_input, at_output


def truncated_gradient(trace: Trace, blocks: Blocks, outputs: Reals) -> Reals:
    """Errors at all net inputs where none leaves the block again but through the cell state.

    Errors that arrive at the net inputs of cells and gates change the weights and go no further
    back in time (appendix A.1 of the paper).

    Args:
        trace: of the way forward.
        blocks: how the units hang together.
        outputs: error at the cells' outputs, [time, copies, batch, cells].

    Returns:
        [time, copies, batch, units].
    """
    errors = outputs.reshape(trace.states.shape)
    _, output_gate = trace.gates(blocks)
    injected = errors * output_gate * (1 - trace.squashed**2) * 0.5
    states = np.cumsum(injected[::-1], axis=0)[::-1]
    return np.concatenate(_nets_gradient(trace, blocks, errors, states), axis=-1)


def full_gradient(trace: Trace, blocks: Blocks, outputs: Reals, recurrent: Reals) -> Reals:
    """Errors at all net inputs by full backpropagation through time.

    Args:
        trace: of the way forward.
        blocks: how the units hang together.
        outputs: error at the cells' outputs, [time, copies, batch, cells].
        recurrent: U, [copies, units, units].

    Returns:
        [time, copies, batch, units].
    """
    cells, middle = blocks.cells, blocks.cells + blocks.number
    inner = trace.states.shape[1:]
    result = np.empty_like(trace.activations)
    at_state = np.zeros(inner, result.dtype)
    from_next = np.zeros_like(trace.activations[0])
    for step in range(len(result) - 1, -1, -1):
        now = Trace(*(part[step : step + 1] for part in trace))
        errors = (outputs[step] + from_next[..., :cells]).reshape(inner)
        input_gate, output_gate = now.gates(blocks)
        at_state = at_state + errors * output_gate[0] * (1 - now.squashed[0] ** 2) * 0.5
        parts = _nets_gradient(now, blocks, errors[None], at_state[None])
        result[step] = np.concatenate(parts, axis=-1)[0]
        # The gates' own activations are read by the next step as well.
        slope_in, slope_out = input_gate * (1 - input_gate), output_gate * (1 - output_gate)
        result[step, ..., cells:middle] += from_next[..., cells:middle] * slope_in[0, ..., 0]
        result[step, ..., middle:] += from_next[..., middle:] * slope_out[0, ..., 0]
        from_next = np.matmul(result[step], recurrent)
    return result


def recurrent_gradient(trace: Trace, nets: Reals, activation: Reals) -> Reals:
    """The gradient of U: [copies, units, units].

    Args:
        trace: of the way forward.
        nets: errors at the net inputs, [time, copies, batch, units].
        activation: y_0, [copies, batch, units].
    """
    before = np.concatenate([activation[None], trace.activations[:-1]])
    by_copy = [np.swapaxes(part, 0, 1).reshape(part.shape[1], -1, part.shape[3])
               for part in (nets, before)]  # fmt: skip
    gradient: Reals = np.matmul(np.swapaxes(by_copy[0], 1, 2), by_copy[1])
    return gradient
