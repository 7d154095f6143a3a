"""Gradient by distance against autograd and against what must come out."""

from __future__ import annotations

import math
import re
from pathlib import Path
from statistics import median_low

import numpy as np
import pytest
import torch
from matplotlib.font_manager import findfont, get_font

from seq2seq.checkpoint import load_model
from seq2seq.cli import main
from seq2seq.errors import ConfigError
from seq2seq.memory import sentences
from seq2seq.memory.batched import Recipe, new_network
from seq2seq.memory.catalogue import make_task
from seq2seq.memory.gradients import (
    Curve,
    check_curve_memory,
    curve,
    input_gradients,
    path_products,
    state_jacobians,
)
from seq2seq.memory.network import MemoryCell, tensors
from seq2seq.memory.sentences import measure_run
from seq2seq.model.cells import CellState
from seq2seq.report.memory_plots import by_distance
from tests.conftest import TINY

KINDS = ["rnn", "gru", "lstm", "lstm-1997"]


@pytest.mark.parametrize("kind", KINDS)
def test_jacobians_equal_autograd(kind: MemoryCell):
    task = make_task("6a", 30)
    cell = new_network(kind, task, Recipe(hidden_size=4), 1).double().cell
    torch.manual_seed(1)
    projected = torch.randn(2, 6, len(cell.bias), dtype=torch.float64)
    start = cell.zero_state(2, projected)
    ours = state_jacobians(cell, projected, start)
    assert len(ours) == 7
    states = [start]
    for now in projected.unbind(1):
        states.append(cell.advance(now, states[-1]))
    for distance in (0, 1, 4, 6):
        origin = states[6 - distance].hidden.detach().requires_grad_()
        state = CellState(origin, states[6 - distance].cell.detach())
        for now in projected[:, 6 - distance :].unbind(1):
            state = cell.advance(now, state)
        for row in range(2):
            for unit in range(cell.hidden_size):
                (wanted,) = torch.autograd.grad(state.hidden[row, unit], origin, retain_graph=True)
                torch.testing.assert_close(
                    ours[distance][row, unit], wanted[row, : cell.hidden_size], rtol=0, atol=1e-12
                )


def test_a_lag_whose_jacobians_do_not_fit_says_how_much_they_need():
    task = make_task("4", 1_000)
    check_curve_memory(task, Recipe(), 10**9)
    line = (
        r"Gradients of task 4 with lag 1,000 need about 0\.2 GB; 0\.1 GB are free\. Shorten --lags"
    )
    with pytest.raises(ConfigError, match=line):
        check_curve_memory(task, Recipe(), 10**8)


def test_paths_are_products_of_gates_and_one_for_1997():
    task = make_task("4", 20)
    network = new_network("lstm", task, Recipe(hidden_size=4, remember=2.0), 1)
    with torch.no_grad():
        network.cell.weight_input.zero_()
        network.cell.weight_hidden.zero_()
        batch = tensors(task.fresh(1, np.random.default_rng(1)))
        projected = network.project(batch.inputs)
        outputs = network.from_projected(projected, batch.lengths)
        products = path_products(network.cell, projected, outputs)
    gate = 1 / (1 + math.exp(-2))
    expected = [gate**distance for distance in range(products.shape[1])]
    assert products[0].tolist() == pytest.approx(expected, rel=1e-5)
    old = curve(new_network("lstm-1997", task, Recipe(hidden_size=4), 1), task, "lstm-1997", False)
    assert set(old.path) == {1.0}


