"""Attention against cases worked by hand and a twin in plain NumPy."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.config import AttentionKind
from seq2seq.errors import ConfigError
from seq2seq.model.attention import (
    AdditiveAttention,
    Attention,
    DotAttention,
    GeneralAttention,
    make_attention,
)

KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)
LOG3 = math.log(3)


def mask(picture: str) -> Tensor:
    """A padding mask that one can read: x is padding."""
    return torch.tensor([[letter == "x" for letter in row] for row in picture.split()])


IS_PADDING = mask("""
    .....
    ...xx
    .xxxx
""")


def look(
    attention: Attention, query: Tensor, values: Tensor, is_padding: Tensor
) -> tuple[Tensor, ...]:
    """Context vectors and weights."""
    return tuple(attention(query, attention.project_keys(values), values, is_padding))


def sample(kind: AttentionKind) -> tuple[Attention, Tensor, Tensor]:
    """An attention, four queries a sentence, and encoder states."""
    torch.manual_seed(1)
    value_size = 6 if kind in ("dot", "scaled-dot") else 7
    attention = make_attention(kind, query_size=6, value_size=value_size, attention_size=5)
    query = torch.randn(3, 4, 6, dtype=torch.float64)
    return attention.double(), query, torch.randn(3, 5, value_size, dtype=torch.float64)


# Scores that differ by log 3 give weights 3/4 and 1/4.


def test_dot_by_hand() -> None:
    values = torch.tensor([[[LOG3, 0.0], [0.0, 8.0]]])
    context, weights = look(
        DotAttention(2, 2, False), torch.tensor([[[1.0, 0.0]]]), values, mask("..")
    )
    torch.testing.assert_close(weights, torch.tensor([[[0.75, 0.25]]]))
    torch.testing.assert_close(context, torch.tensor([[[0.75 * LOG3, 2.0]]]))


def test_scaled_dot_by_hand() -> None:
    """Four units: the score is halved."""
    values = torch.tensor([[[2 * LOG3, 0.0, 0.0, 0.0], [0.0, 8.0, 0.0, 0.0]]])
    query = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    context, weights = look(DotAttention(4, 4, True), query, values, mask(".."))
    torch.testing.assert_close(weights, torch.tensor([[[0.75, 0.25]]]))
    torch.testing.assert_close(context, torch.tensor([[[1.5 * LOG3, 2.0, 0.0, 0.0]]]))


def test_general_by_hand() -> None:
    """With query [2] and W [[5, log 3 / 2]], the value [0, 1] scores log 3."""
    attention = GeneralAttention(1, 2)
    attention.load_state_dict({"key_weight": torch.tensor([[5.0, LOG3 / 2]])})
    values = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]])
    context, weights = look(attention, torch.tensor([[[2.0]]]), values, mask(".."))
    torch.testing.assert_close(weights, torch.tensor([[[0.75, 0.25]]]))
    torch.testing.assert_close(context, torch.tensor([[[0.0, 0.75]]]))


def test_additive_by_hand() -> None:
    """With W 2, U 3 and query −½, the values 1 and −⅓ score v tanh 2 and v tanh −2."""
    attention = AdditiveAttention(1, 1, 1)
    weights_by_name = {
        "query_weight": torch.tensor([[2.0]]),
        "key_weight": torch.tensor([[3.0]]),
        "score_weight": torch.tensor([LOG3 / math.tanh(2)]),
    }
    attention.load_state_dict(weights_by_name)
    values = torch.tensor([[[1.0], [-1 / 3]]])
    context, weights = look(attention, torch.tensor([[[-0.5]]]), values, mask(".."))
    # Scores log 3 and −log 3: weights 9/10 and 1/10.
    torch.testing.assert_close(weights, torch.tensor([[[0.9, 0.1]]]))
    torch.testing.assert_close(context, torch.tensor([[[0.9 - 0.1 / 3]]]))


def numpy_score(
    kind: AttentionKind,
    weights: dict[str, NDArray[np.float64]],
    query: NDArray[np.float64],
    value: NDArray[np.float64],
) -> float:
    """The four scores as they are printed."""
    match kind:
        case "additive":
            hidden = np.tanh(weights["query_weight"] @ query + weights["key_weight"] @ value)
            return float(weights["score_weight"] @ hidden)
        case "dot":
            return float(query @ value)
        case "scaled-dot":
            return float(query @ value / math.sqrt(len(query)))
        case "general":
            return float(query @ weights["key_weight"] @ value)


@pytest.mark.parametrize("kind", KINDS)
def test_values_equal_the_numpy_twin(kind: AttentionKind) -> None:
    attention, query, values = sample(kind)
    context, weights = look(attention, query, values, IS_PADDING)
    by_name = {name: weight.numpy() for name, weight in attention.state_dict().items()}
    for row in range(3):
        real = [position for position in range(5) if not IS_PADDING[row, position]]
        for target in range(4):
            scores = [
                numpy_score(kind, by_name, query[row, target].numpy(), values[row, s].numpy())
                for s in real
            ]
            expected = np.zeros(5)
            expected[real] = np.exp(scores) / np.exp(scores).sum()
            np.testing.assert_allclose(weights[row, target].detach(), expected, atol=1e-14)
            average = sum(expected[s] * values[row, s].numpy() for s in range(5))
            np.testing.assert_allclose(context[row, target].detach(), average, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_sum_to_one_and_padding_gets_exactly_none(kind: AttentionKind) -> None:
    attention, query, values = sample(kind)
    _, weights = look(attention.float(), query.float(), values.float(), IS_PADDING)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4))
    assert (weights[IS_PADDING[:, None].expand_as(weights)] == 0).all()
    assert (weights[~IS_PADDING[:, None].expand_as(weights)] > 0).all()
    assert (weights[2, :, 0] == 1).all()  # a sentence of one token leaves no choice


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_in_padding_changes_nothing(kind: AttentionKind) -> None:
    attention, query, values = sample(kind)
    expected = look(attention, query, values, IS_PADDING)
    garbage = values.masked_fill(IS_PADDING[..., None], 1e6).requires_grad_()
    context, weights = look(attention, query, garbage, IS_PADDING)
    torch.testing.assert_close((context, weights), expected, rtol=0, atol=0)
    (context.sum() + weights.square().sum()).backward()
    assert garbage.grad is not None
    assert (garbage.grad[IS_PADDING] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_queries_one_by_one_equal_all_at_once(kind: AttentionKind) -> None:
    attention, query, values = sample(kind)
    together = look(attention, query, values, IS_PADDING)
    one_by_one = [
        look(attention, query[:, step : step + 1], values, IS_PADDING) for step in range(4)
    ]
    for part, pieces in zip(together, zip(*one_by_one, strict=True), strict=True):
        torch.testing.assert_close(part, torch.cat(pieces, 1), rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_values(kind: AttentionKind) -> None:
    attention, query, values = sample(kind)
    for parameter in attention.parameters():
        parameter.requires_grad_(False)
    arguments = (query[:, :2].requires_grad_(), values.requires_grad_())
    assert torch.autograd.gradcheck(lambda q, v: look(attention, q, v, IS_PADDING), arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_large_scores_stay_numbers(kind: AttentionKind) -> None:
    attention, query, values = sample(kind)
    context, weights = look(attention, 1e4 * query, 1e4 * values, IS_PADDING)
    assert torch.isfinite(context).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, dtype=torch.float64))


@pytest.mark.parametrize("is_padding", [mask("...."), mask("..... ....."), mask("......")])
def test_a_mask_of_another_shape_is_refused(is_padding: Tensor) -> None:
    attention, query, values = sample("general")
    with pytest.raises(ValueError, match=r"^is_padding is \[\d, \d\]; values ask for \[3, 5\]$"):
        look(attention, query, values, is_padding)


@pytest.mark.parametrize("kind", ["dot", "scaled-dot"])
def test_dot_products_ask_for_states_of_one_size(kind: AttentionKind) -> None:
    with pytest.raises(ConfigError) as raised:
        make_attention(kind, query_size=4, value_size=6, attention_size=5)
    assert str(raised.value) == (
        f"model.attention '{kind}' compares decoder states of 4 units with encoder states of 6; "
        "they must be equal, or choose 'general' or 'additive'."
    )


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("additive", {"query_weight": (5, 6), "key_weight": (5, 7), "score_weight": (5,)}),
        ("general", {"key_weight": (6, 7)}),
    ],
)
def test_the_weights_of_each_kind(kind: AttentionKind, shapes: dict[str, tuple[int, ...]]) -> None:
    attention = make_attention(kind, query_size=6, value_size=7, attention_size=5)
    assert {name: tuple(w.shape) for name, w in attention.named_parameters()} == shapes
    assert list(make_attention("dot", 6, 6, 5).parameters()) == []
