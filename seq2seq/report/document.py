"""A comparison's document, as `comparison.json` has it, and how to find one's way in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def standing(document: Document) -> list[str]:
    """The systems of which at least one run did not fail."""
    return [system["name"] for system in document["systems"] if "scores" in system]


def good_runs(system: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of a system that did not fail."""
    return [run for run in system["runs"] if run["failure"] is None]
