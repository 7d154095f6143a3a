"""Whether runs may be compared at all, and in what they differ besides."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from seq2seq.config import LanguageSettings, Settings, to_json
from seq2seq.errors import CorpusError
from seq2seq.text.corpus import Corpus


class Placed(NamedTuple):
    """A run's settings and the corpus they stand for."""

    settings: Settings | LanguageSettings
    corpus: Corpus


def require_comparable(runs: Mapping[str, Placed]) -> list[str]:
    """Refuse runs of other languages or other test sentences.

    Args:
        runs: name → run, at least one; the first is what the others are held against.

    Returns:
        The evaluation splits that all of them have, in the first one's order.

    Raises:
        CorpusError: what differs between which two.
    """
    (name, first), *others = runs.items()
    splits = evaluation_splits(first.corpus)
    for other_name, other in others:
        both = f"{name} and {other_name} cannot be compared: "
        mine, theirs = _languages(first.settings), _languages(other.settings)
        if mine != theirs:
            raise CorpusError(f"{both}one translates {mine}, the other {theirs}.")
        splits = [split for split in splits if split in other.corpus.splits]
        if not splits:
            raise CorpusError(f"{both}they have no test split in common.")
        if other.corpus.fingerprint != first.corpus.fingerprint:
            for split in splits:
                difference = _difference(first.corpus, other.corpus, split)
                if difference:
                    raise CorpusError(
                        f"{both}{difference}. Train both on one corpus with the same split."
                    )
    return splits


def evaluation_splits(corpus: Corpus) -> list[str]:
    """The splits that are neither learnt from nor chosen by, `test` first."""
    splits = [split for split in corpus.splits if split not in ("train", "validation")]
    return sorted(splits, key=lambda split: split != "test")


def _languages(settings: Settings | LanguageSettings) -> str:
    return f"{settings.corpus.source_language} to {settings.corpus.target_language}"


def _difference(one: Corpus, other: Corpus, split: str) -> str:
    """The first difference between the texts of a split, in words; empty if there is none."""
    mine, theirs = one.splits[split], other.splits[split]
    if len(mine) != len(theirs):
        return f"their {split} sets differ: {len(mine):,} and {len(theirs):,} sentences"
    for number, (pair, its) in enumerate(zip_longest(mine, theirs), start=1):
        if pair.source != its.source:
            return (
                f"their {split} sets differ: sentence {number:,} reads “{_short(pair.source)}” "
                f"and “{_short(its.source)}”"
            )
        if pair.target != its.target:
            return (
                f"the target text of their {split} sets differs: sentence {number:,} should read "
                f"“{_short(pair.target)}” and “{_short(its.target)}”"
            )
    return ""


def _short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def differing_settings(settings: Mapping[str, Settings]) -> dict[str, dict[str, Any]]:
    """Settings in which systems differ, seeds apart: `model.cell` → system → value."""
    documents = {system: to_json(one) for system, one in settings.items()}
    found: dict[str, dict[str, Any]] = {}
    for group, fields in next(iter(documents.values())).items():
        for field in fields:
            values = {system: one[group][field] for system, one in documents.items()}
            several = any(value != values[next(iter(values))] for value in values.values())
            if several and (group, field) != ("training", "seed"):
                found[f"{group}.{field}"] = values
    return found
