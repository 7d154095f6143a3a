"""Greedy and beam search, a batch of sentences at a time.

A hypothesis is a translation so far. The search keeps the `beam_size` most probable ones of each
sentence, extends each by every token, and keeps the best again (Sutskever et al. 2014, section
3.2). Exactly:

- A hypothesis that ends (the END token) leaves the beam for the sentence's pool of finished ones,
  and the beam is one narrower from then on. Beam size 1 is thereby greedy search.
- Hypotheses are ranked by log-probability while they grow, all being of one length, and by

      score = log P(target | source) / length^alpha

  once they are finished; length counts END (Wu et al. 2016, section 7, who trace plain division
  by length to Boulanger-Lewandowski et al. 2013; alpha = 0 is no normalisation).
- A sentence is done when no live hypothesis can beat the worst finished one that is kept. Log-
  probabilities only fall, and the longest length forgives most, so that none of what a live
  hypothesis may become scores above log P / bound^alpha: the rule never costs a better result.
- A translation has at most int(max_length_factor * source length) + 10 tokens, END not counted
  in the target and counted in the source. A hypothesis with so many is closed as it is: its score
  is that of its tokens, no END among them, and `complete` is False.
- PADDING, BEGIN and UNKNOWN are never generated; the others keep the model's own probabilities.
- No sentence sees its neighbours in the batch. Among exact ties the choice is arbitrary, but
  the same each time.

Only rows of live hypotheses are worth computing. The sentences' beams are small tensors
[sentence, beam] throughout; what is large, the rows that the model works on, holds the live slots
of these, and is cut down whenever a quarter of them has died.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from seq2seq.config import SearchSettings
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.text.tokenizer import BEGIN, END, PADDING, UNKNOWN

NEVER_GENERATED = [PADDING, BEGIN, UNKNOWN]
IMPOSSIBLE = float("-inf")
ROWS_WORTH_KEEPING = 0.75  # fewer live rows than this share: drop the dead ones
CHUNK = 64  # tokens whose maximum is taken first; 32 and 128 measured slower


class Selectable(Protocol):
    """Rows of a batch that can be picked, repeated and reordered."""

    def select(self, rows: Tensor) -> Self:
        """These rows, in this order: int64, [rows]."""


MemoryT = TypeVar("MemoryT", bound=Selectable)
StateT = TypeVar("StateT", bound=Selectable)
StateT_co = TypeVar("StateT_co", bound=Selectable, covariant=True)


class StepResult(Protocol[StateT_co]):
    """What one step of translation yields."""

    @property
    def logits(self) -> Tensor:
        """[row, vocabulary]."""

    @property
    def state(self) -> StateT_co:
        """What the next step starts from."""

    @property
    def weights(self) -> Tensor | None:
        """Where attention looked, [row, source]; None without attention."""


class TranslationModel(Protocol[MemoryT, StateT]):
    """What search asks of a model; `EncoderDecoder` is one."""

    def encode(self, source: Tensor, source_lengths: Tensor) -> MemoryT:
        """Read source sentences: tokens [row, source], tokens in each row [row]."""

    def start(self, memory: MemoryT) -> StateT:
        """The state before the first target token."""

    def step(self, token: Tensor, state: StateT, memory: MemoryT) -> StepResult[StateT]:
        """One target token further: the token before, [row]."""


class Hypothesis(NamedTuple):
    """One translation of one sentence."""

    tokens: list[int]  # END dropped
    log_probability: float  # natural logarithm; sum over the tokens, END included
    score: float  # log_probability / length^alpha
    weights: Tensor | None  # [target, source], on the CPU; END has a row and a column
    complete: bool = True  # False: closed at the length bound, without END

    @property
    def length(self) -> int:
        """Tokens that the score counts: END among them, if there is one."""
        return len(self.tokens) + self.complete


def normalised(log_probability: float, length: int, alpha: float) -> float:
    """A finished hypothesis' score: see the top of this file."""
    return log_probability / math.pow(length, alpha)


class _Trace(NamedTuple):
    """What one step leaves behind, to read the hypotheses from at the end."""

    tokens: Tensor  # [sentence, beam]
    parents: Tensor  # [sentence, beam]: the slot, one step before, that each slot goes on from
    weights: Tensor | None  # [row, source]
    row_of: Tensor  # [sentence, beam]: the row of each slot, one step before


