"""The GRU's whole-sequence loop and its gradient, derived by hand, in NumPy.

torch has a fused kernel for the LSTM on a CPU but none for the GRU: it builds a graph of every
step, and at the few units of these networks nearly all time goes into that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Reals = NDArray[np.floating]


def unroll_gated_units(projected: Tensor, weight: Tensor, bias: Tensor, start: Tensor) -> Tensor:
    """All steps of `GRUCell`, on the CPU.

        r, z = σ(x + U h_{t-1}), a block each       x = W x_t + b
        n    = tanh(x + r ∘ (U h_{t-1} + b_U))
        h_t  = (1 − z) ∘ n + z ∘ h_{t-1}

    Args:
        projected: W x + b, [batch, time, 3 * hidden].
        weight: U, [3 * hidden, hidden].
        bias: b_U, [hidden].
        start: h_0, [batch, hidden].

    Returns:
        Hidden states, [batch, time, hidden].
    """
    states: Tensor = _GatedUnits.apply(projected, weight, bias, start)  # type: ignore[no-untyped-call]
    return states


def _forward(gates: Reals, weight: Reals, bias: Reals, start: Reals) -> tuple[Reals, Reals, Reals]:
    """Turn W x + b into r, z and n, in place: [time, batch, 3 * hidden].

    Returns:
        Those, h from h_0 on [time + 1, batch, hidden], and U h + b_U of the candidate.
    """
    time, batch, _ = gates.shape
    size = len(bias)
    # σ(x) = tanh(x/2)/2 + 1/2
    gates[..., : 2 * size] *= 0.5
    scaled = weight.T.copy()
    scaled[:, : 2 * size] *= 0.5
    states = np.empty((time + 1, batch, size), gates.dtype)
    states[0] = start
    inner = np.empty((time, batch, size), gates.dtype)
    product = np.empty_like(gates[0])
    change = np.empty_like(states[0])
    for step in range(time):
        before, now = states[step], gates[step]
        np.matmul(before, scaled, out=product)
        both, candidate = now[:, : 2 * size], now[:, 2 * size :]
        both += product[:, : 2 * size]
        np.tanh(both, out=both)
        both *= 0.5
        both += 0.5
        np.add(product[:, 2 * size :], bias, out=inner[step])
        np.multiply(inner[step], now[:, :size], out=change)
        candidate += change
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=change)
        change *= now[:, size : 2 * size]
        np.add(candidate, change, out=states[step + 1])
    return gates, states, inner


def _backward(
    gates: Reals, states: Reals, inner: Reals, weight: Reals, outputs: Reals
) -> tuple[Reals, Reals, Reals]:
    """Errors at W x + b and at U h + b_U [time, batch, 3 * hidden], and at h_0.

    Args:
        gates: r, z and n, [time, batch, 3 * hidden].
        states: from h_0 on, [time + 1, batch, hidden].
        inner: U h + b_U of the candidate, [time, batch, hidden].
        weight: U.
        outputs: errors that come to h_t from above, [time, batch, hidden].
    """
    size = weight.shape[1]
    reset, update, candidate = np.split(gates, 3, axis=-1)
    # What one step's error in h_t is multiplied with does not depend on the error.
    to_candidate = (1 - update) * (1 - candidate**2)
    to_update = (states[:-1] - candidate) * update * (1 - update)
    to_reset = inner * reset * (1 - reset)
    recurrent = np.empty_like(gates)
    at_candidate = np.empty_like(inner)
    error = np.zeros_like(states[0])
    product = np.empty_like(error)
    for step in range(len(gates) - 1, -1, -1):
        error += outputs[step]
        now, inside = recurrent[step], at_candidate[step]
        np.multiply(error, to_candidate[step], out=inside)
        np.multiply(error, to_update[step], out=now[:, size : 2 * size])
        np.multiply(inside, to_reset[step], out=now[:, :size])
        np.multiply(inside, reset[step], out=now[:, 2 * size :])
        np.matmul(now, weight, out=product)
        error *= update[step]
        error += product
    projected = np.concatenate([recurrent[..., : 2 * size], at_candidate], axis=-1)
    return projected, recurrent, error


class _GatedUnits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projected: Tensor, weight: Tensor, bias: Tensor, start: Tensor) -> Tensor:
        steps = projected.detach().transpose(0, 1).contiguous().clone().numpy()
        weights = [part.detach().numpy() for part in (weight, bias, start)]
        ctx.trace = _forward(steps, *weights)
        ctx.save_for_backward(weight)
        return torch.from_numpy(ctx.trace[1][1:]).transpose(0, 1).contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        gates, states, inner = ctx.trace
        (weight,) = ctx.saved_tensors
        outputs = gradient.transpose(0, 1).contiguous().numpy()
        found = _backward(gates, states, inner, weight.detach().numpy(), outputs)
        projected, recurrent, start = map(torch.from_numpy, found)
        before = torch.from_numpy(states[:-1])
        at_weight = recurrent.flatten(0, 1).t() @ before.flatten(0, 1)
        at_bias = recurrent[..., -states.shape[-1] :].sum((0, 1))
        return projected.transpose(0, 1), at_weight, at_bias, start
