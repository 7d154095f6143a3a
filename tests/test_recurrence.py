"""The fast loop equals the plain one, values and gradients, and the plain one is torch's own."""

from __future__ import annotations

from typing import NamedTuple, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seq2seq.config import AttentionKind, Cell, ModelSettings
from seq2seq.model import decoders
from seq2seq.model.attention import Attention, make_attention
from seq2seq.model.cells import CellState, RecurrentCell, make_cell
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.model.products import linear
from seq2seq.model.recurrence import attend_and_recur, attend_and_recur_plain, served
from seq2seq.text.batches import Batch
from seq2seq.training.loss import token_loss

ATTENTIONS: tuple[AttentionKind, ...] = get_args(AttentionKind)
SERVED_CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")


class Case(NamedTuple):
    """Everything the loop reads, and what it made of it."""

    cell: RecurrentCell
    attention: Attention
    tokens: Tensor
    start: CellState
    keys: Tensor
    values: Tensor
    is_padding: Tensor
    words: Tensor | None = None


class Sizes(NamedTuple):
    batch: int = 3
    target: int = 4
    source: int = 5
    embedding: int = 3
    hidden: int = 4
    attention: int = 5


def make_case(
    cell_kind: Cell, attention_kind: AttentionKind, sizes: Sizes, dtype: torch.dtype = torch.float64
) -> Case:
    """Random weights and inputs; the first row has a single source token, the last has them all."""
    batch, target, source, embedding, hidden, attention_size = sizes
    cell = make_cell(cell_kind, embedding + hidden, hidden).to(dtype)
    attention = make_attention(attention_kind, hidden, hidden, attention_size).to(dtype)
    with torch.no_grad():
        for parameter in [*cell.parameters(), *attention.parameters()]:
            parameter.normal_()
    values = torch.randn(batch, source, hidden, dtype=dtype)
    keys = attention.project_keys(values).detach() + torch.randn(1, dtype=dtype)
    lengths = torch.randint(1, source + 1, (batch,))
    lengths[0], lengths[-1] = 1, source
    start = CellState(
        torch.randn(batch, hidden, dtype=dtype),
        torch.randn(batch, hidden if cell.has_cell_state else 0, dtype=dtype),
    )
    tokens = torch.randn(batch, target, embedding, dtype=dtype)
    is_padding = torch.arange(source) >= lengths[:, None]
    return Case(cell, attention, tokens, start, keys, values, is_padding)


def results_and_gradients(loop, case: Case) -> dict[str, Tensor]:
    """What a loop returns, and the gradients of a random weighting of it in all it reads."""
    inputs = {
        "tokens": case.tokens,
        "hidden": case.start.hidden,
        "cell": case.start.cell,
        "keys": case.keys,
        "values": case.values,
        **({} if case.words is None else {"words": case.words}),
    }
    inputs = {name: part.detach().clone().requires_grad_() for name, part in inputs.items()}
    hiddens, contexts, weights = loop(
        case.cell,
        case.attention,
        inputs["tokens"],
        CellState(inputs["hidden"], inputs["cell"]),
        inputs["keys"],
        inputs["values"],
        case.is_padding,
        inputs.get("words"),
    )
    weighting = torch.Generator().manual_seed(0)
    total = sum(
        (part * torch.randn(part.shape, generator=weighting, dtype=part.dtype)).sum()
        for part in (hiddens, contexts, weights)
    )
    wanted = {
        **inputs,
        **dict(case.cell.named_parameters()),
        # `key_weight` makes the keys, outside of the loop.
        **{n: p for n, p in case.attention.named_parameters() if n != "key_weight"},
    }
    gradients = torch.autograd.grad(total, list(wanted.values()), allow_unused=True)
    found = {"hiddens": hiddens, "contexts": contexts, "weights": weights}
    for name, gradient in zip(wanted, gradients, strict=True):
        if wanted[name].numel():
            assert gradient is not None, name
            found[f"gradient of {name}"] = gradient
    return found


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor], **tolerance) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(
            found[name], expected[name], msg=lambda text, name=name: f"{name}: {text}", **tolerance
        )


