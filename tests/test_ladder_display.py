"""The live table of several runs."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from seq2seq.training.ladder_display import DONE, FAILED, LadderDisplay


def drawn(display: LadderDisplay) -> list[list[str]]:
    """The table's rows as words."""
    console = Console(file=io.StringIO(), width=120)
    console.print(display.table())
    return [line.split() for line in console.file.getvalue().splitlines() if line.strip()]  # type: ignore[attr-defined]


def validation(bleu: float) -> dict[str, Any]:
    return {
        "bleu": bleu,
        "update": 7,
        "epoch": 1.0,
        "seconds": 3.0,
        "perplexity": 9.0,
        "best": True,
    }


def test_all_runs_stand_in_the_table() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    display = LadderDisplay(["a-rnn", "a-lstm", "a-dot"], console)
    display.start("a-rnn", 100, 0)
    display.update(7, {"loss": 2.5, "tokens_per_second": 1234.0, "learning_rate": 0.1})
    display.validation(validation(3.0))
    display.validation(validation(2.0))
    assert drawn(display)[2:] == [
        ["a-rnn", "training", "7", "/", "100", "2.500", "1,234", "3.00"],
        ["a-lstm", "waiting"],
        ["a-dot", "waiting"],
    ]
    display.stop()
    display.set_state("a-rnn", DONE)
    display.set_state("a-lstm", FAILED)
    display.start("a-dot", 2000, 40)
    assert drawn(display)[2:] == [
        ["a-rnn", "done", "7", "/", "100", "2.500", "1,234", "3.00"],
        ["a-lstm", "failed"],
        ["a-dot", "training", "40", "/", "2,000"],
    ]
    display.stop()
    assert "a-dot" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_run_that_was_done_before_shows_what_it_came_to() -> None:
    display = LadderDisplay(["a-rnn", "a-lm"], Console(file=io.StringIO()))
    history = [
        {"event": "train", "update": 20, "loss": 3.0},
        {"event": "validation", "update": 30, "bleu": 4.0},
        {"event": "validation", "update": 60, "bleu": 3.0},
        {"event": "finished", "update": 60},
    ]
    display.set_state("a-rnn", DONE, history)
    display.set_state("a-lm", DONE, [{"event": "finished", "update": 50}])
    assert drawn(display)[2:] == [
        ["a-rnn", "done", "60", "/", "60", "4.00"],
        ["a-lm", "done", "50", "/", "50"],
    ]


def test_without_a_terminal_the_current_run_has_plain_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = LadderDisplay(["a-rnn"], Console(file=io.StringIO()))
    display.start("a-rnn", 100, 0)
    display.update(7, {"loss": 2.5, "tokens_per_second": 1234.0, "learning_rate": 0.1})
    display.validation(validation(3.0))
    display.stop()
    said = capsys.readouterr().err
    assert "a-rnn: 100 updates, from 0" in said
    assert "BLEU 3.00 (greedy)" in said
