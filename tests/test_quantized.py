"""Translation in int8: near the float32 model for every system, each row by itself."""

import itertools
import warnings

import pytest
import torch
from torch import nn

from seq2seq.config import ModelSettings, SearchSettings
from seq2seq.inference.quantized import (
    ExponentialAttention,
    Int8LSTMCell,
    Int8Weight,
    SigmoidTanh,
    quantized,
)
from seq2seq.inference.search import search
from seq2seq.model.attention import AdditiveAttention
from seq2seq.model.cells import LSTMCell
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.tokenizer import BEGIN, END, PADDING

SIZES = {"embedding_size": 24, "hidden_size": 32, "attention_size": 20}
SYSTEMS = {
    "attention": ModelSettings(**SIZES),
    "the word asks along": ModelSettings(**SIZES, query_word=True),
    "shared lexical readout": ModelSettings(**SIZES, lexical_readout="shared"),
    "lexical readout of its own": ModelSettings(**SIZES, lexical_readout="own"),
    "untied": ModelSettings(**SIZES, tied="none"),
    "two layers": ModelSettings(**SIZES, encoder_layers=2, decoder_layers=2),
    "no feeding": ModelSettings(**SIZES, input_feeding=False),
    **{
        kind: ModelSettings(**SIZES, attention=kind) for kind in ("dot", "scaled-dot", "general")
    },
    **{
        f"{cell}, {decoder}": ModelSettings(
            **SIZES, cell=cell, decoder=decoder, bidirectional=decoder == "attention"
        )
        for cell, decoder in itertools.product(
            ("rnn", "lstm", "gru", "gru-reset-before"), ("context-vector", "attention")
        )
    },
}  # fmt: skip
SOURCE = torch.tensor([[7, 9, 30, 12, END], [21, 8, END, PADDING, PADDING]])
LENGTHS = torch.tensor([5, 3])


def logits(model, tokens=(BEGIN, 11, 5, 33)):
    """Of a few steps, [batch, step, vocabulary]."""
    found = []
    with torch.inference_mode():
        memory = model.encode(SOURCE, LENGTHS)
        state = model.start(memory)
        for token in tokens:
            step = model.step(torch.full((2,), token), state, memory)
            state = step.state
            found.append(step.logits)
    return torch.stack(found, 1)


def fresh(settings):
    torch.manual_seed(1)
    return EncoderDecoder(settings, 40, 40).eval()


@pytest.mark.parametrize("settings", SYSTEMS.values(), ids=SYSTEMS)
def test_logits_are_near_those_of_float32(settings):
    model = fresh(settings)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    exact, rounded = logits(model), logits(quantized(model))
    assert (rounded - exact).pow(2).mean().sqrt() < 0.04 * exact.std()
    assert not torch.equal(rounded, exact)
    assert torch.equal(logits(model), exact), "the model stays as it is"
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_all_products_of_a_step_are_of_integers():
    model = quantized(fresh(SYSTEMS["two layers"]))
    floats = {
        name for name, weight in model.named_parameters() if weight.dim() == 2
    }  # what is left
    assert floats == {"target_embedding.weight"}  # source embeddings are the same


def test_a_product_is_exact_where_rounding_changes_nothing():
    torch.manual_seed(0)
    integers = torch.randint(-127, 128, (6, 50)).float()
    integers[:, 0] = 127
    x = torch.randint(-127, 128, (3, 4, 50)).float()
    x[..., 1] = -127
    weight = Int8Weight.of(integers / 8)
    if weight.integers.abs().max() < 127:
        pytest.skip("this processor adds int8 products in 16 bits")
    bias = torch.randn(6)
    expected = nn.functional.linear(x * 0.5, integers / 8, bias)
    torch.testing.assert_close(nn.functional.linear(x * 0.5, weight, bias), expected)
    torch.testing.assert_close(nn.functional.linear(x * 0.5, weight), expected - bias)
    torch.testing.assert_close(
        nn.functional.linear(x, torch.index_select(weight, 0, torch.tensor([4, 1]))),
        nn.functional.linear(x, integers[[4, 1]] / 8),
    )
    parts = torch.split(weight, [2, 4])
    torch.testing.assert_close(
        nn.functional.linear(x, parts[1]), nn.functional.linear(x, integers[2:] / 8)
    )
    assert weight.shape == (6, 50)


