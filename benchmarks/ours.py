"""Our own contenders: the product, its plain twins, and the floors of necessary arithmetic.

    python -m benchmarks.ours --kind KIND --workload FILE --threads N

- `fast`: the product: `Trainer`'s own update, and its own search.
- `bf16`: the product training in bf16.
- `tied`: the product with its default of tied embeddings, the readout having 256 units.
- `int8`, `shortlist`, `int8-shortlist`: the product's faster ways to translate.
- `plain`: the same but for the decoder's loop, which torch differentiates step by step.
- `tutorial`: how it is usually taught: one step at a time with the output layer inside the loop,
  logits for padding too, Adam not fused; translates sentence by sentence.
- `floor`: the necessary arithmetic alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import seq2seq.model.decoders as decoders
from benchmarks.decoding_floor import DecodingFloor
from benchmarks.floor import TrainingFloor
from benchmarks.protocol import END, PADDING, PairBatch, Workload, padded, serve, timed, timed_each
from benchmarks.reference import MODEL, TRAINING
from seq2seq.config import ModelSettings, SearchSettings
from seq2seq.inference.quantized import quantized
from seq2seq.inference.search import Hypothesis, MemoryT, StepResult, TranslationModel, search
from seq2seq.inference.shortlist import Shortlist, ShortlistedModel
from seq2seq.model.decoders import DecoderState
from seq2seq.model.encoder_decoder import EncoderDecoder, parameter_count
from seq2seq.model.recurrence import attend_and_recur_plain
from seq2seq.text.batches import Batch, TokenizedSplit
from seq2seq.text.lexicon import Lexicon, learn_lexicon
from seq2seq.text.tokenizer import BEGIN
from seq2seq.training.loop import Trainer

SHORTLIST = 50  # likeliest translations of each source subword


def to_batch(pairs: PairBatch) -> Batch:
    """As `seq2seq.text.batches.collate` would make it."""
    return Batch(
        torch.from_numpy(padded(pairs.source)),
        torch.tensor([len(row) for row in pairs.source]),
        torch.from_numpy(padded(pairs.target, begin=BEGIN)),
        torch.tensor([len(row) for row in pairs.target]),
        torch.arange(len(pairs.source)),
    )


class Silence:
    """A display that shows nothing: see `seq2seq.training.loop.Display`."""

    def start(self, name: str, total_updates: int, update: int) -> None:
        """Nothing."""

    def update(self, update: int, values: dict[str, float]) -> None:
        """Nothing."""

    def validation(self, values: dict[str, Any]) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class FixedLength(NamedTuple, Generic[MemoryT]):
    """A model whose every translation has as many tokens as it is told, the end counted.

    The end of a sentence is impossible before the last step and certain there, by one column of the
    logits, so that search does its usual work for a known number of steps.
    """

    model: TranslationModel[MemoryT, DecoderState]
    steps: int
    done: list[int]  # steps so far, in a list that `step` can change

    def encode(self, source: Tensor, source_lengths: Tensor) -> MemoryT:
        """See `EncoderDecoder.encode`."""
        return self.model.encode(source, source_lengths)

    def start(self, memory: MemoryT) -> DecoderState:
        """See `EncoderDecoder.start`."""
        self.done[:] = [0]
        return self.model.start(memory)

    def step(self, token: Tensor, state: DecoderState, memory: MemoryT) -> StepResult[DecoderState]:
        """See `EncoderDecoder.step`."""
        step = self.model.step(token, state, memory)
        self.done[0] += 1
        step.logits[:, END] = 1e4 if self.done[0] == self.steps else -1e4
        return step


def translate(
    model: EncoderDecoder,
    pairs: PairBatch,
    beam: int,
    steps: int,
    shortlist: Shortlist | None = None,
) -> float:
    """Seconds that search needs to translate a batch to this many tokens each."""
    source = torch.from_numpy(padded(pairs.source))
    lengths = torch.tensor([len(row) for row in pairs.source])
    settings = SearchSettings(beam_size=beam, max_length_factor=1000)
    model.eval()
    found: list[list[Hypothesis]] = []

    def work() -> None:
        if shortlist is None:
            found.extend(search(FixedLength(model, steps, [0]), source, lengths, settings))
            return
        with torch.inference_mode():
            view = ShortlistedModel(model, shortlist, source).eval()
        found.extend(search(FixedLength(view, steps, [0]), source, lengths, settings))

    seconds = timed(work)
    assert {best[0].length for best in found} == {steps}
    return seconds


class Ours:
    """The product. See `benchmarks.protocol.Contender`."""

    def __init__(
        self, settings: ModelSettings, vocabulary: int, precision: Literal["float32", "bf16"]
    ) -> None:
        """Make a fresh model and a trainer for it."""
        torch.manual_seed(0)
        self.settings, self.vocabulary = settings, vocabulary
        self.model = EncoderDecoder(settings, vocabulary, vocabulary)
        self.scratch = tempfile.TemporaryDirectory(prefix="seq2seq-benchmark-")
        row = TokenizedSplit.of([[4]], [[4]])
        self.trainer = Trainer(
            self.model,
            dataclasses.replace(TRAINING, precision=precision),
            row,
            row,
            validation_bleu=lambda model: 0.0,
            describe_row=str,
            folder=Path(self.scratch.name),
            display=Silence(),
        )

    def describe(self) -> dict[str, Any]:
        """See `Contender`."""
        return {
            "version": "this one",
            "torch": torch.__version__,
            "parameters": parameter_count(self.model),
            "note": "",
        }

    def train(self, batches: list[PairBatch]) -> float:
        """See `Contender`; the trainer's own update, nothing left out."""
        return self.train_on([to_batch(pairs) for pairs in batches])

    def train_on(self, batches: list[Batch]) -> float:
        """Seconds for one update on each batch."""
        return timed_each(lambda batch: self.trainer._update([batch]), batches)

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        """See `Contender`."""
        return sum(self.translate(pairs, beam) for pairs in batches)

    def translate(self, pairs: PairBatch, beam: int) -> float:
        """Seconds for one batch."""
        return translate(self.model, pairs, beam, pairs.steps)

    def latency(self, options: dict[str, Any]) -> dict[str, Any]:
        """Milliseconds for sentences one at a time, each to its reference's length."""
        workload = Workload.load(Path(options["workload"]))
        rows = [
            PairBatch([source], [target])
            for batch in workload.test
            for source, target in zip(batch.source, batch.target, strict=True)
        ][:: options["every"]]
        self.translate(rows[0], options["beam"])
        seconds = [self.translate(row, options["beam"]) for row in rows]
        return {"milliseconds": [1000 * value for value in seconds]}


