"""The benchmark's own arithmetic: what it counts, when it repeats, and what its tables say."""

from __future__ import annotations

import dataclasses
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import ours, protocol
from benchmarks.calibration import Calibration
from benchmarks.contenders import CONTENDERS, Contender, ContenderError, Process
from benchmarks.protocol import END, PADDING, UNKNOWN, PairBatch, Workload, padded
from benchmarks.reference import mean_target_tokens, stratified
from benchmarks.report import KEPT, ratio, speed_of, write_report

SOURCE = [np.array([5, 6, END]), np.array([7, END])]
TARGET = [np.array([8, END]), np.array([UNKNOWN, 9, 9, END])]
BATCH = PairBatch(SOURCE, TARGET)


# What contenders are given


def test_a_batch_counts_real_target_tokens_and_mean_steps() -> None:
    assert (BATCH.tokens, BATCH.steps) == (6, 3)
    assert mean_target_tokens([BATCH, PairBatch(SOURCE[:1], TARGET[:1])]) == (6 + 2) / 3


def test_special_tokens_are_renumbered_and_others_left_alone() -> None:
    other = BATCH.renumbered(padding=1, begin=2, end=0, unknown=3)
    assert [row.tolist() for row in other.source] == [[5, 6, 0], [7, 0]]
    assert [row.tolist() for row in other.target] == [[8, 0], [3, 9, 9, 0]]
    assert BATCH.source[0].tolist() == [5, 6, END]  # the original stays


def test_tables_are_padded_behind_begin() -> None:
    assert padded(SOURCE).tolist() == [[5, 6, END], [7, END, PADDING]]
    assert padded(SOURCE, padding=4, begin=1).tolist() == [[1, 5, 6, END], [1, 7, END, 4]]


def test_a_workload_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = Workload(10, [BATCH, PairBatch(SOURCE[1:], TARGET[1:])], [BATCH])
    written.save(tmp_path / "deep" / "work.npz")
    read = Workload.load(tmp_path / "deep" / "work.npz")
    assert read.vocabulary == 10
    for mine, theirs in ((written.train, read.train), (written.test, read.test)):
        assert [[r.tolist() for r in b.source] for b in mine] == [
            [r.tolist() for r in b.source] for b in theirs
        ]
        assert [[r.tolist() for r in b.target] for b in mine] == [
            [r.tolist() for r in b.target] for b in theirs
        ]


def test_each_round_takes_one_batch_of_each_span_of_length() -> None:
    for number in range(50):
        chosen = stratified(100, 4, number)
        assert [batch // 25 for batch in chosen] == [0, 1, 2, 3]
        assert chosen == stratified(100, 4, number)
    assert len({tuple(stratified(100, 4, number)) for number in range(50)}) > 40


# Disturbed turns


def calibration(
    monkeypatch: pytest.MonkeyPatch, *speeds: float, best: float = 100.0
) -> Calibration:
    """A machine whose product runs at these speeds, one after the other."""
    one = object.__new__(Calibration)
    one.best = best
    coming = iter(speeds)
    monkeypatch.setattr(one, "gflops", lambda: next(coming))
    return one


@pytest.mark.parametrize(
    ("speeds", "result", "gflops", "disturbed"),
    [
        ((100, 90), 1, 90, False),  # calm at the first try
        ((100, 89, 95, 95), 2, 95, False),  # slow afterwards: taken again
        ((50, 100, 60, 100, 40, 100), 2, 60, True),  # never calm: the calmest of three
    ],
)
def test_a_disturbed_turn_is_taken_again(
    monkeypatch: pytest.MonkeyPatch,
    speeds: tuple[float, ...],
    result: int,
    gflops: float,
    disturbed: bool,
) -> None:
    done: list[int] = []

    def work() -> int:
        done.append(1)
        return len(done)

    turn = calibration(monkeypatch, *speeds).around(work, tries=3)
    assert turn == (result, gflops, disturbed)
    assert len(done) == len(speeds) // 2


# Ratios and tables


def turns(*speeds: float, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"round": first + k, "tokens_per_second": s, "gflops": 200.0, "disturbed": k == 2}
        for k, s in enumerate(speeds)
    ]


def found() -> dict[str, Any]:
    described = {"version": "1.2", "parameters": 1_000_000, "note": "", "peak_bytes": 5e8}
    return {
        "contenders": dict.fromkeys(("floor", "seq2seq", "bf16", "joeynmt"), described),
        "failed": {"marian": "not installed; see benchmarks/peers.sh"},
        "turns": {
            "train": {
                "floor": turns(1000, 2000, 4000),
                "seq2seq": turns(900, 1900, 2000),
                "bf16": turns(1800, 2850, 4000),
                "joeynmt": turns(450, 475, first=1),
            }
        },
        "latency": {},
        "tokens_per_sentence": 16.0,
        "batch_tokens": 960.0,
        "calibration_best": 205.0,
    }


