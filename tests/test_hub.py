"""Hub datasets: made in memory in place of the hub, and a hub that is out of reach."""

from __future__ import annotations

import logging
import ssl
import time
import urllib.error
from email.message import Message
from typing import Any

import datasets
import huggingface_hub.constants
import pytest

from seq2seq.config import CorpusSettings
from seq2seq.errors import CorpusError
from seq2seq.text import hub
from seq2seq.text.sources import Source, find_source


def find(subset: str | None = None, messages: list[str] | None = None) -> Source:
    settings = CorpusSettings(
        name="someone/dataset", subset=subset, source_language="en", target_language="de"
    )
    return find_source(settings, ([] if messages is None else messages).append)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a reachable hub whose answer to every load is this dataset, or this error."""

    def serve(answer: Any) -> list[tuple[str, str | None]]:
        asked: list[tuple[str, str | None]] = []

        def load(name: str, subset: str | None) -> Any:
            asked.append((name, subset))
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(hub, "_reaches_hub", lambda name: True)
        monkeypatch.setattr(datasets, "load_dataset", load)
        return asked

    return serve


def test_flat_columns_and_its_own_splits(serve: Any) -> None:
    rows = {"de": ["eins", None], "en": ["one", "two"], "id": [1, 2]}
    split = datasets.Dataset.from_dict(rows)
    asked = serve(datasets.DatasetDict({"train": split, "val": split, "long": split}))
    messages: list[str] = []
    source = find("de-en", messages)
    assert asked == [("someone/dataset", "de-en")]
    assert messages == ["Fetching someone/dataset from the Hugging Face hub."]
    assert set(source.splits) == {"train", "validation", "long"}
    assert list(source.splits["validation"]()) == [("one", "eins"), ("two", None)]
    assert str(split._fingerprint) in source.identity


def test_a_nested_translation_over_many_batches(serve: Any) -> None:
    rows = [{"en": f"e{row}", "de": f"d{row}"} for row in range(9000)]
    features = datasets.Features({"translation": datasets.Translation(["de", "en"])})
    split = datasets.Dataset.from_dict({"translation": rows}, features=features)
    serve(datasets.DatasetDict({"train": split}))
    assert list(find().splits["train"]()) == [(f"e{row}", f"d{row}") for row in range(9000)]


def test_languages_that_it_does_not_have(serve: Any) -> None:
    serve(datasets.DatasetDict({"train": datasets.Dataset.from_dict({"en": ["a"], "fr": ["b"]})}))
    pairs = find().splits["train"]()
    with pytest.raises(CorpusError, match=r"^someone/dataset \(train\) has en, fr; not de. Choose"):
        next(pairs)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            datasets.exceptions.DatasetNotFoundError("Dataset 'someone/dataset' doesn't exist."),
            "There is no local file or folder 'someone/dataset', and the hub says: "
            "Dataset 'someone/dataset' doesn't exist.",
        ),
        (
            ValueError("Config name is missing.\nPlease pick one: ['de-en', 'fr-en']"),
            "someone/dataset: no subset was named; choose one with --corpus.subset. The library "
            "says: Config name is missing. Please pick one: ['de-en', 'fr-en'].",
        ),
        (
            RuntimeError("Dataset scripts are no longer supported"),
            "someone/dataset cannot be loaded from the Hugging Face hub: Dataset scripts are no "
            "longer supported. Name a local copy: --corpus.name path/to/folder",
        ),
        (
            datasets.Dataset.from_dict({"en": ["a"]}),
            "The hub dataset someone/dataset has no splits, which a corpus needs.",
        ),
        (
            datasets.DatasetDict(
                {name: datasets.Dataset.from_dict({"en": ["a"]}) for name in ("val", "dev")}
            ),
            "someone/dataset has one split under two names: dev, val. Name a local copy with one "
            "of them: --corpus.name path/to/folder",
        ),
    ],
)
def test_what_the_hub_answers_becomes_one_line(serve: Any, answer: Any, message: str) -> None:
    serve(answer)
    with pytest.raises(CorpusError) as caught:
        find()
    assert str(caught.value) == message


def test_a_subset_that_there_is_not(serve: Any) -> None:
    serve(ValueError("BuilderConfig 'xx' not found. Available: ['de-en']"))
    with pytest.raises(CorpusError, match="the subset 'xx' was named; choose one with"):
        find("xx")


def test_a_hub_out_of_reach_is_said_at_once_and_quietly(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")  # nobody listens there
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    start = time.monotonic()
    messages: list[str] = []
    with pytest.raises(CorpusError) as caught:
        find(messages=messages)
    assert time.monotonic() - start < 10
    assert str(caught.value) == (
        "There is no local file or folder 'someone/dataset', and the Hugging Face hub cannot be "
        "reached, nor is someone/dataset in its cache. Name a local copy: "
        "--corpus.name path/to/folder"
    )
    assert messages == [
        "The Hugging Face hub is out of reach; looking for someone/dataset in its cache."
    ]
    assert capfd.readouterr() == ("", "")
    # What was changed for the moment is as before.
    assert not huggingface_hub.constants.HF_HUB_OFFLINE
    assert not datasets.config.HF_HUB_OFFLINE
    assert datasets.logging.get_verbosity() == logging.WARNING


def test_a_hub_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        time.sleep(0.5)
        raise OSError("at last")

    monkeypatch.setattr(hub, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("urllib.request.urlopen", never)
    start = time.monotonic()
    assert not hub._reaches_hub("someone/dataset")
    assert time.monotonic() - start < 0.4


@pytest.mark.parametrize(
    ("fault", "reaches"),
    [
        (urllib.error.HTTPError("https://x", 404, "Not Found", Message(), None), True),
        (urllib.error.HTTPError("https://x", 401, "Unauthorized", Message(), None), True),
        (urllib.error.URLError(ssl.SSLCertVerificationError("no certificates here")), True),
        (urllib.error.URLError(OSError("no route to host")), False),
        (TimeoutError(), False),
    ],
)
def test_any_answer_means_that_the_hub_is_there(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, reaches: bool
) -> None:
    def answer(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("urllib.request.urlopen", answer)
    assert hub._reaches_hub("someone/dataset") == reaches


def test_offline_by_the_users_wish_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str) -> bool:
        raise AssertionError("the hub was asked")

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "_reaches_hub", nobody)
    with pytest.raises(CorpusError, match="cannot be reached, nor is someone/dataset in its cache"):
        find()
