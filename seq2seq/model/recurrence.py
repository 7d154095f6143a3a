"""The one loop that no fused kernel offers: a decoder whose attention feeds its next state.

    c_t = attention(s_{t-1})        s_t = cell([y_{t-1}; c_t], s_{t-1})

`attend_and_recur` is that loop with a backward pass derived by hand; `attend_and_recur_plain` is
the same loop as one would write it down, differentiated by torch. The tests hold both equal; cells
that are not `served` by the first go through the second.

The derivation. Let x_t = W_y y_{t-1} + b be the tokens' share of the gates, computed for all steps
before the loop, and write the two products of a step, with the attention's query beside the gates:

    [u_t; q_t] = [U; W_q] h_{t-1}        z_t = x_t + W_c c_t + u_t

Forwards, with scores e_ts = v · tanh(q_t + k_s) or e_ts = q_t · k_s (what the word before adds to
q_t lies beside x_t, and its gradient is δq_t):

    a_t = softmax(e_t)        c_t = Σ_s a_ts value_s        h_t = cell(z_t)

Backwards, for t from the last step to the first, δx being the gradient of the loss in x:

    δz_t, δu_t   from δh_t by the cell's own equations
    δc_t         = (what the readout sends) + W_cᵀ δz_t
    δa_ts        = (what the readout sends) + value_s · δc_t
    δe_t         = a_t ∘ (δa_t − Σ_s a_ts δa_ts)
    δq_t, δk     from δe_t by the attention's own equations
    δh_{t-1}     = (what the readout sends) + [U; W_q]ᵀ [δu_t; δq_t]

The gradients of weights are sums over t of outer products. They wait for the end of the loop and
are then one product each, over all steps at once:

    δ[U; W_q] = Σ_t [δu_t; δq_t] h_{t-1}ᵀ    δW_c = Σ_t δz_t c_tᵀ    δvalue_s = Σ_t a_ts δc_t
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seq2seq.model.attention import AdditiveAttention, Attention, DotAttention, GeneralAttention
from seq2seq.model.cells import CellState, GRUCell, RecurrentCell
from seq2seq.model.products import linear, product_type, project, sum_of_outer
from seq2seq.model.traces import TRACES, GRUTrace, StepGradient, Trace


def attend_and_recur(
    cell: RecurrentCell,
    attention: Attention,
    tokens: Tensor,
    start: CellState,
    keys: Tensor,
    values: Tensor,
    is_padding: Tensor,
    words: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """All steps of attention with input feeding.

    Args:
        cell: reads [token; context].
        attention: looks with the state before the step.
        tokens: embeddings of the tokens before, [batch, target, embedding].
        start: before the first step.
        keys: [batch, source, attention].
        values: [batch, source, value].
        is_padding: True where there is no source token, [batch, source].
        words: what each token before adds to the projected query of additive attention,
            [batch, target, attention].

    Returns:
        Hidden states [batch, target, hidden], context vectors [batch, target, value] and the
        weights that attention gave, [batch, target, source].
    """
    if not served(cell, attention):
        return attend_and_recur_plain(
            cell, attention, tokens, start, keys, values, is_padding, words
        )
    token_weight, context_weight = torch.split(
        cell.weight_input, [tokens.shape[-1], values.shape[-1]], dim=1
    )
    recurrent_weight, recurrent_bias, keys, score_weight = _weights_in_the_loop(
        cell, attention, keys
    )
    inputs = project(tokens.transpose(0, 1), token_weight, cell.bias)
    if words is not None:
        inputs = torch.cat([inputs, 2 * words.transpose(0, 1)], -1)
    dtype = cell.bias.dtype
    # Under autocast some of these come in low precision and some do not. In the loop all but the
    # products with weights is in the weights' own type.
    hiddens, contexts, weights = _AttendAndRecur.apply(  # type: ignore[no-untyped-call]
        TRACES[type(cell)],
        product_type(cell.bias),
        *(part.to(dtype) for part in (inputs, *start, keys, values)),
        is_padding,
        context_weight,
        recurrent_weight,
        recurrent_bias,
        score_weight,
    )
    return hiddens.transpose(0, 1), contexts.transpose(0, 1), weights.transpose(0, 1)


def _weights_in_the_loop(
    cell: RecurrentCell, attention: Attention, keys: Tensor
) -> tuple[Tensor, Tensor | None, Tensor, Tensor | None]:
    """What meets the state, the query's weights below the cell's; and keys and scores to fit.

    Returns:
        Recurrent weight, recurrent bias (GRU), keys, and the score's weight (additive attention).
    """
    weight, bias, score_weight = cell.recurrent_weight_for_all_steps(), None, None
    if isinstance(cell, GRUCell):
        bias = cell.recurrent_bias()
    if isinstance(attention, AdditiveAttention):
        # tanh(x) = 2 σ(2x) − 1, and the softmax does not see what all scores share: a sigmoid with
        # everything doubled does the same work in a fifth of the time.
        keys, score_weight = 2 * keys, 2 * attention.score_weight
        weight = torch.cat([weight, 2 * attention.query_weight])
        if bias is not None:
            bias = nn.functional.pad(bias, (0, keys.shape[-1]))
    elif isinstance(attention, DotAttention):
        keys = keys * attention.scale
    return weight, bias, keys, score_weight


def served(cell: RecurrentCell, attention: Attention) -> bool:
    """Whether the backward pass is derived for this pair; only Cho's reset-before GRU is not."""
    return type(cell) in TRACES and isinstance(
        attention, AdditiveAttention | DotAttention | GeneralAttention
    )