@pytest.mark.parametrize("kind", KINDS)
def test_input_gradients_equal_autograd(kind: MemoryCell):
    task = make_task("4", 20)
    network = new_network(kind, task, Recipe(hidden_size=4), 1).double()
    ours = input_gradients(network, task, 1)
    sequences = task.fresh(8, np.random.default_rng([1, 4]))
    batch = tensors(sequences.select(0, 1))
    inputs = batch.inputs.double().requires_grad_()
    logits = network(batch._replace(inputs=inputs))
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.targets.double())
    (wanted,) = torch.autograd.grad(loss, inputs)
    expected = wanted[0].norm(dim=-1).flip(0)[: ours.shape[1]]
    torch.testing.assert_close(ours[0], expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", ["2a", "2b"])
def test_input_gradients_of_symbols_are_of_the_last_signal_alone(name: str):
    task = make_task(name, 10)
    network = new_network("lstm", task, Recipe(hidden_size=4), 1).double()
    torch.nn.init.normal_(network.direct)  # the output units read the last symbol, too
    ours = input_gradients(network, task, 1)
    batch = tensors(task.fresh(8, np.random.default_rng([1, 4])).select(0, 1))
    spelt = torch.nn.functional.one_hot(batch.inputs, task.input_size).double().requires_grad_()
    hidden = network.from_projected(
        spelt @ network.cell.weight_input.T + network.cell.bias, batch.lengths
    )
    time = int(batch.times.max())
    nets = network.output(hidden[0, time]) + spelt[0, time] @ network.direct
    (target,) = batch.targets[batch.times == time].double()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(nets, target)
    (wanted,) = torch.autograd.grad(loss, spelt)
    expected = wanted[0, : time + 1].norm(dim=-1).flip(0)[: ours.shape[1]]
    torch.testing.assert_close(ours[0], expected, rtol=1e-9, atol=1e-15)
    assert (expected > 0).all()


def test_measuring_leaves_a_network_as_it_was():
    task = make_task("4", 20)
    network = new_network("lstm-1997", task, Recipe(hidden_size=4, truncated=True), 1)
    weights = network.cell.weight_input.clone()
    curve(network, task, "lstm-1997", False)
    assert network.cell.truncated
    assert torch.equal(network.cell.weight_input, weights)
    assert network.cell.weight_input.dtype == torch.float32


def test_a_run_that_started_from_another_and_an_average(counting_corpus):
    counting_corpus(60)
    some = [*TINY, "--training.max-updates", "2", "--training.validate-every", "1"]
    assert main(["train", "--run", "parent", *some]) == 0
    start = ["--training.start-from", "parent", "--training.average-last", "2"]
    assert main(["train", "--run", "child", *some, *start]) == 0
    parents, childs = measure_run("parent", print), measure_run("child", print)
    assert [curve.trained for curve in childs] == [False, True]
    assert childs[0].hidden == parents[1].hidden  # it began with the parent's best weights
    assert main(["average", "child"]) == 0
    said: list[str] = []
    (only,) = measure_run("child-average", said.append)
    assert only.trained
    assert "child-average is an average of 2 validations, which never began to train" in said


def test_a_shrinking_rnn_forgets_and_an_orthogonal_one_without_squashing_does_not():
    task = make_task("4", 20)
    network = new_network("rnn", task, Recipe(hidden_size=4), 1)
    with torch.no_grad():
        network.cell.weight_input.zero_()  # all states stay 0, where tanh is the identity
    still = curve(network, task, "rnn", False)
    assert still.hidden == pytest.approx([1.0] * len(still.hidden), abs=1e-5)
    with torch.no_grad():
        network.cell.weight_hidden *= 0.5
    shrinking = curve(network, task, "rnn", False)
    expected = [0.5**distance for distance in range(len(shrinking.hidden))]
    assert shrinking.hidden == pytest.approx(expected, rel=1e-4)
    assert shrinking.path == []


def assert_curve_is_of_the_whole_model(curve_: Curve, folder: Path, is_reversed: bool) -> None:
    """From tokens to the mean loss; what the encoder read last comes first."""
    model = load_model(folder).double()
    cell = model.encoder.layers.forward_cells[0]
    read: list[torch.Tensor] = []
    model.encoder.register_forward_pre_hook(lambda _, arguments: read.append(arguments[0]))
    hidden, inputs = [], []
    for source, target in sentences._sentences(folder, print):
        logits = model.output(model(source, torch.tensor([source.shape[1]]), target[:, :-1]))
        likely = logits[0].log_softmax(-1).gather(1, target[0, 1:, None])
        embedded = read[-1]
        (errors,) = torch.autograd.grad(-likely.mean(), embedded)
        lengths = errors[0].square().sum(-1).sqrt()
        ours = sentences.input_gradients(model, embedded, target)
        torch.testing.assert_close(ours, lengths.flip(0), rtol=1e-9, atol=1e-15)
        inputs.append((lengths if is_reversed else lengths.flip(0)).tolist())
        with torch.no_grad():
            in_order = embedded.flip(1) if is_reversed else embedded
            matrices = state_jacobians(cell, cell.project(in_order), cell.zero_state(1, in_order))
            hidden.append([float(torch.linalg.matrix_norm(matrix, 2)) for matrix in matrices])
    for found, rows in ((curve_.inputs, inputs), (curve_.hidden, hidden)):
        expected = [median_low(at) for at in zip(*rows, strict=False)]
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("system", ["rnn", "lstm-reversed", "attention"])
def test_a_translation_runs_encoder_on_its_own_sentences(system, counting_corpus, workplace):
    counting_corpus(60)
    run = ["train", "--run", "r", "--system", system, *TINY, "--training.max-updates", "2"]
    assert main(run) == 0
    start, trained = measure_run("r", print)
    assert (start.trained, trained.trained) == (False, True)
    for curve_ in (start, trained):
        assert curve_.hidden[0] == pytest.approx(1)
        assert len(curve_.inputs) == len(curve_.hidden) - 1
        assert min(curve_.inputs) > 0
        assert bool(curve_.path) == (system != "rnn")
    assert start.hidden != trained.hidden
    folder = workplace / "checkpoints/r"
    assert_curve_is_of_the_whole_model(trained, folder, is_reversed=system == "lstm-reversed")
    assert main(["memory", "gradients", "r"]) == 0
    assert (workplace / "checkpoints/memory/gradients.html").is_file()


def test_the_axis_of_gradients_has_powers_and_no_markup(tmp_path):
    points = [(distance, 10.0**-distance) for distance in range(1, 6)]
    by_distance({"at the start": {"h": {"rnn": points}}}, 1e-9, tmp_path / "g.svg")
    font = get_font(findfont("DejaVu Sans"))
    drawn = set(re.findall(r'id="DejaVuSans-([0-9a-f]+)"', (tmp_path / "g.svg").read_text()))
    assert f"{font.get_char_index(ord('1')):x}" in drawn
    assert f"{font.get_char_index(ord(chr(92))):x}" not in drawn  # of markup that nobody read
