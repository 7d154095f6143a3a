"""Layers of cells over padded sentences: stacked, in one direction or both, with dropout between.

Padding never changes a result, without `PackedSequence` (which leaves oneDNN's whole-sequence
kernel): reading forwards, padding comes after all that matters; reading backwards, each row is
first turned around within its own length; last states are those after each row's last token.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import Cell
from seq2seq.model.cells import CellState, RecurrentCell, make_cell
from seq2seq.model.dropout import make_dropout
from seq2seq.model.unrolling import unroll


class Unrolled(NamedTuple):
    """What layers of cells made of padded sentences."""

    outputs: Tensor  # [batch, time, hidden * directions]; zero where there is padding
    hidden: Tensor  # [batch, layers, hidden * directions]: after each sentence's last token
    cell: Tensor  # likewise; [batch, layers, 0] for cells without a cell state


def padding_mask(lengths: Tensor, longest: int) -> Tensor:
    """True where a row of this length has no token: [batch] → [batch, longest]."""
    return torch.arange(longest, device=lengths.device) >= lengths[:, None]


class _TurnAround(torch.autograd.Function):
    """Reorder time within each row by an order that undoes itself.

    The gradient is therefore turned by the same order: a gather instead of a scattered sum.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, order: Tensor) -> Tensor:
        ctx.save_for_backward(order)
        return values.flatten(0, 1).index_select(0, order).view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (order,) = ctx.saved_tensors
        return gradient.flatten(0, 1).index_select(0, order).view_as(gradient), None


def turn_around(values: Tensor, lengths: Tensor) -> Tensor:
    """Each row backwards within its own length, padding in place: [batch, time, …], [batch]."""
    batch, time = values.shape[:2]
    position = torch.arange(time, device=values.device)
    turned = lengths[:, None] - 1 - position
    order = torch.where(turned >= 0, turned, position)
    order = order + torch.arange(batch, device=values.device)[:, None] * time
    turned_values: Tensor = _TurnAround.apply(values, order.flatten())  # type: ignore[no-untyped-call]
    return turned_values


class RecurrentLayers(nn.Module):
    """`layers` cells on top of one another, each reading all steps of the one below.

    Args:
        cell: which equations.
        input_size: units of the input.
        hidden_size: units of each direction of each layer.
        layers: how many; without any it must not be called.
        bidirectional: each layer reads both ways and hands on both hidden states side by side
            (Schuster and Paliwal 1997).
        dropout: share of units blanked between layers, in training.
        recurrent_dropout: share of recurrent weights blanked, in training.
        sequence_dropout: whether `dropout` blanks the same units at all steps.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        layers: int,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        sequence_dropout: bool = False,
    ) -> None:
        """Make fresh cells."""
        super().__init__()
        directions = 2 if bidirectional else 1
        widths = [input_size, *[hidden_size * directions] * (layers - 1)][:layers]
        self.forward_cells = nn.ModuleList(
            make_cell(cell, width, hidden_size, recurrent_dropout) for width in widths
        )
        self.backward_cells = nn.ModuleList(
            make_cell(cell, width, hidden_size, recurrent_dropout)
            for width in widths
            if bidirectional
        )
        self.dropout = make_dropout(dropout, sequence_dropout)

    def forward(self, inputs: Tensor, lengths: Tensor, start: CellState | None = None) -> Unrolled:
        """Read sentences of these lengths: [batch, time, input], [batch].

        Args:
            inputs: [batch, time, input].
            lengths: tokens in each row, at least 1, on the device of `inputs`.
            start: states before the first step, [batch, layers, hidden], one direction only;
                zeros if absent.
        """
        is_padding = padding_mask(lengths, inputs.shape[1])[..., None]
        states = []
        for layer, cell in enumerate(self.forward_cells):
            assert isinstance(cell, RecurrentCell)
            if layer:
                inputs = self.dropout(inputs)
            before = (
                CellState(start.hidden[:, layer], start.cell[:, layer])
                if start
                else cell.zero_state(len(inputs), inputs)
            )
            outputs, state = unroll(cell, inputs, lengths, before)
            if self.backward_cells:
                backward = self.backward_cells[layer]
                assert isinstance(backward, RecurrentCell)
                turned, turned_state = unroll(
                    backward,
                    turn_around(inputs, lengths),
                    lengths,
                    backward.zero_state(len(inputs), inputs),
                )
                outputs = torch.cat([outputs, turn_around(turned, lengths)], -1)
                state = CellState(
                    *(torch.cat(pair, -1) for pair in zip(state, turned_state, strict=True))
                )
            inputs = outputs.masked_fill(is_padding, 0.0)
            states.append(state)
        return Unrolled(
            inputs,
            torch.stack([state.hidden for state in states], 1),
            torch.stack([state.cell for state in states], 1),
        )

    def step(self, inputs: Tensor, state: CellState) -> CellState:
        """One time step through all layers: [batch, input], states [batch, layers, hidden].

        The last layer's hidden state is the output.
        """
        hidden, cell_state = [], []
        for layer, cell in enumerate(self.forward_cells):
            assert isinstance(cell, RecurrentCell)
            if layer:
                inputs = self.dropout(inputs)
            after = cell.step(inputs, CellState(state.hidden[:, layer], state.cell[:, layer]))
            hidden.append(after.hidden)
            cell_state.append(after.cell)
            inputs = after.hidden
        return CellState(torch.stack(hidden, 1), torch.stack(cell_state, 1))
