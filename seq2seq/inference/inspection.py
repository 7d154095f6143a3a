"""What a sentence does inside a model: gates and states at every step, attention, alternatives.

Training and search run fused kernels that hand out hidden states alone, so the gates are worked out
again here, step by step, from the cells' own weights and equations (`model/cells.py`). States grow
from the gates thus found, and nothing is taken over from the model but the first state and, where
the context vector enters a step, what attention read. The tests hold the states equal to those
that the model itself reaches: if the equations here were others, they would part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import linear

from seq2seq.config import SearchSettings
from seq2seq.errors import CorpusError
from seq2seq.inference.search import search
from seq2seq.model.cells import (
    CellState,
    GRUCell,
    GRUResetBeforeCell,
    LSTMCell,
    RecurrentCell,
    RNNCell,
)
from seq2seq.model.decoders import AttentionDecoder, ContextVectorDecoder, Memory
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.cleaning import clean_sentence
from seq2seq.text.tokenizer import BEGIN, END

MOST_SUBWORDS = 80
"""Of a sentence: more would make a picture that no screen shows."""

Array = NDArray[np.float32]


class InspectingTokenizer(Protocol):
    """What inspection asks of a tokenizer; `Tokenizer` is one."""

    def encode_source(self, sentences: Sequence[str]) -> list[list[int]]:
        """Ids of each sentence, no special ones among them."""

    def decode_target(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """Text of each row of ids."""

    def source_pieces(self, ids: Sequence[int]) -> list[str]:
        """One readable label an id."""

    def target_pieces(self, ids: Sequence[int]) -> list[str]:
        """One readable label an id."""


class CellTrace(NamedTuple):
    """What one cell did with one sentence; rows in the sentence's order, whichever way it reads."""

    part: Literal["encoder", "decoder"]
    layer: int  # from 1, the lowest
    reads_backwards: bool  # from the sentence's end to its beginning
    gates: Mapping[str, Array]  # name → [step, hidden], each from 0, shut, to 1, open
    hidden: Array  # [step, hidden]: after the step
    cell: Array | None  # likewise the cell state; None for cells without


class Alternative(NamedTuple):
    """One of the beam's best translations."""

    text: str
    pieces: list[str]  # END among them, if it came to its end
    log_probability: float  # natural logarithm, summed over the pieces
    score: float  # log_probability / length^alpha


class Inspection(NamedTuple):
    """All there is to see of one sentence in one run."""

    source: str  # as it was cleaned
    source_pieces: list[str]  # END among them: what the encoder reads, step by step
    alternatives: list[Alternative]  # the best first; the decoder's cells write that one
    attention: Array | None  # [target, source]; None without attention
    cells: list[CellTrace]  # the encoder's, then the decoder's, the lowest first

    @property
    def target_pieces(self) -> list[str]:
        """What the decoder writes at each of its steps."""
        return self.alternatives[0].pieces


class _Steps(NamedTuple):
    """One cell's steps in the order in which it took them."""

    gates: dict[str, Tensor]  # [step, hidden]
    hidden: Tensor  # [step, hidden]
    cell: Tensor  # [step, hidden], or [step, 0]


@torch.inference_mode()
def inspect_sentence(
    model: EncoderDecoder,
    tokenizer: InspectingTokenizer,
    sentence: str,
    settings: SearchSettings,
    n_best: int,
) -> Inspection:
    """Translate a sentence and follow every cell on the way.

    Args:
        model: in evaluation mode, on the CPU.
        tokenizer: the one it was trained with.
        sentence: to translate; cleaned as the training text was.
        settings: of the search.
        n_best: alternatives wanted, at most the beam's size.

    Raises:
        CorpusError: the sentence is empty, no text or too long for a picture.
        ConfigError: `n_best` is not within 1 to the beam size.
        CheckpointError: the model's probabilities are not numbers.
    """
    cleaned = _cleaned(sentence)
    (ids,) = tokenizer.encode_source([cleaned])
    if len(ids) > MOST_SUBWORDS:
        raise CorpusError(
            f"--source has {len(ids):,} subwords, of which a picture holds {MOST_SUBWORDS}; "
            "inspect a shorter sentence, or a part of this one."
        )
    source = torch.tensor([[*ids, END]])
    lengths = torch.tensor([len(ids) + 1])
    (found,) = search(model, source, lengths, settings, n_best, with_weights=True)
    texts = tokenizer.decode_target([one.tokens for one in found])
    written = [[*one.tokens, END] if one.complete else one.tokens for one in found]
    memory = model.encode(source, lengths)
    return Inspection(
        cleaned,
        tokenizer.source_pieces([*ids, END]),
        [
            Alternative(text, tokenizer.target_pieces(tokens), one.log_probability, one.score)
            for text, tokens, one in zip(texts, written, found, strict=True)
        ],
        _array(found[0].weights) if found[0].weights is not None else None,
        [*trace_encoder(model, source[0]), *trace_decoder(model, written[0], memory)],
    )


