"""A run's folder: settings, tokenizer, best weights, and the state that training goes on from.

    config.json          what the run is: settings, vocabulary sizes, the fingerprint of the text it
                         learns from, version of this layout; a language model's says so, and a
                         translation run's says nothing of it
    tokenizer.model      SentencePiece (two files where the languages have a vocabulary each)
    model.safetensors    the best weights on validation
    training_state.pt    the latest weights, optimiser, random numbers and counters
    metrics.jsonl        one line an event (`training/history.py`)
    scores.json          what `evaluate` measured

Every file is written under a temporary name, flushed to the disk and renamed, so that a kill or a
full disk at any moment leaves the last good file. Nothing is unpickled freely: weights are
safetensors, and the training state is read with `weights_only=True`.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seq2seq.config import (
    LanguageSettings,
    Settings,
    from_json,
    language_from_json,
    to_json,
)
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.model.language_model import LanguageModel

LAYOUT = "seq2seq run"
VERSION = 4  # of config.json
STATE_VERSION = 2  # of training_state.pt
RUNS = Path("checkpoints")
LANGUAGE_MODEL = "language-model"

# Settings that each version did not have, and what it did in their place.
_UNKNOWN_TO: dict[int, dict[str, dict[str, Any]]] = {
    1: {
        "model": {
            "query_word": False,
            "encoder_dropout": 0.0,
            "recurrent_dropout": 0.0,
            "sequence_dropout": False,
        },
        "training": {"subword_sampling": None},
    },
    2: {"model": {"lexical_readout": "none"}},
    3: {"training": {"start_from": None}},
}


class RunConfig(NamedTuple):
    """What `config.json` says."""

    settings: Settings
    source_vocabulary: int
    target_vocabulary: int
    corpus: str | None = None  # fingerprint of the text it learns from; None where nobody noted it


class LanguageConfig(NamedTuple):
    """What the `config.json` of a language model says."""

    settings: LanguageSettings
    vocabulary: int
    corpus: str | None = None  # see RunConfig


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which becomes `path` once all of it is on the disk.

    Raises:
        CheckpointError: the disk is full or refuses; what stood at `path` before stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(_why_not_written(path, error)) from error
    finally:
        with suppress(OSError):  # it has been renamed, or its folder is none
            temporary.unlink()


def _why_not_written(path: Path, error: Exception) -> str:
    kept = "the last good one stays" if path.exists() else "nothing was written"
    if getattr(error, "errno", None) == errno.ENOSPC or _disk_is_full(path):
        return (
            f"{path} could not be saved: the disk is full; {kept}. Make room and give the command "
            "again, a training's with --resume."
        )
    return f"{path} could not be saved: {str(error).splitlines()[0]}; {kept}."


def _disk_is_full(path: Path) -> bool:
    """Whether the disk has under 1 MiB left: writers that hide the errno fail for it."""
    try:
        status = os.statvfs(path.parent)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < 1 << 20


def write_json(path: Path, document: object, indent: int | None = 2) -> None:
    """Write one JSON document, whole or not at all; without indent it is one line."""
    with replacing(path) as temporary:
        text = json.dumps(document, ensure_ascii=False, indent=indent, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def find_run(name: str) -> Path:
    """The folder of a run: a path, or a bare name under `checkpoints/`.

    Raises:
        CheckpointError: there is no such folder, or it holds no run.
    """
    for folder in (Path(name), RUNS / name):
        if (folder / "config.json").is_file():
            return folder
    for folder in (Path(name), RUNS / name):
        if folder.is_dir():
            raise CheckpointError(f"{folder} holds no run: it has no config.json.")
    known = sorted(path.parent.name for path in RUNS.glob("*/config.json"))
    listed = f"there are {', '.join(known)}" if known else "there are none yet; train one first"
    raise CheckpointError(f"There is no run {name!r}; under {RUNS}/ {listed}.")


def find_runs(names: Sequence[str]) -> list[Path]:
    """The folders of runs that work together, in this order; see `find_run`.

    Raises:
        CheckpointError: one is not there.
        ConfigError: a run is named twice, be it by different paths.
    """
    folders = [find_run(name) for name in names]
    places = [folder.resolve() for folder in folders]
    for place, folder in enumerate(folders):
        if places[place] in places[:place]:
            raise ConfigError(f"{folder.name} is named twice; name each run once.")
    return folders


def write_config(folder: Path, config: RunConfig) -> None:
    """Say in the run's folder what the run is."""
    document = {
        "layout": LAYOUT,
        "version": VERSION,
        "source_vocabulary": config.source_vocabulary,
        "target_vocabulary": config.target_vocabulary,
        "corpus": config.corpus,
        "settings": to_json(config.settings),
    }
    write_json(folder / "config.json", document)


def write_language_config(folder: Path, config: LanguageConfig) -> None:
    """Say in the run's folder that it is a language model, and which."""
    document = {
        "layout": LAYOUT,
        "version": VERSION,
        "kind": LANGUAGE_MODEL,
        "vocabulary": config.vocabulary,
        "corpus": config.corpus,
        "settings": to_json(config.settings),
    }
    write_json(folder / "config.json", document)


def read_config(folder: Path) -> RunConfig:
    """What the translation run in this folder is.

    Raises:
        CheckpointError: no run of ours, one of another version or kind, or a damaged file.
    """
    document = _read_document(folder)
    if document.get("kind") == LANGUAGE_MODEL:
        raise CheckpointError(
            f"{folder} is a language model, which translates nothing; write text with: "
            f"seq2seq generate {folder}"
        )
    try:
        return RunConfig(
            from_json(document["settings"]),
            int(document["source_vocabulary"]),
            int(document["target_vocabulary"]),
            _noted_corpus(document),
        )
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'config.json'} is damaged: {error}") from None


