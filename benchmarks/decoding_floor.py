"""The floor of translation, counted as `benchmarks.floor` counts that of training.

Every matrix product of encoder and search is done, for every hypothesis and step, and the
attention's squashing function. Nothing else: no gates, no softmax, no choice of tokens, no
reordering of states, nothing finished early, and all arrays exist beforehand.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seq2seq.config import ModelSettings
from seq2seq.text.batches import Batch


class DecodingFloor:
    """The work of a bidirectional LSTM encoder and of greedy or beam search with attention."""

    def __init__(self, settings: ModelSettings, vocabulary: int) -> None:
        """For a model of these sizes."""
        self.settings = settings
        self.vocabulary = vocabulary
        self.readout = settings.hidden_size if settings.tied == "none" else settings.embedding_size
        self._arrays: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    @torch.inference_mode()
    def run(self, batch: Batch, beam: int, steps: int) -> None:
        """The work of so many steps: one hypothesis a sentence in the first, then `beam`."""
        sentences, source = batch.source.shape
        self._encode(sentences, source)
        self._step(sentences, source)
        for _ in range(steps - 1):
            self._step(sentences * beam, source)

    def _encode(self, sentences: int, source: int) -> None:
        embedding, hidden = self.settings.embedding_size, self.settings.hidden_size
        half = hidden // 2
        for _ in range(2):  # both directions
            self._product(sentences * source, embedding, 4 * half)
            for _ in range(source):
                self._product(sentences, half, 4 * half)
        self._product(sentences * source, hidden, self.settings.attention_size)  # keys
        self._product(sentences, 2 * hidden, 2 * hidden)  # first states

    def _step(self, rows: int, source: int) -> None:
        embedding, hidden = self.settings.embedding_size, self.settings.hidden_size
        attention = self.settings.attention_size
        self._product(rows, hidden, 4 * hidden + attention)  # state
        self._attend(rows, source)
        self._product(rows, embedding + hidden, 4 * hidden)  # token and context
        self._product(rows, 2 * hidden, self.readout)
        self._product(rows, self.readout, self.vocabulary)

    def _attend(self, rows: int, source: int) -> None:
        size, hidden = self.settings.attention_size, self.settings.hidden_size
        keys, room = (self._array(name, rows, source, size) for name in ("keys", "room"))
        torch.add(keys, self._array("query", rows, 1, size), out=room).sigmoid_()
        torch.mv(room.flatten(0, 1), self._array("score", size))
        weights = self._array("weights", rows, 1, source)
        values = self._array("values", rows, source, hidden)
        torch.bmm(weights, values, out=self._array("context", rows, 1, hidden))

    def _product(self, rows: int, inputs: int, outputs: int) -> None:
        x, weight = self._array("x", rows, inputs), self._array("weight", inputs, outputs)
        torch.mm(x, weight, out=self._array("y", rows, outputs))

    def _array(self, name: str, *shape: int) -> Tensor:
        """An array that exists."""
        if (name, shape) not in self._arrays:
            # Small, so that products of products stay ordinary numbers.
            self._arrays[name, shape] = torch.randn(shape) / 100
        return self._arrays[name, shape]