def _cleaned(sentence: str) -> str:
    cleaned = clean_sentence(sentence)
    if cleaned is None:
        raise CorpusError("--source is not valid Unicode text; give it in UTF-8.")
    if not cleaned:
        raise CorpusError("--source is empty; give a sentence in the run's source language.")
    return cleaned


@torch.inference_mode()
def trace_encoder(model: EncoderDecoder, source: Tensor) -> list[CellTrace]:
    """Follow the encoder's cells over one sentence: tokens [source], END among them."""
    encoder = model.encoder
    inputs = model.source_embedding(source)  # [source, embedding]
    if encoder.reverse_source:
        inputs = inputs.flip(0)
    traces = []
    for layer, cell in enumerate(encoder.layers.forward_cells, 1):
        steps = _follow(cell, inputs)
        traces.append(_trace("encoder", layer, encoder.reverse_source, steps))
        outputs = steps.hidden
        if encoder.layers.backward_cells:
            steps = _follow(encoder.layers.backward_cells[layer - 1], inputs.flip(0))
            traces.append(_trace("encoder", layer, not encoder.reverse_source, steps))
            outputs = torch.cat([outputs, steps.hidden.flip(0)], -1)
        inputs = outputs
    return traces


@torch.inference_mode()
def trace_decoder(model: EncoderDecoder, tokens: Sequence[int], memory: Memory) -> list[CellTrace]:
    """Follow the decoder's cells while it writes these tokens.

    Args:
        model: in evaluation mode.
        tokens: what it writes, END among them if it came to its end.
        memory: of the one source sentence.
    """
    inputs = _decoder_inputs(model, [BEGIN, *tokens][: len(tokens)], memory)
    traces = []
    for layer, cell in enumerate(_decoder_cells(model)):
        start = CellState(memory.hidden[:, layer], memory.cell[:, layer])
        steps = _follow(cell, inputs, start)
        traces.append(_trace("decoder", layer + 1, False, steps))
        inputs = steps.hidden
    return traces


def _decoder_cells(model: EncoderDecoder) -> list[torch.nn.Module]:
    match model.decoder:
        case AttentionDecoder() as decoder:
            return [decoder.lowest, *decoder.upper.forward_cells]
        case ContextVectorDecoder() as decoder:
            return list(decoder.layers.forward_cells)
        case decoder:
            raise TypeError(f"{type(decoder).__name__} cannot be followed")


def _decoder_inputs(model: EncoderDecoder, before: Sequence[int], memory: Memory) -> Tensor:
    """What the lowest cell reads at each step: the token before and perhaps the context vector."""
    embedded: Tensor = model.target_embedding(torch.tensor(list(before)))  # [step, embedding]
    match model.decoder:
        case ContextVectorDecoder(every_step=True):
            return torch.cat([embedded, memory.context.expand(len(before), -1)], -1)
        case AttentionDecoder(input_feeding=True):
            # Attention looks with the state before the step: the model itself goes along.
            weights, state = [], model.start(memory)
            for token in before:
                step = model.step(torch.tensor([token]), state, memory)
                assert step.weights is not None
                weights.append(step.weights[0])
                state = step.state
            return torch.cat([embedded, torch.stack(weights) @ memory.values[0]], -1)
    return embedded


def _follow(cell: torch.nn.Module, inputs: Tensor, start: CellState | None = None) -> _Steps:
    """All steps of one cell: inputs [step, input], from `start` [1, hidden] or from zeros."""
    assert isinstance(cell, RecurrentCell)
    state = cell.zero_state(1, inputs) if start is None else start
    gates, states = [], []
    for one in inputs:
        found, state = gates_and_state(cell, one[None], state)
        gates.append(found)
        states.append(state)
    return _Steps(
        {name: torch.cat([step[name] for step in gates]) for name in gates[0]},
        torch.cat([state.hidden for state in states]),
        torch.cat([state.cell for state in states]),
    )


