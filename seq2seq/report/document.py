"""A comparison's document, as `comparison.json` has it, and how to find one's way in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def standing(document: Document) -> list[str]:
    """The systems of which at least one run did not fail."""
    return [system["name"] for system in document["systems"] if "scores" in system]


def language_model(document: Document) -> Mapping[str, Any] | None:
    """The ladder's ground floor, if one took part and reached its end."""
    model: Mapping[str, Any] | None = document.get("language_model")
    return model if model and "perplexity" in model else None


def all_rungs(document: Document) -> list[Mapping[str, Any]]:
    """Whatever was trained: the language model, if one took part, and the systems."""
    model = document.get("language_model")
    return [*([model] if model else []), *document["systems"]]


def good_runs(system: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of a system that did not fail."""
    return [run for run in system["runs"] if run["failure"] is None]
