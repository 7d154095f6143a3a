"""The loss against torch's own, values and gradients."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seq2seq.config import ModelSettings
from seq2seq.model import products
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.batches import Batch
from seq2seq.training import loss as loss_module
from seq2seq.training.loss import smoothed_cross_entropy, token_loss


def torchs(
    readouts: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, label_smoothing: float
) -> tuple[Tensor, Tensor]:
    """What `smoothed_cross_entropy` must equal."""
    logits = nn.functional.linear(readouts, weight, bias)
    total = nn.functional.cross_entropy(
        logits, labels, reduction="sum", label_smoothing=label_smoothing
    )
    return total, nn.functional.cross_entropy(logits, labels, reduction="sum").detach()


def random_inputs(
    tokens: int, readout: int, vocabulary: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    sizes = [(tokens, readout), (vocabulary, readout), (vocabulary,)]
    readouts, weight, bias = (torch.randn(s, dtype=dtype).requires_grad_() for s in sizes)
    return readouts, weight, bias, torch.randint(0, vocabulary, (tokens,))


def with_gradients(function, inputs, label_smoothing: float, scale: float = 1.0) -> list[Tensor]:
    """Total, negative log-likelihood, and the gradients of a multiple of the total."""
    total, nll = function(*inputs, label_smoothing)
    return [total, nll, *torch.autograd.grad(total * scale, inputs[:3])]


def hand_made_batch() -> Batch:
    """Two pairs; the shorter target has one column of padding."""
    return Batch(
        source=torch.tensor([[5, 6, 2], [7, 2, 0]]),
        source_lengths=torch.tensor([3, 2]),
        target=torch.tensor([[1, 8, 9, 2], [1, 4, 2, 0]]),
        target_lengths=torch.tensor([3, 2]),
        rows=torch.tensor([0, 1]),
    )


def small_model(tied: str = "all") -> EncoderDecoder:
    torch.manual_seed(0)
    sizes = {"embedding_size": 6, "hidden_size": 8, "attention_size": 5}
    return EncoderDecoder(ModelSettings(**sizes, tied=tied, dropout=0.0, word_dropout=0.0), 12, 12)


def test_by_hand():
    """Two words, p = 3/4 and 1/4, ε = 1/2: half the label's cost and half the mean of both."""
    readouts, weight = torch.tensor([[1.0]]), torch.tensor([[math.log(3.0)], [0.0]])
    total, nll = smoothed_cross_entropy(readouts, weight, torch.zeros(2), torch.tensor([1]), 0.5)
    assert float(nll) == pytest.approx(math.log(4))
    mean = (math.log(4 / 3) + math.log(4)) / 2
    assert float(total) == pytest.approx(0.5 * math.log(4) + 0.5 * mean)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    tokens=st.integers(0, 9),
    readout=st.integers(1, 6),
    vocabulary=st.integers(2, 11),
    label_smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    chunk=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_equals_torch_values_and_gradients(
    tokens, readout, vocabulary, label_smoothing, chunk, seed
):
    torch.manual_seed(seed)
    inputs = random_inputs(tokens, readout, vocabulary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loss_module, "LOGITS_AT_ONCE", {"cpu": chunk * vocabulary})
        found = with_gradients(smoothed_cross_entropy, inputs, label_smoothing, 0.3)
    for part, expected in zip(
        found, with_gradients(torchs, inputs, label_smoothing, 0.3), strict=True
    ):
        torch.testing.assert_close(part, expected, rtol=1e-10, atol=1e-12)


def test_chunks_smaller_than_a_row_still_hold_one_token(monkeypatch):
    monkeypatch.setattr(loss_module, "LOGITS_AT_ONCE", {"cpu": 1})
    inputs = random_inputs(3, 4, 7)
    expected = with_gradients(torchs, inputs, 0.1)
    for part, other in zip(
        with_gradients(smoothed_cross_entropy, inputs, 0.1), expected, strict=True
    ):
        torch.testing.assert_close(part, other)


def test_float32_agrees_even_where_the_label_is_hopeless():
    """p(label) = exp(−400) is 0 in float32; its logarithm is not."""
    inputs = (
        torch.tensor([[1.0], [1.0]], requires_grad=True),
        torch.tensor([[200.0], [-200.0], [0.0]], requires_grad=True),
        torch.zeros(3, requires_grad=True),
        torch.tensor([1, 0]),
    )
    found = with_gradients(smoothed_cross_entropy, inputs, 0.1)
    assert float(found[1]) == 400.0
    for part, expected in zip(found, with_gradients(torchs, inputs, 0.1), strict=True):
        torch.testing.assert_close(part, expected)


