"""The command line: train, evaluate, translate, compare.

Tables and translations go to standard output, progress and messages to standard error. Exit codes:
0 done, 2 a user's mistake (one line that says what to do), 1 a fault of ours, 130 interrupted.

Whatever needs torch is imported by the command that needs it, so that help answers at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import tyro

from seq2seq.config import (
    PRESETS,
    CorpusSettings,
    ModelSettings,
    SearchSettings,
    Settings,
    System,
    TokenizerSettings,
    TrainingSettings,
    preset,
    with_system,
)
from seq2seq.errors import CheckpointError, ConfigError, Seq2SeqError

if TYPE_CHECKING:
    from seq2seq.inference.translator import Translation

LINES_AT_ONCE = 500
COMMANDS = {
    "train": "train a translation model",
    "evaluate": "BLEU, chrF2 and TER of runs, with signatures and confidence intervals",
    "translate": "standard input to standard output, one line in, one line out",
    "compare": "train systems on the same data and set their scores side by side",
}

USAGE = f"""usage: seq2seq COMMAND [OPTIONS]

Recurrent translation, with one context vector and with attention.

commands
{chr(10).join(f"  {name:<10} {what}" for name, what in COMMANDS.items())}

examples
  seq2seq train                                          the embedded English-Korean phrasebook
  seq2seq train multi30k --system attention              Multi30k, English to German
  seq2seq train --corpus.name data/news --corpus.source-language en --corpus.target-language fr
  seq2seq evaluate RUN --split test
  echo "The man reads a book." | seq2seq translate RUN
  seq2seq compare phrasebook --systems lstm attention

`seq2seq COMMAND --help` lists a command's options. Presets: {", ".join(PRESETS)}.
"""


@dataclass(frozen=True)
class Train:
    """Train a translation model: seq2seq train [PRESET] [OPTIONS].

    Presets: phrasebook (the default; nothing is fetched) and multi30k. Every option below shows
    the preset's value as its default.
    """

    run: str | None = None
    """Name of the run's folder under checkpoints/, or a path; by default made of corpus, languages,
    system and seed."""
    resume: bool = False
    """Go on with a run that was stopped; its own settings apply."""
    system: System = "attention"
    """One rung of the ladder; options under model refine it."""
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    search: SearchSettings = field(default_factory=SearchSettings)


@dataclass(frozen=True)
class Evaluate:
    """Score runs on splits of their corpus: BLEU, chrF2, TER by sacrebleu on cased plain text."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Folders under checkpoints/, or paths."""
    split: tuple[str, ...] = ("test",)
    """Splits to translate."""
    beam_size: int | None = None
    """Hypotheses kept; the run's own setting if absent."""
    length_penalty: float | None = None
    """Exponent of the length normalisation; the run's own setting if absent."""
    json: bool = False
    """Print one JSON document instead of tables."""


@dataclass(frozen=True)
class Translate:
    """Translate standard input to standard output, one line in, one line out."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder under checkpoints/, or a path."""
    beam_size: int | None = None
    """Hypotheses kept; the run's own setting if absent; 1 is greedy."""
    length_penalty: float | None = None
    """Exponent of the length normalisation; the run's own setting if absent."""
    n_best: int = 1
    """Translations a sentence; above 1 each line reads `number ||| translation ||| score`."""
    attention: Path | None = None
    """Draw the first sentence's attention map into this PNG or SVG file."""
    threads: int | None = None
    """CPU threads; the default leaves the choice to torch."""


@dataclass(frozen=True)
class Compare:
    """Train systems on the same data, tokenizer, batches and budget; set them side by side.

    seq2seq compare [PRESET] [OPTIONS]. Finished runs are used again, unfinished ones go on.
    """

    systems: tuple[System, ...] = ("lstm", "attention")
    """Rungs of the ladder to compare."""
    run: str | None = None
    """Prefix of the runs' names; by default made of corpus, languages and seed."""
    json: bool = False
    """Print one JSON document instead of tables."""
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    search: SearchSettings = field(default_factory=SearchSettings)


