"""JoeyNMT 2.3 (Kreutzer et al. 2019): its model, loss, batch, optimiser, clipping and search.

    .peers/joeynmt/bin/python -m benchmarks.peers.joeynmt_driver --workload FILE --threads N

The step is `TrainManager._train_step` and what `train_and_validate` does after it, without the log.
Attention looks with the new state (Luong et al. 2015) and the vector fed back is W [state;
context], of 512 units, where ours feeds the context vector: as many units, as many products.
"""

from __future__ import annotations

import argparse
import sys
import types
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks.protocol import PairBatch, Workload, padded, serve, timed, timed_each

# Imported by joeynmt.helpers for logging and plots, which training itself never reaches.
sys.modules["torch.utils.tensorboard"] = types.ModuleType("tensorboard")
sys.modules["torch.utils.tensorboard"].SummaryWriter = object  # type: ignore[attr-defined]
sys.modules["joeynmt.plotting"] = types.ModuleType("plotting")
sys.modules["joeynmt.plotting"].plot_heatmap = None  # type: ignore[attr-defined]

from joeynmt.batch import Batch  # noqa: E402
from joeynmt.builders import build_gradient_clipper, build_optimizer  # noqa: E402
from joeynmt.model import build_model  # noqa: E402
from joeynmt.search import search  # noqa: E402
from joeynmt.vocabulary import Vocabulary  # noqa: E402

UNKNOWN, PADDING, BEGIN, END = 0, 1, 2, 3
SPECIAL = SimpleNamespace(
    unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>", sep_token=None,
    unk_id=UNKNOWN, pad_id=PADDING, bos_id=BEGIN, eos_id=END, sep_id=None, lang_tags=[],
)  # fmt: skip
DROPOUT = 0.3
EMBEDDINGS = {"embedding_dim": 256, "scale": False, "dropout": DROPOUT}
MODEL = {
    "encoder": {
        "type": "recurrent", "rnn_type": "lstm", "hidden_size": 256, "num_layers": 1,
        "bidirectional": True, "dropout": DROPOUT, "embeddings": EMBEDDINGS,
    },
    "decoder": {
        "type": "recurrent", "rnn_type": "lstm", "hidden_size": 512, "num_layers": 1,
        "dropout": DROPOUT, "hidden_dropout": DROPOUT, "attention": "bahdanau",
        "input_feeding": True, "init_hidden": "bridge", "embeddings": EMBEDDINGS,
    },
}  # fmt: skip


class JoeyNMT:
    """See `benchmarks.protocol.Contender`."""

    def __init__(self, workload: Workload, arguments: argparse.Namespace) -> None:
        torch.set_num_threads(arguments.threads)
        torch.manual_seed(0)
        words = [f"w{number}" for number in range(workload.vocabulary - 4)]
        vocabulary = Vocabulary(words, SPECIAL)
        self.model = build_model(MODEL, src_vocab=vocabulary, trg_vocab=vocabulary)
        self.model.loss_function = ("crossentropy", 0.1)
        self.clip = build_gradient_clipper({"clip_grad_val": None, "clip_grad_norm": 1.0})
        settings = {"optimizer": "adam", "learning_rate": 1e-3}
        self.optimizer = build_optimizer(settings, self.model.parameters())

    def describe(self) -> dict[str, Any]:
        return {
            "version": version("joeynmt"),
            "torch": torch.__version__,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "note": "attention with the new state; feeds W [state; context]",
        }

    def _batch(self, pairs: PairBatch, with_target: bool = True) -> Batch:
        pairs = pairs.renumbered(PADDING, BEGIN, END, UNKNOWN)
        target = torch.from_numpy(padded(pairs.target, PADDING, BEGIN))
        return Batch(
            src=torch.from_numpy(padded(pairs.source, PADDING)),
            src_length=torch.tensor([len(row) for row in pairs.source]),
            src_prompt_mask=None,
            trg=target if with_target else None,
            trg_prompt_mask=None,
            indices=torch.arange(len(pairs.source)),
            device=torch.device("cpu"),
            pad_index=PADDING,
            eos_index=END,
            is_train=with_target,
        )

    def train(self, batches: list[PairBatch]) -> float:
        ready = [self._batch(pairs) for pairs in batches]
        return timed_each(self._step, ready)

    def _step(self, batch: Batch) -> None:
        self.model.train()
        batch.sort_by_src_length()
        loss, _, _, correct = self.model(return_type="loss", **vars(batch))
        loss = batch.normalize(loss, normalization="tokens", n_gpu=0, n_accumulation=1)
        correct = batch.normalize(correct, "sum", 0)
        loss.backward()
        loss.item(), correct.item()
        self.clip(parameters=self.model.parameters())
        self.optimizer.step()
        self.model.zero_grad()

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        self.model.eval()
        ready = [(self._batch(pairs, with_target=False), pairs.steps) for pairs in batches]

        def translate() -> None:
            for batch, steps in ready:
                batch.sort_by_src_length()
                output, _, _ = search(
                    self.model,
                    batch,
                    max_output_length=steps,
                    min_output_length=steps,  # no sentence ends before
                    beam_size=beam,
                    beam_alpha=1.0,
                    generate_unk=False,
                )
                assert output.shape == (batch.nseqs, steps), output.shape

        return timed(translate)


if __name__ == "__main__":
    serve(JoeyNMT)
