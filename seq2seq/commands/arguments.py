"""What the commands share: arguments to settings, names of runs, messages."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import io
import re
import sys
from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

import tyro

from seq2seq.config import (
    OWN,
    CorpusSettings,
    LanguageSettings,
    SearchSettings,
    Settings,
    TrainingSettings,
    preset,
)
from seq2seq.decoding import DecodingOptions
from seq2seq.errors import ConfigError
from seq2seq.sizing import rule_in_words, size_for

CommandT = TypeVar("CommandT")

MACHINE_SETTINGS = ("device", "precision")
"""Settings under training that `auto` decides by the machine, and that a run which was begun with
`auto` may therefore be given when it goes on on another one."""


def parse(
    kind: type[CommandT], command: str, arguments: list[str], default: CommandT | None = None
) -> CommandT:
    """Arguments to a command's dataclass; what tyro objects to becomes one line."""
    complaint = io.StringIO()
    if {"-h", "--help"} & set(arguments):
        _reflow_help(kind)
    try:
        with contextlib.redirect_stderr(complaint):
            parsed: CommandT = tyro.cli(
                kind,
                prog=f"seq2seq {command}",
                description=_reflowed(kind.__doc__ or ""),
                args=arguments,
                default=tyro.MISSING_NONPROP if default is None else default,
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise ConfigError(_one_line(complaint.getvalue(), command)) from None
    _require_whole_lists(parsed, arguments)
    return parsed


def _require_whole_lists(parsed: object, arguments: list[str]) -> None:
    """Refuse lists of nothing, and in two parts: the second would replace the first in silence."""
    named = _options(arguments)
    for name, value in vars(parsed).items():
        option = f"--{name.replace('_', '-')}"
        if not isinstance(value, tuple) or option not in named:
            continue
        if not value:
            raise ConfigError(f"{option} names nothing; leave it out, or say what.")
        if named.count(option) > 1:
            raise ConfigError(f"{option} stands twice; name everything behind one {option}.")


def _reflow_help(kind: type) -> None:
    """Give tyro each field's docstring as one line to wrap; it would keep our line breaks."""
    helps: dict[str, str] = {}
    for origin in reversed(kind.__mro__[:-1]):
        (definition,) = ast.parse(inspect.cleandoc(inspect.getsource(origin))).body
        body = definition.body if isinstance(definition, ast.ClassDef) else []
        for field, after in pairwise(body):
            match field, after:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    helps[name] = _reflowed(text)
    types = get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if item.name in helps:
            item.metadata = MappingProxyType({**item.metadata, "help": helps[item.name]})
        if dataclasses.is_dataclass(types[item.name]):
            _reflow_help(types[item.name])


def _reflowed(text: str) -> str:
    """Each paragraph in one line, for a terminal to wrap."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))


def _one_line(complaint: str, command: str) -> str:
    """Tyro's boxed complaint without its box."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" │╭╮╰╯─") for line in complaint.split("\n")]
    said = [line for line in lines[1:] if line.strip("-") and "For full helptext" not in line]
    return f"{' '.join(said) or complaint.strip()} See `seq2seq {command} --help`."


def split_preset(arguments: list[str]) -> tuple[str, list[str]]:
    """The preset named first and the other arguments.

    Where none is named it is `own` if a corpus is, and else the phrasebook.
    """
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], arguments[1:]
    corpus = value_of("--corpus.name", arguments)
    return OWN if corpus not in (None, "phrasebook") else "phrasebook", arguments


def value_of(option: str, arguments: list[str]) -> str | None:
    """The value of an option that is needed before the rest, because it sets others' defaults."""
    found = None
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name.replace("_", "-") == option:
            found = value if equals else next(iter(arguments[place + 1 :]), None)
    return found


def parse_settings(
    kind: type[CommandT],
    command: str,
    arguments: list[str],
    default_of: Callable[[Settings], CommandT],
) -> CommandT:
    """Arguments to a command that has settings, the preset's values being its defaults.

    Under the preset `own` these depend on the number of training pairs, so that the corpus is
    prepared first; a line says which rule was applied.

    Args:
        kind: the command's dataclass.
        command: its name.
        arguments: what follows the command.
        default_of: the command with all defaults, from a preset's settings.
    """
    name, rest = split_preset(arguments)
    base = preset(name)
    chosen = parse(kind, command, rest, default_of(base))
    if name != OWN:
        return chosen
    corpus: CorpusSettings = chosen.corpus  # type: ignore[attr-defined]
    if corpus.name == base.corpus.name:
        raise ConfigError(
            "The preset own is for sentences of your own; name them with --corpus.name."
        )
    from seq2seq.pipeline import DATA
    from seq2seq.text.corpus import load_corpus

    pairs = len(load_corpus(corpus, DATA / "prepared", say).splits["train"])
    sized = parse(kind, command, rest, default_of(size_for(base, pairs)))
    if "--resume" not in rest:  # a run that goes on keeps its own settings
        say(rule_in_words(sized, pairs))  # type: ignore[arg-type]
    return sized


def run_name(settings: Settings | LanguageSettings, system: str | None) -> str:
    """Corpus, languages, system and, unless it is the first, seed: `multi30k-en-de-attention`."""
    first_file = settings.corpus.name.partition(",")[0].rstrip("/")
    corpus = Path(first_file).name.partition(".")[0] or "corpus"
    parts = [corpus, settings.corpus.source_language, settings.corpus.target_language]
    if system:
        parts.append(system)
    if settings.training.seed != 1:
        parts.append(f"seed{settings.training.seed}")
    return "-".join(parts)


def run_folder(name: str) -> Path:
    """A bare name lies under checkpoints/; anything with a slash is a path."""
    from seq2seq.checkpoint import RUNS

    return Path(name) if "/" in name else RUNS / name


def groups(settings: Settings) -> dict[str, Any]:
    """The five groups of settings by name."""
    return {item.name: getattr(settings, item.name) for item in dataclasses.fields(Settings)}


def names_settings(arguments: list[str]) -> bool:
    """Whether a preset is named or an option sets one of its settings: `--training.epochs`.

    Where and in what precision to compute does not count: see `machine_choices`.
    """
    if arguments and not arguments[0].startswith("-"):
        return True
    machine = {f"--training.{name}" for name in MACHINE_SETTINGS}
    return any("." in option and option not in machine for option in _options(arguments))


def machine_choices(training: TrainingSettings, arguments: list[str]) -> dict[str, str]:
    """Those of `MACHINE_SETTINGS` that the options name, and their values."""
    options = _options(arguments)
    named = [name for name in MACHINE_SETTINGS if f"--training.{name}" in options]
    return {name: getattr(training, name) for name in named}


def _options(arguments: list[str]) -> list[str]:
    names = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
    return [name.replace("_", "-") for name in names]


def decoding_options(chosen: object) -> DecodingOptions:
    """Those of a command, each under its own name; `evaluate` has no `threads`."""
    named = vars(chosen)
    names = [option.name for option in fields(DecodingOptions)]
    return DecodingOptions(**{n: named[n] for n in names if n in named or n != "threads"})


def run_search(run: str, beam_size: int | None, length_penalty: float | None) -> SearchSettings:
    """The run's own search with what the command line changes."""
    from seq2seq.checkpoint import find_run, read_config

    search = read_config(find_run(run)).settings.search
    if beam_size is not None:
        search = dataclasses.replace(search, beam_size=beam_size)
    if length_penalty is not None:
        search = dataclasses.replace(search, length_penalty=length_penalty)
    return search


def say(message: str) -> None:
    """One line for the user, on standard error."""
    print(message, file=sys.stderr, flush=True)