@pytest.mark.parametrize("chunk", [2**21, 100 * 1000])
@pytest.mark.parametrize("tiles", [True, False])
def test_in_bf16_only_rounding_is_added(chunk, tiles, monkeypatch):
    """Against torch in float32, with factors that bf16 can write; 262 rows are filled up."""
    monkeypatch.setattr(products, "has_tiles", lambda: tiles)
    monkeypatch.setattr(loss_module, "LOGITS_AT_ONCE", {"cpu": chunk})
    torch.manual_seed(4)
    readouts, weight, bias, labels = random_inputs(262, 64, 1000, torch.float32)
    with torch.no_grad():
        weight.mul_(0.3)
        for part in (readouts, weight, bias):
            part.copy_(part.bfloat16())
    inputs = readouts, weight, bias, labels
    expected = with_gradients(torchs, inputs, 0.1)
    with torch.autocast("cpu", torch.bfloat16):
        found = with_gradients(smoothed_cross_entropy, inputs, 0.1)
    for part, exact in zip(found, expected, strict=True):
        assert part.dtype == torch.float32
        assert 0 < (part - exact).norm() / exact.norm() < 4e-3


def test_autocast_stays_near_full_precision():
    torch.manual_seed(3)
    inputs = random_inputs(40, 16, 30, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = with_gradients(smoothed_cross_entropy, inputs, 0.1)
    for part, expected in zip(found, with_gradients(torchs, inputs, 0.1), strict=True):
        assert part.dtype == torch.float32
        assert 0 < (part - expected).norm() / expected.norm() < 0.02


def test_no_gradient_is_worked_out_in_evaluation():
    inputs = random_inputs(5, 4, 7)
    expected = torchs(*inputs, 0.1)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            total, nll = smoothed_cross_entropy(*inputs, 0.1)
        assert not total.requires_grad
        torch.testing.assert_close(total, expected[0].detach())
        torch.testing.assert_close(nll, expected[1])


def test_a_second_backward_pass_is_refused():
    total, _ = smoothed_cross_entropy(*random_inputs(5, 4, 7), 0.1)
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="differentiated already"):
        total.backward()


@pytest.mark.parametrize("tied", ["none", "target", "all"])
def test_loss_of_a_batch_counts_real_tokens_only(tied):
    model, batch = small_model(tied).double(), hand_made_batch()
    found = token_loss(model, batch, 0.1)
    assert found.tokens == 5
    assert found.total.requires_grad
    assert not found.nll.requires_grad
    gradients = torch.autograd.grad(found.total, list(model.parameters()))
    # With every logit worked out and padding left out by torch.
    logits = model.output(model(batch.source, batch.source_lengths, batch.target[:, :-1]))
    flat, labels = logits.flatten(0, 1), batch.target[:, 1:].flatten()
    cross_entropy = nn.functional.cross_entropy
    expected = cross_entropy(flat, labels, reduction="sum", ignore_index=0, label_smoothing=0.1)
    nll = cross_entropy(flat, labels, reduction="sum", ignore_index=0)
    torch.testing.assert_close(found.total, expected)
    torch.testing.assert_close(found.nll, nll.detach())
    for gradient, other in zip(
        gradients, torch.autograd.grad(expected, list(model.parameters())), strict=True
    ):
        torch.testing.assert_close(gradient, other)


def test_logits_alive_are_a_chunk_and_never_all(monkeypatch):
    """No array of the loss is larger than the weights' gradient or a chunk of logits."""
    monkeypatch.setattr(loss_module, "LOGITS_AT_ONCE", {"cpu": 8 * 50})
    largest = []
    softmax = torch.softmax

    def watched(logits: Tensor, *arguments, **named) -> Tensor:
        largest.append(tuple(logits.shape))
        return softmax(logits, *arguments, **named)

    monkeypatch.setattr(torch, "softmax", watched)
    smoothed_cross_entropy(*random_inputs(20, 4, 50), 0.1)
    assert largest == [(8, 50), (8, 50), (4, 50)]
