"""`seq2seq train`: train a translation model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from seq2seq.commands.arguments import (
    groups,
    machine_choices,
    names_settings,
    parse_settings,
    run_folder,
    run_name,
    say,
    value_of,
)
from seq2seq.config import (
    Settings,
    System,
    with_system,
)
from seq2seq.errors import ConfigError


@dataclass(frozen=True)
class Train(Settings):
    """Train a translation model: seq2seq train [PRESET] [OPTIONS].

    Presets: phrasebook (the default; nothing is fetched), multi30k, and own (the default with
    --corpus.name), which chooses sizes, noise and budget by the number of training pairs. Every
    option below shows the preset's value as its default.
    """

    run: str | None = None
    """Name of the run's folder under checkpoints/, or a path; by default made of corpus, languages,
    system and seed."""
    resume: bool = False
    """Go on with a run that was stopped; its own settings apply. One that was begun with `auto` may
    be given --training.device and --training.precision."""
    system: System = "attention"
    """One rung of the ladder; options under model refine it."""


def run(arguments: list[str]) -> int:
    """Train, or go on."""
    system = _chosen_system(arguments)
    start = value_of("--training.start-from", arguments)
    if start and value_of("--system", arguments):
        raise ConfigError(
            f"The system is that of {start}, which this run starts from; leave --system out."
        )
    chosen = parse_settings(
        Train,
        "train",
        arguments,
        lambda base: Train(system=system, **groups(_defaults(base, system, start))),
    )
    settings = Settings(**groups(chosen))
    name = chosen.run or run_name(settings, f"from-{Path(start).name}" if start else system)
    folder = run_folder(name)
    from seq2seq import pipeline
    from seq2seq.training.loop import Interrupted

    if chosen.resume:
        named = names_settings(arguments) or any("--system" in a for a in arguments)
        machine = machine_choices(settings.training, arguments)
        settings = pipeline.settings_to_resume(folder, settings if named else None, machine)
        if pipeline.is_finished(folder):
            say(f"{folder} is finished already. Score it with: seq2seq evaluate {name}")
            return 0
    try:
        pipeline.train_run(settings, folder, chosen.resume, say)
    except Interrupted as stop:
        say(f"Saved at update {stop.update:,}. Go on with: seq2seq train --run {name} --resume")
        return 130
    say(f"The run lies in {folder}. Score it with: seq2seq evaluate {name}")
    return 0


def _defaults(base: Settings, system: System, start: str | None) -> Settings:
    """A preset as one rung of the ladder, or with subwords and model of the run to start from."""
    if start is None:
        return with_system(base, system)
    from seq2seq.checkpoint import find_run, read_config

    kept = read_config(find_run(start)).settings
    return dataclasses.replace(base, tokenizer=kept.tokenizer, model=kept.model)


def _chosen_system(arguments: list[str]) -> System:
    found = value_of("--system", arguments) or "attention"
    for system in get_args(System):
        if system == found:
            return system  # type: ignore[no-any-return]
    raise ConfigError(f"There is no system {found!r}; there are {', '.join(get_args(System))}.")