CommandT = TypeVar("CommandT")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(arguments)
    except Seq2SeqError as error:
        print(f"seq2seq: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("seq2seq: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing is wrong, and nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    command, rest = arguments[0], arguments[1:]
    match command:
        case "train":
            return _train(rest)
        case "evaluate":
            return _evaluate(_parse(Evaluate, command, rest))
        case "translate":
            return _translate(_parse(Translate, command, rest))
        case "compare":
            return _compare(rest)
        case "--version":
            from importlib.metadata import version

            print(f"seq2seq {version('seq2seq')}")
            return 0
    raise ConfigError(f"There is no command {command!r}; there are {', '.join(COMMANDS)}.")


def _parse(
    kind: type[CommandT], command: str, arguments: list[str], default: CommandT | None = None
) -> CommandT:
    """Arguments to a command's dataclass; what tyro objects to becomes one line."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            parsed: CommandT = tyro.cli(
                kind,
                prog=f"seq2seq {command}",
                args=arguments,
                default=tyro.MISSING_NONPROP if default is None else default,
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise ConfigError(_one_line(complaint.getvalue(), command)) from None
    return parsed


def _one_line(complaint: str, command: str) -> str:
    """Tyro's boxed complaint without its box."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" │╭╮╰╯─") for line in complaint.split("\n")]
    said = [line for line in lines[1:] if line and "For full helptext" not in line]
    return f"{' '.join(said) or complaint.strip()} See `seq2seq {command} --help`."


def _split_preset(arguments: list[str]) -> tuple[Settings, list[str]]:
    """The preset named first, if one is, and the other arguments."""
    if arguments and not arguments[0].startswith("-"):
        return preset(arguments[0]), arguments[1:]
    return preset("phrasebook"), arguments


def _chosen_system(arguments: list[str]) -> System:
    """The value of `--system`, needed before the rest because it sets the others' defaults."""
    found: str = "attention"
    for place, argument in enumerate(arguments):
        if argument == "--system" and place + 1 < len(arguments):
            found = arguments[place + 1]
        elif argument.startswith("--system="):
            found = argument.partition("=")[2]
    for system in get_args(System):
        if system == found:
            return system  # type: ignore[no-any-return]
    raise ConfigError(f"There is no system {found!r}; there are {', '.join(get_args(System))}.")


def _run_name(settings: Settings, system: str | None) -> str:
    """Corpus, languages, system and, unless it is the first, seed: `multi30k-en-de-attention`."""
    first_file = settings.corpus.name.partition(",")[0].rstrip("/")
    corpus = Path(first_file).name.partition(".")[0] or "corpus"
    parts = [corpus, settings.corpus.source_language, settings.corpus.target_language]
    if system:
        parts.append(system)
    if settings.training.seed != 1:
        parts.append(f"seed{settings.training.seed}")
    return "-".join(parts)


def _run_folder(name: str) -> Path:
    from seq2seq.checkpoint import RUNS

    return Path(name) if "/" in name else RUNS / name


def _groups(settings: Settings | Train | Compare) -> dict[str, Any]:
    """The five groups of settings by name."""
    return {item.name: getattr(settings, item.name) for item in dataclasses.fields(Settings)}


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _train(arguments: list[str]) -> int:
    base, rest = _split_preset(arguments)
    system = _chosen_system(rest)
    base = with_system(base, system)
    chosen = _parse(Train, "train", rest, Train(system=system, **_groups(base)))
    settings = Settings(**_groups(chosen))
    name = chosen.run or _run_name(settings, system)
    folder = _run_folder(name)
    from seq2seq import pipeline
    from seq2seq.training.loop import Interrupted

    if chosen.resume:
        named_settings = arguments != rest or any(
            "." in flag or "--system" in flag for flag in rest
        )
        settings = pipeline.settings_to_resume(folder, settings if named_settings else None)
        if pipeline.is_finished(folder):
            _say(f"{folder} is finished already. Score it with: seq2seq evaluate {name}")
            return 0
    elif (folder / "config.json").exists():
        raise CheckpointError(
            f"{folder} exists already; go on with it by --resume, or give another --run NAME."
        )
    try:
        pipeline.train_run(settings, folder, chosen.resume, _say)
    except Interrupted as stop:
        _say(f"Saved at update {stop.update:,}. Go on with: seq2seq train --run {name} --resume")
        return 130
    _say(f"The run lies in {folder}. Score it with: seq2seq evaluate {name}")
    return 0


def _search(run: str, beam_size: int | None, length_penalty: float | None) -> SearchSettings:
    """The run's own search with what the command line changes."""
    from seq2seq.checkpoint import find_run, read_config

    search = read_config(find_run(run)).settings.search
    if beam_size is not None:
        search = dataclasses.replace(search, beam_size=beam_size)
    if length_penalty is not None:
        search = dataclasses.replace(search, length_penalty=length_penalty)
    return search


def _evaluate(chosen: Evaluate) -> int:
    from seq2seq import pipeline

    if not chosen.runs:
        raise ConfigError("Name at least one run: seq2seq evaluate RUN.")
    documents: dict[str, object] = {}
    for run in chosen.runs:
        search = _search(run, chosen.beam_size, chosen.length_penalty)
        evaluations = pipeline.evaluate_run(run, chosen.split, search, _say)
        documents[run] = [evaluation.as_json() for evaluation in evaluations]
        if not chosen.json:
            for evaluation in evaluations:
                from seq2seq.report.tables import evaluation_text

                print(evaluation_text(run, evaluation.as_json()))
    if chosen.json:
        print(json.dumps(documents, ensure_ascii=False, indent=2))
    return 0


def _translate(chosen: Translate) -> int:
    from seq2seq import pipeline

    search = _search(chosen.run, chosen.beam_size, chosen.length_penalty)
    translator = pipeline.load_translator(chosen.run, search, _say, chosen.threads)
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass", newline="\n")  # type: ignore[union-attr]
    # A person who types wants each answer at once; a file goes faster in large batches.
    at_once = 1 if sys.stdin.isatty() else LINES_AT_ONCE
    with_weights = chosen.attention is not None
    lines = translator.translate_lines(sys.stdin.buffer, chosen.n_best, with_weights, at_once)
    for number, translation in enumerate(lines):
        if number == 0 and chosen.attention:
            _draw_attention(translation, chosen.attention)
        _print_translation(number, translation, chosen.n_best)
    sys.stdout.flush()
    return 0


def _print_translation(number: int, translation: Translation, n_best: int) -> None:
    if n_best == 1:
        print(translation.text, flush=sys.stdin.isatty())
        return
    for candidate in translation.candidates:
        print(f"{number} ||| {candidate.text} ||| {candidate.score:.4f}")


def _draw_attention(translation: Translation, path: Path) -> None:
    from seq2seq.report.plots import attention_map

    if translation.weights is None:
        raise ConfigError(
            "There is no attention to draw: the first sentence is empty, or the run has none."
        )
    attention_map(
        translation.source_pieces, translation.target_pieces, translation.weights.numpy(), path
    )
    _say(f"The attention map of the first sentence lies in {path}.")


def _compare(arguments: list[str]) -> int:
    base, rest = _split_preset(arguments)
    chosen = _parse(Compare, "compare", rest, Compare(**_groups(base)))
    from seq2seq import pipeline
    from seq2seq.checkpoint import RUNS
    from seq2seq.report.tables import comparison_text
    from seq2seq.training.loop import Interrupted

    settings = Settings(**_groups(chosen))
    prefix = chosen.run or _run_name(settings, None)
    try:
        comparison = pipeline.compare_systems(settings, chosen.systems, prefix, RUNS, _say)
    except Interrupted:
        _say("Saved. The same command goes on from here.")
        return 130
    print(
        json.dumps(comparison.as_json(), ensure_ascii=False, indent=2)
        if chosen.json
        else comparison_text(comparison)
    )
    return 0
