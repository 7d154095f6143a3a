"""Word embeddings, and the scale at which a recurrent layer wants them."""

from __future__ import annotations

import math

from torch import Tensor, nn


class Embedding(nn.Embedding):
    """A vector a token: E x √size, so that its units have a variance of about 1.

    E itself has rows of about unit length, which suits the output layer that may share it: logits
    start near zero. A recurrent layer fed with such small units starts with states that hold the
    sentence so far and hardly the word at hand, and attention, which tells words apart by these
    states, does not learn to align. Vaswani et al. 2017, section 3.4, scale alike.
    """

    def __init__(self, vocabulary: int, size: int) -> None:
        """Draw the weights from torch's generator."""
        super().__init__(vocabulary, size)
        self.scale = math.sqrt(size)
        nn.init.normal_(self.weight, std=1 / self.scale)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens of any shape, [...] → [..., size]."""
        return super().forward(tokens) * self.scale
