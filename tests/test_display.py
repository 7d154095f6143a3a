"""The plain lines of a training."""

from __future__ import annotations

import re

import pytest

from seq2seq.training import display
from seq2seq.training.display import TrainingDisplay

VALUES = {"loss": 2.5, "tokens_per_second": 1234.0, "learning_rate": 0.1}


def test_what_is_left_goes_by_the_last_minutes(monkeypatch, capsys) -> None:
    """An update a second, an hour's pause, and again an update a second."""
    clock = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: clock[0])
    shown = TrainingDisplay()
    shown.start("a-rnn", 2000, 100)
    for update in range(101, 1001):
        clock[0] += 3601.0 if update == 500 else 1.0
        shown.update(update, VALUES)
    shown.stop()
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == "a-rnn: 2,000 updates, from 100"
    assert last.startswith("update 9")
    assert "loss 2.500 · 1,234 tokens/s · rate 0.1" in last
    update, left = re.findall(r"update (\d+)/2,000 .* ([\d.]+) min left", last)[0]
    assert float(left) == pytest.approx((2000 - int(update)) / 60, abs=0.06)
