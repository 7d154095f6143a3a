"""A cell over whole sentences: by torch's kernel, or for bf16 on some CPUs by a loop of our own.

oneDNN's kernel is the fastest way in float32, and in bf16 with AVX-512. With AMX it spends several
times as long on the way back as the products need, and without AVX-512 it has no LSTM in bf16;
there a loop over steps takes its place, with a backward pass derived by hand, as in `recurrence`
but without attention. The products with inputs lie before the loop, those of the weights' gradients
behind it:

    x_t = W y_t + b        u_t = U h_{t-1}        h_t = cell(x_t, u_t)

    δx_t, δu_t  from δh_t by the cell's own equations        δh_{t-1} += Uᵀ δu_t
    δU = Σ_t δu_t h_{t-1}ᵀ
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seq2seq.model.cells import CellState, GRUCell, RecurrentCell, last_of_each_row
from seq2seq.model.products import (
    has_avx512,
    has_tiles,
    linear,
    product_type,
    project,
    sum_of_outer,
)
from seq2seq.model.traces import TRACES, GRUTrace, StepGradient, Trace


def unroll(
    cell: RecurrentCell, inputs: Tensor, lengths: Tensor, state: CellState
) -> tuple[Tensor, CellState]:
    """All steps of padded sentences at once, the faster way: see `RecurrentCell.unroll`."""
    state = CellState(*(part.contiguous() for part in state))  # cuDNN takes no slices of layers
    if product_type(cell.bias) == cell.bias.dtype:
        return cell.unroll(inputs, lengths, state)
    if inputs.device.type != "cpu":
        return unroll_in_float32(cell, inputs, lengths, state)
    if type(cell) in TRACES and (has_tiles() or not has_avx512()):
        return unroll_by_hand(cell, inputs, lengths, state)
    return cell.unroll(inputs, lengths, state)


def unroll_in_float32(
    cell: RecurrentCell, inputs: Tensor, lengths: Tensor, state: CellState
) -> tuple[Tensor, CellState]:
    """`RecurrentCell.unroll` out of autocast's reach.

    On a GPU autocast brings cuDNN's recurrent kernels to float16, whatever type it was given, and
    float16 loses gradients as small as these. In float32 cuDNN may still multiply in TF32.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        exact = CellState(*(part.float() for part in state))
        return cell.unroll(inputs.float(), lengths, exact)


def unroll_by_hand(
    cell: RecurrentCell, inputs: Tensor, lengths: Tensor, state: CellState
) -> tuple[Tensor, CellState]:
    """See `RecurrentCell.unroll`; for the cells that have a trace."""
    bias = cell.recurrent_bias() if isinstance(cell, GRUCell) else None
    projected = project(inputs.transpose(0, 1), cell.weight_input, cell.bias)
    dtype = cell.bias.dtype  # of all but the products
    hiddens, cells = _Unroll.apply(  # type: ignore[no-untyped-call]
        TRACES[type(cell)],
        product_type(cell.bias),
        *(part.to(dtype) for part in (projected, *state)),
        cell.recurrent_weight_for_all_steps(),
        bias,
    )
    outputs = hiddens.transpose(0, 1)
    last_cell = last_of_each_row(cells.transpose(0, 1), lengths) if len(cells) else state.cell
    return outputs, CellState(last_of_each_row(outputs, lengths), last_cell)


class _Unroll(torch.autograd.Function):
    """The loop over all steps as one operation: see the top of this file. Time first."""

    @staticmethod
    def forward(
        ctx: Any,
        trace_kind: type[Trace],
        product_type: torch.dtype,
        inputs: Tensor,
        hidden: Tensor,
        cell: Tensor,
        recurrent_weight: Tensor,
        recurrent_bias: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        hiddens = inputs.new_empty(len(inputs) + 1, *hidden.shape)
        hiddens[0] = hidden
        recurrent_weight = recurrent_weight.to(product_type)
        trace = trace_kind.allocate(inputs, cell)
        with torch.autocast(inputs.device.type, enabled=False):
            for step in range(len(inputs)):
                recurrent = linear(hiddens[step], recurrent_weight)
                if recurrent_bias is not None:
                    recurrent += recurrent_bias
                trace.advance(step, inputs[step].clone(), recurrent, hiddens)
        ctx.trace_kind, ctx.has_bias = trace_kind, recurrent_bias is not None
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(hiddens, recurrent_weight, *trace)
        return hiddens[1:], trace.cells[1:]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, of_hiddens: Tensor | None, of_cells: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        hiddens, weight, *rest = ctx.saved_tensors
        trace = ctx.trace_kind(*rest)
        steps, batch = len(hiddens) - 1, hiddens.shape[1]
        recurrent = hiddens.new_empty(steps, batch, len(weight))
        inputs = torch.empty_like(recurrent) if isinstance(trace, GRUTrace) else recurrent
        hidden, cell = torch.zeros_like(hiddens[0]), torch.zeros_like(trace.cells[0])
        with torch.autocast(hiddens.device.type, enabled=False):
            for step in reversed(range(steps)):
                if of_hiddens is not None:
                    hidden += of_hiddens[step]
                if of_cells is not None:
                    cell += of_cells[step]
                gradient = StepGradient(hidden, cell, inputs[step], recurrent[step])
                trace.retreat(step, hiddens, gradient)
                hidden += linear(recurrent[step], weight.t())
            of_weight = sum_of_outer(recurrent, hiddens[:-1], weight.dtype)
        of_bias = recurrent.sum((0, 1)) if ctx.has_bias else None
        return None, None, inputs, hidden, cell, of_weight, of_bias
