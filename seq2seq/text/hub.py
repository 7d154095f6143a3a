"""Datasets on the Hugging Face hub: the only file that imports `datasets`.

The library asks an unreachable hub six times over some twenty seconds, and says so each time. So
the hub is asked once here, with a limit in seconds; where it does not answer, the library is told
to use what was fetched before.
"""

from __future__ import annotations

import os
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from seq2seq.errors import CorpusError
from seq2seq.text.readers import (
    ROWS_AT_ONCE,
    Languages,
    RawPair,
    Report,
    arrow_columns,
    arrow_faults,
    arrow_pairs,
    one_line,
)

REACH_SECONDS = 5.0  # for the hub's answer
PATIENCE_SECONDS = 7.0  # with a name server that never answers, which has no time limit of its own


def fetch_dataset(name: str, subset: str | None, report: Report) -> dict[str, Any]:
    """A hub dataset's own splits, fetched or from the library's cache.

    Raises:
        CorpusError: there is no such dataset or subset, or it is neither in reach nor cached.
    """
    hub_answers = not _is_offline() and _reaches_hub(name)
    report(
        f"Fetching {name} from the Hugging Face hub."
        if hub_answers
        else f"The Hugging Face hub is out of reach; looking for {name} in its cache."
    )
    import datasets

    # A failed load closes the library's own HTTP session; nothing it says helps a user.
    with _quiet(datasets), _offline_unless(hub_answers):
        try:
            loaded = datasets.load_dataset(name, subset)
        except Exception as error:
            raise CorpusError(_explain(name, subset, hub_answers, error)) from None
    if not isinstance(loaded, dict):
        raise CorpusError(f"The hub dataset {name} has no splits, which a corpus needs.")
    return {str(split): dataset for split, dataset in loaded.items()}


def dataset_fingerprint(dataset: Any) -> str:
    """The library's name for the dataset's content: of the hub's revision, subset and split."""
    return str(dataset._fingerprint)


def read_dataset(where: str, dataset: Any, languages: Languages) -> Iterator[RawPair]:
    """The pairs of one split, a batch of rows at a time.

    Raises:
        CorpusError: it lacks a language.
    """
    columns = arrow_columns(where, dataset.features.arrow_schema, languages)
    with arrow_faults(f"{where} cannot be read"):
        for table in dataset.with_format("arrow").iter(batch_size=ROWS_AT_ONCE):
            yield from arrow_pairs(table, columns)


def _explain(name: str, subset: str | None, hub_answers: bool, error: Exception) -> str:
    what = one_line(error)
    if not hub_answers:
        return (
            f"There is no local file or folder {name!r}, and the Hugging Face hub cannot be "
            f"reached, nor is {name} in its cache. Name a local copy: --corpus.name path/to/folder"
        )
    if type(error).__name__ == "DatasetNotFoundError":
        return f"There is no local file or folder {name!r}, and the hub says: {what}."
    if "config" in what.lower():
        asked = "no subset was named" if subset is None else f"the subset {subset!r} was named"
        return f"{name}: {asked}; choose one with --corpus.subset. The library says: {what}."
    return (
        f"{name} cannot be loaded from the Hugging Face hub: {what}. "
        "Name a local copy: --corpus.name path/to/folder"
    )


def _is_offline() -> bool:
    names = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
    return any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in names)


def _reaches_hub(name: str) -> bool:
    """Whether the hub answers at all; what it says about the dataset is for the library to hear."""
    answers: list[bool] = []
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    question = urllib.request.Request(f"{endpoint}/api/datasets/{name}", method="HEAD")

    def ask() -> None:
        try:
            with urllib.request.urlopen(question, timeout=REACH_SECONDS):
                answers.append(True)
        except urllib.error.HTTPError:
            answers.append(True)  # "no such dataset" or "log in" is an answer
        except (OSError, ValueError) as error:
            # Python's own certificates may be wrong where the library's are right.
            answers.append(isinstance(getattr(error, "reason", None), ssl.SSLError))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return any(answers)


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Neither progress bars nor warnings of the library on the screen meanwhile."""
    import huggingface_hub

    loggers = (datasets.logging, huggingface_hub.logging)
    levels = [logger.get_verbosity() for logger in loggers]
    had_bars = not datasets.are_progress_bars_disabled()
    for logger in loggers:
        logger.set_verbosity(50)  # CRITICAL
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.set_verbosity(level)
        if had_bars:
            datasets.enable_progress_bars()


@contextmanager
def _offline_unless(hub_answers: bool) -> Iterator[None]:
    """The library's own offline mode meanwhile, where the hub does not answer."""
    import datasets.config
    import huggingface_hub.constants

    modules: tuple[Any, ...] = (datasets.config, huggingface_hub.constants)
    before = [module.HF_HUB_OFFLINE for module in modules]
    if not hub_answers:
        for module in modules:
            module.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            module.HF_HUB_OFFLINE = value
