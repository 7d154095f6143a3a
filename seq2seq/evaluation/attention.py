"""What attention does over a whole split: how sharp, how complete, how monotone it is.

All systems are led through the reference translations (teacher forcing), so that their weights
belong to the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seq2seq.evaluation.spread import spread
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.pair_files import SentencePair
from seq2seq.text.tokenizer import BEGIN, END, PADDING, Tokenizer

BATCH_SENTENCES = 64
OVERLOOKED_BELOW = 0.5
OFTEN_ABOVE = 1.5


class ForcedAttention(NamedTuple):
    """Where a model looks while it writes the reference of one sentence."""

    row: int
    source_pieces: list[str]  # END not among them
    target_pieces: list[str]
    weights: NDArray[np.float64]  # [target, source + 1]: the last column is the source's END


class AttentionSummary(NamedTuple):
    """The attention of one run over a split."""

    sentences: int
    entropy: float  # nats a target subword: 0 looks at one place; ln n at all n alike
    overlooked: float  # share of source subwords whose weights sum to less than 0.5
    often: float  # share of source subwords whose weights sum to more than 1.5
    backward: float  # share of steps whose strongest place lies before that of the last step


@torch.no_grad()
def attend_to_references(
    model: EncoderDecoder, tokenizer: Tokenizer, pairs: Sequence[SentencePair]
) -> Iterator[ForcedAttention]:
    """Lead a model with attention through reference translations.

    Yields:
        One result a pair, sentences of like length together; `row` is the place in `pairs`. Pairs
        of which a side has no subwords are left out.
    """
    model.eval()
    sources = tokenizer.encode_source([pair.source for pair in pairs])
    targets = tokenizer.encode_target([pair.target for pair in pairs])
    rows = [row for row in range(len(pairs)) if sources[row] and targets[row]]
    rows.sort(key=lambda row: (len(targets[row]), len(sources[row])))
    for start in range(0, len(rows), BATCH_SENTENCES):
        batch = rows[start : start + BATCH_SENTENCES]
        weights = _forced_weights(
            model, [sources[row] for row in batch], [targets[row] for row in batch]
        )
        for place, row in enumerate(batch):
            yield ForcedAttention(
                row,
                tokenizer.source_pieces(sources[row]),
                tokenizer.target_pieces(targets[row]),
                weights[place, : len(targets[row]), : len(sources[row]) + 1],
            )


def _forced_weights(
    model: EncoderDecoder, sources: Sequence[list[int]], targets: Sequence[list[int]]
) -> NDArray[np.float64]:
    """The weights of each step, [batch, target, source + 1]."""
    device = next(model.parameters()).device
    source = _padded([[*ids, END] for ids in sources]).to(device)
    before = _padded([[BEGIN, *ids[:-1]] for ids in targets]).to(device)
    memory = model.encode(source, torch.tensor([len(ids) + 1 for ids in sources]))
    state = model.start(memory)
    steps = []
    for token in before.unbind(dim=1):
        step = model.step(token, state, memory)
        if step.weights is None:
            raise ValueError("this model has no attention")
        state = step.state
        steps.append(step.weights)
    return torch.stack(steps, dim=1).double().cpu().numpy()


def _padded(rows: list[list[int]]) -> Tensor:
    return nn.utils.rnn.pad_sequence(
        [torch.tensor(row) for row in rows], batch_first=True, padding_value=PADDING
    )


def entropy(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """−Σ w ln w of each target subword, nats: weights [target, source]."""
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return np.asarray(-(weights * logs).sum(axis=1))


def coverage(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """All the attention that each source subword receives: Σ over target steps (Tu et al. 2016)."""
    return np.asarray(weights.sum(axis=0))


def backward_steps(weights: NDArray[np.float64]) -> tuple[int, int]:
    """Steps whose strongest place lies before that of the last step, and all steps but the first.

    A monotone alignment has none of them.
    """
    places = weights.argmax(axis=1)
    return int((places[1:] < places[:-1]).sum()), len(places) - 1


def summarise_attention(attentions: Sequence[ForcedAttention]) -> AttentionSummary:
    """Means over all subwords of all sentences.

    Raises:
        ValueError: there are no sentences.
    """
    entropies = np.concatenate([entropy(one.weights) for one in attentions])
    covered = np.concatenate([coverage(one.weights[:, :-1]) for one in attentions])
    moves = [backward_steps(one.weights[:, :-1]) for one in attentions]
    return AttentionSummary(
        len(attentions),
        float(entropies.mean()),
        float((covered < OVERLOOKED_BELOW).mean()),
        float((covered > OFTEN_ABOVE).mean()),
        sum(back for back, _ in moves) / max(1, sum(steps for _, steps in moves)),
    )


def over_seeds(summaries: Sequence[AttentionSummary]) -> dict[str, dict[str, float | None]]:
    """Each figure's mean and deviation over seeds."""
    figures = {}
    for name in ("entropy", "overlooked", "often", "backward"):
        found = spread([getattr(summary, name) for summary in summaries])
        figures[name] = {"value": found.mean, "deviation": found.deviation}
    return figures