def test_speeds_are_medians_and_ratios_medians_of_rounds_in_common() -> None:
    assert speed_of(found(), "train", "seq2seq") == 1900
    assert speed_of(found(), "greedy", "seq2seq") is None
    # 0.9, 0.95 and 0.5 of the floor: the ratio of the medians would be 0.95.
    assert ratio(found(), "train", "seq2seq", "floor") == 0.9
    # Rounds 1 and 2 alone: 1900 / 450 and 2000 / 475.
    assert ratio(found(), "train", "seq2seq", "joeynmt") == pytest.approx(
        (1900 / 450 + 2000 / 475) / 2
    )
    assert ratio(found(), "train", "seq2seq", "fairseq") is None


def test_the_report_says_what_was_measured_and_keeps_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "speed.md"
    path.write_text(f"old numbers\n{KEPT}\n\n## Reading\n\n- by people\n", encoding="utf-8")
    circumstances = {
        key: key for key in ("date", "machine", "system", "torch", "threads", "load", "command")
    }
    section = {"circumstances": circumstances, "text": "random tokens", "found": found()}
    write_report({"train": section}, path)
    text = path.read_text(encoding="utf-8")
    assert "old numbers" not in text
    assert text.endswith(f"{KEPT}\n\n## Reading\n\n- by people\n")
    cells = {
        line.split(" | ")[0].strip("| "): [cell.strip("| ") for cell in line.split(" | ")[1:]]
        for line in text.splitlines()
        if line.startswith("|")
    }
    assert cells["**seq2seq**"][0] == "1,000,000"  # the later table: parameters and memory
    assert "| **seq2seq** | 1,900 | 900 to 2,000 | 90% |" in text
    assert "| seq2seq training in bf16 | 2,850 | 1,800 to 4,000 |  | 0.50 |" in text
    assert "All are in float32 but for the row that says bf16" in text
    assert "Not measured: Marian s2s (not installed; see benchmarks/peers.sh)." in text
    assert "3 of 11 turns stayed below 90% of the best" in text
    assert json.loads((tmp_path / "speed.json").read_text())["train"]["text"] == "random tokens"


# The command line and the contenders


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "train,nothing"], "there is no part nothing; there are train, decode"),
        (["--rounds", "0"], "argument --rounds: 0 is not a whole number of 1 or more"),
        (["--threads", "-1"], "argument --threads: -1 is not a whole number of 1 or more"),
        (["--pairs", "many"], "argument --pairs: many is not a whole number of 1 or more"),
    ],
)
def test_wrong_options_are_refused(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as stop:
        command.parse()
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_quick_is_one_small_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "--only", "train"])
    options = command.parse()
    assert (options.rounds, options.pairs, options.only) == (1, 10_000, ["train"])


def test_kinds_of_ours_train_in_the_precision_that_they_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = {"embedding_size": 8, "hidden_size": 8, "attention_size": 8}
    monkeypatch.setattr(ours, "MODEL", dataclasses.replace(ours.MODEL, **small))
    work = Workload(10, [BATCH], [BATCH])
    kinds = {contender.name: contender.kind for contender in CONTENDERS if not contender.peer}
    assert len(set(kinds.values())) == len(kinds)
    for kind, precision in (("fast", "float32"), ("bf16", "bf16"), ("tied", "float32")):
        made = ours.make(work, Namespace(threads=1, kind=kind))
        assert made.trainer.precision.kind == precision
    with pytest.raises(SystemExit, match="There is no kind 'other'"):
        ours.make(work, Namespace(threads=1, kind="other"))


class Clerk:
    """A contender that notes what it is asked."""

    def describe(self) -> dict[str, Any]:
        return {"version": "0"}

    def train(self, batches: list[PairBatch]) -> float:
        print("chatter that must not reach the answers")
        return float(sum(batch.tokens for batch in batches))

    def decode(self, batches: list[PairBatch], beam: int) -> float:
        return float(beam * len(batches))

    def latency(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"milliseconds": [options["every"]]}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"do": "describe"}, {"version": "0"}),
        ({"do": "train", "batches": [0, 0]}, {"seconds": 12.0}),
        ({"do": "decode", "batches": [0], "beam": 5}, {"seconds": 5.0}),
        ({"do": "latency", "every": 7}, {"milliseconds": [7]}),
    ],
)
def test_commands_reach_the_contender(asked: dict[str, Any], answer: dict[str, Any]) -> None:
    assert protocol._obey(Clerk(), Workload(10, [BATCH], [BATCH]), asked) == answer


def test_a_contender_that_stops_says_its_last_line(tmp_path: Path) -> None:
    class Broken(Contender):
        @property
        def command(self) -> list[str]:
            said = "import sys; print('first', file=sys.stderr); sys.exit('no such model')"
            return [sys.executable, "-c", said]

    process = Process(Broken("broken", "", False), tmp_path / "w.npz", 1, tmp_path / "logs")
    with pytest.raises(ContenderError, match=r"^no such model$"):
        process.ask("describe")
    process.stop()
