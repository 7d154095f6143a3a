"""Today's way: mini-batches, Adam, clipped gradients; or single sequences and plain descent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from seq2seq.memory.network import MemoryCell, Network, make_memory_cell, tensors
from seq2seq.memory.outcome import Outcome, wrong_on_fresh
from seq2seq.memory.paper import DESIGNS
from seq2seq.memory.sequences import Floats, Sequences
from seq2seq.memory.success import Progress
from seq2seq.memory.task import Task

_DIRECT_RATE = 0.1


@dataclass(frozen=True)
class Recipe:
    """How a network is made and trained, the same for every cell.

    Attributes:
        hidden_size: units of the cell.
        batch: sequences an update.
        learning_rate: of the optimiser.
        clip: longest gradient that is followed (Pascanu et al. 2013).
        adam: Adam, or else plain gradient descent.
        remember: bias of the forget or update gate; drawn by lag if None.
        truncated: the paper's gradient for the 1997 cell, or else the full one.
        budget: training sequences, at most.
    """

    hidden_size: int = 32
    batch: int = 16
    learning_rate: float = 0.01
    clip: float = 1.0
    adam: bool = True
    remember: float | None = None
    truncated: bool = False
    budget: int = 100_000


class _Outputs:
    def __init__(self, network: Network) -> None:
        self.network = network

    def outputs(self, sequences: Sequences) -> Floats:
        """Outputs at the error signals, [signals, output]."""
        with torch.no_grad():
            outputs: Floats = torch.sigmoid(self.network(tensors(sequences))).numpy()
        return outputs


def new_network(kind: MemoryCell, task: Task, recipe: Recipe, seed: int) -> Network:
    """A network with the fresh weights of this seed."""
    torch.manual_seed(seed)
    cell = make_memory_cell(kind, task, recipe.hidden_size, recipe.remember, recipe.truncated)
    return Network(cell, task.output_size, task.of_symbols, DESIGNS[task.name].direct)


def _optimizer(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam or plain descent; direct connections go faster under Adam.

    Else the cells learn what the last symbol alone can tell before the direct connections do,
    saturate, and what they held is gone for good (task 2a).
    """
    if not recipe.adam:
        return torch.optim.SGD(network.parameters(), recipe.learning_rate)
    parameters = dict(network.named_parameters())
    groups: list[dict[str, Any]] = []
    if len(network.direct):
        fast = [parameters.pop(name) for name in ("direct", "output.bias")]
        groups.append({"params": fast, "lr": max(_DIRECT_RATE, recipe.learning_rate)})
    groups.append({"params": list(parameters.values())})
    return torch.optim.Adam(groups, recipe.learning_rate)


class Course(NamedTuple):
    """A training that has ended, before the test."""

    progress: Progress
    steps: int  # of all sequences learnt from
    seconds: float
    diverged: bool


def learn(
    network: Network,
    task: Task,
    recipe: Recipe,
    seed: int,
    report: Callable[[int, float], None] = lambda sequences, loss: None,
) -> Course:
    """Train a network until the task is solved or the budget is spent.

    The loss is cross-entropy between sigmoid outputs and targets, for numbers in [0, 1] as well:
    its gradient at the net input is the plain difference.

    Args:
        network: changed in place.
        task: with this seed's training set, if it has one.
        recipe: how.
        seed: of the sequences.
        report: receives the sequences so far and the last loss, about once a second.
    """
    random = np.random.default_rng([seed, 1])
    progress = Progress(task.rule)
    judge = _Outputs(network)
    optimizer = _optimizer(network, recipe)
    steps, diverged = 0, False
    began = said = time.perf_counter()
    while progress.solved_at is None and progress.sequences < recipe.budget and not diverged:
        sequences = task.training(recipe.batch, random)
        steps += int(sequences.lengths.sum())
        logits = network(tensors(sequences))
        progress.add(task.judge(torch.sigmoid(logits.detach()).numpy(), sequences))
        loss = _loss(logits, sequences) / recipe.batch
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        length = nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        diverged = not bool(length.isfinite())
        if not diverged:
            optimizer.step()
        if progress.exam_due():
            exam = task.exam(random)
            progress.add_exam(task.judge(judge.outputs(exam), exam))
        if (now := time.perf_counter()) - said > 1:
            said = now
            report(progress.sequences, loss.item())
    return Course(progress, steps, time.perf_counter() - began, diverged)


def _loss(logits: Tensor, sequences: Sequences) -> Tensor:
    wanted = torch.from_numpy(sequences.targets)
    return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")


def train(
    network: Network,
    task: Task,
    recipe: Recipe,
    seed: int,
    report: Callable[[int, float], None] = lambda sequences, loss: None,
) -> Outcome:
    """As `learn`, and test the network on fresh sequences afterwards."""
    progress, steps, seconds, diverged = learn(network, task, recipe, seed, report)
    return Outcome(
        progress.solved_at is not None,
        progress.solved_at,
        progress.sequences,
        wrong_on_fresh(task, _Outputs(network)),
        seconds,
        steps / seconds,
        diverged,
    )
