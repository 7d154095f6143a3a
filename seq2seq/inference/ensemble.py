"""Several models as one: at each step the mean of their probabilities.

    P(token | before, source) = 1/n Σ_i P_i(token | before, source)

Search sees one model, so that greedy and beam search, n-best lists and attention maps work as they
do with one. Models that were trained from different beginnings err differently, and what most of
them find likely is more often right than what one of them prefers (Sutskever et al. 2014, table 1).
They must share the vocabulary, but neither sizes nor architecture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.model.decoders import DecoderState, Memory
from seq2seq.model.encoder_decoder import EncoderDecoder


class Memories(NamedTuple):
    """What each member's decoder may look at, in the order of the members."""

    members: tuple[Memory, ...]

    def select(self, rows: Tensor) -> Memories:
        """These rows of each, in this order: int64, [rows]."""
        return Memories(tuple(memory.select(rows) for memory in self.members))


class States(NamedTuple):
    """Each member's decoder state, in the order of the members."""

    members: tuple[DecoderState, ...]

    def select(self, rows: Tensor) -> States:
        """These rows of each, in this order: int64, [rows]."""
        return States(tuple(state.select(rows) for state in self.members))


class EnsembleStep(NamedTuple):
    """What one step of all members together yields."""

    logits: Tensor  # [row, vocabulary]: natural logarithms of the mean probabilities
    state: States
    weights: Tensor | None  # [row, source]; None if no member has attention


class Ensemble(nn.Module):
    """Models that translate together; see the top of this file.

    Args:
        models: one or more, over one vocabulary, on one device.

    Raises:
        ValueError: there is none, or their vocabularies differ in size.
    """

    def __init__(self, models: Sequence[EncoderDecoder]) -> None:
        """The models stay where they are; their dropout goes off, for here they only translate."""
        super().__init__()
        sizes = {(m.source_embedding.num_embeddings, len(m.output_bias)) for m in models}
        if len(sizes) != 1:
            raise ValueError(f"an ensemble needs one vocabulary; found {sorted(sizes)}")
        self.models = list(models)
        self.members = nn.ModuleList(models)  # the same ones, so that `eval` reaches them
        self.eval()  # search leaves a module in the mode in which it finds it

    def encode(self, source: Tensor, source_lengths: Tensor) -> Memories:
        """Read source sentences with every member: tokens [row, source], tokens in each [row]."""
        return Memories(tuple(model.encode(source, source_lengths) for model in self.models))

    def start(self, memory: Memories) -> States:
        """Every member's state before the first target token."""
        return States(
            tuple(model.start(own) for model, own in zip(self.models, memory.members, strict=True))
        )

    def step(self, token: Tensor, state: States, memory: Memories) -> EnsembleStep:
        """One target token further, for all members the same one: the token before, [row].

        Where attention looked is the mean over the members that have attention.
        """
        steps = [
            model.step(token, own_state, own_memory)
            for model, own_state, own_memory in zip(
                self.models, state.members, memory.members, strict=True
            )
        ]
        # [member, row, vocabulary]
        each = torch.stack([step.logits.float().log_softmax(1) for step in steps])
        weights = [step.weights for step in steps if step.weights is not None]
        return EnsembleStep(
            each.logsumexp(0) - math.log(len(steps)),
            States(tuple(step.state for step in steps)),
            torch.stack(weights).mean(0) if weights else None,
        )
