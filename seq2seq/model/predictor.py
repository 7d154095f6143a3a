"""What training asks of a model, whether it translates or only goes on: the next token."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from seq2seq.text.batches import Batch


class Predictor(nn.Module, ABC):
    """P(next token) = softmax(W readout + b); a kind of model is its readouts.

    Attributes:
        output_weight: W, [vocabulary, readout]; the target embeddings if tied.
        output_bias: b, [vocabulary].
    """

    output_weight: Tensor
    output_bias: Tensor

    @abstractmethod
    def readouts(self, batch: Batch) -> Tensor:
        """The readouts of all steps of known targets, for training.

        Returns:
            [batch, target, readout], of no meaning where there is padding; `output` makes logits
            of those that are wanted.
        """

    def output(self, readout: Tensor) -> Tensor:
        """Logits over the target vocabulary: [..., readout] → [..., vocabulary]."""
        return nn.functional.linear(readout, self.output_weight, self.output_bias)
