"""The whole experiment: every cell on every task and lag with several seeds, kept as it goes.

Each training leaves one JSON document, written whole or not at all, so that an interrupted
experiment goes on with those that are missing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from seq2seq.checkpoint import write_json
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.memory.batched import Recipe, new_network, train
from seq2seq.memory.catalogue import make_task
from seq2seq.memory.network import MemoryCell
from seq2seq.memory.online import train_side_by_side
from seq2seq.memory.outcome import Outcome
from seq2seq.memory.paper import DESIGNS
from seq2seq.memory.task import Task

Trainer = Literal["batched", "online"]
Report = Callable[[str], None]
VERSION = 1
_SILENCE = 30.0  # seconds


class Place(NamedTuple):
    """One cell on one task at one lag: a cell of the results' table."""

    task: str
    lag: int
    cell: MemoryCell
    trainer: Trainer
    distractors: int = 0

    @property
    def problem(self) -> str:
        """The task, with the kinds of distractors where they were chosen."""
        return f"{self.task}, p = {self.distractors:,}" if self.distractors else self.task

    def file_name(self, seed: int) -> str:
        """Where the training with this seed is kept."""
        chosen = f"-{self.distractors}" if self.distractors else ""
        return f"{self.task}-{self.lag}{chosen}-{self.cell}-{self.trainer}-{seed}.json"


@dataclass(frozen=True)
class Finding:
    """One training's outcome with what it was."""

    place: Place
    seed: int
    outcome: Outcome


@dataclass(frozen=True)
class Plan:
    """What to train.

    Attributes:
        tasks: numbers of experiments.
        lags: of each task; the paper's own if none.
        cells: which.
        seeds: from 1 to this.
        trainer: `batched` or `online`.
        recipe: how; the online trainer takes from it the budget, and for cells other than
            `lstm-1997` the units and clipping.
        distractors: kinds of distractors in 2c; as many as the lag if 0.
        every_lag: train on longer lags too when no seed solved a shorter one.
    """

    tasks: tuple[str, ...]
    lags: tuple[int, ...]
    cells: tuple[MemoryCell, ...]
    seeds: int
    trainer: Trainer
    recipe: Recipe
    distractors: int = 0
    every_lag: bool = False

    def problems(self) -> Iterator[Task]:
        """Each task at each lag, shortest first.

        Raises:
            ConfigError: a task that does not exist, or not at that lag.
        """
        for name in self.tasks:
            if not self.lags:
                yield make_task(name, None, self.distractors)
            for lag in sorted(set(self.lags)):
                yield make_task(name, lag, self.distractors)


def needed_bytes(task: Task, recipe: Recipe) -> int:
    """About what one update keeps in memory: inputs, gates, states and outputs, and their errors.

    Measured trainings of all cells stay below it.
    """
    width = task.input_size * (not task.of_symbols) + 4 * recipe.hidden_size * 10
    per_sequence = task.longest * width
    if task.name in ("1", "2a"):
        per_sequence += task.longest * task.output_size * 6
    weights = 16 * recipe.hidden_size * (task.input_size + task.output_size + recipe.hidden_size)
    return 4 * (recipe.batch * per_sequence + weights)


