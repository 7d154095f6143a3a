"""The training loss: label-smoothed cross-entropy over real target tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.tokenizer import PADDING

if TYPE_CHECKING:
    from seq2seq.text.batches import Batch


class Loss(NamedTuple):
    """What a batch cost, summed over its target tokens."""

    total: Tensor  # scalar, differentiable: label-smoothed cross-entropy
    nll: Tensor  # scalar, detached: negative log-likelihood, not smoothed
    tokens: int  # target tokens, the end of sentence included, padding not


def token_loss(model: EncoderDecoder, batch: Batch, label_smoothing: float) -> Loss:
    """The loss of one batch.

        total = Σ over tokens of (1 − ε) · (−log p(token)) + ε · mean over vocabulary of −log p

    Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.
    Only real tokens ever meet the vocabulary: padding costs no logits.

    Args:
        model: in training or evaluation mode, as the caller wants it.
        batch: on the model's device.
        label_smoothing: ε.
    """
    readouts = model(batch.source, batch.source_lengths, batch.target[:, :-1])
    labels = batch.target[:, 1:]
    is_token = labels != PADDING
    labels = labels[is_token]
    logits = model.output(readouts[is_token])  # [tokens, vocabulary]
    total = nn.functional.cross_entropy(
        logits, labels, reduction="sum", label_smoothing=label_smoothing
    )
    nll = nn.functional.cross_entropy(logits.detach(), labels, reduction="sum")
    return Loss(total, nll, len(labels))
