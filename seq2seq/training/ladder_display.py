"""What training shows while several runs are trained one after the other: a live table of all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from seq2seq.training.display import TrainingDisplay

WAITING, TRAINING, DONE, FAILED = "waiting", "training", "done", "failed"


@dataclass
class Standing:
    """Where one run stands."""

    state: str = WAITING
    update: int = 0
    updates: int = 0  # in all; 0 as long as it is not known
    loss: float | None = None
    tokens_per_second: float | None = None
    bleu: float | None = None  # the best on validation so far, greedy


class LadderDisplay:
    """Shows the training of several runs; without a terminal, plain lines for the current one."""

    def __init__(self, names: Sequence[str], console: Console | None = None) -> None:
        """All runs, in the order in which they are trained; the console is standard error's."""
        self.console = console or Console(stderr=True, highlight=False)
        self.standings = {name: Standing() for name in names}
        self.current = names[0]
        self.live: Live | None = None
        self.plain = TrainingDisplay()

    def set_state(self, name: str, state: str, events: Sequence[dict[str, Any]] = ()) -> None:
        """A run that is not trained now has come to this.

        Args:
            name: the run's.
            state: DONE or FAILED.
            events: its history, if it is done, which may have been so from the beginning.
        """
        standing = self.standings[name]
        standing.state = state
        for event in events:
            standing.update = standing.updates = event["update"]
            if "bleu" in event:
                standing.bleu = max(event["bleu"], standing.bleu or 0.0)

    def start(self, name: str, total_updates: int, update: int) -> None:
        """See `seq2seq.training.loop.Display`."""
        self.current = name
        standing = self.standings.setdefault(name, Standing())
        standing.state, standing.update, standing.updates = TRAINING, update, total_updates
        if not self.console.is_terminal:
            self.plain.start(name, total_updates, update)
            return
        self.live = Live(
            get_renderable=self.table, console=self.console, transient=True, refresh_per_second=2
        )
        self.live.start()

    def update(self, update: int, values: dict[str, float]) -> None:
        """See `seq2seq.training.loop.Display`."""
        standing = self.standings[self.current]
        standing.update, standing.loss = update, values["loss"]
        standing.tokens_per_second = values["tokens_per_second"]
        if self.live is None:
            self.plain.update(update, values)

    def validation(self, values: dict[str, Any]) -> None:
        """See `seq2seq.training.loop.Display`."""
        standing = self.standings[self.current]
        if "bleu" in values:
            standing.bleu = max(values["bleu"], standing.bleu or 0.0)
        if self.live is None:
            self.plain.validation(values)

    def stop(self) -> None:
        """See `seq2seq.training.loop.Display`."""
        if self.live is not None:
            self.live.stop()
            self.live = None
        else:
            self.plain.stop()
        sys.stderr.flush()

    def table(self) -> Table:
        """A row for each run."""
        table = Table(box=SIMPLE_HEAD)
        table.add_column("run", no_wrap=True)
        table.add_column("state", no_wrap=True)
        for heading in ("update", "loss", "tokens/s", "best validation BLEU"):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, one in self.standings.items():
            known = one.updates > 0
            table.add_row(
                name,
                one.state,
                f"{one.update:,} / {one.updates:,}" if known else "",
                "" if one.loss is None else f"{one.loss:.3f}",
                "" if one.tokens_per_second is None else f"{one.tokens_per_second:,.0f}",
                "" if one.bleu is None else f"{one.bleu:.2f}",
                style="bold" if one.state == TRAINING else None,
            )
        return table