def free_bytes() -> int:
    """What the machine's memory still holds free."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        table = dict(line.split(":") for line in lines)
        return int(table["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(task: Task, recipe: Recipe, free: int) -> None:
    """Refuse a lag that the machine cannot hold.

    Raises:
        ConfigError: says how much it needs.
    """
    needed = needed_bytes(task, recipe)
    if needed > free:
        raise ConfigError(
            f"Task {task.name} with lag {task.lag:,} needs about {gigabytes(needed)} for a batch "
            f"of {recipe.batch}; {gigabytes(free)} are free. Shorten --lags or lower --batch."
        )


def gigabytes(count: int) -> str:
    """In words."""
    return f"{count / 1e9:,.1f} GB"


def run(plan: Plan, folder: Path, report: Report) -> list[Finding]:
    """Train all that is missing in `folder` and return all findings of the plan, in its order.

    Raises:
        ConfigError: a task or lag that cannot be, before anything is trained.
        CheckpointError: `folder` holds a training of the plan with other settings.
        KeyboardInterrupt: passed on; what had ended before is kept.
    """
    problems = list(plan.problems())
    for task in problems:
        check_memory(task, plan.recipe, free_bytes())
    for task in problems:  # whatever does not fit must come out before hours of training
        for cell in plan.cells:
            _kept(plan, task, cell, folder)
    findings: list[Finding] = []
    for cell in plan.cells:
        failed: set[str] = set()
        for task in problems:
            if task.name in failed:
                report(f"{task.name} {cell}: lag {task.lag:,} is left out, a shorter one failed")
                continue
            here = _train_place(plan, task, cell, folder, report)
            findings += here
            if not plan.every_lag and not any(finding.outcome.solved for finding in here):
                failed.add(task.name)
    return findings


def _train_place(
    plan: Plan, task: Task, cell: MemoryCell, folder: Path, report: Report
) -> list[Finding]:
    place = Place(task.name, task.lag, cell, plan.trainer, plan.distractors)
    settings = _settings(plan, place)
    found = _kept(plan, task, cell, folder)

    def keep(seed: int, outcome: Outcome) -> None:
        document = {
            "version": VERSION,
            "settings": settings,
            "seed": seed,
            "outcome": dataclasses.asdict(outcome),
        }
        write_json(folder / place.file_name(seed), document)
        found[seed] = outcome
        report(f"{place.task} {cell}, lag {place.lag:,}, seed {seed}: {in_words(outcome)}")

    pulse = _pulse(f"{place.task} {cell}, lag {place.lag:,}", report)
    missing = [seed for seed in range(1, plan.seeds + 1) if seed not in found]
    if missing and plan.trainer == "online" and cell == "lstm-1997":
        train_side_by_side(
            task,
            DESIGNS[task.name],
            missing,
            plan.recipe.budget,
            keep,
            lambda sequences, left: pulse(f"{sequences:,} sequences, {left} networks still at it"),
        )
    else:
        recipe = _recipe(plan, place)
        for seed in missing:
            mine = task.for_seed(seed)
            network = new_network(cell, mine, recipe, seed)
            keep(
                seed,
                train(
                    network,
                    mine,
                    recipe,
                    seed,
                    lambda sequences, loss: pulse(f"{sequences:,} sequences, loss {loss:.4f}"),
                ),
            )
    return [Finding(place, seed, found[seed]) for seed in sorted(found)]


def _pulse(what: str, report: Report) -> Report:
    """Pass a message on when none was for half a minute, so that long trainings are not silent."""
    said = time.perf_counter()

    def pulse(message: str) -> None:
        nonlocal said
        if time.perf_counter() - said > _SILENCE:
            said = time.perf_counter()
            report(f"{what}: {message}")

    return pulse


def _kept(plan: Plan, task: Task, cell: MemoryCell, folder: Path) -> dict[int, Outcome]:
    """What earlier commands left: seed → outcome."""
    place = Place(task.name, task.lag, cell, plan.trainer, plan.distractors)
    settings = _settings(plan, place)
    found = {}
    for seed in range(1, plan.seeds + 1):
        outcome = _kept_outcome(folder / place.file_name(seed), settings)
        if outcome:
            found[seed] = outcome
    return found


def _recipe(plan: Plan, place: Place) -> Recipe:
    """The plan's, or one sequence an update at the paper's rate for the online trainer."""
    if plan.trainer == "batched":
        return plan.recipe
    rate = DESIGNS[place.task].learning_rate
    return dataclasses.replace(plan.recipe, batch=1, adam=False, learning_rate=rate)


def _settings(plan: Plan, place: Place) -> dict[str, Any]:
    """All that an outcome depends on but the seed, as JSON gives it back."""
    settings = place._asdict()
    if place.trainer == "online" and place.cell == "lstm-1997":
        return {**settings, "budget": plan.recipe.budget}
    return {**settings, **dataclasses.asdict(_recipe(plan, place))}


def read_finding(path: Path) -> tuple[Finding, dict[str, Any]]:
    """One training and its settings.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        settings = document["settings"]
        place = Place(*(settings[name] for name in Place._fields))
        return Finding(place, document["seed"], Outcome(**document["outcome"])), settings
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete it to train again.") from None


def read_all(folder: Path) -> list[tuple[Finding, dict[str, Any]]]:
    """All trainings kept in a folder with their settings, by task, lag, cell and seed."""
    kept = [read_finding(path) for path in sorted(folder.glob("*.json"))]
    cells = list(get_args(MemoryCell))
    return sorted(
        kept,
        key=lambda found: (
            found[0].place.task,
            found[0].place.lag,
            found[0].place.distractors,
            cells.index(found[0].place.cell),
            found[0].place.trainer,
            found[0].seed,
        ),
    )


def _kept_outcome(path: Path, settings: dict[str, Any]) -> Outcome | None:
    """The outcome kept at `path`, if there is one.

    Raises:
        CheckpointError: it is damaged, or was trained with other settings.
    """
    if not path.is_file():
        return None
    finding, kept = read_finding(path)
    for name in settings:
        if kept.get(name) != settings[name]:
            raise CheckpointError(
                f"{path} was trained with {name} {kept.get(name)}, not {settings[name]}; "
                "name this experiment differently with --run, or delete that file."
            )
    return finding.outcome


def in_words(outcome: Outcome) -> str:
    """One training in half a line."""
    if outcome.diverged:
        said = f"diverged after {outcome.trained:,} sequences"
    elif outcome.solved:
        said = f"solved after {outcome.sequences:,} sequences"
    else:
        said = f"not solved by {outcome.trained:,} sequences"
    return f"{said}, {outcome.wrong:,} of 2,560 wrong, {outcome.seconds:,.0f} s"
