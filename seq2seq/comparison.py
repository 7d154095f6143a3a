"""The ladder from text to report: train what is missing, evaluate all, compare, draw.

`pipeline.py` is the journey of one run; here many make it and are set side by side.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from seq2seq import language, pipeline, translating
from seq2seq.checkpoint import (
    LANGUAGE_MODEL,
    RUNS,
    LanguageConfig,
    RunConfig,
    find_run,
    is_language_model,
    read_config,
    read_language_config,
)
from seq2seq.config import LanguageSettings, Rung, Settings, System, language_settings, with_system
from seq2seq.errors import CheckpointError, ConfigError, Seq2SeqError, TrainingError
from seq2seq.evaluation.comparability import Placed, require_comparable
from seq2seq.evaluation.compare import compare_runs
from seq2seq.evaluation.evaluate import read_scores
from seq2seq.evaluation.ground_floor import require_same_subwords
from seq2seq.evaluation.matching import RULE, Sized, count_parameters, match_parameters
from seq2seq.evaluation.material import Entrant, Material
from seq2seq.learnt import warn_of_other_text
from seq2seq.report.folder import write_report
from seq2seq.text.alignments import load_alignments
from seq2seq.text.corpus import Corpus, load_corpus
from seq2seq.training.averaging import average_kind
from seq2seq.training.history import History
from seq2seq.training.ladder_display import DONE, FAILED, LadderDisplay
from seq2seq.training.loop import Display, Interrupted

COMPARISONS = RUNS / "comparisons"
LONGEST_NAME = 150
Report = Callable[[str], None]
Match = Literal["parameters", "none"]


class Planned(NamedTuple):
    """One run that a comparison needs."""

    system: str
    settings: Settings | LanguageSettings
    folder: Path


class Compared(NamedTuple):
    """A comparison and where its report lies."""

    document: dict[str, Any]
    folder: Path


def compare_systems(
    settings: Settings,
    systems: Sequence[Rung],
    seeds: Sequence[int],
    match: Match,
    run_prefix: str,
    name: str | None,
    report: Report,
) -> Compared:
    """Train what is missing, each system with the same data, tokenizer and budget; compare all.

    A finished run is used as it is, an unfinished one goes on where it stopped. A run that fails
    is shown as failed, and the others go on. A language model stands below the systems: it is
    trained like them, of the same text and subwords, and only its perplexity is set beside theirs.

    Raises:
        ConfigError: a system or seed is named twice, or none is that translates.
        CheckpointError: a folder holds a run with other settings.
        TrainingError: all runs failed.
        Interrupted: Ctrl-C; everything is saved.
    """
    _require_distinct("systems", systems)
    _require_distinct("seeds", seeds)
    translating = [system for system in systems if system != "language-model"]
    if not translating:
        raise ConfigError(
            "A language model alone translates nothing to compare; name a system beside it, or "
            "train it with: seq2seq language-model."
        )
    corpus = load_corpus(settings.corpus, pipeline.DATA / "prepared", report)
    tokenizer = pipeline.prepare_tokenizer(corpus, settings.tokenizer, report)
    vocabularies = tokenizer.source_vocabulary_size, tokenizer.target_vocabulary_size
    sized = _sized(settings, translating, match, vocabularies)
    chosen: dict[str, Settings | LanguageSettings] = {
        LANGUAGE_MODEL: language_settings(settings),
        **{system: one.settings for system, one in sized.items()},
    }
    plan = [
        _planned(system, settings, chosen[system], seed, run_prefix)
        for seed in seeds
        for system in systems
    ]
    for planned in plan:
        require_settings(planned.settings, planned.folder, corpus)
    splits = require_comparable({run_prefix: Placed(settings, corpus)})
    display = LadderDisplay([planned.folder.name for planned in plan])
    entrants = [_entrant(planned, splits, corpus, display, report) for planned in plan]
    matching = {
        "rule": RULE if match == "parameters" else None,
        "hidden_sizes": {system: one.settings.model.hidden_size for system, one in sized.items()},
        "preset_hidden_size": settings.model.hidden_size,
    }
    folder = COMPARISONS / _short_name(name or _default_name(run_prefix, systems, seeds))
    return _compare(entrants, splits, corpus, settings, folder, matching, report)


def compare_existing(names: Sequence[str], name: str | None, report: Report) -> Compared:
    """Compare runs that exist; those that differ in nothing but the seed are one system.

    A language model among them stands below the others, see `compare_systems`.

    Raises:
        CheckpointError: there is no such run, or it is not trained to its end.
        ConfigError: a run is named twice, only one is named, or none that translates, or language
            models that differ in more than the seed.
        CorpusError: the runs cannot be compared, and in what they differ.
    """
    if len(names) < 2:
        raise ConfigError("Name at least two runs: seq2seq compare RUN RUN.")
    folders = [find_run(run) for run in names]
    _require_distinct("runs", [str(folder.resolve()) for folder in folders])
    for folder in folders:
        if not pipeline.is_finished(folder):
            raise CheckpointError(f"{folder} is not trained to its end; go on with --resume.")
    # The language model comes last, so that the others are what it is held against.
    folders.sort(key=is_language_model)
    labels = _labels(folders)
    placed = _placed(folders, labels, report)
    splits = require_comparable(placed)
    kinds = {labels[folder]: average_kind(folder) for folder in folders}
    systems = _grouped({label: (one.settings, kinds[label]) for label, one in placed.items()})
    entrants = [
        Entrant(systems[labels[folder]], placed[labels[folder]].settings.training.seed, folder)
        for folder in folders
    ]
    translating, models = _parted(entrants)
    if not translating:
        raise ConfigError("Language models translate nothing to compare; name a translation run.")
    if len({model.system for model in models}) > 1:
        raise ConfigError(
            f"{models[0].folder.name} and {models[-1].folder.name} are language models that differ "
            "in more than the seed; name one of them."
        )
    require_same_subwords(translating, models)
    for entrant in entrants:
        _evaluate_missing(entrant.folder, splits, placed[labels[entrant.folder]].corpus, report)
    first = placed[labels[folders[0]]]
    home = COMPARISONS / _short_name(name or "-vs-".join(find_run(one).name for one in names))
    return _compare(entrants, splits, first.corpus, first.settings, home, None, report)


def _placed(
    folders: Sequence[Path], labels: Mapping[Path, str], report: Report
) -> dict[str, Placed]:
    """Each run's settings and corpus by its label; each corpus is opened once."""
    corpora: dict[Any, Corpus] = {}
    placed = {}
    for folder in folders:
        config = _config(folder)
        settings = config.settings
        if settings.corpus not in corpora:
            corpora[settings.corpus] = load_corpus(
                settings.corpus, pipeline.DATA / "prepared", report
            )
        warn_of_other_text(folder, config.corpus, corpora[settings.corpus], report)
        placed[labels[folder]] = Placed(settings, corpora[settings.corpus])
    return placed


