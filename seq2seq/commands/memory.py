"""`seq2seq memory`: how long each cell remembers."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from seq2seq.commands.arguments import parse, run_folder, say
from seq2seq.errors import ConfigError

if TYPE_CHECKING:
    from seq2seq.memory.experiment import Plan

MemoryCell = Literal["rnn", "gru", "lstm", "lstm-1997"]


@dataclass(frozen=True)
class Memory:
    """Train cells on tasks with long time lags: seq2seq memory [TASK...] [OPTIONS].

    Tasks are the experiments of Hochreiter & Schmidhuber 1997 by number: 1, 2a, 2b, 2c, 3a, 3b, 3c,
    4, 5, 5-13 (5 up to its second stopping point), 6a, 6b. `seq2seq memory gradients [TASK or RUN]
    [OPTIONS]` draws the gradient by distance, on a task or in a translation run's encoder.
    Tables and plots go to the run's folder; a command that was stopped goes on where it was.
    """

    tasks: Annotated[tuple[str, ...], tyro.conf.Positional] = ("4",)
    """Experiments by their numbers; before them `gradients` to draw gradients instead."""
    cells: tuple[MemoryCell, ...] = ("rnn", "gru", "lstm", "lstm-1997")
    """Cells to train."""
    lags: tuple[int, ...] = ()
    """The paper's own measure of length (p, q or T); by default the paper's first."""
    seeds: int = 3
    """Trainings of each cell on each task and lag."""
    trainer: Literal["batched", "online"] = "batched"
    """`batched`: Adam, clipped gradients. `online`: the paper's, one sequence an update; the 1997
    cell then has the paper's network for the task, and all seeds run side by side."""
    budget: int = 100_000
    """Training sequences, at most."""
    hidden_size: int = 32
    """Units of each cell."""
    batch: int = 16
    """Sequences an update (batched)."""
    learning_rate: float = 0.01
    """Of Adam (batched); the online trainer has the paper's."""
    clip: float = 1.0
    """Longest gradient that is followed, for every cell alike."""
    forget_bias: float | None = None
    """What the forget (LSTM) or update gate's (GRU) bias starts at; drawn by lag if not given."""
    truncated: bool = False
    """Take the paper's truncated gradient for the 1997 cell with the batched trainer too."""
    distractors: int = 0
    """Kinds of distractors in 2c; by default as many as the lag."""
    every_lag: bool = False
    """Train on longer lags too where no seed solved a shorter one."""
    run: str = "memory"
    """Name of the folder under checkpoints/, or a path."""


def run(arguments: list[str]) -> int:
    """Train what is missing, write the report, print the table."""
    chosen = parse(Memory, "memory", arguments, Memory())
    _check(chosen)
    import torch

    torch.set_num_threads(1)  # the products are small: more threads would wait for one another
    folder = run_folder(chosen.run)
    _require_place(folder)
    if chosen.tasks[:1] == ("gradients",):
        return _gradients(chosen, folder)
    from seq2seq.memory import experiment
    from seq2seq.memory.report import table_text, write_report

    plan = _plan(chosen)
    interrupted = False
    try:
        experiment.run(plan, folder / "trainings", say)
    except KeyboardInterrupt:
        interrupted = True
    findings = experiment.read_all(folder / "trainings")
    if findings:
        write_report(findings, folder)
        print(table_text(findings))
        say(f"The report lies in {folder}: memory.html, memory.md, memory.json.")
    if interrupted:
        say("Interrupted. What had ended is kept; the same command goes on from here.")
        return 130
    return 0


def _require_place(folder: Path) -> None:
    """Refuse, before hours of training, a folder that could not be written; nothing is made yet."""
    there = next(place for place in (folder, *folder.parents, Path()) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise ConfigError(f"{folder} cannot be written, because of {there}; give another --run.")


def _plan(chosen: Memory) -> Plan:
    from seq2seq.memory.batched import Recipe
    from seq2seq.memory.experiment import Plan

    recipe = Recipe(
        hidden_size=chosen.hidden_size,
        batch=chosen.batch,
        learning_rate=chosen.learning_rate,
        clip=chosen.clip,
        remember=chosen.forget_bias,
        truncated=chosen.truncated,
        budget=chosen.budget,
    )
    return Plan(
        chosen.tasks, chosen.lags, chosen.cells, chosen.seeds, chosen.trainer, recipe,
        chosen.distractors, chosen.every_lag,
    )  # fmt: skip


def _check(chosen: Memory) -> None:
    for name in ("seeds", "budget", "batch"):
        if getattr(chosen, name) < 1:
            raise ConfigError(f"--{name} is {getattr(chosen, name)}; it must be at least 1.")
    if chosen.hidden_size < 2 or chosen.hidden_size % 2:
        raise ConfigError(f"--hidden-size is {chosen.hidden_size}; it must be even and at least 2.")
    for name in ("learning_rate", "clip"):
        if not 0 < getattr(chosen, name) < float("inf"):
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} is {getattr(chosen, name)}; it must be a number above 0.")
    if chosen.forget_bias is not None and not math.isfinite(chosen.forget_bias):
        raise ConfigError(f"--forget-bias is {chosen.forget_bias}; it must be a finite number.")
    if chosen.distractors < 0:
        raise ConfigError(f"--distractors is {chosen.distractors}; it cannot be below 0.")


def _gradients(chosen: Memory, folder: Path) -> int:
    from seq2seq.memory.catalogue import TASKS, make_task
    from seq2seq.memory.report import write_gradients

    names = chosen.tasks[1:] or ("4",)
    if len(names) > 1 or len(chosen.lags) > 1:
        raise ConfigError("Gradients are drawn for one task at one lag, or for one run; name one.")
    if chosen.trainer != "batched":
        raise ConfigError("Gradients are of batched training; leave --trainer online out.")
    if names[0] in TASKS:
        from seq2seq.memory.gradients import measure

        task = make_task(names[0], chosen.lags[0] if chosen.lags else None, chosen.distractors)
        what = f"task {task.name}, {task.title}, lag {task.lag:,}"
        curves = measure(task, chosen.cells, _plan(chosen).recipe, say)
    else:
        from seq2seq.memory.sentences import measure_run

        what = f"the encoder of {Path(names[0]).name} on sentences of its own validation split"
        curves = measure_run(names[0], say)
    for path in write_gradients(what, curves, folder):
        say(f"Drawn: {path}")
    return 0
