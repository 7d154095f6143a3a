"""The language model: the decoder's side of translation alone, with nothing to translate."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import LanguageModelSettings
from seq2seq.model.cells import CellState, RecurrentCell
from seq2seq.model.dropout import Dropout
from seq2seq.model.embedding import Embedding
from seq2seq.model.layers import RecurrentLayers
from seq2seq.model.predictor import Predictor
from seq2seq.model.products import Linear
from seq2seq.text.batches import Batch


class LanguageStep(NamedTuple):
    """What one token more yields."""

    logits: Tensor  # [batch, vocabulary]
    state: CellState


class LanguageModel(Predictor):
    """P(sentence) = Π_t softmax(E readout_t + b), each token given those before it.

        h_t = stacked cells(E y_{t-1}, h_{t-1})        readout_t = tanh(W h_t + b_r)

    Mikolov et al. 2010, "Recurrent neural network based language model", with the cells of
    Hochreiter and Schmidhuber 1997 in place of Elman's (Sundermeyer et al. 2012). Each sentence
    begins anew, from a state of zeros. The readout is that of the translation models, without
    a context vector: what separates the two is the source alone.

    Args:
        settings: the architecture.
        vocabulary: subwords, special tokens included.
    """

    def __init__(self, settings: LanguageModelSettings, vocabulary: int) -> None:
        """Make fresh weights, drawn from torch's generator."""
        super().__init__()
        size = settings.embedding_size
        readout_size = size if settings.tied else settings.hidden_size
        self.embedding = Embedding(vocabulary, size)
        self.layers = RecurrentLayers(
            settings.cell, size, settings.hidden_size, settings.layers, dropout=settings.dropout
        )
        self.dropout = Dropout(settings.dropout)
        self.readout = nn.Sequential(
            Dropout(settings.dropout),
            Linear(settings.hidden_size, readout_size),
            nn.Tanh(),
            Dropout(settings.dropout),
        )
        if settings.tied:
            self.output_weight = self.embedding.weight
        else:
            self.output_weight = Embedding(vocabulary, readout_size).weight
        self.output_bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, tokens: Tensor) -> Tensor:
        """The readouts of all steps: the tokens before each, [batch, target], BEGIN first.

        Returns:
            [batch, target, readout]; rows go on over their padding, which nothing before it sees.
        """
        lengths = torch.full_like(tokens[:, 0], tokens.shape[1])
        states = self.layers(self.dropout(self.embedding(tokens)), lengths).outputs
        readouts: Tensor = self.readout(states)
        return readouts

    def readouts(self, batch: Batch) -> Tensor:
        """See `Predictor.readouts`; the source is not looked at."""
        readouts: Tensor = self(batch.target[:, :-1])
        return readouts

    def start(self, batch: int) -> CellState:
        """The state before the first token: zeros, [batch, layers, hidden]."""
        states = [cell.zero_state(batch, self.output_bias) for cell in self._cells()]
        return CellState(*(torch.stack(parts, 1) for parts in zip(*states, strict=True)))

    def step(self, token: Tensor, state: CellState) -> LanguageStep:
        """One token further: the token before, [batch]."""
        after = self.layers.step(self.dropout(self.embedding(token)), state)
        return LanguageStep(self.output(self.readout(after.hidden[:, -1])), after)

    def _cells(self) -> list[RecurrentCell]:
        return [cell for cell in self.layers.forward_cells if isinstance(cell, RecurrentCell)]
