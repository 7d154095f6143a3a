"""The decoders against their equations, and training's way through them against search's."""

from __future__ import annotations

import dataclasses
from itertools import product
from typing import Literal, get_args

import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import AttentionKind, Cell, ModelSettings
from seq2seq.model.cells import RecurrentCell
from seq2seq.model.decoders import (
    AttentionDecoder,
    Bridge,
    ContextVectorDecoder,
    Decoder,
    DecoderState,
    DecoderStep,
    Memory,
    make_decoder,
)
from seq2seq.model.encoder import EncodedSource

CELLS: tuple[Cell, ...] = get_args(Cell)
KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)
EMBEDDING, HIDDEN, ATTENTION, READOUT = 3, 4, 5, 6
BATCH, SOURCE, TARGET = 3, 5, 4
SMALL = ModelSettings(
    embedding_size=EMBEDDING, hidden_size=HIDDEN, attention_size=ATTENTION, dropout=0.0
)
ONE_VECTOR = [
    dataclasses.replace(SMALL, decoder="context-vector", context=context)
    for context in ("initial", "every-step")
]
ATTENDING = [
    dataclasses.replace(SMALL, decoder="attention", attention=kind, input_feeding=feeding)
    for kind, feeding in product(KINDS, (True, False))
] + [
    dataclasses.replace(SMALL, query_word=True),
    dataclasses.replace(SMALL, query_word=True, lexical_readout="shared"),
    dataclasses.replace(SMALL, query_word=True, lexical_readout="own"),
    dataclasses.replace(SMALL, attention="dot", input_feeding=False, lexical_readout="shared"),
]
EVERY_DECODER = [
    dataclasses.replace(settings, cell=cell, decoder_layers=layers)
    for settings, cell, layers in product([*ONE_VECTOR, *ATTENDING], CELLS, (1, 2, 3))
]


def name_of(settings: ModelSettings) -> str:
    """What sets this decoder apart, for the test's name."""
    if settings.decoder == "context-vector":
        kind = settings.context
    else:
        kind = settings.attention + ("-fed" if settings.input_feeding else "-unfed")
        kind += "-word" if settings.query_word else ""
        kind += "" if settings.lexical_readout == "none" else f"-{settings.lexical_readout}"
    return f"{kind}-{settings.cell}-{settings.decoder_layers}"


def fresh_decoder(settings: ModelSettings) -> Decoder:
    """A decoder with all weights, biases too, drawn at random."""
    torch.manual_seed(1)
    decoder = make_decoder(settings, READOUT)
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    return decoder.double()


def sample(settings: ModelSettings) -> tuple[EncodedSource, Tensor]:
    """An encoded source of 5, 3 and 1 tokens, and embedded target tokens, all with gradients."""
    torch.manual_seed(2)
    is_padding = torch.arange(SOURCE) >= torch.tensor([[5], [3], [1]])
    shapes = ((BATCH, SOURCE, HIDDEN), (BATCH, HIDDEN), (BATCH, TARGET, EMBEDDING))
    values, summary, tokens = (
        torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in shapes
    )
    cell_size = HIDDEN if settings.cell == "lstm" else 0
    summary_cell = torch.randn(BATCH, cell_size, dtype=torch.float64).requires_grad_()
    words = torch.randn(BATCH, SOURCE, EMBEDDING, dtype=torch.float64).requires_grad_()
    return EncodedSource(values, is_padding, summary, summary_cell, words), tokens


def loop_of_steps(decoder: Decoder, tokens: Tensor, memory: Memory) -> list[DecoderStep]:
    """`unroll` in the plainest words."""
    state, steps = decoder.start(memory), []
    for time in range(tokens.shape[1]):
        steps.append(decoder.step(tokens[:, time], state, memory))
        state = steps[-1].state
    return steps