def read_language_config(folder: Path) -> LanguageConfig:
    """What the language model in this folder is.

    Raises:
        CheckpointError: as `read_config`.
    """
    document = _read_document(folder)
    if document.get("kind") != LANGUAGE_MODEL:
        raise CheckpointError(
            f"{folder} is a translation run, not a language model; train one with: "
            "seq2seq language-model"
        )
    try:
        return LanguageConfig(
            language_from_json(document["settings"]),
            int(document["vocabulary"]),
            _noted_corpus(document),
        )
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'config.json'} is damaged: {error}") from None


def is_language_model(folder: Path) -> bool:
    """Whether the run in this folder is a language model's.

    Raises:
        CheckpointError: as `read_config`.
    """
    return _read_document(folder).get("kind") == LANGUAGE_MODEL


def _read_document(folder: Path) -> dict[str, Any]:
    """The run's `config.json`, which is of our layout and version."""
    path = folder / "config.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{folder} holds no run: it has no config.json.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from None
    if not isinstance(document, dict) or document.get("layout") != LAYOUT:
        raise CheckpointError(f"{path} was not written by seq2seq.")
    version = document.get("version")
    if type(version) is not int or version not in (*_UNKNOWN_TO, VERSION):
        raise CheckpointError(
            f"{path} is of version {version}; this program reads version {VERSION}. "
            "Use the program that trained the run, or train again."
        )
    known: dict[str, Any] = document
    for older in range(version, VERSION):
        known = _from_version(older, known)
    return known


def _from_version(version: int, document: dict[str, Any]) -> dict[str, Any]:
    """The same run as the version after this one would have written it."""
    settings = document.get("settings")
    is_language_model = document.get("kind") == LANGUAGE_MODEL
    if isinstance(settings, dict):  # else it is damaged, as the reader will say
        settings = {
            group: {**values, **_UNKNOWN_TO[version].get(group, {})}
            if isinstance(values, dict) and not (is_language_model and group == "model")
            else values
            for group, values in settings.items()
        }
    return {**document, "version": version + 1, "settings": settings}


def _noted_corpus(document: dict[str, Any]) -> str | None:
    """The fingerprint of the run's text; older runs do not have it."""
    corpus = document.get("corpus")
    if not isinstance(corpus, str | None):
        raise TypeError(f"corpus is {corpus!r}; it must be text.")
    return corpus


def lineage(run: Path) -> Iterator[Path]:
    """A run's folder, that of the run which it started from, and so on; the last may be gone."""
    seen: set[Path] = set()
    while run.resolve() not in seen:
        yield run
        seen.add(run.resolve())
        before = (
            read_config(run).settings.training.start_from
            if (run / "config.json").is_file()
            else None
        )
        if before is None:
            return
        try:
            run = find_run(before)
        except CheckpointError:
            run = RUNS / before


def build_model(config: RunConfig) -> EncoderDecoder:
    """A model with fresh weights, as the run's settings say."""
    return EncoderDecoder(config.settings.model, config.source_vocabulary, config.target_vocabulary)


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The model's own tensors by name, shared ones once."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights as safetensors, whole or not at all."""
    whole = {name: weight.contiguous().cpu() for name, weight in weights.items()}
    with replacing(path) as temporary:
        save_file(whole, temporary, metadata={"layout": LAYOUT, "version": str(VERSION)})


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read weights that `save_weights` wrote.

    Raises:
        CheckpointError: the file is missing, truncated or not safetensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: the run has not reached its first validation.")
    try:
        weights: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is truncated or no weights file: {error}.") from None
    return weights


def put_weights(model: nn.Module, weights: dict[str, Tensor], origin: Path) -> None:
    """Give a model these weights.

    Raises:
        CheckpointError: names or shapes differ from the model's; `origin` is named.
    """
    own = weights_of(model)
    wrong = sorted(set(own) ^ set(weights))
    wrong += [n for n in own if n in weights and own[n].shape != weights[n].shape]
    if wrong:
        raise CheckpointError(
            f"{origin} does not fit the run's settings: {len(wrong)} weights differ, "
            f"{wrong[0]} first."
        )
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(weights[name])


def load_model(folder: Path) -> EncoderDecoder:
    """The run's model with its best weights, ready to translate."""
    model = build_model(read_config(folder))
    path = folder / "model.safetensors"
    put_weights(model, load_weights(path), path)
    return model.eval()


def load_language_model(folder: Path) -> LanguageModel:
    """The run's language model with its best weights, ready to go on from a prompt."""
    config = read_language_config(folder)
    model = LanguageModel(config.settings.model, config.vocabulary)
    path = folder / "model.safetensors"
    put_weights(model, load_weights(path), path)
    return model.eval()


def save_training_state(folder: Path, state: dict[str, Any]) -> None:
    """Write what training goes on from: tensors, numbers, texts, lists and dicts only."""
    with replacing(folder / "training_state.pt") as temporary:
        torch.save(state, temporary)


def load_training_state(folder: Path) -> dict[str, Any]:
    """Read what `save_training_state` wrote.

    Raises:
        CheckpointError: missing, truncated, or holding anything but plain values.
    """
    path = folder / "training_state.pt"
    if not path.is_file():
        raise CheckpointError(f"{path} is missing, so there is nothing to resume from.")
    return _guarded(path, lambda: torch.load(path, map_location="cpu", weights_only=True))


def _guarded(path: Path, load: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    # torch reports damage by whatever its reader trips over first, so every kind is meant.
    try:
        state = load()
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} is truncated or not ours: {reason}") from None
    if not isinstance(state, dict) or state.get("version") != STATE_VERSION:
        raise CheckpointError(f"{path} is not a training state of version {STATE_VERSION}.")
    return state
