"""OpenNMT-py 3.5 (Klein et al. 2017): its model, loss, trainer, optimiser and search.

    .peers/opennmt/bin/python -m benchmarks.peers.opennmt_driver --workload FILE --threads N

Attention looks with the new state and the vector fed back is W [context; state], as in JoeyNMT; no
tanh follows it.
"""

from __future__ import annotations

import argparse
import sys
import types
import warnings
from importlib.metadata import version
from typing import Any

import torch

from benchmarks.protocol import PairBatch, Workload, padded, serve, timed

warnings.filterwarnings("ignore", category=FutureWarning)  # torch.cuda.amp's new name
for unused in ("spacy", "fasttext"):  # imported by text filters, which training never reaches
    sys.modules[unused] = types.ModuleType(unused)

import onmt.opts  # noqa: E402
import pyonmttok  # noqa: E402
from onmt.model_builder import build_model  # noqa: E402
from onmt.trainer import Trainer  # noqa: E402
from onmt.translate.beam_search import GNMTGlobalScorer  # noqa: E402
from onmt.translate.translator import Translator  # noqa: E402
from onmt.utils import Statistics  # noqa: E402
from onmt.utils.loss import LossCompute  # noqa: E402
from onmt.utils.optimizers import Optimizer  # noqa: E402
from onmt.utils.parse import ArgumentParser  # noqa: E402

UNKNOWN, PADDING, BEGIN, END = 0, 1, 2, 3
OPTIONS = """
    -data={} -src_vocab=- -save_model=-
    -encoder_type=brnn -decoder_type=rnn -rnn_type=LSTM -input_feed=1 -global_attention=mlp
    -word_vec_size=256 -hidden_size=512 -layers=1 -bridge
    -dropout=0.3 -label_smoothing=0.1 -param_init=0.1
    -optim=adam -learning_rate=0.001 -max_grad_norm=1.0
"""


class OpenNMT:
    """See `benchmarks.protocol.Contender`."""

    def __init__(self, workload: Workload, arguments: argparse.Namespace) -> None:
        torch.set_num_threads(arguments.threads)
        torch.manual_seed(0)
        special = ["<unk>", "<blank>", "<s>", "</s>"]
        words = [f"w{number}" for number in range(workload.vocabulary - len(special))]
        vocabulary = pyonmttok.build_vocab_from_tokens(words, special_tokens=special)
        self.vocabularies = {
            "src": vocabulary,
            "tgt": vocabulary,
            "decoder_start_token": "<s>",
            "data_task": "seq2seq",
        }
        parser = ArgumentParser()
        onmt.opts.train_opts(parser)
        options = parser.parse_args(OPTIONS.split())
        ArgumentParser.update_model_opts(options)
        self.model = build_model(options, options, self.vocabularies, None, -1)
        self.loss = LossCompute.from_opts(options, self.model, vocabulary)
        self.optimizer = Optimizer.from_opt(self.model, options)
        self.trainer = Trainer(
            self.model, self.loss, self.loss, None, {}, self.optimizer,
            norm_method="tokens", n_gpu=0, gpu_rank=-1, dropout=[0.3], attention_dropout=[0.0],
        )  # fmt: skip

    def describe(self) -> dict[str, Any]:
        return {
            "version": version("OpenNMT-py"),
            "torch": torch.__version__,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "note": "attention with the new state; feeds W [context; state]",
        }

    def _batch(self, pairs: PairBatch) -> dict[str, Any]:
        pairs = pairs.renumbered(PADDING, BEGIN, END, UNKNOWN)
        target = torch.from_numpy(padded(pairs.target, PADDING, BEGIN))
        return {
            "src": torch.from_numpy(padded(pairs.source, PADDING))[:, :, None],
            "srclen": torch.tensor([len(row) for row in pairs.source]),
            "tgt": target[:, :, None],
            "tgtlen": torch.tensor([1 + len(row) for row in pairs.target]),
            "ind_in_bucket": list(range(len(pairs.source))),
        }

    def train(self, batches: list[PairBatch]) -> float:
        self.model.train()
        ready = [(self._batch(pairs), pairs.tokens) for pairs in batches]
        total, report = Statistics(), Statistics()

        def steps() -> None:
            for batch, tokens in ready:
                self.trainer._gradient_accumulation([batch], tokens, total, report)

        return timed(steps)

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        self.model.eval()
        translator = Translator(
            self.model,
            self.vocabularies,
            beam_size=beam,
            random_sampling_topk=1 if beam == 1 else 0,  # its own greedy search, not a beam of one
            max_length_ratio=0,
            ban_unk_token=True,
            global_scorer=GNMTGlobalScorer(1.0, 0.0, "avg", "none"),
            report_score=False,
        )
        ready = [(self._batch(pairs), pairs.steps) for pairs in batches]
        for batch, _ in ready:
            del batch["tgt"]  # else it scores the reference as well

        def translate() -> None:
            for batch, steps in ready:
                translator.min_length = translator.max_length = steps  # no sentence ends before
                found = translator.translate_batch(batch, attn_debug=False)["predictions"]
                assert {len(best[0]) for best in found} <= {steps, steps + 1}

        with torch.no_grad():
            return timed(translate)


if __name__ == "__main__":
    serve(OpenNMT)
