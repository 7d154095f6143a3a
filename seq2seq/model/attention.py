"""Attention: score every source position with a decoder state, and average what stands there.

    weights = softmax over the source of score(query, key_s)        context = Σ_s weights_s value_s

Four scores, one class each. A query may be one decoder state or those of all steps at once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import AttentionKind
from seq2seq.errors import ConfigError
from seq2seq.model.products import project


class Attended(NamedTuple):
    """What attention read from the source."""

    context: Tensor  # [batch, target, value]
    weights: Tensor  # [batch, target, source]; every row sums to 1, 0 at padding


class Attention(nn.Module, ABC):
    """The part that all kinds share; a kind is its `project_keys` and its `scores`."""

    @abstractmethod
    def project_keys(self, values: Tensor) -> Tensor:
        """What scores compare queries with, computed once a sentence.

        [batch, source, value] → [batch, source, attention].
        """

    @abstractmethod
    def scores(self, query: Tensor, keys: Tensor, word: Tensor | None = None) -> Tensor:
        """[batch, target, hidden], [batch, source, attention] → [batch, target, source].

        `word` is what the word before adds to the projected query, [batch, target, attention];
        additive attention alone takes it.
        """

    def forward(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        is_padding: Tensor,
        word: Tensor | None = None,
    ) -> Attended:
        """Look at the source with decoder states.

        Args:
            query: decoder states, [batch, target, hidden].
            keys: result of `project_keys`, [batch, source, attention].
            values: encoder states, [batch, source, value].
            is_padding: True where there is no token, [batch, source]; at least one token a row.
            word: see `scores`.

        Raises:
            ValueError: `is_padding` does not match `values`.
        """
        if is_padding.shape != values.shape[:2]:
            raise ValueError(
                f"is_padding is {list(is_padding.shape)}; values ask for {list(values.shape[:2])}"
            )
        scores = self.scores(query, keys, word).masked_fill(is_padding[:, None], -math.inf)
        weights = torch.softmax(scores, -1)
        return Attended(torch.bmm(weights, values), weights)


class AdditiveAttention(Attention):
    """Score each source position with a small network.

        score_s = v · tanh(W query + U value_s)

    Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and Translate",
    section A.1.2.
    """

    def __init__(self, query_size: int, value_size: int, attention_size: int) -> None:
        """W: [attention, query], U: [attention, value], v: [attention]; no biases, as published."""
        super().__init__()
        self.query_weight = nn.Parameter(_glorot(attention_size, query_size))
        self.key_weight = nn.Parameter(_glorot(attention_size, value_size))
        self.score_weight = nn.Parameter(_glorot(1, attention_size)[0])

    def project_keys(self, values: Tensor) -> Tensor:
        """U value_s: see `Attention.project_keys`."""
        return project(values, self.key_weight)

    def scores(self, query: Tensor, keys: Tensor, word: Tensor | None = None) -> Tensor:
        """See `Attention.scores`."""
        projected = nn.functional.linear(query, self.query_weight)
        if word is not None:
            projected = projected + word
        # [batch, target, 1, attention] + [batch, 1, source, attention]
        return torch.tanh(projected[:, :, None] + keys[:, None]) @ self.score_weight


class DotAttention(Attention):
    """Score each source position by its dot product with the query: Luong et al. 2015, section 3.1.

    score_s = query · value_s            scaled: divided by √size, Vaswani et al. 2017, 3.2.1
    """

    def __init__(self, query_size: int, value_size: int, scaled: bool) -> None:
        """No weights of its own; encoder and decoder states must be of one size."""
        super().__init__()
        if query_size != value_size:
            kind = "scaled-dot" if scaled else "dot"
            raise ConfigError(
                f"model.attention {kind!r} compares decoder states of {query_size} units with "
                f"encoder states of {value_size}; they must be equal, or choose 'general' or "
                "'additive'."
            )
        self.scale = 1 / math.sqrt(query_size) if scaled else 1.0

    def project_keys(self, values: Tensor) -> Tensor:
        """The encoder states themselves."""
        return values

    def scores(self, query: Tensor, keys: Tensor, word: Tensor | None = None) -> Tensor:
        """See `Attention.scores`."""
        return torch.bmm(query * self.scale, keys.transpose(1, 2))


class GeneralAttention(Attention):
    """Score with a matrix between query and source position: Luong et al. 2015, section 3.1.

    score_s = query · W value_s
    """

    def __init__(self, query_size: int, value_size: int) -> None:
        """W: [query, value]."""
        super().__init__()
        self.key_weight = nn.Parameter(_glorot(query_size, value_size))

    def project_keys(self, values: Tensor) -> Tensor:
        """W value_s: see `Attention.project_keys`."""
        return project(values, self.key_weight)

    def scores(self, query: Tensor, keys: Tensor, word: Tensor | None = None) -> Tensor:
        """See `Attention.scores`."""
        return torch.bmm(query, keys.transpose(1, 2))


def _glorot(rows: int, columns: int) -> Tensor:
    return nn.init.xavier_uniform_(torch.empty(rows, columns))


def make_attention(
    kind: AttentionKind, query_size: int, value_size: int, attention_size: int
) -> Attention:
    """A fresh attention of this kind; `attention_size` matters to the additive one only."""
    match kind:
        case "additive":
            return AdditiveAttention(query_size, value_size, attention_size)
        case "dot" | "scaled-dot":
            return DotAttention(query_size, value_size, scaled=kind == "scaled-dot")
        case "general":
            return GeneralAttention(query_size, value_size)