class _Pool(NamedTuple):
    """The best finished hypotheses of each sentence, best first; score -inf where there is none."""

    score: Tensor  # [sentence, n_best]
    log_probability: Tensor  # [sentence, n_best]
    length: Tensor  # [sentence, n_best]
    slot: Tensor  # [sentence, n_best]: where in the beam it ended

    def merged(self, others: _Pool) -> _Pool:
        """The best of both; the older first among equals."""
        pairs = [torch.cat(pair, 1) for pair in zip(self, others, strict=True)]
        best = pairs[0].sort(dim=1, descending=True, stable=True).indices[:, : self.score.shape[1]]
        return _Pool(*(pair.gather(1, best) for pair in pairs))


class _Beam(NamedTuple):
    """Every sentence's hypotheses after a step: live ones first, best first."""

    tokens: Tensor  # [sentence, beam]
    parents: Tensor  # [sentence, beam]
    log_probability: Tensor  # [sentence, beam]; -inf where the slot is not live
    finished: Tensor  # [sentence, beam]: log-probability of what finished in this step, or -inf


def search(
    model: TranslationModel[MemoryT, StateT],
    source: Tensor,
    source_lengths: Tensor,
    settings: SearchSettings,
    n_best: int = 1,
    with_weights: bool = False,
) -> list[list[Hypothesis]]:
    """Translate a batch of sentences; see the top of this file for what is searched.

    Args:
        model: what gives the probabilities; dropout is off while it is searched.
        source: tokens, [sentence, source], PADDING-filled.
        source_lengths: tokens in each row, END included, [sentence], on the CPU.
        settings: beam size, length penalty and length bound.
        n_best: translations wanted of each sentence.
        with_weights: keep where attention looked (None from a model without attention).

    Returns:
        For each sentence at most `n_best` hypotheses, and at least one, the best first.

    Raises:
        ConfigError: `n_best` is not within 1 to the beam size.
        CheckpointError: the model's probabilities are not numbers.
    """
    if not 1 <= n_best <= settings.beam_size:
        raise ConfigError(
            f"{n_best} best translations are asked of a beam of {settings.beam_size}; "
            f"ask for 1 to {settings.beam_size}, or raise --beam-size."
        )
    if len(source) == 0:
        return []
    lengths = source_lengths.tolist()
    bounds = torch.tensor(
        [int(settings.max_length_factor * length) + 10 for length in lengths], device=source.device
    )
    with torch.inference_mode(), _evaluating(model):
        memory = model.encode(source, source_lengths)
        if settings.beam_size == 1:
            traces, pool = _greedy_search(model, memory, bounds, settings, with_weights)
        else:
            traces, pool = _beam_search(model, memory, bounds, settings, n_best, with_weights)
        return _hypotheses(traces, pool, lengths)


@contextmanager
def _evaluating(model: object) -> Iterator[None]:
    """Dropout off, and afterwards as it was."""
    training = isinstance(model, nn.Module) and model.training
    if isinstance(model, nn.Module):
        model.eval()
    try:
        yield
    finally:
        if isinstance(model, nn.Module):
            model.train(training)


def _greedy_search(
    model: TranslationModel[MemoryT, StateT],
    memory: MemoryT,
    bounds: Tensor,
    settings: SearchSettings,
    with_weights: bool,
) -> tuple[list[_Trace], _Pool]:
    """Beam search with a beam of one, without what only wider beams need."""
    state = model.start(memory)
    sentence = torch.arange(len(bounds), device=bounds.device)  # of each row
    is_live = torch.ones_like(sentence, dtype=torch.bool)
    token = torch.full_like(sentence, BEGIN)
    log_probability = torch.zeros(len(bounds), 1, device=bounds.device)
    length = torch.zeros_like(bounds)[:, None]
    first_slot = torch.zeros_like(length)
    traces: list[_Trace] = []
    while True:
        step = model.step(token, state, memory)
        best, tokens = _best_tokens(_log_probabilities(step.logits), 1)
        row_of = _scatter(torch.arange(len(sentence), device=bounds.device), sentence, len(bounds))
        traces.append(
            _Trace(
                _scatter(tokens, sentence, len(bounds)),
                first_slot,
                step.weights if with_weights else None,
                row_of[:, None],
            )
        )
        log_probability.index_add_(0, sentence, best.masked_fill(~is_live[:, None], 0))
        length.index_add_(0, sentence, is_live.long()[:, None])
        token, state = tokens[:, 0], step.state
        is_live &= (token != END) & (bounds[sentence] > len(traces))
        live = int(is_live.sum())
        if live == 0:
            score = log_probability / length**settings.length_penalty
            return traces, _Pool(score, log_probability, length, first_slot)
        if live <= ROWS_WORTH_KEEPING * len(sentence):
            rows = is_live.nonzero()[:, 0]
            state, memory = state.select(rows), memory.select(rows)
            token, sentence, is_live = token[rows], sentence[rows], is_live[rows]


