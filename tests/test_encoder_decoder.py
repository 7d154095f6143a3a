"""The whole model: padding, tied weights, counted weights, dropout of words, seeds."""

from __future__ import annotations

import copy
import dataclasses
from itertools import product
from typing import Any, NamedTuple, get_args

import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import AttentionKind, Cell, ModelSettings, Settings, System, with_system
from seq2seq.model.encoder_decoder import EncoderDecoder, parameter_count

CELLS: tuple[Cell, ...] = get_args(Cell)
KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)
VOCABULARY = 11
SMALL = ModelSettings(
    embedding_size=4, hidden_size=6, attention_size=5, dropout=0.0, word_dropout=0.0
)
DECODERS: dict[str, dict[str, Any]] = {
    **{
        f"one-vector-{context}": {"decoder": "context-vector", "context": context}
        for context in ("initial", "every-step")
    },
    **{
        f"{kind}-{'fed' if feeding else 'unfed'}": {
            "decoder": "attention",
            "attention": kind,
            "input_feeding": feeding,
        }
        for kind, feeding in product(KINDS, (True, False))
    },
    **{
        f"lexical-{kind}": {"decoder": "attention", "lexical_readout": kind}
        for kind in ("shared", "own")
    },
}
READERS: dict[str, dict[str, Any]] = {
    "forwards": {"bidirectional": False},
    "backwards": {"bidirectional": False, "reverse_source": True},
    "both-ways": {"bidirectional": True, "encoder_layers": 2, "decoder_layers": 2},
    "both-ways-backwards": {"bidirectional": True, "reverse_source": True},
}


def settings_of(cell: Cell, decoder: str, reader: str, **changes: Any) -> ModelSettings:
    return dataclasses.replace(
        SMALL, **{"cell": cell, **DECODERS[decoder], **READERS[reader], **changes}
    )


def fresh_model(settings: ModelSettings, seed: int = 1, target: int = VOCABULARY) -> EncoderDecoder:
    torch.manual_seed(seed)
    return EncoderDecoder(settings, VOCABULARY, target)


class Sentences(NamedTuple):
    """Three sentences of different lengths, with random tokens in the source's padding."""

    source: Tensor  # [batch, source]
    source_lengths: Tensor  # [batch]
    target: Tensor  # [batch, target]
    target_lengths: Tensor  # [batch]

    def alone(self, row: int) -> Sentences:
        """One of them, without padding."""
        rows = slice(row, row + 1)
        source, source_lengths, target, target_lengths = (part[rows] for part in self)
        source, target = source[:, : source_lengths[0]], target[:, : target_lengths[0]]
        return Sentences(source, source_lengths, target, target_lengths)


def sentences() -> Sentences:
    generator = torch.Generator().manual_seed(2)
    lengths = torch.tensor([2, 5, 1]), torch.tensor([4, 3, 1])
    source, target = (
        torch.randint(1, VOCABULARY, (3, int(longest.max())), generator=generator)
        for longest in lengths
    )
    return Sentences(source, lengths[0], target, lengths[1])


def logits_of(model: EncoderDecoder, some: Sentences) -> Tensor:
    """Logits at the real target tokens, [tokens, vocabulary]."""
    readouts = model(some.source, some.source_lengths, some.target)
    is_token = torch.arange(some.target.shape[1]) < some.target_lengths[:, None]
    return model.output(readouts[is_token])


def gradients(model: EncoderDecoder, logits: Tensor) -> dict[str, Tensor]:
    """Of one number that every logit enters with a weight of its own."""
    generator = torch.Generator().manual_seed(3)
    loss = (logits * torch.randn(logits.shape, generator=generator)).sum()
    names, parameters = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("cell", CELLS)