def _config(folder: Path) -> RunConfig | LanguageConfig:
    return read_language_config(folder) if is_language_model(folder) else read_config(folder)


def _parted(entrants: Sequence[Entrant]) -> tuple[list[Entrant], list[Entrant]]:
    """Those that translate, and the language models."""
    models = [one for one in entrants if _is_language_entrant(one)]
    return [one for one in entrants if one not in models], models


def _is_language_entrant(entrant: Entrant) -> bool:
    if entrant.system == LANGUAGE_MODEL:
        return True
    return entrant.failure is None and is_language_model(entrant.folder)


def _require_distinct(what: str, values: Sequence[object]) -> None:
    if not values:
        raise ConfigError(f"There are no {what} to compare; name at least one.")
    for value in values:
        if values.count(value) > 1:
            raise ConfigError(f"{value} stands twice among the {what}; name each once.")


def _sized(
    settings: Settings, systems: Sequence[System], match: Match, vocabularies: tuple[int, int]
) -> dict[str, Sized]:
    """Each system's settings, of the matched size if that is wanted."""
    wanted: dict[str, Settings] = {system: with_system(settings, system) for system in systems}
    if match == "parameters":
        return match_parameters(wanted, *vocabularies)
    return {
        system: Sized(one, count_parameters(one, *vocabularies)) for system, one in wanted.items()
    }


def _planned(
    system: str, base: Settings, settings: Settings | LanguageSettings, seed: int, run_prefix: str
) -> Planned:
    """The run of a system and a seed: PREFIX-SYSTEM, and what differs from preset and seed 1."""
    training = dataclasses.replace(settings.training, seed=seed)
    parts = [run_prefix, system]
    if settings.model.hidden_size != base.model.hidden_size:
        parts.append(f"h{settings.model.hidden_size}")
    if seed != 1:
        parts.append(f"seed{seed}")
    return Planned(system, dataclasses.replace(settings, training=training), RUNS / "-".join(parts))


def _default_name(run_prefix: str, systems: Sequence[str], seeds: Sequence[int]) -> str:
    parts = [run_prefix, *systems]
    if list(seeds) != [1]:
        parts += ["seeds", *map(str, seeds)] if len(seeds) > 1 else [f"seed{seeds[0]}"]
    return "-".join(parts)


def _short_name(name: str) -> str:
    """A name that every file system takes."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _labels(folders: Sequence[Path]) -> dict[Path, str]:
    """What to call each run: its folder's name, with the path where two share it."""
    names = [folder.name for folder in folders]
    return {
        folder: folder.name if names.count(folder.name) == 1 else str(folder) for folder in folders
    }


def _grouped(
    runs: Mapping[str, tuple[Settings | LanguageSettings, str | None]],
) -> dict[str, str]:
    """The system each run belongs to: runs that differ in nothing but the seed share one.

    A system is named like the first of its runs.

    Args:
        runs: by label, settings and what the run is the average of, if it is one.
    """
    firsts: list[tuple[object, str, list[int]]] = []
    found: dict[str, str] = {}
    for label, (settings, average) in runs.items():
        seed = settings.training.seed
        training = dataclasses.replace(settings.training, seed=0)
        plain = dataclasses.replace(settings, training=training), average
        for known, name, seeds in firsts:
            if known == plain and seed not in seeds:
                seeds.append(seed)
                found[label] = name
                break
        else:
            firsts.append((plain, label, [seed]))
            found[label] = label
    return found