def _beam_search(
    model: TranslationModel[MemoryT, StateT],
    memory: MemoryT,
    bounds: Tensor,
    settings: SearchSettings,
    n_best: int,
    with_weights: bool,
) -> tuple[list[_Trace], _Pool]:
    """The search as the top of this file has it, all sentences at once."""
    sentences, beam, alpha = len(bounds), settings.beam_size, settings.length_penalty
    state = model.start(memory)
    log_probability = torch.full((sentences, beam), IMPOSSIBLE, device=bounds.device)
    log_probability[:, 0] = 0
    pool = _empty_pool(log_probability[:, :n_best], bounds)
    width = torch.full_like(bounds, beam)
    # Slots that have a row in the model's batch: a slot is sentence * beam + its place in the beam.
    slots = torch.arange(sentences, device=bounds.device) * beam
    token = torch.full_like(slots, BEGIN)
    traces: list[_Trace] = []
    while True:
        step = model.step(token, state, memory)
        best, tokens = _best_tokens(_log_probabilities(step.logits), beam)
        best += log_probability.flatten()[slots, None]
        is_last = bounds == len(traces) + 1
        front = _next_beam(best, tokens, slots, beam, width, is_last)
        row_of = _scatter(torch.arange(len(slots), device=slots.device), slots, sentences * beam)
        weights = step.weights if with_weights else None
        traces.append(_Trace(front.tokens, front.parents, weights, row_of.view(sentences, beam)))

        pool = pool.merged(_finished(front, len(traces), alpha))
        width = width - (front.finished > IMPOSSIBLE).sum(1)
        reachable = front.log_probability[:, 0] / bounds**alpha
        is_done = reachable <= pool.score[:, -1]
        log_probability = front.log_probability.masked_fill(is_done[:, None], IMPOSSIBLE)

        kept = _slots_worth_keeping(log_probability, slots)
        if len(kept) == 0:
            return traces, pool
        if kept is not slots:
            memory = memory.select(row_of[kept - kept % beam])  # any row of the same sentence
        state = step.state.select(row_of[kept - kept % beam + front.parents.flatten()[kept]])
        token = front.tokens.flatten()[kept]
        slots = kept


def _log_probabilities(logits: Tensor) -> Tensor:
    """Of each token, never those that are not text: [row, vocabulary]."""
    log_probabilities = logits.float().log_softmax(1)
    log_probabilities[:, NEVER_GENERATED] = IMPOSSIBLE
    return log_probabilities