def gradients(decoder: Decoder, readouts: Tensor, inputs: list[Tensor]) -> dict[str, Tensor]:
    """Of one number that every readout enters with a weight of its own."""
    generator = torch.Generator().manual_seed(3)
    loss = (readouts * torch.randn(readouts.shape, generator=generator, dtype=torch.float64)).sum()
    wanted = dict(decoder.named_parameters())
    wanted |= {f"input {number}": tensor for number, tensor in enumerate(inputs)}
    found = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
    zero = torch.zeros(1, dtype=torch.float64)
    return {
        name: zero if gradient is None else gradient
        for name, gradient in zip(wanted, found, strict=True)
    }


def close(ours: object, theirs: object) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


@pytest.mark.parametrize("settings", EVERY_DECODER, ids=name_of)
def test_unroll_equals_the_loop_over_step(settings: ModelSettings) -> None:
    """Values, and gradients of all weights, of the encoder's states and of the target tokens."""
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    inputs = [tokens, encoded.values, encoded.summary, encoded.summary_cell, encoded.words]
    steps = loop_of_steps(decoder, tokens, decoder.remember(encoded))
    looped = torch.stack([step.readout for step in steps], 1)
    unrolled = decoder.unroll(tokens, decoder.remember(encoded))
    assert unrolled.shape == (BATCH, TARGET, READOUT)
    close(unrolled, looped)
    close(gradients(decoder, unrolled, inputs), gradients(decoder, looped, inputs))


@pytest.mark.parametrize("settings", EVERY_DECODER, ids=name_of)
def test_unroll_without_gradients_is_the_same(settings: ModelSettings) -> None:
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    expected = decoder.unroll(tokens, decoder.remember(encoded))
    with torch.inference_mode():
        close(decoder.unroll(tokens, decoder.remember(encoded)), expected)


