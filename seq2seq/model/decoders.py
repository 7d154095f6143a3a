"""Decoders: target tokens so far → what to say next, with one context vector or with attention.

A decoder is `start(memory)` and `step(token, state, memory)`, used by every search, and
`unroll(tokens, memory)`, all steps of a known target at once, used by training. The tests hold
`unroll` equal to a loop over `step`.

Words are embedded by the model, so that "token" here is an embedding, [batch, embedding].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import ModelSettings
from seq2seq.model.attention import make_attention
from seq2seq.model.cells import CellState, make_cell
from seq2seq.model.dropout import make_dropout
from seq2seq.model.encoder import EncodedSource
from seq2seq.model.layers import RecurrentLayers
from seq2seq.model.lexical import LexicalReadout, without_positions
from seq2seq.model.products import Linear
from seq2seq.model.recurrence import attend_and_recur
from seq2seq.model.unrolling import unroll


class Memory(NamedTuple):
    """The source as a decoder sees it: the same at every step."""

    values: Tensor  # [batch, source, hidden]; [batch, 0, hidden] for the context-vector decoder
    keys: Tensor  # [batch, source, attention]; likewise
    is_padding: Tensor  # [batch, source]; likewise
    context: Tensor  # [batch, hidden]: the summary of the sentence
    hidden: Tensor  # [batch, layers, hidden]: the decoder's first hidden state
    cell: Tensor  # [batch, layers, hidden], or [batch, layers, 0]
    words: Tensor  # [batch, source, embedding] for a lexical readout; [batch, 0, embedding] else
    word_keys: Tensor  # [batch, source, hidden] where it has its own attention; [batch, 0, hidden]

    def select(self, rows: Tensor) -> Memory:
        """The memory of these rows, in this order: int64, [rows]."""
        return Memory(*(part.index_select(0, rows) for part in self))


class DecoderState(NamedTuple):
    """What a decoder carries from one step to the next."""

    hidden: Tensor  # [batch, layers, hidden]
    cell: Tensor  # [batch, layers, hidden], or [batch, layers, 0]

    def select(self, rows: Tensor) -> DecoderState:
        """The states of these rows, in this order: int64, [rows]."""
        return DecoderState(*(part.index_select(0, rows) for part in self))


class DecoderStep(NamedTuple):
    """What one step yields."""

    readout: Tensor  # [batch, readout]: what the next token is read from
    state: DecoderState
    weights: Tensor | None  # [batch, source]: where attention looked; None without attention


class Bridge(nn.Module):
    """From the encoder's last states to the decoder's first.

        h_0 = tanh(W_h [h; c] + b_h)        c_0 = W_c [h; c] + b_c        a pair for each layer

    Bahdanau et al. 2015, section A.2.2, take h_0 = tanh(W h); an LSTM's cell state goes with it,
    and stays linear because cell states are not bounded.
    """

    def __init__(self, settings: ModelSettings, has_cell_state: bool) -> None:
        """Make fresh weights."""
        super().__init__()
        size, layers = settings.hidden_size, settings.decoder_layers
        self.layers = layers
        self.hidden = Linear(size * (1 + has_cell_state), layers * size)
        self.cell = Linear(2 * size, layers * size) if has_cell_state else None

    def forward(self, encoded: EncodedSource) -> CellState:
        """States of all layers: [batch, layers, hidden]."""
        summary = torch.cat([encoded.summary, encoded.summary_cell], -1)
        hidden = torch.tanh(self.hidden(summary)).view(len(summary), self.layers, -1)
        if self.cell is None:
            return CellState(hidden, hidden.new_zeros(*hidden.shape[:2], 0))
        return CellState(hidden, self.cell(summary).view_as(hidden))


class Decoder(nn.Module, ABC):
    """What both decoders share: the bridge from the encoder and the readout to the vocabulary."""

    def __init__(self, settings: ModelSettings, readout_inputs: int, readout_size: int) -> None:
        """Make fresh weights; `readout_inputs` counts units, state and context together."""
        super().__init__()
        self.bridge = Bridge(settings, has_cell_state=settings.cell == "lstm")
        self.readout = nn.Sequential(
            make_dropout(settings.dropout, settings.sequence_dropout),
            Linear(readout_inputs, readout_size),
            nn.Tanh(),
        )
        self.readout_dropout = make_dropout(settings.dropout, settings.sequence_dropout)

    @abstractmethod
    def remember(self, encoded: EncodedSource) -> Memory:
        """What of the source is kept for all steps."""

    def start(self, memory: Memory) -> DecoderState:
        """The state before the first token."""
        return DecoderState(memory.hidden, memory.cell)

    @abstractmethod
    def step(self, token: Tensor, state: DecoderState, memory: Memory) -> DecoderStep:
        """One step, given the embedding of the token before: [batch, embedding]."""

    @abstractmethod
    def unroll(self, tokens: Tensor, memory: Memory) -> Tensor:
        """All steps: embeddings [batch, target, embedding] → readouts [batch, target, readout].

        Rows shorter than the longest go on over padding; nothing of it reaches their own tokens.
        """


class ContextVectorDecoder(Decoder):
    """The whole sentence in one vector c, the encoder's last state.

        s_t = cell([y_{t-1}; c], s_{t-1})        readout_t = tanh(W [s_t; c] + b)

    Cho et al. 2014, section 2.2 (`context="every-step"`). With `context="initial"` the vector is
    seen through s_0 alone, as in Sutskever et al. 2014.
    """

    def __init__(self, settings: ModelSettings, readout_size: int) -> None:
        """Make fresh weights."""
        every_step = settings.context == "every-step"
        context_size = settings.hidden_size if every_step else 0
        super().__init__(settings, settings.hidden_size + context_size, readout_size)
        self.every_step = every_step
        self.layers = RecurrentLayers(
            settings.cell,
            settings.embedding_size + context_size,
            settings.hidden_size,
            settings.decoder_layers,
            dropout=settings.dropout,
            recurrent_dropout=settings.recurrent_dropout,
            sequence_dropout=settings.sequence_dropout,
        )

    def remember(self, encoded: EncodedSource) -> Memory:
        """See `Decoder.remember`: no encoder state but the last."""
        start = self.bridge(encoded)
        nothing, no_words = without_positions(encoded.values), without_positions(encoded.words)
        return Memory(
            nothing,
            nothing,
            encoded.is_padding.new_empty(len(nothing), 0),
            encoded.summary,
            start.hidden,
            start.cell,
            no_words,
            nothing,
        )

    def step(self, token: Tensor, state: DecoderState, memory: Memory) -> DecoderStep:
        """See `Decoder.step`."""
        after = self.layers.step(self._with_context(token, memory), CellState(*state))
        readout = self._read(after.hidden[:, -1], memory)
        return DecoderStep(readout, DecoderState(*after), None)

    def unroll(self, tokens: Tensor, memory: Memory) -> Tensor:
        """See `Decoder.unroll`; one kernel call a layer."""
        lengths = tokens.new_full((len(tokens),), tokens.shape[1], dtype=torch.int64)
        inputs = self._with_context(tokens, memory)
        states = self.layers(inputs, lengths, CellState(memory.hidden, memory.cell)).outputs
        return self._read(states, memory)

    def _read(self, states: Tensor, memory: Memory) -> Tensor:
        readouts: Tensor = self.readout_dropout(self.readout(self._with_context(states, memory)))
        return readouts

    def _with_context(self, vectors: Tensor, memory: Memory) -> Tensor:
        """The context vector beside each vector, if it is fed: [batch, …, size + hidden]."""
        if not self.every_step:
            return vectors
        context = memory.context if vectors.dim() == 2 else memory.context[:, None]
        return torch.cat([vectors, context.expand(*vectors.shape[:-1], -1)], -1)


class AttentionDecoder(Decoder):
    """A context vector of its own for every step, c_t = attention(query, encoder states).

    With input feeding (Bahdanau et al. 2015, section 3.1) attention looks with the state before
    the step, and what it read enters the step:

        c_t = attention(s_{t-1})        s_t = cell([y_{t-1}; c_t], s_{t-1})

    With `query_word` what is asked is W_q s_{t-1} + W_w y_{t-1}: where to look depends on the word
    just said, which s_{t-1} has not read yet. (Other answers to that: Luong et al. ask with
    the state after the step, and Sennrich et al. 2017, "Nematus", with one half-way through it.)

    Without (Luong et al. 2015, section 3) the step comes first, and what attention reads is for
    the readout alone:

        s_t = cell(y_{t-1}, s_{t-1})        c_t = attention(s_t)

    Either way readout_t = tanh(W [s_t; c_t] + b); Bahdanau et al., A.2.2, also show it y_{t-1},
    which s_t holds already. A `LexicalReadout` adds to it. Of several layers the lowest attends,
    and the others read its states, so that they can run over the whole sequence (Wu et al. 2016,
    3.1).
    """

    def __init__(self, settings: ModelSettings, readout_size: int) -> None:
        """Make fresh weights."""
        super().__init__(settings, 2 * settings.hidden_size, readout_size)
        size = settings.hidden_size
        self.input_feeding = settings.input_feeding
        self.attention = make_attention(settings.attention, size, size, settings.attention_size)
        self.word_query = (
            Linear(settings.embedding_size, settings.attention_size, bias=False)
            if settings.query_word
            else None
        )
        lexical = settings.lexical_readout != "none"
        self.lexical_readout = LexicalReadout(settings, readout_size) if lexical else None
        fed = size if self.input_feeding else 0
        self.lowest = make_cell(
            settings.cell, settings.embedding_size + fed, size, settings.recurrent_dropout
        )
        self.upper = RecurrentLayers(
            settings.cell,
            size,
            size,
            settings.decoder_layers - 1,
            dropout=settings.dropout,
            recurrent_dropout=settings.recurrent_dropout,
            sequence_dropout=settings.sequence_dropout,
        )
        self.dropout = make_dropout(settings.dropout, settings.sequence_dropout)

    def remember(self, encoded: EncodedSource) -> Memory:
        """See `Decoder.remember`: all encoder states, and their keys, computed once."""
        start = self.bridge(encoded)
        keys = self.attention.project_keys(encoded.values)
        if self.lexical_readout is None:
            words = without_positions(encoded.words)
            word_keys = without_positions(encoded.values)
        else:
            words, word_keys = self.lexical_readout.remember(encoded)
        return Memory(
            encoded.values,
            keys,
            encoded.is_padding,
            encoded.summary,
            start.hidden,
            start.cell,
            words,
            word_keys,
        )

    def step(self, token: Tensor, state: DecoderState, memory: Memory) -> DecoderStep:
        """See `Decoder.step`."""
        before = CellState(state.hidden[:, 0], state.cell[:, 0])
        if self.input_feeding:
            word = None if self.word_query is None else self.word_query(token)[:, None]
            context, weights = self._attend(before.hidden[:, None], memory, word)
            lowest = self.lowest.step(torch.cat([token, context[:, 0]], -1), before)
        else:
            lowest = self.lowest.step(token, before)
            context, weights = self._attend(lowest.hidden[:, None], memory)
        hidden, cell = lowest.hidden[:, None], lowest.cell[:, None]
        if state.hidden.shape[1] > 1:
            upper = self.upper.step(
                self.dropout(lowest.hidden), CellState(state.hidden[:, 1:], state.cell[:, 1:])
            )
            hidden = torch.cat([hidden, upper.hidden], 1)
            cell = torch.cat([cell, upper.cell], 1)
        readout = self._read(hidden[:, -1:], context, weights, memory)[:, 0]
        return DecoderStep(readout, DecoderState(hidden, cell), weights[:, 0])

    def unroll(self, tokens: Tensor, memory: Memory) -> Tensor:
        """See `Decoder.unroll`; only the lowest layer of input feeding is a loop."""
        lengths = tokens.new_full((len(tokens),), tokens.shape[1], dtype=torch.int64)
        start = CellState(memory.hidden[:, 0], memory.cell[:, 0])
        if self.input_feeding:
            states, contexts, weights = attend_and_recur(
                self.lowest,
                self.attention,
                tokens,
                start,
                memory.keys,
                memory.values,
                memory.is_padding,
                None if self.word_query is None else self.word_query(tokens),
            )
        else:
            states, _ = unroll(self.lowest, tokens, lengths, start)
            contexts, weights = self._attend(states, memory)
        if memory.hidden.shape[1] > 1:
            upper_start = CellState(memory.hidden[:, 1:], memory.cell[:, 1:])
            states = self.upper(self.dropout(states), lengths, upper_start).outputs
        return self._read(states, contexts, weights, memory)

    def _read(self, states: Tensor, contexts: Tensor, weights: Tensor, memory: Memory) -> Tensor:
        """[batch, target, …] each → [batch, target, readout]."""
        readouts: Tensor = self.readout(torch.cat([states, contexts], -1))
        if self.lexical_readout is not None:
            readouts = readouts + self.lexical_readout(
                states, weights, memory.words, memory.word_keys, memory.is_padding
            )
        dropped: Tensor = self.readout_dropout(readouts)
        return dropped

    def _attend(
        self, query: Tensor, memory: Memory, word: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        context, weights = self.attention(
            query, memory.keys, memory.values, memory.is_padding, word
        )
        return context, weights


def make_decoder(settings: ModelSettings, readout_size: int) -> Decoder:
    """A fresh decoder, with one context vector or with attention."""
    match settings.decoder:
        case "context-vector":
            return ContextVectorDecoder(settings, readout_size)
        case "attention":
            return AttentionDecoder(settings, readout_size)
