"""What happened in a run, one JSON object a line: `metrics.jsonl`.

Events: `started` (and again when training goes on: device and precision), `train` (every few
updates), `validation`, `finished`. All carry `update`, so that a resumed run can cut off what it is
about to repeat.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seq2seq.checkpoint import replacing
from seq2seq.errors import CheckpointError


class History:
    """The events of one run, on the disk as they happen."""

    def __init__(self, folder: Path) -> None:
        """Look at a run's folder; nothing is written yet."""
        self.path = folder / "metrics.jsonl"

    def add(self, event: str, update: int, **values: float | int | str | bool | None) -> None:
        """Append one event; numbers carry their unit in their name.

        Raises:
            CheckpointError: the disk refuses.
        """
        line = json.dumps({"event": event, "update": update, **values}, ensure_ascii=False)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise CheckpointError(f"{self.path} cannot be written: {error.strerror}.") from None

    def events(self) -> list[dict[str, Any]]:
        """All events so far; a line that a kill cut short is left out."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").split("\n"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                found.append(event)
        return found

    def cut_after(self, update: int) -> None:
        """Forget what came after this update, because training repeats it."""
        kept = [event for event in self.events() if event["update"] <= update]
        with replacing(self.path) as temporary:
            lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept)
            temporary.write_text(lines, encoding="utf-8")

    def finished(self) -> dict[str, Any] | None:
        """The closing event, if training came to its end."""
        closing = [event for event in self.events() if event["event"] == "finished"]
        return closing[-1] if closing else None

    def precision(self) -> str | None:
        """What its products were worked out in, if it was noted."""
        starts = [event for event in self.events() if event["event"] == "started"]
        return starts[-1].get("precision") if starts else None
