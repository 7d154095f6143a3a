"""Text from a language model: tokens drawn one after the other, a batch of texts at a time.

    p = softmax(logits / temperature), cut to its nucleus

The nucleus is the smallest set of tokens whose probabilities sum to at least `top_p` (Holtzman et
al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1): the long tail of tokens that
are unlikely each, but not together, is never drawn from. Temperature 0 takes the likeliest token
each time.

Every text has random numbers of its own, all drawn from the seed before the first token, so that
no text depends on when its neighbours end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.inference.search import NEVER_GENERATED
from seq2seq.model.cells import CellState
from seq2seq.model.language_model import LanguageStep
from seq2seq.text.tokenizer import BEGIN, END

TEXTS_AT_ONCE = 256
MOST_TOKENS = 10_000  # of a text: all random numbers are drawn beforehand


class GoingOn(Protocol):
    """What sampling asks of a model; `LanguageModel` is one."""

    def start(self, batch: int) -> CellState:
        """The state before the first token, [batch, layers, hidden]."""

    def step(self, token: Tensor, state: CellState) -> LanguageStep:
        """One token further: the token before, [batch]."""


class Sampling(NamedTuple):
    """How texts are drawn."""

    temperature: float = 1.0  # 0 is the likeliest token each time
    top_p: float = 1.0  # the nucleus' probability; 1 is all tokens
    texts: int = 1  # how many
    max_tokens: int = 100  # of a text, the prompt and END not counted
    seed: int = 1


class Sample(NamedTuple):
    """One text."""

    tokens: list[int]  # the prompt's among them, END dropped
    complete: bool  # False: cut at the most tokens, before it came to its end


def check_sampling(sampling: Sampling) -> None:
    """Refuse what cannot be drawn.

    Raises:
        ConfigError: a number out of its range.
    """
    if not 0 <= sampling.temperature < math.inf:
        raise ConfigError(
            f"--temperature is {sampling.temperature}; it must be a finite number, at least 0."
        )
    if not 0 < sampling.top_p <= 1:
        raise ConfigError(f"--top-p is {sampling.top_p}; it must be above 0 and at most 1.")
    if sampling.texts < 1:
        raise ConfigError(f"--count is {sampling.texts}; it must be at least 1.")
    if not 1 <= sampling.max_tokens <= MOST_TOKENS:
        raise ConfigError(
            f"--max-tokens is {sampling.max_tokens}; it must lie in 1 to {MOST_TOKENS}."
        )


@torch.inference_mode()
def sample_texts(model: GoingOn, prompt: Sequence[int], sampling: Sampling) -> list[Sample]:
    """Draw texts that begin with a prompt.

    Args:
        model: in evaluation mode, on the CPU.
        prompt: tokens that each text begins with; none of them special, perhaps none at all.
        sampling: how.

    Raises:
        ConfigError: see `check_sampling`.
        CheckpointError: the model's probabilities are not numbers.
    """
    check_sampling(sampling)
    generator = torch.Generator().manual_seed(sampling.seed % (1 << 63))
    samples: list[Sample] = []
    while len(samples) < sampling.texts:
        texts = min(TEXTS_AT_ONCE, sampling.texts - len(samples))
        draws = torch.rand(texts, sampling.max_tokens, generator=generator, dtype=torch.float64)
        samples += _sample_batch(model, prompt, sampling, draws)
    return samples


def _sample_batch(
    model: GoingOn, prompt: Sequence[int], sampling: Sampling, draws: Tensor
) -> list[Sample]:
    """One text for each row of random numbers, [text, token]."""
    texts, most = draws.shape
    drawn = torch.full((texts, most), END)
    rows = torch.arange(texts)  # the text of each row that is still going on
    state = model.start(texts)
    for known in [BEGIN, *prompt]:
        logits, state = model.step(torch.full((texts,), known), state)
    for place in range(most):
        p = probabilities(logits, sampling.temperature)
        token = draw(p, sampling.top_p, draws[rows, place])
        drawn[rows, place] = token
        goes_on = (token != END).nonzero()[:, 0]
        rows, token = rows[goes_on], token[goes_on]
        if not len(rows) or place == most - 1:
            break
        state = CellState(*(part.index_select(0, goes_on) for part in state))
        logits, state = model.step(token, state)
    unfinished = set(rows.tolist())
    return [
        Sample([*prompt, *(token for token in row if token != END)], number not in unfinished)
        for number, row in enumerate(drawn.tolist())
    ]


def probabilities(logits: Tensor, temperature: float) -> Tensor:
    """What tokens are drawn from, in double precision: [text, vocabulary], rows sum to 1.

    Raises:
        CheckpointError: the logits are not numbers.
    """
    if bool(logits.isnan().any()):
        raise CheckpointError("The model's probabilities are not numbers; its weights are damaged.")
    logits = logits.double()
    logits[:, NEVER_GENERATED] = -math.inf
    if temperature == 0:
        likeliest = logits.argmax(-1)
        return torch.nn.functional.one_hot(likeliest, logits.shape[-1]).double()
    # From the largest down: a low temperature then overflows into -inf and never into inf.
    return torch.softmax((logits - logits.amax(-1, keepdim=True)) / temperature, -1)


def nucleus(p: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The smallest set of tokens with a probability of at least `top_p` together.

    Args:
        p: [text, vocabulary], rows sum to 1.
        top_p: above 0, at most 1.

    Returns:
        Probabilities that sum to 1 again, the highest first and 0 outside of the nucleus; and the
        token of each, [text, vocabulary].
    """
    ordered, tokens = p.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(-1) - ordered
    kept = ordered.masked_fill(before >= top_p, 0.0)
    return kept / kept.sum(-1, keepdim=True), tokens


def draw(p: Tensor, top_p: float, uniform: Tensor) -> Tensor:
    """A token of each text's nucleus, by inverting the distribution function: [text].

    Args:
        p: [text, vocabulary].
        top_p: see `nucleus`.
        uniform: random numbers in [0, 1), [text].
    """
    kept, tokens = nucleus(p, top_p)
    upto = kept.cumsum(-1)
    # The last sum may fall short of 1 by a rounding; no number may lie above it.
    place = torch.searchsorted(upto, (uniform[:, None] * upto[:, -1:]), right=True)
    last = (kept > 0).sum(-1, keepdim=True) - 1
    return tokens.gather(1, place.minimum(last))[:, 0]
