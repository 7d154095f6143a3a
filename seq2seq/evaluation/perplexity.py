"""How well a language model foretells a text: nats and perplexity, a token and a word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from seq2seq.model.predictor import Predictor
from seq2seq.text.batches import TokenizedSplit, collate, evaluation_batches
from seq2seq.text.pair_files import SentencePair
from seq2seq.text.words import count_words
from seq2seq.training.loss import token_loss


class Perplexity(NamedTuple):
    """What the sentences of a split cost, and in how many parts.

        nats a part = −ln P(all sentences) / parts        perplexity = exp(nats a part)

    Words are what stands between spaces, and characters where there are none (`count_words`); the
    end of each sentence counts as one token and as one word. A word's figure does not depend on
    how the text is cut into subwords, a token's does.
    """

    split: str
    nats: float  # −ln P of all sentences together
    sentences: int
    tokens: int  # ends of sentences among them
    words: int  # ends of sentences among them

    def as_json(self) -> dict[str, Any]:
        """All counts and figures."""
        return {
            "sentences": self.sentences,
            "tokens": self.tokens,
            "words": self.words,
            "nats": self.nats,
            "nats_per_token": self.nats / self.tokens,
            "perplexity_per_token": _exp(self.nats / self.tokens),
            "nats_per_word": self.nats / self.words,
            "perplexity_per_word": _exp(self.nats / self.words),
        }


def _exp(nats: float) -> float:
    return math.exp(min(nats, 700.0))  # beyond, no float


@torch.no_grad()
def measure_perplexity(
    model: Predictor,
    tokens: TokenizedSplit,
    pairs: Sequence[SentencePair],
    split: str,
    batch_tokens: int,
) -> Perplexity:
    """The perplexity of a split's target side.

    Args:
        model: on any device; dropout is switched off.
        tokens: the split.
        pairs: its text, for counting words.
        split: its name.
        batch_tokens: target tokens in a batch, which does not change the result.
    """
    model.eval()
    device = model.output_bias.device
    nats, count = 0.0, 0
    for rows in evaluation_batches(tokens, batch_tokens):
        loss = token_loss(model, collate(tokens, rows).to(device), label_smoothing=0.0)
        nats += float(loss.nll)
        count += loss.tokens
    words = sum(count_words(pair.target) + 1 for pair in pairs)
    return Perplexity(split, nats, len(pairs), count, words)
