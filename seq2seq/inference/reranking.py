"""Choosing from the beam by a model of the other direction.

    score(y) = log P(y | x) / |y|^α + λ · log P(x | y) / |x|^α

A forward model forgives a translation that leaves something out: each word that is there is
likely. A backward model has to guess the source again, and what was left out cannot be guessed.
Known as noisy-channel reranking: Li and Jurafsky 2016, "Mutual Information and Diverse Decoding
Improve Neural Machine Translation"; Yee et al. 2019, "Simple and Effective Noisy Channel Modeling
for Neural Machine Translation".

The beam's hypotheses are all there is to choose from, so that a wider beam gives more.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seq2seq.errors import CheckpointError
from seq2seq.inference.translator import Translation
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.batches import Batch, TokenizedSplit, collate, evaluation_batches
from seq2seq.text.tokenizer import PADDING, Tokenizer

_LOGITS_AT_ONCE = 2**23  # 32 MB in float32


class SourceScorer(NamedTuple):
    """A model of the other direction: it reads translations and guesses sources."""

    name: str  # the run's
    model: EncoderDecoder
    tokenizer: Tokenizer

    def scores(
        self, translations: Sequence[str], sources: Sequence[str], alpha: float
    ) -> list[float]:
        """Of each pair log P(source | translation) / length^α, END counted in the length.

        Raises:
            CheckpointError: the model's probabilities are not numbers.
        """
        read = self.tokenizer.encode_source(translations)
        guessed = self.tokenizer.encode_target(sources)
        logs = log_probabilities(self.model, TokenizedSplit.of(read, guessed))
        if not all(map(math.isfinite, logs)):
            raise CheckpointError(
                f"The probabilities of {self.name} are not numbers: its weights are damaged, or "
                "its training went wrong. Leave it out, or train it again."
            )
        return [log / math.pow(len(ids) + 1, alpha) for log, ids in zip(logs, guessed, strict=True)]


class NoisyChannelReranker:
    """Puts each sentence's candidates into a new order and gives them new scores.

    Args:
        scorers: models of the other direction; the mean of their scores counts.
        weight: λ.
        alpha: the length penalty of the search.
    """

    def __init__(self, scorers: Sequence[SourceScorer], weight: float, alpha: float) -> None:
        """Nothing is computed yet."""
        self.scorers = scorers
        self.weight = weight
        self.alpha = alpha

    def __call__(
        self, sources: Sequence[str], translations: Sequence[Translation]
    ) -> list[Translation]:
        """The same translations, the best of each sentence's candidates by the new score first."""
        pairs = [
            (candidate.text, source)
            for source, translation in zip(sources, translations, strict=True)
            for candidate in translation.candidates
        ]
        if not pairs:
            return list(translations)
        texts, repeated = zip(*pairs, strict=True)
        found = [scorer.scores(texts, repeated, self.alpha) for scorer in self.scorers]
        means = iter([sum(scores) / len(scores) for scores in zip(*found, strict=True)])
        return [
            self._reordered(translation, list(itertools.islice(means, len(translation.candidates))))
            for translation in translations
        ]

    def _reordered(self, translation: Translation, scores: Sequence[float]) -> Translation:
        candidates = [
            candidate._replace(score=candidate.score + self.weight * score)
            for candidate, score in zip(translation.candidates, scores, strict=True)
        ]
        # Among equals the beam's order stays.
        candidates.sort(key=lambda candidate: -candidate.score)
        return translation._replace(candidates=candidates)


@torch.no_grad()
def log_probabilities(model: EncoderDecoder, pairs: TokenizedSplit) -> list[float]:
    """Log P(target | source) of each pair, END included, in the pairs' order."""
    model.eval()
    tokens_at_once = max(1, _LOGITS_AT_ONCE // len(model.output_bias))
    found = np.zeros(len(pairs))
    for rows in evaluation_batches(pairs, tokens_at_once):
        batch = collate(pairs, rows).to(model.output_bias.device)
        found[rows] = _of_batch(model, batch).cpu().numpy()
    return [float(value) for value in found]


def _of_batch(model: EncoderDecoder, batch: Batch) -> Tensor:
    """Log P(target | source) of each row: [row], float64."""
    labels = batch.target[:, 1:]
    is_token = labels != PADDING
    logits = model.output(model.readouts(batch)[is_token])
    logs = logits.float().log_softmax(1).gather(1, labels[is_token][:, None])[:, 0]
    row_of = is_token.nonzero()[:, 0]
    return logs.new_zeros(len(labels), dtype=torch.float64).index_add_(0, row_of, logs.double())