class Faster(Ours):
    """The product translating in int8, within shortlists, or both; it does not train."""

    def __init__(
        self, settings: ModelSettings, vocabulary: int, int8: bool, lexicon: Lexicon | None
    ) -> None:
        """See `Ours`."""
        super().__init__(settings, vocabulary, "float32")
        if int8:
            self.model = quantized(self.model)
        self.shortlist = None
        if lexicon is not None:
            self.shortlist = Shortlist(lexicon, SHORTLIST, vocabulary, joint=True)

    def translate(self, pairs: PairBatch, beam: int) -> float:
        """See `Ours.translate`."""
        return translate(self.model, pairs, beam, pairs.steps, self.shortlist)


def lexicon_of(workload: Workload) -> Lexicon:
    """Learnt from the workload's training pairs."""
    source = [row[:-1].tolist() for batch in workload.train for row in batch.source]
    target = [row[:-1].tolist() for batch in workload.train for row in batch.target]
    split = TokenizedSplit.of(source, target)
    return learn_lexicon(split, workload.vocabulary, workload.vocabulary)


class Tutorial(Ours):
    """One step at a time, the output layer inside the loop."""

    def __init__(self, settings: ModelSettings, vocabulary: int) -> None:
        """See `Ours`; an optimiser as one would write it down."""
        super().__init__(settings, vocabulary, "float32")
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.loss = nn.CrossEntropyLoss(ignore_index=PADDING, label_smoothing=0.1)

    def train_on(self, batches: list[Batch]) -> float:
        """See `Ours.train_on`."""
        self.model.train()
        return timed_each(self._step, batches)

    def _step(self, batch: Batch) -> None:
        self.optimizer.zero_grad()
        memory = self.model.encode(batch.source, batch.source_lengths)
        state = self.model.start(memory)
        logits = []
        for token in batch.target[:, :-1].unbind(1):
            step = self.model.step(token, state, memory)
            state = step.state
            logits.append(step.logits)
        loss = self.loss(torch.stack(logits, 1).flatten(0, 1), batch.target[:, 1:].flatten())
        loss.backward()
        loss.item()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    @torch.no_grad()
    def decode(self, batches: list[PairBatch], beam: int) -> float:
        """Greedy, sentence by sentence."""
        self.model.eval()
        return timed(
            lambda: [self._greedy(row, pairs.steps) for pairs in batches for row in pairs.source]
        )

    def _greedy(self, row: Any, steps: int) -> list[int]:
        memory = self.model.encode(torch.from_numpy(row)[None], torch.tensor([len(row)]))
        state = self.model.start(memory)
        token = torch.tensor([BEGIN])
        found: list[int] = []
        for _ in range(steps):
            step = self.model.step(token, state, memory)
            state, token = step.state, step.logits.argmax(1)
            found.append(int(token))
        return found


