"""The command: trains, keeps, goes on, reports, and says what is wrong in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from seq2seq.cli import main
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.memory import experiment
from seq2seq.memory.batched import Recipe, new_network, train
from seq2seq.memory.catalogue import TASKS, make_task
from seq2seq.memory.experiment import Finding, Place, check_memory, needed_bytes
from seq2seq.memory.outcome import Outcome
from seq2seq.memory.paper import FIGURES, lstm_figure
from seq2seq.memory.report import ladders, longest_solved, markdown, summaries
from seq2seq.memory.success import StreakRule
from seq2seq.report.memory_plots import Tried
from tests.test_comparison import Page

QUICK = ["6a", "--lags", "30", "--hidden-size", "4", "--budget", "96", "--seeds", "2"]


def outcome(sequences: int | None, wrong: int = 3) -> Outcome:
    return Outcome(sequences is not None, sequences, sequences or 9_000, wrong, 1.0, 1000.0)


def test_an_lstm_solves_a_short_task_and_then_gets_fresh_sequences_right():
    task = make_task("6a", 30)
    recipe = Recipe(learning_rate=0.01, budget=20_000)
    done = train(new_network("lstm", task, recipe, 1), task, recipe, 1)
    assert done.solved
    assert done.sequences == done.trained < 20_000
    assert done.wrong < 10


def test_the_papers_cell_and_trainer_solve_a_short_task(workplace, monkeypatch):
    monkeypatch.setattr(TASKS["2a"], "rule", StreakRule(100))  # not 10,000: seconds
    assert main(["memory", "2a", "--lags", "5", "--cells", "lstm-1997", "--trainer", "online",
                 "--seeds", "2", "--budget", "1000"]) == 0  # fmt: skip
    kept = experiment.read_all(workplace / "checkpoints/memory/trainings")
    assert [finding.seed for finding, _ in kept] == [1, 2]
    for finding, _ in kept:
        assert finding.outcome.solved
        assert 100 < finding.outcome.sequences == finding.outcome.trained < 1000
        assert finding.outcome.wrong == 0  # out of 2,560; untrained, every one


def test_a_weight_that_is_no_number_ends_the_training():
    task = make_task("4", 20)
    network = new_network("rnn", task, Recipe(hidden_size=4), 1)
    with torch.no_grad():
        network.output.bias.fill_(float("nan"))
    done = train(network, task, Recipe(hidden_size=4, budget=1000), 1)
    assert done.diverged
    assert not done.solved
    assert done.trained == 16
    assert done.wrong == 2_560


def test_a_long_training_shows_that_it_lives(monkeypatch):
    now, said = iter([0.0, 10.0, 31.0, 31.0, 40.0]), []
    monkeypatch.setattr(experiment.time, "perf_counter", lambda: next(now))
    pulse = experiment._pulse("4 rnn", said.append)
    for message in ("a", "b", "c"):
        pulse(message)
    assert said == ["4 rnn: b"]


def assert_whole(text: str) -> None:
    page = Page(text)
    page.close()
    assert (page.open, page.outside) == ([], [])


def test_everything_is_trained_once_and_reported(workplace, capsys):
    cells = ["--cells", "rnn", "lstm", "lstm-1997"]
    assert main(["memory", *QUICK, *cells]) == 0
    said = capsys.readouterr()
    assert said.err.count("not solved by 96 sequences") == 6
    assert said.out.startswith("task  lag  cell")
    folder = workplace / "checkpoints/memory"
    assert main(["memory", *QUICK, *cells]) == 0
    assert "not solved by" not in capsys.readouterr().err
    document = json.loads((folder / "memory.json").read_text())
    assert len(document["trainings"]) == 6
    assert {training["trained"] for training in document["trainings"]} == {96}
    text = (folder / "memory.md").read_text()
    assert "| 6a | 30 | lstm-1997 | batched | 0 of 2 | – |" in text
    page = (folder / "memory.html").read_text()
    assert "<svg" not in page  # one lag makes no ladder
    assert_whole(page)


def test_several_lags_are_drawn_in_files_and_in_the_page(workplace, capsys):
    lags = ["6a", "--lags", "30", "40", "--hidden-size", "4", "--budget", "32", "--seeds", "1"]
    assert main(["memory", *lags, "--cells", "rnn", "--every-lag"]) == 0
    folder = workplace / "checkpoints/memory"
    page = (folder / "memory.html").read_text()
    assert page.count("<svg") == 1
    assert "://" not in page.replace("http://www.w3.org/", "")  # names, not addresses
    assert "src=" not in page
    assert_whole(page)
    assert "](longest-lags.png)" in (folder / "memory.md").read_text()
    assert (folder / "longest-lags.png").read_bytes().startswith(b"\x89PNG")
    kept = experiment.read_all(folder / "trainings")
    (ladder,) = ladders(summaries(kept))
    assert ladder.title == "6a: temporal order, two symbols (batched)"
    assert ladder.cells == {"rnn": [Tried(30, 0, 1, False), Tried(40, 0, 1, False)]}


def test_an_interrupted_command_keeps_what_had_ended(workplace, capsys, monkeypatch):
    real, calls = experiment.train, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(experiment, "train", interrupted)
    assert main(["memory", *QUICK, "--cells", "rnn", "lstm"]) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    trainings = workplace / "checkpoints/memory/trainings"
    assert [path.name for path in trainings.iterdir()] == ["6a-30-rnn-batched-1.json"]
    assert (workplace / "checkpoints/memory/memory.md").is_file()
    assert main(["memory", *QUICK, "--cells", "rnn", "lstm"]) == 0
    assert len(calls) == 2 + 3
    assert len(list(trainings.iterdir())) == 4


def test_longer_lags_are_left_out_after_a_failure(workplace, capsys):
    short = ["memory", "6a", "--lags", "40", "30", "--hidden-size", "4", "--budget", "32",
             "--seeds", "1", "--cells", "rnn"]  # fmt: skip
    assert main(short) == 0
    assert "6a rnn: lag 40 is left out, a shorter one failed" in capsys.readouterr().err
    assert main([*short, "--every-lag"]) == 0
    assert "6a rnn, lag 40, seed 1: not solved" in capsys.readouterr().err


def test_gradients_are_drawn(workplace, capsys):
    assert main(["memory", "gradients", "6a", "--lags", "30", "--hidden-size", "4", "--budget",
                 "64", "--cells", "rnn", "lstm"]) == 0  # fmt: skip
    document = json.loads((workplace / "checkpoints/memory/gradients.json").read_text())
    assert [(c["cell"], c["trained"]) for c in document["curves"]] == [
        ("rnn", False), ("rnn", True), ("lstm", False), ("lstm", True),
    ]  # fmt: skip
    for curve in document["curves"]:
        assert curve["hidden"][0] == pytest.approx(1)
        assert np.isfinite(curve["inputs"]).all()
    assert (workplace / "checkpoints/memory/gradients.html").read_text().count("<svg") == 1
    assert "](gradients.png)" in (workplace / "checkpoints/memory/gradients.md").read_text()


MISTAKES = [
    (["memory", "7"], "There is no task '7'; there are 1, 2a,"),
    (["memory", "4", "--lags", "5"], "Task 4 has no lag of 5; the least is 20."),
    (["memory", "4", "--lags", "-3"], "Task 4 has no lag of -3"),
    (["memory", "4", "--lags", "100000000"], "Task 4 with lag 100,000,000 needs about "),
    (["memory", "4", "--cells", "elman"], "invalid choice 'elman'"),
    (["memory", "4", "--seeds", "0"], "--seeds is 0; it must be at least 1."),
    (["memory", "4", "--hidden-size", "3"], "--hidden-size is 3; it must be even"),
    (
        ["memory", "4", "--learning-rate", "0"],
        "--learning-rate is 0.0; it must be a number above 0.",
    ),
    (["memory", "4", "--clip", "inf"], "--clip is inf; it must be a number above 0."),
    (["memory", "4", "--forget-bias", "nan"], "--forget-bias is nan; it must be a finite number."),
    (["memory", "5-12"], "There is no task '5-12'; there are 1, 2a,"),
    (["memory", "gradients", "4", "--lags", "10"], "Task 4 has no lag of 10; the least is 20."),
    (["memory", "4", "--distractors", "-1"], "--distractors is -1; it cannot be below 0."),
    (["memory", "4", "--cells"], "--cells names nothing; leave it out, or say what."),
    (["memory", "gradients", "none"], "There is no run 'none'"),
    (
        ["memory", "gradients", "4", "5"],
        "Gradients are drawn for one task at one lag, or for one run; name one.",
    ),
    (
        ["memory", "gradients", "4", "--trainer", "online"],
        "Gradients are of batched training; leave --trainer online out.",
    ),
    (["memory", "gradients", "4", "--run", "./file"], "file cannot be written, because of file;"),
    (["memory", "4", "--run", "file/m"], "file/m cannot be written, because of file; give another"),
]


@pytest.mark.parametrize(("arguments", "line"), MISTAKES, ids=lambda value: str(value)[:30])
def test_a_mistake_gets_one_line_and_exit_code_2(arguments, line, workplace, capsys):
    (workplace / "file").touch()
    assert main(arguments) == 2
    said = capsys.readouterr().err.strip().split("\n")
    assert len(said) == 1
    assert said[0].startswith("seq2seq: ")
    assert line in said[0]
    assert not (workplace / "checkpoints").exists()


def test_kept_trainings_with_other_settings_or_damage_are_not_passed_over(workplace, capsys):
    assert main(["memory", *QUICK, "--cells", "rnn"]) == 0
    assert main(["memory", *QUICK, "--cells", "lstm", "rnn", "--clip", "2"]) == 2
    said = capsys.readouterr().err
    assert "was trained with clip 1.0, not 2.0; name this experiment differently" in said
    trainings = workplace / "checkpoints/memory/trainings"
    assert len(list(trainings.iterdir())) == 2  # refused before the LSTM was trained
    (trainings / "6a-30-rnn-batched-1.json").write_text("{")
    assert main(["memory", *QUICK, "--cells", "rnn"]) == 2
    assert "is damaged" in capsys.readouterr().err
    with pytest.raises(CheckpointError):
        experiment.read_all(trainings)


def test_a_lag_that_does_not_fit_says_how_much_it_needs():
    task = make_task("4", 1000)
    check_memory(task, Recipe(), needed_bytes(task, Recipe()))
    with pytest.raises(ConfigError, match=r"Task 4 with lag 1,000 needs about 0\.1 GB .* 0\.0 GB"):
        check_memory(task, Recipe(), 1_000_000)


def findings(rows: list[tuple[int, str, list[int | None]]]):
    return [
        (Finding(Place("4", lag, cell, "batched"), seed, outcome(number)), {})
        for lag, cell, numbers in rows
        for seed, number in enumerate(numbers, 1)
    ]


def test_the_longest_lag_needs_half_of_the_seeds_and_all_shorter_lags():
    kept = findings([
        (50, "rnn", [None, None]), (100, "rnn", [5, 5]),
        (50, "lstm", [4, 4]), (100, "lstm", [None, 9]), (500, "lstm", [None, None]),
    ])  # fmt: skip
    assert longest_solved(summaries(kept)) == {
        ("4", "batched"): {"rnn": (0, 100), "lstm": (100, 500)}
    }


def test_the_table_stands_beside_the_papers_figures():
    text = markdown(findings([(100, "lstm", [37_000, 35_000, 74_000, None])]))
    # Median 37,000 over 74,000 of the paper.
    assert "| 3 of 4 | 37,000 (35,000 to 74,000) | 74,000 | 0.50 | 3 (paper: 1) |" in text
    assert "| 4 | LSTM | 1,000 | – | 853,000 | 1 |" in text
    assert lstm_figure("4", 100).sequences == 74_000
    assert lstm_figure("4", 50) is None
    assert list(FIGURES) == list(TASKS)


def test_2c_with_chosen_distractors_is_a_place_of_its_own():
    chosen, usual = Place("2c", 1_000, "lstm", "batched", 50), Place("2c", 1_000, "lstm", "batched")
    assert chosen.file_name(2) == "2c-1000-50-lstm-batched-2.json"
    assert usual.file_name(2) == "2c-1000-lstm-batched-2.json"
    kept = [(Finding(place, 1, outcome(49_000)), {}) for place in (usual, chosen)]
    text = markdown(kept)
    assert "| 2c | 1,000 | lstm | batched | 1 of 1 | 49,000 | 49,000 | 1.00 |" in text
    assert "| 2c, p = 50 | 1,000 | lstm | batched | 1 of 1 | 49,000 | 203,000 | 0.24 |" in text
    assert lstm_figure("2c", 1_000, 1_000) == lstm_figure("2c", 1_000)
    assert longest_solved(summaries(kept)) == {
        ("2c", "batched"): {"lstm": (1_000, 1_000)},
        ("2c, p = 50", "batched"): {"lstm": (1_000, 1_000)},
    }