def gates_and_state(
    cell: RecurrentCell, inputs: Tensor, before: CellState
) -> tuple[dict[str, Tensor], CellState]:
    """The equations of `model/cells.py`, with what they pass over in silence.

    Args:
        cell: whose weights count.
        inputs: [batch, input].
        before: the state that the step starts from.

    Returns:
        The gates by name, [batch, hidden] each, and the state after the step.
    """
    projected = cell.project(inputs)
    size = cell.hidden_size
    match cell:
        case LSTMCell():
            blocks = projected + linear(before.hidden, cell.weight_hidden)
            i, f, g, o = blocks.chunk(4, -1)
            gates = {"forget": f.sigmoid(), "input": i.sigmoid(), "output": o.sigmoid()}
            memory = gates["forget"] * before.cell + gates["input"] * g.tanh()
            return gates, CellState(gates["output"] * memory.tanh(), memory)
        case GRUCell() | GRUResetBeforeCell():
            into, candidate_into = projected[:, : 2 * size], projected[:, 2 * size :]
            weight, candidate_weight = (
                cell.weight_hidden[: 2 * size],
                cell.weight_hidden[2 * size :],
            )
            reset, update = (into + linear(before.hidden, weight)).sigmoid().chunk(2, -1)
            if isinstance(cell, GRUCell):
                recalled = reset * linear(before.hidden, candidate_weight, cell.bias_candidate)
            else:
                recalled = linear(reset * before.hidden, candidate_weight)
            candidate = (candidate_into + recalled).tanh()
            hidden = (1 - update) * candidate + update * before.hidden
            return {"reset": reset, "update": update}, CellState(hidden, before.cell)
        case RNNCell():
            hidden = (projected + linear(before.hidden, cell.weight_hidden)).tanh()
            return {}, CellState(hidden, before.cell)
    raise TypeError(f"{type(cell).__name__} cannot be followed")


def _trace(
    part: Literal["encoder", "decoder"], layer: int, reads_backwards: bool, steps: _Steps
) -> CellTrace:
    """A cell's steps, turned into the sentence's order if it read from the end."""

    def in_order(values: Tensor) -> Array:
        return _array(values.flip(0) if reads_backwards else values)

    return CellTrace(
        part,
        layer,
        reads_backwards,
        {name: in_order(values) for name, values in steps.gates.items()},
        in_order(steps.hidden),
        in_order(steps.cell) if steps.cell.shape[-1] else None,
    )


def _array(values: Tensor) -> Array:
    return values.float().cpu().numpy()


def inspection_document(inspection: Inspection) -> dict[str, Any]:
    """All numbers as plain JSON values, rounded to five decimals.

    Values of units are lists of steps, each a list of units; steps are those of
    `source_subwords` in the encoder and of `target_subwords` in the decoder.
    """
    return {
        "source": inspection.source,
        "source_subwords": inspection.source_pieces,
        "translation": inspection.alternatives[0].text,
        "target_subwords": inspection.target_pieces,
        "alternatives": [
            {
                "text": one.text,
                "subwords": one.pieces,
                "log_probability": one.log_probability,
                "score": one.score,
            }
            for one in inspection.alternatives
        ],
        "attention": None if inspection.attention is None else _plain(inspection.attention),
        "cells": [_cell_document(trace) for trace in inspection.cells],
    }


def _cell_document(trace: CellTrace) -> dict[str, Any]:
    return {
        "part": trace.part,
        "layer": trace.layer,
        "reads": "backwards" if trace.reads_backwards else "forwards",
        "gates": {
            name: {"mean": _plain(values.mean(1)), "units": _plain(values)}
            for name, values in trace.gates.items()
        },
        "hidden": {"norm": _plain(norms(trace.hidden)), "units": _plain(trace.hidden)},
        "cell_state": None
        if trace.cell is None
        else {"norm": _plain(norms(trace.cell)), "units": _plain(trace.cell)},
    }


def norms(states: Array) -> Array:
    """The Euclidean length of each step's state: [step, hidden] → [step]."""
    return np.asarray(np.linalg.norm(states, axis=1))


def _plain(values: Array) -> list[Any]:
    rounded: list[Any] = values.astype(np.float64).round(5).tolist()
    return rounded
