"""Search against slow twins: plain lists and loops, and the enumeration of all translations."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seq2seq.config import ModelSettings, SearchSettings
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.inference.search import Hypothesis, _beam_search, _best_tokens, _hypotheses, search
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.tokenizer import BEGIN, END, PADDING, UNKNOWN


class Rows(NamedTuple):
    values: Tensor
    is_padding: Tensor

    def select(self, rows: Tensor) -> Rows:
        return Rows(self.values[rows], self.is_padding[rows])


class State(NamedTuple):
    hidden: Tensor

    def select(self, rows: Tensor) -> State:
        return State(self.hidden[rows])


class Step(NamedTuple):
    logits: Tensor
    state: State
    weights: Tensor | None


class RandomModel:
    """A small recurrent network with dot attention and random weights."""

    def __init__(self, seed: int, vocabulary: int = 9, end_bias: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(seed)
        size = 6

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator)

        self.source, self.target = draw(30, size), draw(vocabulary, size)
        self.recurrence, self.output = draw(size, size), 1.5 * draw(vocabulary, size)
        self.bias = draw(vocabulary)
        self.bias[END] += end_bias
        self.rows_computed = 0

    def encode(self, source: Tensor, source_lengths: Tensor) -> Rows:
        is_padding = torch.arange(source.shape[1]) >= source_lengths[:, None]
        return Rows(self.source[source], is_padding)

    def start(self, memory: Rows) -> State:
        return State(memory.values.masked_fill(memory.is_padding[..., None], 0).sum(1).tanh())

    def step(self, token: Tensor, state: State, memory: Rows) -> Step:
        assert len(token) == len(state.hidden) == len(memory.values)
        self.rows_computed += len(token)
        scores = (memory.values * state.hidden[:, None]).sum(2)
        weights = scores.masked_fill(memory.is_padding, -torch.inf).softmax(1)
        context = (weights[..., None] * memory.values).sum(1)
        hidden = (state.hidden @ self.recurrence + self.target[token] + context).tanh()
        return Step(hidden @ self.output.T + self.bias, State(hidden), weights)


class TableModel:
    """Log-probabilities from a table: the tokens so far → those of the next token.

    The state is the number of the prefix in base `vocabulary`.
    """

    def __init__(self, vocabulary: int, longest: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.vocabulary, self.longest = vocabulary, longest
        self.table = torch.randn(2, vocabulary ** (longest + 1), vocabulary, generator=generator)

    def encode(self, source: Tensor, source_lengths: Tensor) -> State:
        return State(source[:, 0])

    def start(self, memory: State) -> State:
        return State(torch.zeros_like(memory.hidden))

    def step(self, token: Tensor, state: State, memory: State) -> Step:
        prefix = state.hidden * self.vocabulary + token
        logits = self.table[memory.hidden, prefix]
        # From the longest prefix on, nothing but END.
        must_end = prefix >= self.vocabulary**self.longest
        only_end = torch.full((self.vocabulary,), -torch.inf)
        only_end[END] = 0
        return Step(torch.where(must_end[:, None], only_end, logits), State(prefix), None)


def pad(sources: list[list[int]]) -> tuple[Tensor, Tensor]:
    longest = max(map(len, sources))
    rows = [source + [PADDING] * (longest - len(source)) for source in sources]
    return torch.tensor(rows), torch.tensor([len(source) for source in sources])


def sources_of(seed: int, count: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 8, (count,), generator=generator).tolist()
    return [[*torch.randint(4, 30, (n,), generator=generator).tolist(), END] for n in lengths]


def slow_search(
    model: RandomModel, source: list[int], chosen: SearchSettings, n_best: int
) -> list[Hypothesis]:
    """The definition at the top of search.py, a hypothesis at a time."""
    bound = int(chosen.max_length_factor * len(source)) + 10
    memory = model.encode(*pad([source]))
    live: list[tuple[float, list[int], State, list[Tensor]]] = [(0.0, [], model.start(memory), [])]
    finished: list[Hypothesis] = []
    width = chosen.beam_size
    for length in range(1, bound + 1):
        candidates = []
        for total, tokens, state, weights in live:
            step = model.step(torch.tensor(tokens[-1:] or [BEGIN]), state, memory)
            for token, value in enumerate(step.logits[0].log_softmax(0).tolist()):
                if token not in (PADDING, BEGIN, UNKNOWN):
                    seen = [*weights, step.weights[0]] if step.weights is not None else []
                    candidates.append((total + value, [*tokens, token], step.state, seen))
        candidates.sort(key=lambda candidate: -candidate[0])
        live = []
        for total, tokens, state, weights in candidates[:width]:
            if tokens[-1] == END or length == bound:
                width -= 1
                score = total / length**chosen.length_penalty
                text = tokens[:-1] if tokens[-1] == END else tokens
                shown = torch.stack(weights) if weights else None
                finished.append(Hypothesis(text, total, score, shown, text != tokens))
            else:
                live.append((total, tokens, state, weights))
        finished.sort(key=lambda hypothesis: -hypothesis.score)
        del finished[n_best:]
        if not live or (
            len(finished) == n_best
            and live[0][0] / bound**chosen.length_penalty <= finished[-1].score
        ):
            break
    return finished


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [h.tokens for h in found] == [h.tokens for h in expected]
    assert [h.complete for h in found] == [h.complete for h in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.score == pytest.approx(theirs.score, abs=1e-5)
        assert ours.log_probability == pytest.approx(theirs.log_probability, abs=1e-4)
        if ours.weights is not None and theirs.weights is not None:
            torch.testing.assert_close(ours.weights, theirs.weights, atol=1e-5, rtol=0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    beam=st.sampled_from([1, 2, 3, 5, 8]),
    alpha=st.sampled_from([0.0, 0.6, 1.0]),
    factor=st.sampled_from([0.1, 1.0]),
    end_bias=st.sampled_from([-3.0, 0.0, 2.0]),
    share=st.floats(0, 1),
)
def test_equals_its_slow_twin(
    seed: int, beam: int, alpha: float, factor: float, end_bias: float, share: float
) -> None:
    model = RandomModel(seed, end_bias=end_bias)
    chosen = SearchSettings(beam, alpha, factor)
    n_best = 1 + int(share * (beam - 1))
    sources = sources_of(seed, 4)
    found = search(model, *pad(sources), chosen, n_best, with_weights=True)
    for source, ours in zip(sources, found, strict=True):
        assert_same(ours, slow_search(model, source, chosen, n_best))


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_wide_enough_finds_the_best_of_all_translations(seed: int, alpha: float) -> None:
    model = TableModel(vocabulary=7, longest=5, seed=seed)
    words = [4, 5, 6]
    sentences = []
    for row in range(2):
        everything = []
        for length in range(6):
            for tokens in itertools.product(words, repeat=length):
                state = total = 0
                for before, token in itertools.pairwise([BEGIN, *tokens, END]):
                    state = state * 7 + before
                    if state < 7**5:  # else END is certain
                        total += float(model.table[row, state].log_softmax(0)[token])
                if state < 7**5 or length == 5:
                    everything.append((total / (length + 1) ** alpha, list(tokens)))
        everything.sort(reverse=True)
        sentences.append(everything)
    assert len(sentences[0]) == 364 == sum(3**n for n in range(6))
    found = search(
        model, torch.tensor([[0], [1]]), torch.tensor([1, 1]), SearchSettings(400, alpha), 40
    )
    for ours, everything in zip(found, sentences, strict=True):
        assert [h.tokens for h in ours] == [tokens for _, tokens in everything[:40]]
        assert [h.score for h in ours] == pytest.approx([score for score, _ in everything[:40]])


def test_greedy_takes_the_most_probable_token_at_each_step() -> None:
    model = RandomModel(3, vocabulary=700, end_bias=2)
    sources = sources_of(3, 30)
    found = search(model, *pad(sources), SearchSettings(beam_size=1))
    for source, (ours,) in zip(sources, found, strict=True):
        memory = model.encode(*pad([source]))
        state, tokens = model.start(memory), [BEGIN]
        while tokens[-1] != END and len(tokens) <= 2 * len(source) + 10:
            step = model.step(torch.tensor(tokens[-1:]), state, memory)
            state = step.state
            step.logits[:, [PADDING, BEGIN, UNKNOWN]] = -torch.inf
            tokens.append(int(step.logits[0].argmax()))
        assert ours.tokens == [token for token in tokens[1:] if token != END]
    assert {ours.complete for (ours,) in found} == {True, False}


@pytest.mark.parametrize("vocabulary", [9, 700])
def test_greedy_equals_a_beam_of_one(vocabulary: int) -> None:
    model = RandomModel(5, vocabulary, end_bias=1)
    sources = sources_of(5, 40)
    source, lengths = pad(sources)
    chosen = SearchSettings(beam_size=1, length_penalty=0.6)
    bounds = 2 * lengths + 10
    with torch.inference_mode():
        traces, pool = _beam_search(model, model.encode(source, lengths), bounds, chosen, 1, True)
        wide = _hypotheses(traces, pool, lengths.tolist())
    for ours, theirs in zip(search(model, source, lengths, chosen, 1, True), wide, strict=True):
        assert_same(ours, theirs)


@pytest.mark.parametrize("beam", [1, 4])
def test_a_sentence_does_not_see_its_neighbours(beam: int) -> None:
    torch.manual_seed(0)
    model = EncoderDecoder(
        ModelSettings(embedding_size=16, hidden_size=16, attention_size=16), 50, 50
    )
    with torch.no_grad():
        model.output_weight.mul_(8)
        model.output_bias[END] += 3
    sources = [[token % 50 for token in source] for source in sources_of(1, 24)]
    chosen = SearchSettings(beam)
    together = search(model, *pad(sources), chosen, beam, with_weights=True)
    for source, ours in zip(sources, together, strict=True):
        (alone,) = search(model, *pad([source]), chosen, beam, with_weights=True)
        assert_same(ours, alone)


@pytest.mark.parametrize("beam", [1, 3])
def test_weights_have_a_row_for_each_token_and_cover_the_source(beam: int) -> None:
    sources = sources_of(2, 12)
    found = search(RandomModel(2), *pad(sources), SearchSettings(beam), beam, with_weights=True)
    for source, best in zip(sources, found, strict=True):
        assert len(best) == beam
        assert [h.score for h in best] == sorted((h.score for h in best), reverse=True)
        for hypothesis in best:
            assert hypothesis.weights is not None
            assert hypothesis.weights.shape == (hypothesis.length, len(source))
            torch.testing.assert_close(hypothesis.weights.sum(1), torch.ones(hypothesis.length))


def test_weights_are_kept_only_when_asked_for() -> None:
    found = search(RandomModel(2), *pad(sources_of(2, 3)), SearchSettings(3))
    assert [h.weights for best in found for h in best] == [None, None, None]


@pytest.mark.parametrize("beam", [1, 2])
def test_what_is_not_text_is_never_generated(beam: int) -> None:
    model = RandomModel(1)
    model.bias[[PADDING, BEGIN, UNKNOWN]] += 50  # almost all of the probability
    for best in search(model, *pad(sources_of(1, 20)), SearchSettings(beam), beam):
        for hypothesis in best:
            assert not {PADDING, BEGIN, UNKNOWN, END} & set(hypothesis.tokens)
            # The model's own probability, not one shared out anew among the other tokens.
            assert hypothesis.log_probability < -30


@pytest.mark.parametrize(("beam", "factor"), [(1, 2.0), (3, 2.0), (1, 0.5), (3, 0.5)])
def test_a_translation_that_never_ends_is_closed_at_the_bound(beam: int, factor: float) -> None:
    model = RandomModel(4, end_bias=-100)
    sources = [[7, 8, END], [9, 10, 11, 12, END]]
    chosen = SearchSettings(beam, 1.0, factor)
    for source, best in zip(sources, search(model, *pad(sources), chosen, beam), strict=True):
        bound = int(factor * len(source)) + 10
        for hypothesis in best:
            assert (len(hypothesis.tokens), hypothesis.complete) == (bound, False)
            assert hypothesis.score == pytest.approx(hypothesis.log_probability / bound)


def test_an_ending_at_the_bound_is_complete() -> None:
    # One word with probability 0.5 at each of 10 steps; END has the other half.
    class Coin(TableModel):
        def step(self, token: Tensor, state: State, memory: State) -> Step:
            logits = torch.full((len(token), 5), -torch.inf)
            logits[:, [END, 4]] = 0
            return Step(logits, state, None)

    (found,) = search(
        Coin(5, 1, 0), torch.tensor([[0]]), torch.tensor([0]), SearchSettings(20, 0.0), 20
    )
    # Sums of log 0.5: the shorter the better; both of the last ones have ten tokens.
    assert [h.length for h in found] == [*range(1, 11), 10]
    assert sorted((len(h.tokens), h.complete) for h in found)[-2:] == [(9, True), (10, False)]
    assert [h.log_probability for h in found] == pytest.approx(
        [-0.6931472 * length for length in [*range(1, 11), 10]]
    )


def test_ties_are_decided_alike_alone_and_in_a_batch() -> None:
    model = RandomModel(0, vocabulary=300)
    model.output[:] = 0
    model.bias[:] = 0
    sources = sources_of(0, 6)
    chosen = SearchSettings(4, 0.6)
    together = search(model, *pad(sources), chosen, 4)
    for source, ours in zip(sources, together, strict=True):
        (alone,) = search(model, *pad([source]), chosen, 4)
        assert_same(ours, alone)
        slow = slow_search(model, source, chosen, 4)
        assert all(h.log_probability == pytest.approx(-5.7037825 * h.length) for h in ours)
        assert len(ours) == len(slow) == 4


@pytest.mark.parametrize("beam", [1, 3])
def test_finished_sentences_cost_nothing_more(beam: int) -> None:
    class EndsShort(RandomModel):
        def step(self, token: Tensor, state: State, memory: Rows) -> Step:
            step = super().step(token, state, memory)
            is_short = memory.is_padding.any(1)
            step.logits[:, END] = torch.where(is_short, 50.0, -50.0)
            return step

    short, long = [5, END], [*[5] * 60, END]
    model = EndsShort(6)
    search(model, *pad([short] * 9 + [long]), SearchSettings(beam))
    steps = 2 * len(long) + 10
    # All ten once, for the first token; then the long one's beam alone. The short ones stop there
    # although their beams hold more, because none of it can come near the certain ending.
    assert model.rows_computed == 10 + beam * (steps - 1)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 4),
    vocabulary=st.integers(1, 2000),
    count=st.integers(1, 12),
)
def test_best_tokens_are_those_of_topk(seed: int, rows: int, vocabulary: int, count: int) -> None:
    values = torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed))
    best, places = _best_tokens(values, count)
    assert torch.equal(best, values.topk(min(count, vocabulary), 1).values)
    assert torch.equal(best, values.gather(1, places))


def test_dropout_is_off_and_the_model_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = EncoderDecoder(
        ModelSettings(embedding_size=8, hidden_size=8, attention_size=8, dropout=0.9), 50, 50
    )
    batch = pad([[5, 6, 7, END]])
    first, second = (search(model.train(), *batch, SearchSettings(3)) for _ in range(2))
    assert first == second
    assert model.training
    search(model.eval(), *batch, SearchSettings(3))
    assert not model.training


def test_more_translations_than_the_beam_holds_is_an_error() -> None:
    batch = pad([[5, END]])
    for n_best in (0, 4):
        with pytest.raises(ConfigError) as error:
            search(RandomModel(0), *batch, SearchSettings(3), n_best)
        assert str(error.value) == (
            f"{n_best} best translations are asked of a beam of 3; "
            "ask for 1 to 3, or raise --beam-size."
        )


@pytest.mark.parametrize("beam", [1, 3])
def test_probabilities_that_are_not_numbers_are_an_error(beam: int) -> None:
    model = RandomModel(0)
    model.bias[:] = torch.nan
    with pytest.raises(CheckpointError, match="weights are damaged or training diverged"):
        search(model, *pad([[5, END]]), SearchSettings(beam))


def test_no_sentence_gives_no_translation() -> None:
    empty = torch.zeros(0, 3, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    assert search(RandomModel(0), *empty, SearchSettings()) == []