class TorchCell:
    """One step of torch's own cell with the weights of ours."""

    def __init__(self, cell: RecurrentCell, kind: Cell) -> None:
        twins: dict[str, type[nn.RNNCellBase]] = {
            "rnn": nn.RNNCell,
            "lstm": nn.LSTMCell,
            "gru": nn.GRUCell,
        }
        self.twin = twins[kind](cell.input_size, cell.hidden_size).double()
        second_bias = torch.zeros_like(cell.bias)
        if kind == "gru":
            second_bias[2 * cell.hidden_size :] = cell.get_parameter("bias_candidate")
        weights = (cell.weight_input, cell.weight_hidden, cell.bias, second_bias)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        self.twin.load_state_dict(dict(zip(names, weights, strict=True)))

    def __call__(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(self.twin, nn.LSTMCell):
            after: tuple[Tensor, Tensor] = self.twin(inputs, (hidden, cell))
            return after
        return self.twin(inputs, hidden), cell


def bridged(decoder: Decoder, encoded: EncodedSource) -> tuple[Tensor, Tensor]:
    """The first states, from the bridge's equation."""
    bridge = decoder.bridge
    summary = torch.cat([encoded.summary, encoded.summary_cell], 1)
    hidden = torch.tanh(summary @ bridge.hidden.weight.T + bridge.hidden.bias)
    if bridge.cell is None:
        return hidden, torch.zeros(BATCH, 0, dtype=torch.float64)
    return hidden, summary @ bridge.cell.weight.T + bridge.cell.bias


def read_out(decoder: Decoder, *parts: Tensor) -> Tensor:
    linear = decoder.readout[1]
    assert isinstance(linear, nn.Linear)
    return torch.tanh(torch.cat(parts, -1) @ linear.weight.T + linear.bias)


@pytest.mark.parametrize("context", ["initial", "every-step"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_context_vector_decoder_from_its_equations(cell: Cell, context: str) -> None:
    """s_t = cell([y_{t-1}; c], s_{t-1}), readout_t = tanh(W [s_t; c] + b); or without c."""
    settings = dataclasses.replace(ONE_VECTOR[context == "every-step"], cell=cell)
    assert settings.context == context
    decoder = fresh_decoder(settings)
    assert isinstance(decoder, ContextVectorDecoder)
    encoded, tokens = sample(settings)
    readouts = decoder.unroll(tokens, decoder.remember(encoded))
    (ours,) = decoder.layers.forward_cells
    assert isinstance(ours, RecurrentCell)
    torch_cell = TorchCell(ours, cell)
    hidden, cell_state = bridged(decoder, encoded)
    fed = [encoded.summary] if context == "every-step" else []
    for time in range(TARGET):
        inputs = torch.cat([tokens[:, time], *fed], 1)
        hidden, cell_state = torch_cell(inputs, hidden, cell_state)
        close(readouts[:, time], read_out(decoder, hidden, *fed))


@pytest.mark.parametrize("input_feeding", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_attention_decoder_from_its_equations(cell: Cell, input_feeding: bool) -> None:
    """Fed, attention looks with the state before; unfed, with the state of this step."""
    settings = dataclasses.replace(SMALL, cell=cell, attention="dot", input_feeding=input_feeding)
    decoder = fresh_decoder(settings)
    assert isinstance(decoder, AttentionDecoder)
    encoded, tokens = sample(settings)
    readouts = decoder.unroll(tokens, decoder.remember(encoded))
    torch_cell = TorchCell(decoder.lowest, cell)
    hidden, cell_state = bridged(decoder, encoded)

    def attend(query: Tensor) -> Tensor:
        contexts = []
        for row, length in enumerate([5, 3, 1]):
            states = encoded.values[row, :length]
            contexts.append(torch.softmax(states @ query[row], 0) @ states)
        return torch.stack(contexts)

    for time in range(TARGET):
        if input_feeding:
            context = attend(hidden)
            inputs = torch.cat([tokens[:, time], context], 1)
            hidden, cell_state = torch_cell(inputs, hidden, cell_state)
        else:
            hidden, cell_state = torch_cell(tokens[:, time], hidden, cell_state)
            context = attend(hidden)
        close(readouts[:, time], read_out(decoder, hidden, context))


@pytest.mark.parametrize("kind", ["shared", "own"])
@pytest.mark.parametrize("input_feeding", [True, False])
def test_the_lexical_readout_from_its_equations(
    kind: Literal["shared", "own"], input_feeding: bool
) -> None:
    """The readout + tanh(W Σ_s a_ts x_s + b), sentence by sentence and without padding.

    a_t is the decoder's, or its own: softmax over s of state_t · W_a h_s / √size.
    """
    plain = dataclasses.replace(SMALL, input_feeding=input_feeding)
    decoder = fresh_decoder(dataclasses.replace(plain, lexical_readout=kind))
    without = fresh_decoder(plain)
    assert isinstance(decoder, AttentionDecoder)
    assert decoder.lexical_readout is not None
    own = {n: p for n, p in decoder.state_dict().items() if not n.startswith("lexical")}
    without.load_state_dict(own)
    linear = decoder.lexical_readout.layer[0]
    assert isinstance(linear, nn.Linear)
    attention = decoder.lexical_readout.attention
    encoded, tokens = sample(plain)
    found = loop_of_steps(decoder, tokens, decoder.remember(encoded))
    expected = loop_of_steps(without, tokens, without.remember(encoded))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.weights is not None
        for row, length in enumerate([5, 3, 1]):
            weights = ours.weights[row, :length]
            if attention is not None:
                asked = ours.state.hidden[row, -1] @ attention.get_parameter("key_weight")
                weights = torch.softmax(encoded.values[row, :length] @ asked / HIDDEN**0.5, 0)
            lexical = torch.tanh(
                linear.weight @ (weights @ encoded.words[row, :length]) + linear.bias
            )
            close(ours.readout[row], theirs.readout[row] + lexical)


@pytest.mark.parametrize("settings", ATTENDING, ids=name_of)
def test_words_are_remembered_for_a_lexical_readout_alone(settings: ModelSettings) -> None:
    encoded, _ = sample(settings)
    memory = fresh_decoder(settings).remember(encoded)
    lexical = settings.lexical_readout
    assert memory.words.shape == (BATCH, 0 if lexical == "none" else SOURCE, EMBEDDING)
    assert memory.word_keys.shape == (BATCH, SOURCE if lexical == "own" else 0, HIDDEN)
    for part in (memory.words, memory.word_keys):
        assert part.shape[1] or part.untyped_storage().nbytes() == 0


@pytest.mark.parametrize("settings", [*ONE_VECTOR, *ATTENDING], ids=name_of)
def test_upper_layers_read_the_layer_below(settings: ModelSettings) -> None:
    """With two layers: the higher one is torch's cell over the lower one's hidden state."""
    settings = dataclasses.replace(settings, decoder_layers=2)
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    memory = decoder.remember(encoded)
    before = decoder.start(memory)
    after = decoder.step(tokens[:, 0], before, memory).state
    if isinstance(decoder, AttentionDecoder):
        upper = decoder.upper.forward_cells[0]
    else:
        assert isinstance(decoder, ContextVectorDecoder)
        upper = decoder.layers.forward_cells[1]
    assert isinstance(upper, RecurrentCell)
    hidden, cell = TorchCell(upper, "lstm")(
        after.hidden[:, 0], before.hidden[:, 1], before.cell[:, 1]
    )
    close(
        after,
        DecoderState(
            torch.stack([after.hidden[:, 0], hidden], 1), torch.stack([after.cell[:, 0], cell], 1)
        ),
    )


@pytest.mark.parametrize("cell", CELLS)
def test_the_bridge_makes_a_pair_for_each_layer(cell: Cell) -> None:
    settings = dataclasses.replace(SMALL, cell=cell, decoder_layers=3)
    decoder = fresh_decoder(settings)
    assert isinstance(decoder.bridge, Bridge)
    encoded, _ = sample(settings)
    hidden, cell_state = bridged(decoder, encoded)
    start = decoder.start(decoder.remember(encoded))
    close(start.hidden, hidden.reshape(BATCH, 3, HIDDEN))
    size = HIDDEN if cell == "lstm" else 0
    close(start.cell, cell_state.reshape(BATCH, 3, size))


@pytest.mark.parametrize("settings", EVERY_DECODER, ids=name_of)
def test_select_reorders_and_repeats_rows(settings: ModelSettings) -> None:
    """As a beam does: steps after `select` are the selected rows of steps without it."""
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    memory = decoder.remember(encoded)
    first = decoder.step(tokens[:, 0], decoder.start(memory), memory)
    second = decoder.step(tokens[:, 1], first.state, memory)
    rows = torch.tensor([2, 0, 0, 1])
    chosen = decoder.step(tokens[rows, 1], first.state.select(rows), memory.select(rows))
    close(chosen.readout, second.readout[rows])
    close(chosen.state, second.state.select(rows))
    assert torch.equal(second.state.select(rows).hidden, second.state.hidden[rows])
    if second.weights is not None:
        assert chosen.weights is not None
        close(chosen.weights, second.weights[rows])


@pytest.mark.parametrize("settings", ATTENDING, ids=name_of)
def test_where_attention_looked(settings: ModelSettings) -> None:
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    for step in loop_of_steps(decoder, tokens, decoder.remember(encoded)):
        assert step.weights is not None
        assert step.weights.shape == (BATCH, SOURCE)
        close(step.weights.sum(1), torch.ones(BATCH, dtype=torch.float64))
        assert (step.weights[encoded.is_padding] == 0).all()
        assert (step.weights[~encoded.is_padding] > 0).all()


@pytest.mark.parametrize("settings", ATTENDING, ids=name_of)
def test_attention_sees_the_token_of_its_step_without_feeding_or_by_query_word(
    settings: ModelSettings,
) -> None:
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    memory = decoder.remember(encoded)
    one = decoder.step(tokens[:, 0], decoder.start(memory), memory).weights
    other = decoder.step(tokens[:, 1], decoder.start(memory), memory).weights
    assert one is not None
    assert other is not None
    sees_it = settings.query_word or not settings.input_feeding
    assert torch.equal(one, other) != sees_it


@pytest.mark.parametrize("settings", ONE_VECTOR, ids=name_of)
def test_one_context_vector_remembers_no_encoder_state(settings: ModelSettings) -> None:
    """However long the source: no values, no keys, no mask, and nothing that keeps them alive."""
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    memory = decoder.remember(encoded)
    assert memory.values.shape == (BATCH, 0, HIDDEN)
    assert memory.keys.shape[:2] == memory.is_padding.shape == (BATCH, 0)
    assert memory.words.shape[:2] == memory.word_keys.shape[:2] == (BATCH, 0)
    for part in (memory.values, memory.keys, memory.is_padding, memory.words, memory.word_keys):
        assert part.untyped_storage().nbytes() == 0
    other = encoded._replace(values=torch.randn(BATCH, SOURCE, HIDDEN, dtype=torch.float64))
    expected = decoder.unroll(tokens, memory)
    assert torch.equal(decoder.unroll(tokens, decoder.remember(other)), expected)
    for step in loop_of_steps(decoder, tokens, memory):
        assert step.weights is None


def test_the_context_vector_enters_where_the_setting_says() -> None:
    for settings in ONE_VECTOR:
        decoder = fresh_decoder(settings)
        encoded, tokens = sample(settings)
        memory = decoder.remember(encoded)
        other = memory._replace(context=memory.context + 1)
        same = torch.equal(decoder.unroll(tokens, memory), decoder.unroll(tokens, other))
        assert same == (settings.context == "initial")


@pytest.mark.parametrize("settings", [*ONE_VECTOR, *ATTENDING], ids=name_of)
def test_no_step_sees_later_tokens(settings: ModelSettings) -> None:
    decoder = fresh_decoder(dataclasses.replace(settings, decoder_layers=2))
    encoded, tokens = sample(settings)
    memory = decoder.remember(encoded)
    later = torch.cat([tokens[:, :2], torch.randn_like(tokens[:, 2:])], 1)
    before, after = decoder.unroll(tokens, memory), decoder.unroll(later, memory)
    close(after[:, :2], before[:, :2])
    assert ((after[:, 2:] - before[:, 2:]).abs().amax(-1) > 1e-6).all()


@pytest.mark.parametrize("settings", [*ONE_VECTOR, *ATTENDING], ids=name_of)
def test_dropout_stands_between_layers_and_around_the_readout(settings: ModelSettings) -> None:
    """As many calls of dropout in `unroll` as in one `step`; none of them acts in evaluation."""
    settings = dataclasses.replace(settings, decoder_layers=3, dropout=0.5)
    decoder = fresh_decoder(settings)
    encoded, tokens = sample(settings)
    memory = decoder.remember(encoded)
    calls: list[nn.Module] = []
    for module in decoder.modules():
        if isinstance(module, nn.Dropout) and module.p:  # recurrent weights keep theirs at 0
            assert module.p == 0.5
            module.register_forward_hook(lambda module, *_: calls.append(module))
    decoder.unroll(tokens, memory)
    in_unroll = len(calls)
    decoder.step(tokens[:, 0], decoder.start(memory), memory)
    assert (in_unroll, len(calls) - in_unroll) == (4, 4)  # two between layers, two at the readout
    decoder.eval()
    plain = make_decoder(dataclasses.replace(settings, dropout=0.0), READOUT).double()
    plain.load_state_dict(decoder.state_dict())
    close(decoder.unroll(tokens, memory), plain.unroll(tokens, memory))