def _best_tokens(log_probabilities: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` best values of each row and their places, [row, count]: a faster `topk`.

    The best `count` values lie in the `count` chunks of the row that have the greatest maxima.
    """
    rows, vocabulary = log_probabilities.shape
    chunks = vocabulary // CHUNK
    if chunks < 2 * count:
        best = log_probabilities.topk(min(count, vocabulary), 1)
        return best.values, best.indices
    even, rest = log_probabilities.tensor_split([chunks * CHUNK], 1)
    even = even.view(rows, chunks, CHUNK)
    chunk = even.amax(2).topk(count, 1).indices[:, :, None]  # [row, count, 1]
    within = torch.arange(CHUNK, device=chunk.device)
    after = torch.arange(chunks * CHUNK, vocabulary, device=chunk.device).expand(rows, -1)
    values = torch.cat([even.gather(1, chunk.expand(-1, -1, CHUNK)).flatten(1), rest], 1)
    places = torch.cat([(chunk * CHUNK + within).flatten(1), after], 1)
    best = values.topk(count, 1)
    return best.values, places.gather(1, best.indices)


def _next_beam(
    best: Tensor, tokens: Tensor, slots: Tensor, beam: int, width: Tensor, is_last: Tensor
) -> _Beam:
    """Choose among all extensions of each sentence's hypotheses.

    Args:
        best: log-probabilities of hypotheses with one more token, [row, choice].
        tokens: these tokens, [row, choice].
        slots: each row's slot, [row].
        beam: slots of a sentence.
        width: hypotheses to choose, [sentence].
        is_last: True where the length bound is reached, [sentence].
    """
    sentences, choices = len(width), best.shape[1]
    of_sentence = (sentences, beam * choices)
    candidates = _scatter(best, slots, sentences * beam, IMPOSSIBLE).view(of_sentence)
    candidate_tokens = _scatter(tokens, slots, sentences * beam).view(of_sentence)
    chosen, place = candidates.topk(beam, 1)
    is_beyond = torch.arange(beam, device=width.device) >= width[:, None]
    chosen = chosen.masked_fill(is_beyond, IMPOSSIBLE)
    tokens = candidate_tokens.gather(1, place)
    closes = (tokens == END) | is_last[:, None]
    # What closes moves behind what lives, so that the live slots come first.
    live, order = chosen.masked_fill(closes, IMPOSSIBLE).sort(dim=1, descending=True, stable=True)
    finished = chosen.masked_fill(~closes, IMPOSSIBLE).gather(1, order)
    return _Beam(tokens.gather(1, order), (place // choices).gather(1, order), live, finished)


def _scatter(rows: Tensor, places: Tensor, size: int, empty: float = 0) -> Tensor:
    """Row i put at place i of `size` rows, the others `empty`: [row, ...] → [size, ...]."""
    return rows.new_full((size, *rows.shape[1:]), empty).index_copy_(0, places, rows)


def _slots_worth_keeping(log_probability: Tensor, slots: Tensor) -> Tensor:
    """The slots to compute next: `slots` itself unless it lacks a live one or too many are dead."""
    is_live = (log_probability > IMPOSSIBLE).flatten()
    live, covered = torch.stack([is_live.sum(), is_live[slots].sum()]).tolist()
    if covered == live > ROWS_WORTH_KEEPING * len(slots):
        return slots
    return is_live.nonzero()[:, 0]


def _empty_pool(nothing: Tensor, bounds: Tensor) -> _Pool:
    impossible = torch.full_like(nothing, IMPOSSIBLE)
    zeros = bounds.new_zeros(nothing.shape)
    return _Pool(impossible, impossible, zeros, zeros)


def _finished(front: _Beam, length: int, alpha: float) -> _Pool:
    """What finished in a step, as a pool [sentence, beam]."""
    slot = torch.arange(front.tokens.shape[1], device=front.tokens.device)
    return _Pool(
        front.finished / float(length) ** alpha,
        front.finished,
        torch.full_like(front.tokens, length),
        slot.expand_as(front.tokens),
    )


class _Read(NamedTuple):
    """The finished hypotheses, written out."""

    tokens: Tensor  # [sentence, n_best, target]; beyond a hypothesis' length, anything
    weights: Tensor | None  # [sentence, n_best, target, source]; likewise


def _read_back(traces: list[_Trace], pool: _Pool) -> _Read:
    """Follow all finished hypotheses back to the beginning, all at once."""
    slot = pool.slot
    tokens, weights = [], []
    for step in reversed(range(len(traces))):
        trace = traces[step]
        parent = trace.parents.gather(1, slot)
        tokens.append(trace.tokens.gather(1, slot))
        if trace.weights is not None:
            weights.append(trace.weights[trace.row_of.gather(1, parent)])
        slot = torch.where(pool.length > step, parent, slot)
    return _Read(
        torch.stack(tokens[::-1], 2), torch.stack(weights[::-1], 2).float() if weights else None
    )


def _hypotheses(
    traces: list[_Trace], pool: _Pool, source_lengths: list[int]
) -> list[list[Hypothesis]]:
    """The pool's content as plain lists, a sentence each."""
    read = _read_back(traces, pool)
    weights = None if read.weights is None else read.weights.cpu()
    columns = [column.tolist() for column in (read.tokens, pool.score, pool.log_probability)]
    result = []
    for row, (tokens, scores, totals, lengths) in enumerate(
        zip(*columns, pool.length.tolist(), strict=True)
    ):
        found = [
            _hypothesis(
                tokens[rank][: lengths[rank]],
                totals[rank],
                score,
                None if weights is None else weights[row, rank, :, : source_lengths[row]],
            )
            for rank, score in enumerate(scores)
            if score > IMPOSSIBLE  # nor NaN
        ]
        if not found:
            raise CheckpointError(
                "The model gives no translation a probability: its weights are damaged or training "
                "diverged; use another run."
            )
        result.append(found)
    return result


def _hypothesis(
    tokens: list[int], log_probability: float, score: float, weights: Tensor | None
) -> Hypothesis:
    is_complete = tokens[-1] == END
    shown = None if weights is None else weights[: len(tokens)].clone()
    return Hypothesis(
        tokens[:-1] if is_complete else tokens, log_probability, score, shown, is_complete
    )
