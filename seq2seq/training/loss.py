"""The training loss: label-smoothed cross-entropy over real target tokens."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seq2seq.model.predictor import Predictor
from seq2seq.model.products import linear, lowered, product_type, unfilled
from seq2seq.text.batches import Batch
from seq2seq.text.tokenizer import PADDING

# Logits alive at a time, numbers: few enough for a CPU's cache, enough to keep a GPU busy.
LOGITS_AT_ONCE = {"cpu": 2**21, "cuda": 2**26}


class Loss(NamedTuple):
    """What a batch cost, summed over its target tokens."""

    total: Tensor  # scalar, differentiable: label-smoothed cross-entropy
    nll: Tensor  # scalar, detached: negative log-likelihood, not smoothed
    tokens: int  # target tokens, the end of sentence included, padding not


def token_loss(model: Predictor, batch: Batch, label_smoothing: float) -> Loss:
    """The loss of one batch: see `smoothed_cross_entropy`.

    Only real tokens ever meet the vocabulary: padding costs no logits.

    Args:
        model: in training or evaluation mode, as the caller wants it.
        batch: on the model's device.
        label_smoothing: ε.
    """
    readouts = model.readouts(batch)
    labels = batch.target[:, 1:]
    is_token = labels != PADDING
    labels = labels[is_token]
    total, nll = smoothed_cross_entropy(
        readouts[is_token], model.output_weight, model.output_bias, labels, label_smoothing
    )
    return Loss(total, nll, len(labels))


def smoothed_cross_entropy(
    readouts: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, label_smoothing: float
) -> tuple[Tensor, Tensor]:
    """Vocabulary projection and loss in one, over chunks of tokens.

        log p = log softmax(W readout + b)
        total = Σ over tokens of (1 − ε) · (−log p(label)) + ε · mean over vocabulary of −log p

    Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7;
    ε as in `torch.nn.functional.cross_entropy`. The gradient in the logits is
    p − ε / vocabulary − (1 − ε) · [token = label], so that one softmax serves loss and gradients,
    and each chunk's logits are gone before the next one's.

    Args:
        readouts: [tokens, readout].
        weight: W, [vocabulary, readout].
        bias: b, [vocabulary].
        labels: [tokens], int64.
        label_smoothing: ε.

    Returns:
        `total`, differentiable once, and the negative log-likelihood −Σ log p(label), detached.
    """
    wants_gradient = torch.is_grad_enabled() and any(
        part.requires_grad for part in (readouts, weight, bias)
    )
    total, nll = _SmoothedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        readouts, weight, bias, labels, label_smoothing, wants_gradient, product_type(weight)
    )
    return total, nll


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Works out the gradients on the way forwards; backward has only to scale them."""

    @staticmethod
    def forward(
        ctx: Any,
        readouts: Tensor,
        weight: Tensor,
        bias: Tensor,
        labels: Tensor,
        label_smoothing: float,
        wants_gradient: bool,
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        gradients = _Gradients.zeros(readouts, weight, bias) if wants_gradient else None
        with torch.autocast(weight.device.type, enabled=False):
            total, nll = _sum_over_chunks(
                readouts.to(weight.dtype),
                weight.to(dtype),
                bias,
                labels,
                label_smoothing,
                gradients,
            )
        ctx.gradients = gradients
        ctx.mark_non_differentiable(nll)
        return total, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, total: Tensor, nll: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.gradients is None:
            raise RuntimeError("The loss was differentiated already; work it out again.")
        # In place, and therefore once: a second copy of W's gradient would cost more than it.
        readouts, weight, bias = (part.mul_(total) for part in ctx.gradients)
        ctx.gradients = None
        return readouts, weight, bias, None, None, None, None


class _Gradients(NamedTuple):
    """Of the total, in the loss's three inputs."""

    readouts: Tensor  # [tokens, readout]
    weight: Tensor  # [vocabulary, readout]
    bias: Tensor  # [vocabulary]

    @classmethod
    def zeros(cls, readouts: Tensor, weight: Tensor, bias: Tensor) -> _Gradients:
        return cls(torch.empty_like(readouts), torch.zeros_like(weight), torch.zeros_like(bias))


def _sum_over_chunks(
    readouts: Tensor,
    weight: Tensor,
    bias: Tensor,
    labels: Tensor,
    label_smoothing: float,
    gradients: _Gradients | None,
) -> tuple[Tensor, Tensor]:
    """Total and negative log-likelihood; fills `gradients` where they are wanted."""
    vocabulary = len(weight)
    rows = max(1, LOGITS_AT_ONCE.get(weight.device.type, 2**21) // vocabulary)
    if weight.dtype != readouts.dtype:
        rows = unfilled(rows, readouts)
    nll, log_sums = bias.new_zeros(()), bias.new_zeros(())
    for start in range(0, len(labels), rows):
        chunk = slice(start, start + rows)
        label = labels[chunk, None]
        readout = readouts[chunk]
        if weight.dtype != readout.dtype:
            readout = lowered(readout, weight.dtype)  # more rows than labels, zeros
        logits = linear(readout, weight, bias.to(weight.dtype))
        p = torch.softmax(logits, -1)
        log_sum = _log_sum(logits, p)[: len(label)]
        nll += (log_sum - logits.gather(1, label)[:, 0]).sum()
        log_sums += log_sum.sum()
        if gradients is not None:
            gradients.readouts[chunk] = linear(p, weight.t())[: len(label)]
            _add_product(gradients.weight, p.t(), readout)
            gradients.bias.add_((p.new_ones(1, len(label)) @ p[: len(label)])[0])
    weight_sum = weight.sum(0, dtype=bias.dtype)
    logit_sum = readouts.sum(0).dot(weight_sum) + len(labels) * bias.sum()
    total = (1 - label_smoothing) * nll
    total += label_smoothing * (log_sums - logit_sum / vocabulary)
    if gradients is not None:
        share = label_smoothing / vocabulary
        gradients.readouts.sub_(share * weight_sum)
        gradients.weight.sub_(share * readouts.sum(0))
        gradients.bias.sub_(share * len(labels))
        _add_at_labels(gradients, readouts, weight, labels, label_smoothing - 1)
    return total, nll


def _log_sum(logits: Tensor, p: Tensor) -> Tensor:
    """Log Σ exp logits, from the likeliest token, whose probability cannot vanish: [tokens]."""
    at_least = torch.promote_types(logits.dtype, torch.float32)
    return logits.amax(-1).to(at_least) - p.amax(-1).to(at_least).log()


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add the product left right to the total, in place."""
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right


def _add_at_labels(
    gradients: _Gradients, readouts: Tensor, weight: Tensor, labels: Tensor, amount: float
) -> None:
    """What an amount added to the logits' gradient at every token's label contributes."""
    gradients.readouts.add_(weight[labels], alpha=amount)
    gradients.weight.index_add_(0, labels, readouts, alpha=amount)
    gradients.bias.index_add_(0, labels, gradients.bias.new_full((len(labels),), amount))
