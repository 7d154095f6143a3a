"""A smaller vocabulary for each sentence: only what its own subwords are likely to become.

Most of a step's arithmetic is the output layer over thousands of subwords, of which a sentence
needs a few dozen. Its shortlist holds the likeliest translations of each of its subwords, the most
frequent target subwords, and, where both languages share a vocabulary, the sentence's own subwords,
which lets it copy names (Jean et al. 2015, "On Using Very Large Target Vocabulary", section 3.4).

A batch computes the union of its sentences' shortlists, but each sentence chooses from its own
alone, and its probabilities sum to 1 over that: so no sentence sees its neighbours.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from seq2seq.checkpoint import replacing
from seq2seq.config import SearchSettings
from seq2seq.errors import ConfigError
from seq2seq.inference.search import IMPOSSIBLE, Hypothesis, search
from seq2seq.model.decoders import DecoderState, Memory
from seq2seq.model.encoder_decoder import EncoderDecoder, Step
from seq2seq.text.lexicon import CANDIDATES, Lexicon
from seq2seq.text.tokenizer import UNKNOWN

FREQUENT = 100  # target subwords that every shortlist holds
_FORMAT = "lexicon 1"


def require_shortlist(per_subword: int) -> None:
    """Refuse a number of translations that no lexicon keeps.

    Raises:
        ConfigError: it is not within 1 to `CANDIDATES`.
    """
    if not 1 <= per_subword <= CANDIDATES:
        raise ConfigError(
            f"--shortlist {per_subword} is out of range: 1 to {CANDIDATES} translations of "
            "each source subword are possible."
        )


class Shortlist:
    """Which target subwords a sentence may become.

    Args:
        lexicon: learnt from the training pairs.
        per_subword: likeliest translations of each source subword.
        target_size: ids on the target side.
        joint: both languages share their ids, so that a subword may be its own translation.
        frequent: the most frequent target subwords, for every sentence.

    Raises:
        ConfigError: `per_subword` is not within 1 to what the lexicon keeps.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        per_subword: int,
        target_size: int,
        joint: bool,
        frequent: int = FREQUENT,
    ) -> None:
        """See the class."""
        require_shortlist(per_subword)
        self.target_size = target_size
        candidates = torch.from_numpy(lexicon.candidates[:, :per_subword].astype(np.int64))
        if joint:
            candidates = torch.cat([candidates, torch.arange(len(candidates))[:, None]], 1)
        self.candidates = candidates  # [source ids, candidate]
        special = torch.arange(UNKNOWN + 1)  # first, so that they keep their numbers
        common = torch.from_numpy(lexicon.frequent[:frequent].astype(np.int64))
        self.always = torch.cat([special, common])

    def allowed(self, source: Tensor) -> Tensor:
        """Which ids each sentence may become: [sentence, source] → [sentence, target ids]."""
        allowed = torch.zeros(len(source), self.target_size, dtype=torch.bool)
        allowed.scatter_(1, self.candidates[source.cpu()].flatten(1), True)  # padding is its own
        allowed[:, self.always] = True
        return allowed.to(source.device)


class ShortlistMemory(NamedTuple):
    """The source, and what each row adds to the logits."""

    memory: Memory
    offsets: Tensor  # [row, union]: the output layer's bias; -inf outside of the row's shortlist

    def select(self, rows: Tensor) -> ShortlistMemory:
        """See `Memory.select`."""
        return ShortlistMemory(self.memory.select(rows), self.offsets.index_select(0, rows))


class ShortlistedModel(nn.Module):
    """A model whose tokens are places in the union of one batch's shortlists.

    Ids of special tokens are places as well: they come first and in order.

    Args:
        model: what translates; not changed.
        shortlist: of its vocabulary.
        source: the batch's tokens, [sentence, source].
    """

    def __init__(self, model: EncoderDecoder, shortlist: Shortlist, source: Tensor) -> None:
        """Take the output layer's rows that the batch needs."""
        super().__init__()
        allowed = shortlist.allowed(source)
        self.model = model
        self.vocabulary = allowed.any(0).nonzero()[:, 0]  # [union]: the ids, ascending
        self.allowed = allowed.index_select(1, self.vocabulary)  # [sentence, union]
        self.weight = torch.index_select(model.output_weight, 0, self.vocabulary)

    def encode(self, source: Tensor, source_lengths: Tensor) -> ShortlistMemory:
        """See `EncoderDecoder.encode`; the source is that of the constructor."""
        bias = self.model.output_bias[self.vocabulary]
        return ShortlistMemory(
            self.model.encode(source, source_lengths),
            torch.where(self.allowed, bias, IMPOSSIBLE),
        )

    def start(self, memory: ShortlistMemory) -> DecoderState:
        """See `EncoderDecoder.start`."""
        return self.model.start(memory.memory)

    def step(self, token: Tensor, state: DecoderState, memory: ShortlistMemory) -> Step:
        """See `EncoderDecoder.step`; tokens and logits are places in the union."""
        readout, state, weights = self.model.advance(self.vocabulary[token], state, memory.memory)
        logits = nn.functional.linear(readout, self.weight).add_(memory.offsets)
        return Step(logits, state, weights)


def shortlisted_search(
    model: EncoderDecoder,
    shortlist: Shortlist,
    source: Tensor,
    source_lengths: Tensor,
    settings: SearchSettings,
    n_best: int = 1,
    with_weights: bool = False,
) -> list[list[Hypothesis]]:
    """`search` within each sentence's shortlist."""
    with torch.inference_mode():
        view = ShortlistedModel(model, shortlist, source).train(model.training)
    found = search(view, source, source_lengths, settings, n_best, with_weights)
    ids = view.vocabulary.tolist()
    return [
        [best._replace(tokens=[ids[place] for place in best.tokens]) for best in candidates]
        for candidates in found
    ]


def save_lexicon(path: Path, lexicon: Lexicon, learnt_from: str) -> None:
    """Keep what was learnt from a text of this fingerprint, whole or not at all.

    Raises:
        CheckpointError: the disk is full or refuses.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array(_FORMAT),
            learnt_from=np.array(learnt_from),
            candidates=lexicon.candidates,
            frequent=lexicon.frequent,
        )


def load_lexicon(path: Path, learnt_from: str) -> Lexicon | None:
    """What `save_lexicon` kept; None if it is missing, damaged or learnt from another text."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            if (str(kept["format"]), str(kept["learnt_from"])) != (_FORMAT, learnt_from):
                return None
            candidates, frequent = kept["candidates"], kept["frequent"]
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None
    is_whole = candidates.ndim == 2 and candidates.shape[1] == CANDIDATES and frequent.ndim == 1
    return Lexicon(candidates, frequent) if is_whole else None