def require_settings(settings: Settings | LanguageSettings, folder: Path, corpus: Corpus) -> None:
    """Refuse a folder that holds a run with other settings, or of other text.

    Raises:
        CheckpointError: it does, and in what they differ.
    """
    if not (folder / "config.json").is_file():
        return
    kept: RunConfig | LanguageConfig
    if isinstance(settings, LanguageSettings):
        kept = read_language_config(folder)
        difference = pipeline.first_difference(kept.settings, settings)
    else:
        kept = read_config(folder)
        difference = pipeline.first_difference(kept.settings, settings)
    if difference:
        other = f"with other settings ({difference})"
    elif kept.corpus not in (None, corpus.fingerprint):
        other = f"on other text ({corpus.name} or the rules of cleaning have changed since)"
    else:
        return
    raise CheckpointError(
        f"{folder} was trained {other}; "
        "name this comparison differently with --run, or delete that folder."
    )


def _entrant(
    planned: Planned, splits: Sequence[str], corpus: Corpus, display: LadderDisplay, report: Report
) -> Entrant:
    """Train and evaluate one run; if it fails, say why and go on."""
    failure = None
    try:
        ensure_trained(planned.settings, planned.folder, corpus, report, display)
        display.set_state(planned.folder.name, DONE, History(planned.folder).events())
        _evaluate_missing(planned.folder, splits, corpus, report)
    except Interrupted:
        raise
    except Exception as error:
        # Whatever broke one run must not take the hours of the others with it.
        failure = " ".join(str(error).split())
        if not isinstance(error, Seq2SeqError):
            failure = f"{type(error).__name__}: {failure}"
        display.set_state(planned.folder.name, FAILED)
        report(f"{planned.folder.name}: failed: {failure}")
    return Entrant(planned.system, planned.settings.training.seed, planned.folder, failure)


def ensure_trained(
    settings: Settings | LanguageSettings,
    folder: Path,
    corpus: Corpus,
    report: Report,
    display: Display | None = None,
) -> None:
    """Train this run unless it is finished; go on if it was begun.

    Raises:
        CheckpointError: the folder holds a run with other settings.
    """
    require_settings(settings, folder, corpus)
    if pipeline.is_finished(folder):
        report(f"{folder.name}: trained already")
        return
    begun = (folder / "config.json").is_file()
    report(f"{folder.name}: {'going on' if begun else 'training'}")
    if isinstance(settings, LanguageSettings):
        language.train_language_run(settings, folder, begun, report, display)
    else:
        pipeline.train_run(settings, folder, begun, report, display)


def _evaluate_missing(folder: Path, splits: Sequence[str], corpus: Corpus, report: Report) -> None:
    """Translate and score the splits that this run's folder does not hold yet.

    A language model's perplexity is measured anew each time: it takes a moment.
    """
    if is_language_model(folder):
        language.evaluate_language_run(folder, report)
        return
    missing = [split for split in splits if not _is_evaluated(folder, split, corpus)]
    if missing and not os.access(folder, os.W_OK):
        raise CheckpointError(
            f"{folder} cannot be written, and its translations of {' and '.join(missing)} are "
            "missing or old; compare a copy of it."
        )
    if missing:
        translating.evaluate_run(str(folder), missing, None, report)


def _is_evaluated(folder: Path, split: str, corpus: Corpus) -> bool:
    """Whether the split's scores are of these weights, this text and the run's own search."""
    kept = read_scores(folder).get(split, {})
    search = read_config(folder).settings.search
    translations, weights = folder / f"translations.{split}.txt", folder / "model.safetensors"
    return (
        kept.get("corpus") == corpus.fingerprint
        and kept.get("beam_size") == search.beam_size
        and kept.get("length_penalty") == search.length_penalty
        and translations.is_file()
        and translations.stat().st_mtime >= weights.stat().st_mtime
    )


def _compare(
    entrants: list[Entrant],
    splits: list[str],
    corpus: Corpus,
    settings: Settings | LanguageSettings,
    folder: Path,
    matching: dict[str, Any] | None,
    report: Report,
) -> Compared:
    """Measure, and write the report's folder."""
    translating, models = _parted(entrants)
    failures = [entrant.failure for entrant in translating if entrant.failure is not None]
    if len(failures) == len(translating):
        raise TrainingError(
            f"All {len(translating)} runs failed, the first one thus: {failures[0]}"
        )
    alignments = load_alignments(settings.corpus, corpus, pipeline.DATA / "alignments")
    material = Material(translating, corpus, splits, alignments, models)
    document = compare_runs(material, report)
    document["matching"] = matching
    document["name"] = folder.name
    write_report(document, folder)
    return Compared(document, folder)
