"""fairseq 0.12 (Ott et al. 2019): its LSTM model, criterion, Adam, clipping and search.

    .peers/fairseq/bin/python -m benchmarks.peers.fairseq_driver --workload FILE --threads N

The step is `Trainer.train_step` without the log. Attention is bilinear (Luong et al. 2015), which
is cheaper than additive attention: fairseq's LSTM has no other.
"""

from __future__ import annotations

import argparse
import dataclasses
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.protocol import PairBatch, Workload, padded, serve, timed, timed_each

_dataclass = dataclasses.dataclass


def _dataclass_with_hash(cls: Any = None, **options: Any) -> Any:
    """Python 3.11 refuses defaults without a hash, which fairseq and its hydra have many of."""
    if cls is None:
        return lambda made: _dataclass_with_hash(made, **options)
    if cls.__module__.split(".")[0] in ("fairseq", "hydra"):
        options["unsafe_hash"] = True
    return _dataclass(cls, **options)


dataclasses.dataclass = _dataclass_with_hash

from fairseq import utils  # noqa: E402
from fairseq.criterions.label_smoothed_cross_entropy import (  # noqa: E402
    LabelSmoothedCrossEntropyCriterion,
)
from fairseq.data import Dictionary  # noqa: E402
from fairseq.models.lstm import LSTMModel, base_architecture  # noqa: E402
from fairseq.optim.adam import Adam  # noqa: E402
from fairseq.sequence_generator import SequenceGenerator  # noqa: E402

BEGIN, PADDING, END, UNKNOWN = 0, 1, 2, 3  # the order of fairseq's Dictionary
MODEL = SimpleNamespace(
    dropout=0.3, encoder_embed_dim=256, encoder_hidden_size=256, encoder_layers=1,
    encoder_bidirectional=True, decoder_embed_dim=256, decoder_hidden_size=512, decoder_layers=1,
    decoder_out_embed_dim=512, decoder_attention="1", criterion="label_smoothed_cross_entropy",
)  # fmt: skip


class Fairseq:
    """See `benchmarks.protocol.Contender`."""

    def __init__(self, workload: Workload, arguments: argparse.Namespace) -> None:
        torch.set_num_threads(arguments.threads)
        torch.manual_seed(0)
        self.dictionary = Dictionary()
        for number in range(len(self.dictionary), workload.vocabulary):
            self.dictionary.add_symbol(f"w{number}")
        task = SimpleNamespace(source_dictionary=self.dictionary, target_dictionary=self.dictionary)
        base_architecture(MODEL)
        self.model = LSTMModel.build_model(MODEL, task)
        self.criterion = LabelSmoothedCrossEntropyCriterion(task, False, 0.1)
        self.optimizer = Adam(self.model.parameters(), lr=1e-3)

    def describe(self) -> dict[str, Any]:
        return {
            "version": version("fairseq"),
            "torch": torch.__version__,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "note": "bilinear attention, which is cheaper; feeds W [context; state]",
        }

    def _sample(self, pairs: PairBatch) -> dict[str, Any]:
        """As its own collater makes it: longest source first, sources padded on the left."""
        pairs = pairs.renumbered(PADDING, BEGIN, END, UNKNOWN)
        order = np.argsort([-len(row) for row in pairs.source], kind="stable")
        source, target = ([side[row] for row in order] for side in (pairs.source, pairs.target))
        flipped = padded([row[::-1] for row in source], PADDING)[:, ::-1].copy()
        shifted = padded([np.concatenate([[END], row[:-1]]) for row in target], PADDING)
        return {
            "net_input": {
                "src_tokens": torch.from_numpy(flipped),
                "src_lengths": torch.tensor([len(row) for row in source]),
                "prev_output_tokens": torch.from_numpy(shifted),
            },
            "target": torch.from_numpy(padded(target, PADDING)),
            "ntokens": pairs.tokens,
        }

    def train(self, batches: list[PairBatch]) -> float:
        self.model.train()
        ready = [self._sample(pairs) for pairs in batches]
        return timed_each(self._step, ready)

    def _step(self, sample: dict[str, Any]) -> None:
        self.optimizer.zero_grad()
        loss, sample_size, log = self.criterion(self.model, sample)
        loss.backward()
        log["loss"].item()
        for parameter in self.model.parameters():
            parameter.grad.mul_(1 / sample_size)
        utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        ready = [(self._sample(pairs), pairs.steps) for pairs in batches]
        for sample, _ in ready:
            del sample["net_input"]["prev_output_tokens"]

        def translate() -> None:
            for sample, steps in ready:
                generator = SequenceGenerator(
                    [self.model],
                    self.dictionary,
                    beam_size=beam,
                    max_len_a=0,
                    max_len_b=steps - 1,  # it counts without the end
                    min_len=steps - 1,  # no sentence ends before
                )
                found = generator.generate([self.model], sample)
                assert {len(best[0]["tokens"]) for best in found} == {steps}

        with torch.no_grad():
            return timed(translate)


if __name__ == "__main__":
    serve(Fairseq)
