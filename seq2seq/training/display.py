"""What training shows on standard error: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

PLAIN_EVERY_SECONDS = 30.0
_LINES_OF_PACE = 10


def describe_update(values: dict[str, float]) -> str:
    """Loss, speed and learning rate in a few words."""
    return (
        f"loss {values['loss']:.3f} · {values['tokens_per_second']:,.0f} tokens/s"
        f" · rate {values['learning_rate']:.2g}"
    )


def describe_validation(values: dict[str, Any]) -> str:
    """One line for one validation."""
    of = f" ({values['weights']})" if "weights" in values else ""
    bleu = [f"BLEU {values['bleu']:.2f} (greedy)"] if "bleu" in values else []
    parts = [
        f"update {values['update']:,}",
        f"epoch {values['epoch']:.1f}",
        f"{values['seconds'] / 60:.1f} min",
        f"validation{of} perplexity {values['perplexity']:.2f}",
        *bleu,
    ]
    return " · ".join(parts + ["best so far"] * bool(values["best"]))


class TrainingDisplay:
    """Shows one run's training; `rich` decides whether there is a terminal."""

    def __init__(self) -> None:
        """Look at standard error."""
        self.console = Console(stderr=True, highlight=False)
        self.bar: Progress | None = None
        self.task = TaskID(0)
        self.total = 0
        # Seconds and update at the last lines: what is left goes by them and not by all since the
        # start, so that a pause or another program's load is soon forgotten.
        self.paces: deque[tuple[float, int]] = deque(maxlen=_LINES_OF_PACE)

    def start(self, name: str, total_updates: int, update: int) -> None:
        """See `seq2seq.training.loop.Display`."""
        self.total = total_updates
        self.paces.clear()
        self.paces.append((time.monotonic(), update))
        if not self.console.is_terminal:
            print(f"{name}: {total_updates:,} updates, from {update:,}", file=sys.stderr)
            return
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,}/{task.total:,}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=self.console,
        )
        self.task = self.bar.add_task(name, total=total_updates, completed=update, values="")
        self.bar.start()

    def update(self, update: int, values: dict[str, float]) -> None:
        """See `seq2seq.training.loop.Display`."""
        if self.bar:
            self.bar.update(self.task, completed=update, values=describe_update(values))
        elif (now := time.monotonic()) - self.paces[-1][0] > PLAIN_EVERY_SECONDS:
            since, before = self.paces[0]
            left = (now - since) / max(1, update - before) * max(0, self.total - update)
            self.paces.append((now, update))
            print(
                f"update {update:,}/{self.total:,} · {describe_update(values)}"
                f" · {left / 60:.1f} min left",
                file=sys.stderr,
            )

    def validation(self, values: dict[str, Any]) -> None:
        """See `seq2seq.training.loop.Display`."""
        self.console.print(describe_validation(values), markup=False, soft_wrap=True)

    def stop(self) -> None:
        """See `seq2seq.training.loop.Display`."""
        if self.bar:
            self.bar.stop()
            self.bar = None
