"""Figures as text: with spread over seeds, with interval over sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def with_spread(value: float, deviation: float | None, digits: int = 2) -> str:
    """`31.42`, or `31.42 ± 0.35` over several seeds."""
    return f"{value:.{digits}f}" + ("" if deviation is None else f" ± {deviation:.{digits}f}")


def with_interval(score: Mapping[str, Any]) -> str:
    """`31.4 [30.1, 32.8]`, the interval left out where there is none."""
    if score["low"] is None:
        return f"{score['value']:.1f}"
    return f"{score['value']:.1f} [{score['low']:.1f}, {score['high']:.1f}]"


def full_score(score: Mapping[str, Any]) -> str:
    """`31.42 ± 0.35 [30.1, 32.8]`."""
    text = with_spread(score["mean"], score["deviation"])
    if score["low"] is None:
        return text
    return f"{text} [{score['low']:.1f}, {score['high']:.1f}]"


def p_value(value: float) -> str:
    """Three digits; the least is 1 / 1001 for 1,000 trials."""
    return f"{value:.3f}"


def peak_megabytes(runs: Sequence[Mapping[str, Any]]) -> str:
    """The highest peak of several runs' memory in MB, 10⁶ bytes; a dash if one is not known."""
    peaks = [run.get("peak_bytes") for run in runs]
    known = [peak for peak in peaks if peak is not None]
    return f"{max(known) / 1e6:,.0f}" if len(known) == len(peaks) else "–"


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value."""
    return sum(values) / len(values)


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
