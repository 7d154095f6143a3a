"""The floor: how fast the necessary arithmetic alone can run in torch on this machine.

    python -m benchmarks.floor [--tied] [--threads 2]

Every matrix product of an update's forward and backward pass is done, in the loops' real shapes
and numbers, and the attention's squashing function both ways. Nothing else: no data, no autograd,
no gates, no softmax, no dropout, no optimiser, and all arrays exist beforehand. A trainer of the
same model on torch's matrix product takes at least about this long; one that beats it has found a
faster product.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.arguments import positive
from seq2seq.config import ModelSettings
from seq2seq.text.batches import Batch
from seq2seq.text.tokenizer import PADDING


class Shape(NamedTuple):
    """What of a batch costs time; the defaults are the benchmark's typical batch."""

    batch: int = 64
    source: int = 16  # columns of the padded source
    target: int = 17  # steps of the decoder
    tokens: int = 1030  # target tokens that are not padding


class TrainingFloor:
    """The work of an update of a bidirectional LSTM encoder, LSTM decoder, additive attention."""

    def __init__(self, settings: ModelSettings, vocabulary: int) -> None:
        """For a model of these sizes."""
        self.settings = settings
        self.vocabulary = vocabulary
        self.readout = settings.hidden_size if settings.tied == "none" else settings.embedding_size
        self._arrays: dict[str, Tensor] = {}

    def step(self, batch: Batch) -> int:
        """The work of one update on this batch; says for how many target tokens."""
        tokens = int((batch.target[:, 1:] != PADDING).sum())
        rows, source = batch.source.shape
        self.work(Shape(rows, source, batch.target.shape[1] - 1, tokens))
        return tokens

    @torch.inference_mode()
    def work(self, shape: Shape) -> None:
        """The work of one update on a batch of this shape."""
        settings = self.settings
        embedding, hidden, attention = (
            settings.embedding_size,
            settings.hidden_size,
            settings.attention_size,
        )
        half, gates, steps = hidden // 2, 4 * hidden, shape.target
        source_tokens, target_tokens = shape.batch * shape.source, shape.batch * steps
        for _ in range(2):  # both directions of the encoder
            self._product(source_tokens, embedding, 4 * half)
            self._recurrent_product(shape.source, shape.batch, half, 4 * half)
        self._product(source_tokens, hidden, attention)  # keys
        self._product(target_tokens, embedding, gates)
        self._recurrent_product(steps, shape.batch, hidden, gates + attention)  # state
        self._recurrent_product(steps, shape.batch, hidden, gates)  # context
        self._attend(shape)
        self._product(shape.tokens, 2 * hidden, self.readout)
        self._product(shape.tokens, self.readout, self.vocabulary)

    def _product(self, rows: int, inputs: int, outputs: int) -> None:
        """A product x W forwards, and backwards the gradients of x and of W."""
        x, y = self._array("x", rows, inputs), self._array("y", rows, outputs)
        weight = self._array("weight", inputs, outputs)
        transposed = self._array("transposed", outputs, inputs)
        torch.mm(x, weight, out=y)
        torch.mm(y, transposed, out=self._array("of x", rows, inputs))
        torch.mm(x.t(), y, out=self._array("of weight", inputs, outputs))

    def _recurrent_product(self, steps: int, rows: int, inputs: int, outputs: int) -> None:
        """The same with a product a step, but for the gradient of W, which is one for all steps."""
        x, y = self._array("x", steps, rows, inputs), self._array("y", steps, rows, outputs)
        weight = self._array("weight", inputs, outputs)
        transposed = self._array("transposed", outputs, inputs)
        of_x = self._array("of x", rows, inputs)
        for step in range(steps):
            torch.mm(x[step], weight, out=y[step])
        for step in range(steps):
            torch.mm(y[step], transposed, out=of_x)
        left, right = x.flatten(0, 1).t(), y.flatten(0, 1)
        torch.mm(left, right, out=self._array("of weight", inputs, outputs))

    def _attend(self, shape: Shape) -> None:
        """Scores and contexts of all steps, forwards and backwards.

        tanh is worked out as 2 σ(2x) − 1, several times faster in torch.
        """
        batch, source, steps = shape[:3]
        size, hidden = self.settings.attention_size, self.settings.hidden_size
        keys, room = (self._array(name, batch, source, size) for name in ("keys", "room"))
        of_keys, values = (
            self._array("of keys", batch, source, size),
            self._array("values", batch, source, hidden),
        )
        query, score = self._array("query", batch, 1, size), self._array("score", size)
        weights, context = (
            self._array("weights", batch, 1, source),
            self._array("context", batch, 1, hidden),
        )
        for _ in range(steps):
            torch.add(keys, query, out=room).sigmoid_()
            torch.mv(room.flatten(0, 1), score)
            torch.bmm(weights, values, out=context)
        for _ in range(steps):
            torch.bmm(context, values.transpose(1, 2))
            torch.add(keys, query, out=room).sigmoid_()
            torch.mv(room.flatten(0, 1).t(), weights.flatten())
            room.addcmul_(room, room, value=-1)
            of_keys.addcmul_(weights.transpose(1, 2), room)
            torch.bmm(weights, room)
        all_weights = self._array("all weights", batch, source, steps)
        torch.bmm(all_weights, self._array("contexts", batch, steps, hidden), out=values)

    def _array(self, name: str, *shape: int) -> Tensor:
        """An array that exists: part of the largest so far of this name."""
        numbers = math.prod(shape)
        if name not in self._arrays or self._arrays[name].numel() < numbers:
            # Small, so that sums of products of products stay ordinary numbers.
            self._arrays[name] = torch.randn(numbers) / 100
        return self._arrays[name][:numbers].view(shape)


def floor_seconds(settings: ModelSettings, vocabulary: int, shape: Shape, rounds: int = 7) -> float:
    """Median seconds of one update's necessary arithmetic, with the threads torch now has."""
    floor = TrainingFloor(settings, vocabulary)
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        floor.work(shape)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])  # the first makes the arrays


def main() -> None:
    """Print the floor of the benchmark's batch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tied", action="store_true", help="a readout of embedding size")
    parser.add_argument("--threads", type=positive, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shape = Shape()
    seconds = floor_seconds(ModelSettings(tied="target" if options.tied else "none"), 8000, shape)
    print(f"{seconds * 1000:.0f} ms an update, {shape.tokens / seconds:.0f} target tokens a second")


if __name__ == "__main__":
    main()