@pytest.mark.parametrize("attention_kind", ATTENTIONS)
@pytest.mark.parametrize("cell_kind", SERVED_CELLS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(sizes=st.builds(Sizes, *[st.integers(1, 6)] * 6), seed=st.integers(0, 10**6))
def test_fast_equals_plain_values_and_all_gradients(cell_kind, attention_kind, sizes, seed):
    torch.manual_seed(seed)
    case = make_case(cell_kind, attention_kind, sizes)
    assert served(case.cell, case.attention)
    assert_equal(
        results_and_gradients(attend_and_recur, case),
        results_and_gradients(attend_and_recur_plain, case),
        rtol=1e-9,
        atol=1e-10,
    )


@pytest.mark.parametrize("cell_kind", SERVED_CELLS)
def test_fast_equals_plain_where_the_word_before_asks_along(cell_kind):
    torch.manual_seed(9)
    case = make_case(cell_kind, "additive", Sizes(4, 6, 5, 3, 7, 2))
    case = case._replace(words=torch.randn(4, 6, 2, dtype=torch.float64))
    found = results_and_gradients(attend_and_recur, case)
    expected = results_and_gradients(attend_and_recur_plain, case)
    assert_equal(found, expected, rtol=1e-9, atol=1e-10)
    assert "gradient of words" in found
    without = results_and_gradients(attend_and_recur, case._replace(words=None))
    assert not torch.allclose(without["contexts"], found["contexts"])


def test_the_word_before_adds_to_the_query():
    """By hand: one step, so that its scores are v · tanh(W s + U h + w)."""
    torch.manual_seed(10)
    case = make_case("lstm", "additive", Sizes(2, 1, 3, 2, 4, 5))
    words = torch.randn(2, 1, 5, dtype=torch.float64)
    attention = case.attention
    asked = case.start.hidden @ attention.query_weight.t() + words[:, 0]
    scores = torch.tanh(asked[:, None] + case.keys) @ attention.score_weight
    weights = torch.softmax(scores.masked_fill(case.is_padding, -torch.inf), -1)
    expected = (weights[:, :, None] * case.values).sum(1)
    for loop in (attend_and_recur, attend_and_recur_plain):
        torch.testing.assert_close(loop(*case[:-1], words)[1][:, 0], expected)


@pytest.mark.parametrize("attention_kind", ["additive", "dot"])
@pytest.mark.parametrize("cell_kind", SERVED_CELLS)
def test_gradients_agree_with_finite_differences(cell_kind, attention_kind):
    torch.manual_seed(1)
    case = make_case(cell_kind, attention_kind, Sizes(2, 3, 3, 2, 3, 2))
    parameters = list(case.cell.parameters())
    parameters += [p for n, p in case.attention.named_parameters() if n != "key_weight"]

    def run(tokens, hidden, cell, keys, values, *_):
        start = CellState(hidden, cell)
        return attend_and_recur(
            case.cell, case.attention, tokens, start, keys, values, case.is_padding
        )

    inputs = [case.tokens, *case.start, case.keys, case.values]
    inputs = [part.detach().clone().requires_grad_() for part in inputs]
    assert torch.autograd.gradcheck(run, (*inputs, *parameters))


def test_plain_is_torchs_lstm_when_attention_sees_one_token():
    """One source token: every context is its value, so nn.LSTMCell can be fed by hand."""
    torch.manual_seed(2)
    case = make_case("lstm", "additive", Sizes(source=1))
    reference = nn.LSTMCell(7, 4, dtype=torch.float64)
    with torch.no_grad():
        reference.weight_ih.copy_(case.cell.weight_input)
        reference.weight_hh.copy_(case.cell.weight_hidden)
        reference.bias_ih.copy_(case.cell.bias)
        reference.bias_hh.zero_()
    state, expected = tuple(case.start), []
    for step in range(4):
        state = reference(torch.cat([case.tokens[:, step], case.values[:, 0]], -1), state)
        expected.append(state[0])
    for loop in (attend_and_recur, attend_and_recur_plain):
        hiddens, contexts, weights = loop(*case)
        assert torch.equal(weights, torch.ones_like(weights))
        torch.testing.assert_close(hiddens, torch.stack(expected, 1))
        torch.testing.assert_close(contexts, case.values.expand(3, 4, 4))


def test_reset_before_gru_goes_through_the_plain_loop():
    torch.manual_seed(3)
    case = make_case("gru-reset-before", "additive", Sizes())
    assert not served(case.cell, case.attention)
    for fast, plain in zip(attend_and_recur(*case), attend_and_recur_plain(*case), strict=True):
        assert torch.equal(fast, plain)


@pytest.mark.parametrize("cell_kind", SERVED_CELLS)
def test_float32_agrees_with_float64(cell_kind):
    """In float32 another product is at work; its sizes fill its blocks or do not."""
    torch.manual_seed(4)
    case = make_case(cell_kind, "additive", Sizes(9, 7, 6, 13, 48, 33))
    with torch.no_grad():
        for parameter in [*case.cell.parameters(), *case.attention.parameters()]:
            parameter.mul_(0.2)
    exact = results_and_gradients(attend_and_recur, case)
    single = case._replace(
        cell=case.cell.float(),
        attention=case.attention.float(),
        start=CellState(*(part.float() for part in case.start)),
        **{name: getattr(case, name).float() for name in ("tokens", "keys", "values")},
    )
    found = results_and_gradients(attend_and_recur, single)
    # Gradients are compared with the plain loop's: their weighting is another in float32.
    for name in ("hiddens", "contexts"):
        torch.testing.assert_close(found[name].double(), exact[name], rtol=1e-4, atol=1e-5)
    plain = results_and_gradients(attend_and_recur_plain, single)
    assert_equal(found, plain, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("attention_kind", ["additive", "general"])
def test_autocast_stays_near_full_precision(attention_kind):
    torch.manual_seed(5)
    case = make_case("lstm", attention_kind, Sizes(4, 5, 6, 8, 16, 16), torch.float32)
    with torch.no_grad():
        for parameter in [*case.cell.parameters(), *case.attention.parameters()]:
            parameter.mul_(0.1)
    exact = results_and_gradients(attend_and_recur, case)
    with torch.autocast("cpu", torch.bfloat16):
        rough = results_and_gradients(attend_and_recur, case)
    assert rough["hiddens"].dtype == torch.float32
    for name, values in exact.items():
        distance = (rough[name] - values).norm() / values.norm()
        assert 0 < distance < 0.03, f"{name} {distance}"


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_the_values_are_the_same(mode):
    torch.manual_seed(6)
    case = make_case("lstm", "additive", Sizes())
    with mode():
        quiet = attend_and_recur(*case)
    for found, expected in zip(quiet, attend_and_recur(*case), strict=True):
        assert torch.equal(found, expected)
        assert not found.requires_grad


def test_twice_the_same_work_gives_the_same_bits():
    torch.manual_seed(7)
    case = make_case("lstm", "additive", Sizes(8, 6, 7, 16, 32, 32), torch.float32)
    first = results_and_gradients(attend_and_recur, case)
    second = results_and_gradients(attend_and_recur, case)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_neighbours_in_a_batch_do_not_matter():
    torch.manual_seed(8)
    case = make_case("lstm", "additive", Sizes(batch=5))
    hiddens, contexts, weights = attend_and_recur(*case)
    for row in range(5):
        one = slice(row, row + 1)
        length = int((~case.is_padding[row]).sum())
        alone = attend_and_recur(
            case.cell,
            case.attention,
            case.tokens[one],
            CellState(*(part[one] for part in case.start)),
            case.keys[one, :length],
            case.values[one, :length],
            case.is_padding[one, :length],
        )
        torch.testing.assert_close(alone[0], hiddens[one])
        torch.testing.assert_close(alone[1], contexts[one])
        torch.testing.assert_close(alone[2], weights[one, :, :length])


def losses_while_training(loop, monkeypatch) -> list[float]:
    """Twenty updates on four small batches."""
    monkeypatch.setattr(decoders, "attend_and_recur", loop)
    torch.manual_seed(9)
    model = EncoderDecoder(
        ModelSettings(embedding_size=16, hidden_size=32, attention_size=24, dropout=0.0), 40, 40
    )
    batches = [random_batch(length) for length in (3, 5, 6, 8)]
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []
    for update in range(20):
        loss = token_loss(model, batches[update % 4], 0.1)
        optimizer.zero_grad()
        (loss.total / loss.tokens).backward()
        optimizer.step()
        losses.append(float(loss.nll) / loss.tokens)
    return losses


def random_batch(longest: int) -> Batch:
    """Six sentences of 1 to `longest` tokens, a copying task, with BEGIN 1, END 2, padding 0."""
    lengths = torch.randint(1, longest + 1, (6,))
    tokens = torch.randint(4, 40, (6, longest + 1))
    position = torch.arange(longest + 1)
    tokens[position > lengths[:, None]] = 0
    tokens[position == lengths[:, None]] = 2
    target = torch.cat([torch.ones(6, 1, dtype=torch.int64), tokens], 1)
    return Batch(tokens, lengths + 1, target, lengths + 1, torch.arange(6))


def test_training_curves_agree(monkeypatch):
    # word_dropout draws the same random numbers in both.
    fast = losses_while_training(attend_and_recur, monkeypatch)
    plain = losses_while_training(attend_and_recur_plain, monkeypatch)
    assert fast == pytest.approx(plain, rel=1e-4)
    assert fast[-1] < fast[3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_linear_is_torchs_on_any_layout(dtype):
    torch.manual_seed(10)
    x, weight, bias = (torch.randn(*s, dtype=dtype) for s in [(7, 12), (5, 12), (5,)])
    wide, tall = torch.randn(7, 30, dtype=dtype), torch.randn(12, 5, dtype=dtype)
    big = torch.randn(9, 20, dtype=dtype)
    for left, right, added in [
        (x, weight, None),
        (x, weight, bias),
        (wide[:, 3:15], weight, bias),
        (x, tall.t(), bias),
        (x, big[2:7, 5:17], None),
    ]:
        torch.testing.assert_close(
            linear(left, right, added), nn.functional.linear(left, right, added)
        )
    rough = linear(x, weight.bfloat16(), bias)
    assert rough.dtype == dtype
    torch.testing.assert_close(rough, nn.functional.linear(x, weight, bias), rtol=0.05, atol=0.1)
