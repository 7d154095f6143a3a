"""The one loop that no fused kernel offers: a decoder whose attention feeds its next state.

    c_t = attention(s_{t-1})        s_t = cell([y_{t-1}; c_t], s_{t-1})

Whatever does not depend on the state before (the embeddings' share of the cell's product) is
computed for all steps before the loop.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seq2seq.model.attention import Attention
from seq2seq.model.cells import CellState, RecurrentCell


def attend_and_recur(
    cell: RecurrentCell,
    attention: Attention,
    tokens: Tensor,
    start: CellState,
    keys: Tensor,
    values: Tensor,
    is_padding: Tensor,
) -> tuple[Tensor, Tensor]:
    """All steps of attention with input feeding.

    Args:
        cell: reads [token; context].
        attention: looks with the state before the step.
        tokens: embeddings of the tokens before, [batch, target, embedding].
        start: before the first step.
        keys: [batch, source, attention].
        values: [batch, source, value].
        is_padding: True where there is no source token, [batch, source].

    Returns:
        Hidden states [batch, target, hidden] and context vectors [batch, target, value].
    """
    token_weight, context_weight = torch.split(
        cell.weight_input, [tokens.shape[-1], values.shape[-1]], dim=1
    )
    projected = nn.functional.linear(tokens, token_weight, cell.bias)
    state = start
    hiddens, contexts = [], []
    for step in range(tokens.shape[1]):
        context = attention(state.hidden[:, None], keys, values, is_padding).context[:, 0]
        from_context = nn.functional.linear(context, context_weight)
        state = cell.advance(projected[:, step] + from_context, state)
        hiddens.append(state.hidden)
        contexts.append(context)
    return torch.stack(hiddens, 1), torch.stack(contexts, 1)