class Floor:
    """The necessary arithmetic alone; it learns and translates nothing."""

    def __init__(self, settings: ModelSettings, vocabulary: int) -> None:
        """Make arrays of the model's sizes."""
        self.settings, self.vocabulary = settings, vocabulary
        self.training = TrainingFloor(settings, vocabulary)
        self.decoding = DecodingFloor(settings, vocabulary)

    def describe(self) -> dict[str, Any]:
        """See `Contender`."""
        return {"version": "", "torch": torch.__version__, "parameters": 0, "note": ""}

    def train(self, batches: list[PairBatch]) -> float:
        """See `Contender`."""
        return self.train_on([to_batch(pairs) for pairs in batches])

    def train_on(self, batches: list[Batch]) -> float:
        """Seconds for the arithmetic of one update on each batch."""
        return timed_each(self.training.step, batches)

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        """See `Contender`."""
        ready = [(to_batch(pairs), pairs.steps) for pairs in batches]
        return timed_each(lambda work: self.decoding.run(work[0], beam, work[1]), ready)


def random_batch(options: dict[str, Any], vocabulary: int) -> Batch:
    """Random tokens of exact lengths."""
    random = np.random.default_rng(0)
    size, source, target = (options[name] for name in ("batch", "source", "target"))
    rows = [random.integers(4, vocabulary, (size, length - 1)) for length in (source, target)]
    end = np.full((size, 1), END)
    pairs = PairBatch(*([*np.concatenate([side, end], 1)] for side in rows))
    return to_batch(pairs)


Make = Callable[[ModelSettings, int], Any]


class Kind:
    """A contender that can be made anew at another size, to see how its cost grows."""

    def __init__(self, make: Make, settings: ModelSettings, workload: Workload) -> None:
        """The reference model first."""
        self.make = make
        self.settings = settings
        self.vocabulary = workload.vocabulary
        self.contender: Any = None

    def __getattr__(self, name: str) -> Any:
        """Everything but growth is the contender's own, which is made when first asked for."""
        if self.contender is None:
            self.contender = self.make(self.settings, self.vocabulary)
        return getattr(self.contender, name)

    def grow(self, options: dict[str, Any]) -> dict[str, Any]:
        """Seconds a training step takes with other sizes: the best of as many as fit the time."""
        settings = dataclasses.replace(self.settings, **options["model"])
        vocabulary = options["vocabulary"]
        self.contender = None
        gc.collect()
        contender = self.make(settings, vocabulary)
        batch = random_batch(options, vocabulary)
        contender.train_on([batch])
        found: list[float] = []
        until = time.monotonic() + options["seconds"]
        while not found or (time.monotonic() < until and len(found) < options["steps"]):
            found.append(contender.train_on([batch]))
        return {"seconds": min(found)}


def make(workload: Workload, arguments: argparse.Namespace) -> Any:
    """The contender that `--kind` names."""
    torch.set_num_threads(arguments.threads)
    in_float32 = partial(Ours, precision="float32")
    match arguments.kind:
        case "fast":
            return Kind(in_float32, MODEL, workload)
        case "bf16":
            return Kind(partial(Ours, precision="bf16"), MODEL, workload)
        case "tied":
            return Kind(in_float32, dataclasses.replace(MODEL, tied="all"), workload)
        case "int8" | "shortlist" | "int8-shortlist" as kind:
            lexicon = lexicon_of(workload) if "shortlist" in kind else None
            faster = partial(Faster, int8="int8" in kind, lexicon=lexicon)
            return Kind(faster, MODEL, workload)
        case "plain":
            decoders.attend_and_recur = attend_and_recur_plain  # type: ignore[attr-defined]
            return Kind(in_float32, MODEL, workload)
        case "tutorial":
            return Kind(Tutorial, MODEL, workload)
        case "floor":
            return Kind(Floor, MODEL, workload)
        case other:
            raise SystemExit(f"There is no kind {other!r}.")


if __name__ == "__main__":
    serve(make)
