"""How the cost of training grows: one size at a time, the others as in the reference model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.calibration import MOST_TRIES, Calibration
from benchmarks.contenders import CONTENDERS, FLOOR, OURS
from benchmarks.measure import running
from seq2seq.report.plots import Curves, line_plots

SIZES = {
    "target length, tokens": (10, 20, 40, 80, 160),
    "vocabulary, subwords": (2_000, 4_000, 8_000, 16_000, 32_000),
    "hidden units": (128, 256, 512, 1_024),
    "batch, sentences": (1, 4, 16, 64, 256),
}
WHO = {OURS: "seq2seq", "plain": "the plain per-step loop", FLOOR: "necessary arithmetic alone"}
MOST_SECONDS = 2.0  # measured at each point, beside one warm-up
MOST_STEPS = 5


class Point(NamedTuple):
    """One set of sizes."""

    batch: int = 64
    length: int = 16
    vocabulary: int = 8_000
    hidden: int = 512

    def command(self) -> dict[str, Any]:
        """What `benchmarks.ours.Kind.grow` is asked."""
        # Source and target grow together, and so do state and attention.
        sizes = {"hidden_size": self.hidden, "attention_size": self.hidden}
        return {
            "model": sizes,
            "vocabulary": self.vocabulary,
            "batch": self.batch,
            "source": self.length,
            "target": self.length,
            "seconds": MOST_SECONDS,
            "steps": MOST_STEPS,
        }


def _point(what: str, size: int) -> Point:
    match what.partition(",")[0]:
        case "target length":
            return Point(length=size)
        case "vocabulary":
            return Point(vocabulary=size)
        case "batch":
            return Point(batch=size)
        case _:
            return Point(hidden=size)


def measure_growth(
    workload: Path,
    calibration: Calibration,
    threads: int,
    logs: Path,
    quick: bool,
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Target tokens a second at each size: {what: {size: {who: tokens a second}}}."""
    found: dict[str, Any] = {}
    disturbed = 0
    contenders = [c for c in CONTENDERS if c.name in WHO]
    with running(contenders, workload, threads, logs) as processes:
        for what, sizes in SIZES.items():
            for size in sizes[:2] if quick else sizes:
                point = _point(what, size)
                tokens = point.batch * point.length
                for name in WHO:
                    turn = calibration.around(
                        partial(processes[name].ask, "grow", **point.command()),
                        1 if quick else MOST_TRIES,
                    )
                    speed = tokens / turn.result["seconds"]
                    found.setdefault(what, {}).setdefault(str(size), {})[name] = speed
                    disturbed += turn.disturbed
                speeds = ", ".join(f"{n} {v:,.0f}" for n, v in found[what][str(size)].items())
                report(f"{what} {size:,}: {speeds} tokens/s")
    return {"points": found, "disturbed": disturbed}


def draw_growth(found: dict[str, Any], path: Path) -> None:
    """A small plot for each size that grows."""
    line_plots(
        [
            Curves(
                x_label=what,
                y_label="target tokens/s",
                lines={
                    label: [(float(size), speeds[name]) for size, speeds in by_size.items()]
                    for name, label in WHO.items()
                },
            )
            for what, by_size in found["points"].items()
        ],
        path,
    )
