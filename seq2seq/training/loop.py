"""The training loop: batches → loss → gradient → update, with validation, and resumable anywhere.

Everything random is a function of the seed and of what the training state holds, so that on one
CPU a run that was killed and resumed ends with the same bits as one that was not.

`accelerate` is used here alone: device, bf16, clipping.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from numpy.typing import NDArray
from torch import nn

from seq2seq.checkpoint import (
    STATE_VERSION,
    load_training_state,
    load_weights,
    put_weights,
    save_training_state,
    save_weights,
    weights_of,
)
from seq2seq.config import TrainingSettings
from seq2seq.errors import CheckpointError, ConfigError, TrainingError
from seq2seq.model.predictor import Predictor
from seq2seq.text.batches import (
    Batch,
    BatchOrder,
    TokenizedSplit,
    collate,
    evaluation_batches,
    training_batches,
)
from seq2seq.training.averaging import average_weights, kept_path
from seq2seq.training.heap import return_freed_memory
from seq2seq.training.history import History
from seq2seq.training.loss import token_loss
from seq2seq.training.peak_memory import PeakMemory, higher_peak
from seq2seq.training.precision import Precision, choose_precision, precision_before
from seq2seq.training.schedule import learning_rate, warmup_updates

SAVE_EVERY_SECONDS = 120.0
RECORD_EVERY_UPDATES = 20


class Interrupted(Exception):  # noqa: N818  (not an error: the user asked)
    """Ctrl-C: training was saved at `update` and can go on from there."""

    def __init__(self, update: int) -> None:
        """Say where."""
        super().__init__(f"interrupted after update {update}")
        self.update = update


class Display(Protocol):
    """Where training shows what it does."""

    def start(self, name: str, total_updates: int, update: int) -> None:
        """Training begins, or goes on, at this update."""

    def update(self, update: int, values: dict[str, float]) -> None:
        """After an update: loss, tokens a second, learning rate, epoch."""

    def validation(self, values: dict[str, Any]) -> None:
        """After a validation: the event as the history has it."""

    def stop(self) -> None:
        """Training ends, for whatever reason."""


@dataclass
class Progress:
    """Where training stands: plain numbers, saved with the training state."""

    update: int = 0  # updates done
    epoch: int = 0  # the epoch that is under way, from 0
    batch: int = 0  # batches of this epoch that are done
    tokens: int = 0  # target tokens learnt from, padding not counted
    seconds: float = 0.0  # spent on updates, validation not counted
    peak_bytes: int | None = 0  # of the process' memory while it trained; None if not known
    best: float | None = None  # on validation: BLEU, or the negative loss
    best_update: int = 0
    validations_since_best: int = 0
    recent: list[int] = field(default_factory=list)  # updates whose weights are kept for averaging


ModelT = TypeVar("ModelT", bound=Predictor)


class Trainer(Generic[ModelT]):
    """One run's training.

    Args:
        model: fresh, its weights drawn with the run's seed.
        settings: how it learns.
        train: the pairs to learn from.
        validation: the pairs to choose by.
        validation_bleu: translates the validation pairs greedily and scores them, 0 to 100; None
            for a model that translates nothing, whose loss then decides which weights are best.
        describe_row: the text of a training pair, for messages.
        folder: the run's.
        display: where to show what happens.
        batch_of: the tensors of a training batch, from its rows, its epoch and its place in it;
            those of `train` if absent.
    """

    def __init__(
        self,
        model: ModelT,
        settings: TrainingSettings,
        train: TokenizedSplit,
        validation: TokenizedSplit,
        validation_bleu: Callable[[ModelT], float] | None,
        describe_row: Callable[[int], str],
        folder: Path,
        display: Display,
        batch_of: Callable[[NDArray[np.int64], int, int], Batch] | None = None,
    ) -> None:
        """Move the model to the device and make the optimiser."""
        self._peak = PeakMemory()
        self.settings = settings
        self.train_split = train
        self.validation_split = validation
        self.validation_bleu = validation_bleu
        self.describe_row = describe_row
        self.folder = folder
        self.display = display
        self.batch_of = batch_of or (lambda rows, epoch, place: collate(train, rows))
        self.history = History(folder)
        self.progress = Progress()
        device = choose_device(settings)
        self.precision = choose_precision(settings.precision, device)
        self.accelerator = make_accelerator(settings, device, self.precision)
        self.device = self.accelerator.device
        self.model: ModelT = model.to(self.device)
        self.optimizer = make_optimizer(self.model, settings)
        # Later epochs differ by a few at most, so that the total of several is an estimate.
        self.batches_per_epoch = len(self._batches_of_epoch(0))
        updates = -(-self.batches_per_epoch // settings.accumulate)
        self.total_updates = settings.max_updates or settings.epochs * updates
        self.warmup_updates = warmup_updates(settings, self.total_updates)
        self._stop_asked = False
        self._saved_at = time.monotonic()

    def resume(self) -> None:
        """Go back to the saved training state, or to the beginning where none was saved yet.

        Raises:
            CheckpointError: it is damaged, of another model or another precision.
        """
        if not (self.folder / "training_state.pt").is_file():
            self.history.cut_after(-1)
            return
        state = load_training_state(self.folder)
        self._require_same_machinery(state)
        put_weights(self.model, state["weights"], self.folder / "training_state.pt")
        self.optimizer.load_state_dict(state["optimizer"])
        # Older runs did not measure their memory.
        self.progress = Progress(**{"peak_bytes": None, **state["progress"]})
        torch.set_rng_state(state["random_state"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_random_state"])
        self.history.cut_after(self.progress.update)

    def _require_same_machinery(self, state: dict[str, Any]) -> None:
        if self.device.type == "cuda" and "cuda_random_state" not in state:
            raise CheckpointError("The run was trained on a CPU; go on with --training.device cpu.")
        before = precision_before(state, self.settings, self.device.type)
        if before != self.precision.kind:
            raise CheckpointError(
                f"The run was trained in {before} and would go on in {self.precision}; "
                f"go on with --training.precision {before}."
            )

    def run(self) -> None:
        """Train to the end of the budget, or until validation has stopped improving.

        Raises:
            Interrupted: Ctrl-C; everything is saved.
            TrainingError: the loss or its gradient is no longer a number.
            CheckpointError: a save failed; the last good one stays.
        """
        self.history.add(
            "started",
            self.progress.update,
            device=self.device.type,
            precision=self.precision.kind,
            precision_because=self.precision.reason,
        )
        self.display.start(self.folder.name, self.total_updates, self.progress.update)
        try:
            with self._stop_between_updates():
                reason = self._train()
            self._finish(reason)
        finally:
            self.display.stop()

    def _train(self) -> str:
        # Asked before the first epoch, too: a kill may have come between the last one and the end.
        while not self._has_stopped_improving():
            if self._budget_is_used():
                return "the budget is used up"
            self._run_epoch()
        return "validation stopped improving"

    def _budget_is_used(self) -> bool:
        most = self.settings.max_updates
        if most is not None:
            return self.progress.update >= most
        return self.progress.epoch >= self.settings.epochs

    def _has_stopped_improving(self) -> bool:
        patience = self.settings.patience
        return patience is not None and self.progress.validations_since_best >= patience

    def _run_epoch(self) -> None:
        """The rest of the current epoch, unless training should stop early."""
        order, at_once = self._batches_of_epoch(self.progress.epoch), self.settings.accumulate
        for start in range(self.progress.batch, len(order), at_once):
            groups = order[start : start + at_once]
            epoch, places = self.progress.epoch, range(start, start + len(groups))
            self._update(
                [
                    self.batch_of(rows, epoch, place)
                    for rows, place in zip(groups, places, strict=True)
                ]
            )
            self.progress.batch += len(groups)
            ended = self.progress.batch >= len(order)
            if ended:
                self.progress.epoch += 1
                self.progress.batch = 0
            done = self._budget_is_used()
            every = self.settings.validate_every
            if done or (self.progress.update % every == 0 if every else ended):
                self._validate()
                self._save()
            elif self._stop_asked or time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS:
                self._save()
            if self._stop_asked:
                raise Interrupted(self.progress.update)
            if done or self._has_stopped_improving():
                break

    def _batches_of_epoch(self, epoch: int) -> BatchOrder:
        settings = self.settings
        return training_batches(self.train_split, settings.batch_tokens, settings.seed, epoch)

    def _update(self, batches: list[Batch]) -> None:
        """One step of the optimiser on the mean loss over all target tokens of these batches."""
        started = time.monotonic()
        progress = self.progress
        rate = learning_rate(self.settings, progress.update + 1, self.total_updates)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        tokens = sum(int(batch.target_lengths.sum()) for batch in batches)
        total, nll = 0.0, 0.0
        for batch in batches:
            with self.accelerator.autocast():
                loss = token_loss(self.model, batch.to(self.device), self.settings.label_smoothing)
            self.accelerator.backward(loss.total / tokens)
            total += float(loss.total.detach()) / tokens
            nll += float(loss.nll) / tokens
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        gradient_norm = float(norm) if norm is not None else 0.0
        if not (math.isfinite(total) and math.isfinite(gradient_norm)):
            raise TrainingError(self._not_a_number(total, rate, batches))
        self.optimizer.step()
        progress.update += 1
        progress.tokens += tokens
        progress.seconds += time.monotonic() - started
        self._record(total, nll, rate, gradient_norm, tokens / (time.monotonic() - started))

    def _record(self, loss: float, nll: float, rate: float, norm: float, speed: float) -> None:
        progress = self.progress
        values = {
            "epoch": float(progress.epoch),
            "loss": loss,
            "learning_rate": rate,
            "tokens_per_second": speed,
        }
        self.display.update(progress.update, values)
        if progress.update % RECORD_EVERY_UPDATES == 0:
            return_freed_memory()
            self.history.add(
                "train",
                progress.update,
                epoch=progress.epoch,
                loss=loss,
                nats_per_token=nll,
                learning_rate=rate,
                gradient_norm=norm,
                seconds=round(progress.seconds, 3),
                tokens=progress.tokens,
            )

    def _not_a_number(self, loss: float, rate: float, batches: list[Batch]) -> str:
        longest, row = max(
            (int(batch.target_lengths.max()), int(batch.rows[batch.target_lengths.argmax()]))
            for batch in batches
        )
        what = "The gradient" if math.isfinite(loss) else "The loss"
        return (
            f"{what} is no longer a number at update {self.progress.update + 1} (rate "
            f"{rate:.2g}). The batch's longest pair, {longest} subwords, is "
            f"{self.describe_row(row)}. Try a lower --training.learning-rate in a new run, "
            "or look at that pair."
        )

    def _validate(self) -> None:
        """Measure on validation; keep these weights as the best if they are."""
        progress = self.progress
        loss, bleu, value = self._measure()
        better = progress.best is None or value > progress.best
        if better:
            save_weights(self.folder / "model.safetensors", weights_of(self.model))
            progress.best, progress.best_update = value, progress.update
            progress.validations_since_best = 0
        else:
            progress.validations_since_best += 1
        self._keep_recent()
        self._record_validation(loss, bleu, better)

    def _measure(self) -> tuple[float, float | None, float]:
        """On validation: loss, BLEU if there is one, and the value by which weights are chosen."""
        loss = self.validation_loss()
        if self.validation_bleu is None:
            return loss, None, -loss
        bleu = self.validation_bleu(self.model)
        return loss, bleu, bleu if self.settings.select_by == "bleu" else -loss

    def _record_validation(
        self, loss: float, bleu: float | None, better: bool, **more: str
    ) -> None:
        progress = self.progress
        event: dict[str, Any] = {
            "epoch": progress.epoch + progress.batch / self.batches_per_epoch,
            "nats_per_token": loss,
            "perplexity": math.exp(min(loss, 700.0)),
            **({} if bleu is None else {"bleu": bleu}),
            "best": better,
            "seconds": round(progress.seconds, 3),
            "tokens": progress.tokens,
            **more,
        }
        self.history.add("validation", progress.update, **event)
        self.display.validation({"update": progress.update, **event})

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Mean negative log-likelihood on validation, nats a token, without smoothing.

        In float32 whatever training multiplies in: it is that of the weights as they are kept.
        """
        self.model.eval()
        nll, tokens = 0.0, 0
        for rows in evaluation_batches(self.validation_split, 4 * self.settings.batch_tokens):
            batch = collate(self.validation_split, rows).to(self.device)
            loss = token_loss(self.model, batch, label_smoothing=0.0)
            nll += float(loss.nll)
            tokens += loss.tokens
        return nll / tokens

    def _keep_recent(self) -> None:
        """Keep these weights for averaging, and no more than are asked for."""
        if not self.settings.average_last:
            return
        recent = self.progress.recent
        save_weights(kept_path(self.folder, self.progress.update), weights_of(self.model))
        recent.append(self.progress.update)
        for update in recent[: -self.settings.average_last]:
            kept_path(self.folder, update).unlink(missing_ok=True)
        del recent[: -self.settings.average_last]

    def _finish(self, reason: str) -> None:
        progress = self.progress
        if self.settings.average_last and len(progress.recent) > 1:
            self._try_average()
            self._save()
        self._note_peak()
        self.history.add(
            "finished",
            progress.update,
            reason=reason,
            best=progress.best,
            best_update=progress.best_update,
            seconds=round(progress.seconds, 3),
            tokens=progress.tokens,
            peak_bytes=progress.peak_bytes,
        )

    def _try_average(self) -> None:
        """Average the last weights, and make them the best if validation says so."""
        progress = self.progress
        paths = [kept_path(self.folder, update) for update in progress.recent]
        latest = {name: weight.clone() for name, weight in weights_of(self.model).items()}
        put_weights(self.model, average_weights([load_weights(path) for path in paths]), paths[0])
        loss, bleu, value = self._measure()
        better = progress.best is None or value > progress.best
        if better:
            save_weights(self.folder / "model.safetensors", weights_of(self.model))
            progress.best, progress.best_update = value, progress.update
        self._record_validation(loss, bleu, better, weights=f"average of the last {len(paths)}")
        put_weights(self.model, latest, self.folder)

    def _note_peak(self) -> None:
        self.progress.peak_bytes = higher_peak(self.progress.peak_bytes, self._peak.bytes())

    def _save(self) -> None:
        self._note_peak()
        state: dict[str, Any] = {
            "version": STATE_VERSION,
            "weights": {name: weight.cpu() for name, weight in weights_of(self.model).items()},
            "optimizer": self.optimizer.state_dict(),
            "progress": dict(vars(self.progress)),
            "random_state": torch.get_rng_state(),
            "precision": self.precision.kind,
        }
        if self.device.type == "cuda":
            state["cuda_random_state"] = torch.cuda.get_rng_state()
        save_training_state(self.folder, state)
        self._saved_at = time.monotonic()

    @contextmanager
    def _stop_between_updates(self) -> Iterator[None]:
        """Let Ctrl-C and a polite kill wait for the end of the update; twice stops at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: object) -> None:
            if self._stop_asked:
                raise KeyboardInterrupt
            self._stop_asked = True

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def require_machine(settings: TrainingSettings) -> None:
    """Refuse, before anything is written, what this machine cannot do.

    Raises:
        ConfigError: the device asked for is not there.
    """
    choose_precision(settings.precision, choose_device(settings))


def choose_device(settings: TrainingSettings) -> str:
    """Where to compute: cpu, cuda or mps.

    Raises:
        ConfigError: the device asked for is not there.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    there = [name for name, is_there in available.items() if is_there]
    if settings.device == "auto":
        return there[0]
    if settings.device not in there:
        raise ConfigError(
            f"training.device is {settings.device}, which this machine does not have; "
            f"it has {', '.join(sorted(there))}."
        )
    return settings.device


def make_accelerator(settings: TrainingSettings, device: str, precision: Precision) -> Accelerator:
    """What brings the work to the device, in this precision.

    Raises:
        ConfigError: there is more than one process.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    # Accelerate keeps one state a process; a second run may want another device or precision.
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(
        mixed_precision="bf16" if precision.kind == "bf16" else "no", cpu=device == "cpu"
    )
    if accelerator.num_processes > 1:
        raise ConfigError("Training runs in one process; start it without a distributed launcher.")
    return accelerator


def make_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019); no decay on biases."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    biases = [p for p in model.parameters() if p.dim() <= 1]
    decay = settings.weight_decay if settings.optimizer == "adamw" else 0.0
    groups = [
        {"params": matrices, "weight_decay": decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    # beta2 of 0.98 forgets early gradients sooner than 0.999, which suits a short budget.
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98), fused=True)
