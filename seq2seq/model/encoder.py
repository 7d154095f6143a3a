"""The encoder: source tokens → one state a token and one summary of the sentence."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from seq2seq.config import ModelSettings
from seq2seq.model.dropout import Dropout, make_dropout
from seq2seq.model.layers import RecurrentLayers, padding_mask, turn_around


class EncodedSource(NamedTuple):
    """What the encoder made of a batch of sentences."""

    values: Tensor  # [batch, source, hidden]: one state a token; zero at padding
    is_padding: Tensor  # [batch, source]: True where there is no token
    summary: Tensor  # [batch, hidden]: the last hidden states, both directions side by side
    summary_cell: Tensor  # likewise the last cell states; [batch, 0] for cells without
    words: Tensor  # [batch, source, embedding]: what was read


class Encoder(nn.Module):
    """Recurrent layers over the embedded source.

    Bidirectional (Bahdanau et al. 2015, section 3.2): each direction has half of the units, so
    that the states are as wide as those of an encoder that reads one way. Reversed (Sutskever et
    al. 2014, section 3.3): the sentence is read from its end; `values` keep the source's order.
    """

    def __init__(self, settings: ModelSettings) -> None:
        """Make fresh layers."""
        super().__init__()
        directions = 2 if settings.bidirectional else 1
        self.reverse_source = settings.reverse_source
        self.layers = RecurrentLayers(
            settings.cell,
            settings.embedding_size,
            settings.hidden_size // directions,
            settings.encoder_layers,
            settings.bidirectional,
            settings.dropout,
            settings.recurrent_dropout,
            settings.sequence_dropout,
        )
        self.dropout = make_dropout(settings.encoder_dropout, settings.sequence_dropout)
        self.summary_dropout = Dropout(settings.encoder_dropout)

    def forward(self, embedded: Tensor, lengths: Tensor) -> EncodedSource:
        """Read sentences: [batch, source, embedding], tokens in each row [batch]."""
        inputs = turn_around(embedded, lengths) if self.reverse_source else embedded
        values, hidden, cell = self.layers(inputs, lengths)
        if self.reverse_source:
            values = turn_around(values, lengths)
        is_padding = padding_mask(lengths, embedded.shape[1])
        summary = self.summary_dropout(hidden[:, -1])
        return EncodedSource(self.dropout(values), is_padding, summary, cell[:, -1], embedded)