def test_padding_never_changes_a_result(cell: Cell, decoder: str, reader: str) -> None:
    """Each sentence alone, and all in one padded batch: logits, training gradients, search."""
    model = fresh_model(settings_of(cell, decoder, reader))
    together = sentences()
    each = [together.alone(row) for row in range(3)]
    batched = logits_of(model, together)
    singly = torch.cat([logits_of(model, some) for some in each])
    torch.testing.assert_close(batched, singly, rtol=1e-5, atol=1e-5)
    # torch.autograd.grad also fails on a weight that no logit depends on.
    torch.testing.assert_close(
        gradients(model, batched), gradients(model, singly), rtol=1e-4, atol=1e-5
    )
    model.eval()
    with torch.inference_mode():
        memory = model.encode(together.source, together.source_lengths)
        step = model.step(together.target[:, 0], model.start(memory), memory)
        step = model.step(together.target[:, 0], step.state, memory)
        for row, some in enumerate(each):
            memory = model.encode(some.source, some.source_lengths)
            alone = model.step(some.target[:, 0], model.start(memory), memory)
            alone = model.step(some.target[:, 0], alone.state, memory)
            torch.testing.assert_close(step.logits[row], alone.logits[0], rtol=1e-5, atol=1e-5)


def test_more_padding_is_still_only_padding() -> None:
    model = fresh_model(SMALL)
    some = sentences()
    wider = torch.cat([some.source, torch.randint(1, VOCABULARY, (3, 30))], 1)
    expected = logits_of(model, some)
    torch.testing.assert_close(
        logits_of(model, some._replace(source=wider)), expected, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("cell", CELLS)
def test_training_scores_what_search_scores(cell: Cell, decoder: str) -> None:
    """Teacher forcing: `forward` equals a loop over `encode`, `start` and `step`."""
    model = fresh_model(settings_of(cell, decoder, "both-ways")).double().eval()
    some = sentences()
    memory = model.encode(some.source, some.source_lengths)
    state, steps = model.start(memory), []
    for time in range(some.target.shape[1]):
        step = model.step(some.target[:, time], state, memory)
        steps.append(step.logits)
        state = step.state
    whole = model.output(model(some.source, some.source_lengths, some.target))
    assert whole.shape == (3, some.target.shape[1], VOCABULARY)
    torch.testing.assert_close(whole, torch.stack(steps, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("cell", CELLS)
def test_mixed_precision_is_the_same_but_for_rounding(cell: Cell, decoder: str) -> None:
    """Under autocast to bf16, which has 8 significant bits: training, its gradients and search."""
    model = fresh_model(settings_of(cell, decoder, "both-ways"))
    some = sentences()
    logits = logits_of(model, some)
    expected = gradients(model, logits)
    with torch.autocast("cpu", torch.bfloat16):
        low = logits_of(model, some).float()
        found = gradients(model, low)
        memory = model.encode(some.source, some.source_lengths)
        step = model.step(some.target[:, 0], model.start(memory), memory)
        step = model.step(some.target[:, 0], step.state, memory)
        assert torch.isfinite(step.logits).all()
    torch.testing.assert_close(low, logits, rtol=0, atol=0.02)
    for name, gradient in found.items():
        assert gradient.dtype == torch.float32
        difference = (gradient - expected[name]).norm()
        assert difference <= 0.1 * expected[name].norm() + 0.01, name


def silent_weights(settings: ModelSettings) -> list[str]:
    """Names of parameters whose gradient is zero everywhere."""
    model = fresh_model(settings)
    found = gradients(model, logits_of(model, sentences()))
    return [name for name, gradient in found.items() if not gradient.abs().max() > 0]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_weight_learns(cell: Cell, decoder: str, reader: str) -> None:
    layers = {"encoder_layers": 2, "decoder_layers": 3}
    assert silent_weights(settings_of(cell, decoder, reader, **layers)) == []


@pytest.mark.parametrize("tied", ["none", "target"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_every_weight_learns_however_tied(decoder: str, tied: str) -> None:
    assert silent_weights(settings_of("lstm", decoder, "both-ways", tied=tied)) == []


def test_untied_shares_nothing() -> None:
    model = fresh_model(dataclasses.replace(SMALL, tied="none"), target=9)
    weights = [model.source_embedding.weight, model.target_embedding.weight, model.output_weight]
    assert [tuple(weight.shape) for weight in weights] == [(11, 4), (9, 4), (9, 6)]
    assert len({weight.data_ptr() for weight in weights}) == 3


def test_tied_target_shares_the_output_with_the_target_embedding() -> None:
    model = fresh_model(dataclasses.replace(SMALL, tied="target"), target=9)
    assert model.output_weight is model.target_embedding.weight
    assert model.source_embedding.weight is not model.target_embedding.weight
    assert tuple(model.output_weight.shape) == (9, 4)
    assert tuple(model.source_embedding.weight.shape) == (11, 4)


def test_tied_all_shares_one_matrix() -> None:
    model = fresh_model(dataclasses.replace(SMALL, tied="all"))
    assert model.output_weight is model.target_embedding.weight is model.source_embedding.weight


def test_tied_all_refuses_two_vocabularies() -> None:
    with pytest.raises(ValueError, match=r"^model.tied 'all' needs one vocabulary for both lang"):
        fresh_model(dataclasses.replace(SMALL, tied="all"), target=9)


@pytest.mark.parametrize("change", [lambda m: m.double(), copy.deepcopy, lambda m: m.to("cpu")])
def test_tied_weights_stay_tied(change: Any) -> None:
    model = change(fresh_model(SMALL))
    assert model.output_weight is model.target_embedding.weight is model.source_embedding.weight


@pytest.mark.parametrize("tied", ["none", "target", "all"])
def test_weights_survive_a_state_dict(tied: Any) -> None:
    settings = dataclasses.replace(SMALL, tied=tied)
    model, other = fresh_model(settings, seed=1), fresh_model(settings, seed=2)
    assert not torch.equal(logits_of(model, sentences()), logits_of(other, sentences()))
    other.load_state_dict(model.state_dict())
    assert torch.equal(logits_of(model, sentences()), logits_of(other, sentences()))


def test_parameters_of_the_attention_system_counted_by_hand() -> None:
    """Embedding 4, hidden 6, attention 5, vocabulary 11, all tied."""
    by_hand = {
        "embeddings and output, one matrix": 11 * 4,
        "output bias": 11,
        "encoder LSTM, two directions of 3": 2 * 4 * (3 * 4 + 3 * 3 + 3),
        "bridge, hidden and cell, from both": 2 * (12 * 6 + 6),
        "attention W, U, v": 5 * 6 + 5 * 6 + 5,
        "decoder LSTM over embedding and context": 4 * (6 * (4 + 6) + 6 * 6 + 6),
        "readout from state and context": 12 * 4 + 4,
    }
    assert parameter_count(fresh_model(SMALL)) == sum(by_hand.values())


def test_parameters_of_a_one_vector_system_counted_by_hand() -> None:
    """GRU, two decoder layers, the vector in the first state alone, nothing tied, 11 → 9 words."""
    settings = dataclasses.replace(
        SMALL,
        cell="gru",
        decoder="context-vector",
        context="initial",
        bidirectional=False,
        decoder_layers=2,
        tied="none",
    )
    by_hand = {
        "source embeddings": 11 * 4,
        "target embeddings": 9 * 4,
        "output": 9 * 6 + 9,
        "encoder GRU, a second candidate bias": 3 * (6 * 4 + 6 * 6 + 6) + 6,
        "bridge, hidden of two layers": 6 * 12 + 12,
        "decoder GRU below": 3 * (6 * 4 + 6 * 6 + 6) + 6,
        "decoder GRU above": 3 * (6 * 6 + 6 * 6 + 6) + 6,
        "readout from the state": 6 * 6 + 6,
    }
    assert parameter_count(fresh_model(settings, target=9)) == sum(by_hand.values())


def embeddings_seen(model: EncoderDecoder, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """What encoder and decoder are given for these tokens, [batch, time, embedding] each."""
    seen: list[Tensor] = []
    handles = [
        model.encoder.register_forward_hook(lambda module, inputs, _: seen.append(inputs[0])),
    ]
    unroll = model.decoder.unroll

    def watched(embedded: Tensor, memory: Any) -> Tensor:
        seen.append(embedded)
        return unroll(embedded, memory)

    model.decoder.unroll = watched  # type: ignore[method-assign]
    lengths = torch.full((len(tokens),), tokens.shape[1])
    with torch.no_grad():
        model(tokens, lengths, tokens)
    for handle in handles:
        handle.remove()
    model.decoder.unroll = unroll  # type: ignore[method-assign]
    source, target = seen
    return source, target


def test_word_dropout_blanks_whole_words_at_its_rate_on_both_sides() -> None:
    settings = dataclasses.replace(SMALL, word_dropout=0.2, tied="target")
    model = fresh_model(settings)
    tokens = torch.randint(1, VOCABULARY, (50, 100))
    for embedding, seen in zip(
        (model.source_embedding, model.target_embedding),
        embeddings_seen(model, tokens),
        strict=True,
    ):
        blank = (seen == 0).all(-1)
        # Of 5,000 words a fifth; four standard deviations are 2.3%.
        assert abs(blank.float().mean().item() - 0.2) < 0.023
        assert torch.equal(seen[~blank], embedding(tokens)[~blank])


def test_dropout_blanks_single_units_and_keeps_their_mean() -> None:
    model = fresh_model(dataclasses.replace(SMALL, dropout=0.25))
    tokens = torch.randint(1, VOCABULARY, (50, 100))
    for seen in embeddings_seen(model, tokens):
        kept = seen != 0
        assert abs(kept.float().mean().item() - 0.75) < 0.013  # 20,000 units, four deviations
        expected = model.target_embedding(tokens)[kept] / 0.75
        torch.testing.assert_close(seen[kept], expected)


def test_evaluation_drops_nothing() -> None:
    model = fresh_model(dataclasses.replace(SMALL, dropout=0.5, word_dropout=0.5)).eval()
    tokens = torch.randint(1, VOCABULARY, (5, 7))
    for seen in embeddings_seen(model, tokens):
        assert torch.equal(seen, model.target_embedding(tokens))
    some = sentences()
    assert torch.equal(logits_of(model, some), logits_of(model, some))


@pytest.mark.parametrize("system", get_args(System))
def test_the_same_seed_gives_the_same_weights(system: System) -> None:
    settings = with_system(Settings(model=SMALL), system).model
    first, again, other = (fresh_model(settings, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("system", get_args(System))
def test_every_system_learns_to_tell_sentences_apart(system: System) -> None:
    """All targets begin alike, so that only the source can say which word comes first."""
    larger = dataclasses.replace(SMALL, embedding_size=16, hidden_size=16)
    model = fresh_model(with_system(Settings(model=larger), system).model)
    some = sentences()
    some.target[:, 0] = 2
    is_token = torch.arange(some.target.shape[1]) < some.target_lengths[:, None]
    labels = torch.tensor([[3, 4, 5, 6], [7, 8, 9, 0], [10, 0, 0, 0]])[is_token]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        loss = nn.functional.cross_entropy(logits_of(model, some), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 2  # eleven words, near log 11
    assert losses[-1] < 0.1


def test_embeddings_start_at_about_unit_length() -> None:
    torch.manual_seed(1)
    model = EncoderDecoder(dataclasses.replace(SMALL, embedding_size=64), 500, 500)
    lengths = model.target_embedding.weight.norm(dim=1)
    assert abs(lengths.mean().item() - 1) < 0.02
    assert model.output_bias.abs().max() == 0


def test_a_step_without_attention_shows_no_weights() -> None:
    some = sentences()
    for decoder, expected in (("one-vector-initial", None), ("dot-unfed", (3, 5))):
        model = fresh_model(settings_of("lstm", decoder, "forwards"))
        memory = model.encode(some.source, some.source_lengths)
        weights = model.step(some.target[:, 0], model.start(memory), memory).weights
        assert (None if weights is None else tuple(weights.shape)) == expected
