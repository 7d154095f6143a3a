"""Marian 1.12 (Junczys-Dowmunt et al. 2018) on the CPU: its `s2s` model, trainer and translator.

    .peers/marian/bin/python -m benchmarks.peers.marian_driver --workload FILE --threads N

Its cell layout is its own: encoder directions and decoder share one size, so that the encoder has
2 × 512 units where ours has 2 × 256; the decoder has two cells a step, the attention between them;
the readout has 256 units. Threads are workers with a copy of the model each; in training they share
each batch (`--sync-sgd`), in translation each takes its part of it.

A training run starts afresh at every turn; the seconds are those that Marian logs for the updates
themselves, the first two left out.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import _pymarian
import numpy as np

from benchmarks.protocol import END, PairBatch, Tokens, Workload, serve, timed

WARM_UP = 2  # updates
MODEL = """
    --type s2s --enc-type bidirectional --enc-cell lstm --dec-cell lstm --enc-depth 1 --dec-depth 1
    --dim-emb 256 --dim-rnn 512
"""
TRAINING = """
    --dropout-rnn 0.3 --label-smoothing 0.1 --cost-type ce-mean-words
    --optimizer adam --learn-rate 0.001 --clip-norm 1 --sync-sgd
    --mini-batch 64 --mini-batch-round-up=false --maxi-batch 1 --maxi-batch-sort none --shuffle none
    --max-length 1000 --disp-freq 1u --workspace 512 --seed 1
"""


def words(rows: list[Tokens]) -> list[str]:
    """Rows as text for a vocabulary in which token 17 is the word `w17`; Marian adds the end."""
    return [" ".join(f"w{token}" for token in row[:-1]) for row in rows]


class Marian:
    """See `benchmarks.protocol.Contender`."""

    def __init__(self, workload: Workload, arguments: argparse.Namespace) -> None:
        self.threads = arguments.threads
        self.warm_up = workload.train[len(workload.train) // 2]
        self.scratch = tempfile.TemporaryDirectory(prefix="marian-benchmark-")
        self.folder = Path(self.scratch.name)
        names = ["</s>", "<unk>", *(f"w{n}" for n in range(END, workload.vocabulary))]
        lines = [f'"{name}": {number}' for number, name in enumerate(names[: workload.vocabulary])]
        (self.folder / "vocabulary.yml").write_text("\n".join(lines) + "\n")

    def describe(self) -> dict[str, Any]:
        self.train([])
        return {
            "version": version("pymarian"),
            "parameters": self._edit_weights(),
            "note": "its own cell layout: encoder 2 × 512, two decoder cells, readout of 256",
        }

    def _edit_weights(self) -> int:
        """Make the end of a sentence impossible before the length bound; count the weights."""
        with np.load(self.folder / "model.npz") as archive:
            weights = dict(archive)
        weights["decoder_ff_logit_l2_b"][0, 0] = -1e4
        np.savez(self.folder / "endless.npz", **weights)
        return sum(w.size for name, w in weights.items() if not name.startswith("special:"))

    def _vocabularies(self) -> str:
        path = self.folder / "vocabulary.yml"
        return f"--vocabs {path} {path}"

    def train(self, batches: list[PairBatch]) -> float:
        pairs = [self.warm_up] * WARM_UP + batches
        for side in ("source", "target"):
            lines = [line for batch in pairs for line in words(getattr(batch, side))]
            (self.folder / side).write_text("\n".join(lines) + "\n")
        (self.folder / "model.npz").unlink(missing_ok=True)
        options = (
            f"{MODEL} {TRAINING} {self._vocabularies()} --model {self.folder}/model.npz --overwrite"
            f" --train-sets {self.folder}/source {self.folder}/target --after {len(pairs)}u"
            f" --cpu-threads {self.threads}"
        )
        code = f"import _pymarian; _pymarian.Trainer({' '.join(options.split())!r}).train()"
        run = subprocess.run(
            [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        found = re.findall(r"Up\. \d+ .*? Time ([\d.]+)s : ([\d.]+) words/s", run.stderr)
        if run.returncode or len(found) != len(pairs):
            raise RuntimeError(f"Marian did {len(found)} of {len(pairs)} updates:\n{run.stderr}")
        for batch, (seconds, speed) in zip(pairs, found, strict=True):
            learnt = float(seconds) * float(speed)  # from what Marian rounds for its log
            assert abs(learnt / batch.tokens - 1) < 0.02, (learnt, batch.tokens)
        return sum(float(seconds) for seconds, _ in found[WARM_UP:])

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        return sum(self._decode(batch, beam) for batch in batches)

    def _decode(self, batch: PairBatch, beam: int) -> float:
        # Marian stops at the first length beyond factor * width, here `steps`.
        factor = (batch.steps - 0.99) / max(map(len, batch.source))
        share = -(-len(batch.source) // self.threads)
        translator = _pymarian.Translator(
            f"--models {self.folder}/endless.npz {self._vocabularies()} --beam-size {beam} "
            f"--normalize 1 --max-length-factor {factor} --max-length 1000 --mini-batch {share} "
            f"--maxi-batch 100 --maxi-batch-sort none --cpu-threads {self.threads} "
            "--workspace 512 --quiet --skip-cost"
        )
        # Each thread takes a run of rows: every so many, for runs of like length.
        rows = [row for first in range(self.threads) for row in batch.source[first :: self.threads]]
        text = "\n".join(words(rows))
        found: list[str] = []
        seconds = timed(lambda: found.append(translator.translate(text)))
        lengths = [len(line.split()) for line in found[0].splitlines()]
        assert batch.steps - 1 <= min(lengths), (lengths, batch.steps)
        # A thread whose longest source is shorter stops a step earlier.
        return seconds * batch.steps * len(rows) / sum(lengths)


if __name__ == "__main__":
    serve(Marian)
