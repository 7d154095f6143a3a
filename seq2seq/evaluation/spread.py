"""Several seeds of one system as one figure: mean and spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """A figure measured once a seed."""

    mean: float
    deviation: float | None  # sample standard deviation, n − 1 below the line; None of one seed
    least: float
    most: float
    seeds: int


def spread(values: Sequence[float]) -> Spread:
    """Mean and spread of a figure over seeds.

        mean = Σ x / n        deviation = √(Σ (x − mean)² / (n − 1))

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a spread needs at least one value")
    mean = math.fsum(values) / len(values)
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Spread(mean, deviation, min(values), max(values), len(values))
