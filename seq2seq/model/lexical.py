"""The lexical readout: a word may be translated by itself, whatever the sentence has made of it.

    lexical_t = tanh(W Σ_s a_ts x_s + b)

adds to the decoder's readout, x_s being the source words as they are embedded. Nguyen and Chiang
2018, "Improving Lexical Choice in Neural Machine Translation", section 4, give this part output
weights of its own and a way past its layer; here it shares the readout's output layer. Where it
looks, a_t, is

    shared    where the decoder's attention looks
    own       softmax over s of state_t · W_a h_s / √size, h_s being the encoder's states

With input feeding the decoder's attention looks before the step, in order to make it, and does not
know the state that the word is read from; its own attention does, and lies outside of the loop. Its
score is Luong et al.'s (2015, section 3.1, "general"), scaled as in Vaswani et al. 2017, 3.2.1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from seq2seq.config import ModelSettings
from seq2seq.model.attention import GeneralAttention
from seq2seq.model.encoder import EncodedSource
from seq2seq.model.products import Linear


class LexicalReadout(nn.Module):
    """See the top of this file; `settings.lexical_readout` is not none."""

    def __init__(self, settings: ModelSettings, readout_size: int) -> None:
        """Make fresh weights."""
        super().__init__()
        size = settings.hidden_size
        self.scale = 1 / math.sqrt(size)
        self.layer = nn.Sequential(Linear(settings.embedding_size, readout_size), nn.Tanh())
        own = settings.lexical_readout == "own"
        self.attention = GeneralAttention(size, size) if own else None

    def remember(self, encoded: EncodedSource) -> tuple[Tensor, Tensor]:
        """What of the source is kept for all steps.

        Returns:
            Words, [batch, source, embedding], and keys, [batch, source, hidden]; [batch, 0, hidden]
            where attention is shared.
        """
        if self.attention is None:
            return encoded.words, without_positions(encoded.values)
        return encoded.words, self.attention.project_keys(encoded.values)

    def forward(
        self, states: Tensor, weights: Tensor, words: Tensor, keys: Tensor, is_padding: Tensor
    ) -> Tensor:
        """What to add to the readouts.

        Args:
            states: of the decoder after each step, [batch, target, hidden].
            weights: of the decoder's attention, [batch, target, source].
            words: see `remember`.
            keys: likewise.
            is_padding: True where there is no source token, [batch, source].

        Returns:
            [batch, target, readout].
        """
        if self.attention is None:
            read = torch.bmm(weights, words)
        else:
            read = self.attention(states * self.scale, keys, words, is_padding).context
        lexical: Tensor = self.layer(read)
        return lexical


def without_positions(values: Tensor) -> Tensor:
    """Room for no position, [batch, 0, size], apart from the values, which a slice keeps alive."""
    return values.new_empty(len(values), 0, values.shape[2])