def attend_and_recur_plain(
    cell: RecurrentCell,
    attention: Attention,
    tokens: Tensor,
    start: CellState,
    keys: Tensor,
    values: Tensor,
    is_padding: Tensor,
    words: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """`attend_and_recur` as one would write it down: any cell, any attention, the reference."""
    token_weight, context_weight = torch.split(
        cell.weight_input, [tokens.shape[-1], values.shape[-1]], dim=1
    )
    projected = nn.functional.linear(tokens, token_weight, cell.bias)
    recurrent_weight = cell.recurrent_weight_for_all_steps()
    state = start
    hiddens, contexts, weights = [], [], []
    for step in range(tokens.shape[1]):
        word = None if words is None else words[:, step : step + 1]
        attended = attention(state.hidden[:, None], keys, values, is_padding, word)
        context = attended.context[:, 0]
        from_context = nn.functional.linear(context, context_weight)
        state = cell.advance(projected[:, step] + from_context, state, recurrent_weight)
        hiddens.append(state.hidden)
        contexts.append(context)
        weights.append(attended.weights[:, 0])
    return torch.stack(hiddens, 1), torch.stack(contexts, 1), torch.stack(weights, 1)


class _Run(NamedTuple):
    """What the loop keeps for the way back beside the cell's own; time first."""

    hiddens: Tensor  # [target + 1, batch, hidden], from before the first step
    contexts: Tensor  # [target, batch, value]
    weights: Tensor  # [target, batch, source]
    queries: Tensor  # [target, batch, attention]
    keys: Tensor  # [batch, source, attention]
    values: Tensor  # [batch, source, value]
    context_weight: Tensor  # W_c: [gates * hidden, value]
    recurrent_weight: Tensor  # [U; W_q]: [gates * hidden + attention, hidden]; U alone for a dot
    score_weight: Tensor | None  # v: [attention]; None for a dot


class _Sent(NamedTuple):
    """Gradients that the readout sends into the loop's results; time first."""

    hiddens: Tensor  # [target, batch, hidden]
    contexts: Tensor  # [target, batch, value]
    weights: Tensor  # [target, batch, source]


class _AttendAndRecur(torch.autograd.Function):
    """The loop over all steps as one operation: see the top of this file."""

    @staticmethod
    def forward(
        ctx: Any,
        trace_kind: type[Trace],
        product_type: torch.dtype,
        inputs: Tensor,
        hidden: Tensor,
        cell: Tensor,
        keys: Tensor,
        values: Tensor,
        is_padding: Tensor,
        context_weight: Tensor,
        recurrent_weight: Tensor,
        recurrent_bias: Tensor | None,
        score_weight: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        steps, batch = inputs.shape[:2]
        hiddens = inputs.new_empty(steps + 1, *hidden.shape)
        hiddens[0] = hidden
        run = _Run(
            hiddens,
            inputs.new_empty(steps, batch, values.shape[2]),
            inputs.new_empty(steps, batch, values.shape[1]),
            hiddens[:-1] if score_weight is None else inputs.new_empty(steps, *keys[:, 0].shape),
            keys,
            values,
            context_weight.to(product_type).contiguous(),
            recurrent_weight.to(product_type),
            score_weight,
        )
        trace = trace_kind.allocate(inputs[:, :, : len(context_weight)], cell)
        with torch.autocast(inputs.device.type, enabled=False):
            _advance(run, trace, inputs, is_padding, recurrent_bias)
        ctx.trace_kind, ctx.has_bias = trace_kind, recurrent_bias is not None
        ctx.has_words = inputs.shape[2] > len(context_weight)
        ctx.save_for_backward(*run, *trace)
        return hiddens[1:], run.contexts, run.weights

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, hiddens: Tensor, contexts: Tensor, weights: Tensor
    ) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        run, trace = _Run(*saved[:9]), ctx.trace_kind(*saved[9:])
        with torch.autocast(hiddens.device.type, enabled=False):
            sent = _Sent(hiddens, contexts, weights)
            return None, None, *_retreat(run, trace, sent, ctx.has_bias, ctx.has_words)


def _advance(
    run: _Run, trace: Trace, inputs: Tensor, is_padding: Tensor, recurrent_bias: Tensor | None
) -> None:
    """All steps forwards, written into `run` and `trace`."""
    scorer = _Scorer.of(run)
    gates = len(run.context_weight)
    words = inputs[:, :, gates:] if inputs.shape[2] > gates else None
    inputs = inputs[:, :, :gates]
    blocked = torch.zeros_like(run.weights[0]).masked_fill_(is_padding, -math.inf)
    for step in range(len(inputs)):
        recurrent = linear(run.hiddens[step], run.recurrent_weight)
        if recurrent_bias is not None:
            recurrent += recurrent_bias
        if words is not None:
            torch.add(recurrent[:, gates:], words[step], out=run.queries[step])
        elif run.score_weight is not None:
            run.queries[step] = recurrent[:, gates:]
        scores = scorer.scores(run.queries[step]).add_(blocked)
        weights = torch.softmax(scores, -1, out=run.weights[step])
        torch.bmm(weights[:, None], run.values, out=run.contexts[step][:, None])
        projected = linear(run.contexts[step], run.context_weight).add_(inputs[step])
        trace.advance(step, projected, recurrent[:, :gates], run.hiddens)


def _retreat(
    run: _Run, trace: Trace, sent: _Sent, has_bias: bool, has_words: bool
) -> tuple[Tensor | None, ...]:
    """All steps backwards. In here a name stands for the gradient of what it says."""
    scorer = _Scorer.of(run)
    gates = len(run.context_weight)
    contexts = sent.contexts.clone(memory_format=torch.contiguous_format)
    recurrent = contexts.new_empty(*contexts.shape[:2], len(run.recurrent_weight))  # [δu; δq]
    inputs = torch.empty_like(recurrent) if isinstance(trace, GRUTrace) else recurrent
    inputs = inputs[:, :, :gates]
    scores = torch.empty_like(run.weights)
    hidden, cell = torch.zeros_like(run.hiddens[0]), torch.zeros_like(trace.cells[0])
    for step in reversed(range(len(contexts))):
        hidden += sent.hiddens[step]
        gradient = StepGradient(hidden, cell, inputs[step], recurrent[step, :, :gates])
        trace.retreat(step, run.hiddens, gradient)
        context = contexts[step].add_(linear(inputs[step], run.context_weight.t()))
        seen = torch.bmm(context[:, None], run.values.transpose(1, 2))[:, 0]
        seen.add_(sent.weights[step]).mul_(run.weights[step])
        torch.addcmul(seen, run.weights[step], seen.sum(1, True), value=-1, out=scores[step])
        query = scorer.retreat(scores[step], run.queries[step])
        if run.score_weight is None:
            hidden += query
        else:
            recurrent[step, :, gates:] = query
        hidden += linear(recurrent[step], run.recurrent_weight.t())
    keys, score_weight = scorer.finish(scores, run.queries)
    return (
        torch.cat([inputs, recurrent[:, :, gates:]], -1) if has_words else inputs,
        hidden,
        cell,
        keys,
        torch.bmm(run.weights.permute(1, 2, 0), contexts.transpose(0, 1)),
        None,
        sum_of_outer(inputs, run.contexts, run.context_weight.dtype),
        sum_of_outer(recurrent, run.hiddens[:-1], run.recurrent_weight.dtype),
        recurrent.sum((0, 1)) if has_bias else None,
        score_weight,
    )


class _Scorer(NamedTuple):
    """Scores of source positions and their gradients: v · σ(q + k), or q · k without v."""

    keys: Tensor  # [batch, source, attention]
    score_weight: Tensor | None  # v: [attention]
    room: Tensor  # [batch, source, attention]: where σ(q + k) of a step is worked out
    of_keys: Tensor  # [batch, source, attention]: sum over steps of δe ∘ σ', which lacks v
    of_score_weight: Tensor  # [attention]: δv

    @classmethod
    def of(cls, run: _Run) -> _Scorer:
        used = run.keys if run.score_weight is not None else run.keys[:0]
        return cls(
            run.keys,
            run.score_weight,
            torch.empty_like(used),
            torch.zeros_like(used),
            used.new_zeros(used.shape[2]),
        )

    def scores(self, query: Tensor) -> Tensor:
        """[batch, attention] → [batch, source]."""
        if self.score_weight is None:
            return torch.bmm(query[:, None], self.keys.transpose(1, 2))[:, 0]
        torch.add(self.keys, query[:, None], out=self.room).sigmoid_()
        return torch.mv(self.room.flatten(0, 1), self.score_weight).view(self.keys.shape[:2])

    def retreat(self, scores: Tensor, query: Tensor) -> Tensor:
        """From the gradient of a step's scores that of its query.

        With p = σ(q + k):        δk_s = δe_s v ∘ p_s ∘ (1 − p_s)        δq = Σ_s δk_s
                                  δv = Σ_s δe_s p_s

        p is worked out again: kept for every step, it would be the largest thing in memory,
        [target, batch, source, attention].
        """
        if self.score_weight is None:
            return torch.bmm(scores[:, None], self.keys)[:, 0]
        sigmoid = torch.add(self.keys, query[:, None], out=self.room).sigmoid_()
        self.of_score_weight.addmv_(sigmoid.flatten(0, 1).t(), scores.flatten())
        slope = sigmoid.addcmul_(sigmoid, sigmoid, value=-1)
        self.of_keys.addcmul_(scores[:, :, None], slope)
        return torch.bmm(scores[:, None], slope)[:, 0].mul_(self.score_weight)

    def finish(self, scores: Tensor, queries: Tensor) -> tuple[Tensor, Tensor | None]:
        """After all steps, the gradients of keys and of v."""
        if self.score_weight is None:
            return torch.bmm(scores.permute(1, 2, 0), queries.transpose(0, 1)), None
        return self.of_keys.mul_(self.score_weight), self.of_score_weight
