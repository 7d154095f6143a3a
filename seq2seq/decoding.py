"""Options of translating that are not in a run's settings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seq2seq.errors import ConfigError

RERANK_WEIGHT = 0.3  # chosen on Multi30k's validation: docs/results/quality.md


@dataclass(frozen=True)
class DecodingOptions:
    """Faster ways to translate, and those together with other runs."""

    threads: int | None = None  # of the CPU; torch's choice if absent
    processes: int = 1  # search in so many, of one thread each
    quantize: bool = False  # multiply in 8-bit integers, on the CPU
    shortlist: int | None = None  # likeliest translations of each source subword; all if absent
    ensemble: tuple[str, ...] = ()  # other runs that translate together with this one
    rerank_by: tuple[str, ...] = ()  # runs of the other direction that choose from the beam
    rerank_weight: float | None = None  # of their score beside the run's own; RERANK_WEIGHT

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"--threads is {self.threads}; it must be at least 1.")
        if self.rerank_weight is None:
            return
        if not self.rerank_by:
            raise ConfigError(
                "--rerank-weight is the weight of --rerank-by; name a run of the other direction."
            )
        if not (math.isfinite(self.rerank_weight) and self.rerank_weight >= 0):
            raise ConfigError(
                f"--rerank-weight is {self.rerank_weight}; it must be a number, at least 0."
            )

    @property
    def used_rerank_weight(self) -> float:
        """The weight named, or the default."""
        return RERANK_WEIGHT if self.rerank_weight is None else self.rerank_weight

    @property
    def unkept_options(self) -> str:
        """The options whose scores are not those of the run alone; empty if none is named."""
        named = {
            "--quantize": self.quantize,
            "--shortlist": self.shortlist is not None,
            "--ensemble": bool(self.ensemble),
            "--rerank-by": bool(self.rerank_by),
        }
        return " and ".join(name for name, is_named in named.items() if is_named)


DEFAULT_OPTIONS = DecodingOptions()