def test_the_error_of_a_product_is_bounded():
    """By half a step of each side: |Δ| ≤ Σ (|x| s_w + |w| s_x) / 2 + n s_x s_w / 4."""
    torch.manual_seed(0)
    w, x = torch.randn(30, 64), torch.randn(20, 64) * torch.logspace(-3, 2, 20)[:, None]
    weight = Int8Weight.of(w)
    s_w, s_x = weight.scales, x.abs().amax(1) / 127
    bound = (x.abs().sum(1)[:, None] * s_w + w.abs().sum(1) * s_x[:, None]) / 2
    bound += 64 * s_x[:, None] * s_w / 4
    assert ((nn.functional.linear(x, weight) - x @ w.t()).abs() <= bound).all()


def test_rows_of_zeros_are_zero():
    weight = Int8Weight.of(torch.zeros(3, 8))
    assert torch.equal(nn.functional.linear(torch.zeros(2, 8), weight), torch.zeros(2, 3))


def test_a_row_s_product_does_not_depend_on_the_others():
    torch.manual_seed(0)
    weight, x = Int8Weight.of(torch.randn(64, 32)), torch.randn(9, 32)
    x[3] *= 1000
    together = nn.functional.linear(x, weight)
    for row in range(9):
        assert torch.equal(nn.functional.linear(x[row : row + 1], weight)[0], together[row])


def test_anything_else_of_an_int8_weight_is_refused():
    weight = Int8Weight.of(torch.randn(4, 4))
    with pytest.raises(NotImplementedError, match="int8 weight"):
        weight + 1
    with pytest.raises(NotImplementedError, match="by rows only"):
        torch.split(weight, [2, 2], dim=1)


def test_the_forms_without_tanh_are_the_same_functions():
    torch.manual_seed(0)
    x = torch.randn(50, 32) * 5
    torch.testing.assert_close(SigmoidTanh()(x), x.tanh(), atol=1e-6, rtol=0)
    plain = AdditiveAttention(32, 32, 20)
    faster = ExponentialAttention(plain)
    values, query = torch.randn(50, 6, 32), torch.randn(50, 1, 32)
    values[0], query[0] = 1e3, -1e3  # far beyond what tanh tells apart
    for name in ("query_weight", "key_weight"):  # what its integers stand for
        rounded = getattr(faster, name)
        getattr(plain, name).data = rounded.integers * rounded.scales[:, None]
        delattr(faster, name)
        setattr(faster, name, nn.Parameter(getattr(plain, name).data))
    is_padding = torch.zeros(50, 6, dtype=torch.bool)
    with torch.no_grad():
        expected = plain(query, plain.project_keys(values), values, is_padding)
        found = faster(query, faster.project_keys(values), values, is_padding)
    torch.testing.assert_close(found.weights, expected.weights, atol=1e-5, rtol=1e-4)


def test_the_lstm_reads_each_sentence_to_its_own_end():
    torch.manual_seed(0)
    cell = LSTMCell(12, 16)
    inputs, lengths = torch.randn(3, 7, 12), torch.tensor([7, 4, 1])
    with torch.no_grad():
        exact = cell.unroll(inputs, lengths, cell.zero_state(3, inputs))
        rounded = Int8LSTMCell(cell).unroll(inputs, lengths, cell.zero_state(3, inputs))
    torch.testing.assert_close(rounded[0][1, :4], exact[0][1, :4], atol=0.02, rtol=0)
    torch.testing.assert_close(rounded[1].hidden, exact[1].hidden, atol=0.02, rtol=0)
    torch.testing.assert_close(rounded[1].cell, exact[1].cell, atol=0.04, rtol=0)


def test_sentences_do_not_see_their_neighbours_and_nobody_is_warned():
    settings = SearchSettings(beam_size=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = quantized(fresh(SYSTEMS["attention"]))
        together = search(model, SOURCE, LENGTHS, settings, 3)
    alone = search(model, SOURCE[1:, :3], LENGTHS[1:], settings, 3)
    assert [h.tokens for h in together[1]] == [h.tokens for h in alone[0]]
    assert [h.score for h in together[1]] == pytest.approx([h.score for h in alone[0]], abs=1e-5)
