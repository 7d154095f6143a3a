"""The translation model: embeddings, encoder, decoder and the output layer over the vocabulary.

Every system of the ladder is this one model under different settings.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.config import ModelSettings
from seq2seq.model.decoders import DecoderState, DecoderStep, Memory, make_decoder
from seq2seq.model.dropout import make_dropout
from seq2seq.model.embedding import Embedding
from seq2seq.model.encoder import Encoder
from seq2seq.model.predictor import Predictor
from seq2seq.text.batches import Batch


class Step(NamedTuple):
    """What one step of translation yields."""

    logits: Tensor  # [batch, vocabulary]
    state: DecoderState
    weights: Tensor | None  # [batch, source]: where attention looked; None without attention


class EncoderDecoder(Predictor):
    """P(target | source) = Π_t softmax(E readout_t + b), E the target embeddings if tied.

    Args:
        settings: the architecture.
        source_vocabulary: subwords of the source language, special tokens included.
        target_vocabulary: likewise of the target language.
    """

    def __init__(
        self, settings: ModelSettings, source_vocabulary: int, target_vocabulary: int
    ) -> None:
        """Make fresh weights, drawn from torch's generator."""
        super().__init__()
        size = settings.embedding_size
        readout_size = settings.hidden_size if settings.tied == "none" else size
        self.target_embedding = Embedding(target_vocabulary, size)
        if settings.tied == "all":
            if source_vocabulary != target_vocabulary:
                raise ValueError("model.tied 'all' needs one vocabulary for both languages")
            self.source_embedding = self.target_embedding
        else:
            self.source_embedding = Embedding(source_vocabulary, size)
        self.encoder = Encoder(settings)
        self.decoder = make_decoder(settings, readout_size)
        if settings.tied == "none":
            self.output_weight = Embedding(target_vocabulary, readout_size).weight
        else:
            self.output_weight = self.target_embedding.weight
        self.output_bias = nn.Parameter(torch.zeros(target_vocabulary))
        self.dropout = make_dropout(settings.dropout, settings.sequence_dropout)
        self.word_dropout = settings.word_dropout

    def encode(self, source: Tensor, source_lengths: Tensor) -> Memory:
        """Read source sentences: tokens [batch, source], tokens in each row [batch]."""
        embedded = self._embed(self.source_embedding, source)
        lengths = source_lengths.to(source.device)
        memory: Memory = self.decoder.remember(self.encoder(embedded, lengths))
        return memory

    def start(self, memory: Memory) -> DecoderState:
        """The state before the first target token."""
        return self.decoder.start(memory)

    def step(self, token: Tensor, state: DecoderState, memory: Memory) -> Step:
        """One target token further: the token before, [batch]."""
        readout, state, weights = self.advance(token, state, memory)
        return Step(self.output(readout), state, weights)

    def advance(self, token: Tensor, state: DecoderState, memory: Memory) -> DecoderStep:
        """`step` without the output layer, for who wants logits of a part of the vocabulary."""
        embedded = self._embed(self.target_embedding, token)
        decoded: DecoderStep = self.decoder.step(embedded, state, memory)
        return decoded

    def forward(self, source: Tensor, source_lengths: Tensor, target: Tensor) -> Tensor:
        """The readouts of all steps of a known target, for training.

        Args:
            source: [batch, source].
            source_lengths: [batch].
            target: the tokens before each step, the first the beginning's, [batch, target].

        Returns:
            [batch, target, readout]; `output` makes logits of those that are wanted.
        """
        embedded = self._embed(self.target_embedding, target)
        return self.decoder.unroll(embedded, self.encode(source, source_lengths))

    def readouts(self, batch: Batch) -> Tensor:
        """See `Predictor.readouts`."""
        readouts: Tensor = self(batch.source, batch.source_lengths, batch.target[:, :-1])
        return readouts

    def _embed(self, embedding: nn.Embedding, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.dropout(embedding(tokens))
        if self.training and self.word_dropout:
            keep = torch.rand(tokens.shape, device=tokens.device) >= self.word_dropout
            embedded = embedded * keep[..., None]
        return embedded


def parameter_count(model: nn.Module) -> int:
    """Trainable numbers, shared ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())
