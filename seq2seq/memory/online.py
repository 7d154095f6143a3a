"""The paper's way: one sequence, one update, plain gradient descent, the truncated gradient.

The networks of several seeds run side by side in NumPy, each with weights and sequences of its own,
so that five cost little more than one. A network that has solved its task is left out from then on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from seq2seq.memory.carousel import Reals, Trace, forward, recurrent_gradient, truncated_gradient
from seq2seq.memory.outcome import Outcome, wrong_on_fresh
from seq2seq.memory.paper import Design
from seq2seq.memory.sequences import Floats, Sequences
from seq2seq.memory.success import Progress
from seq2seq.memory.task import Task

_DRAWN_AT_ONCE = 64


class Stream:
    """Training sequences one by one, drawn some at a time."""

    def __init__(self, task: Task, seed: int) -> None:
        """Before the first."""
        self.task = task
        self.random = np.random.default_rng([seed, 2])
        self.drawn: Sequences | None = None
        self.used = 0

    def take(self) -> Sequences:
        """The next sequence."""
        if self.drawn is None or self.used == _DRAWN_AT_ONCE:
            self.drawn, self.used = self.task.training(_DRAWN_AT_ONCE, self.random), 0
        self.used += 1
        return self.drawn.select(self.used - 1, self.used)


def sigmoid(values: Reals) -> Reals:
    """1 / (1 + exp(−x)), without overflow."""
    result: Reals = 0.5 * np.tanh(0.5 * values) + 0.5
    return result


class Networks:
    """Networks of one design, each with weights of its own: the copy comes first in every array.

    Attributes:
        weights: `input` [copies, units, input], `hidden` [copies, units, units], `bias` [copies,
            units], `output` [copies, output, cells], `output_bias` [copies, output] and, where the
            output layer reads the input too, `direct` [copies, output, input].
        is_biased: 1 for hidden units with a bias, [units].
        output_is_biased: whether output units have one.
    """

    def __init__(self, task: Task, design: Design, seeds: Iterable[int]) -> None:
        """Fresh weights: even between −`weights` and `weights`; gates biased by block."""
        blocks = design.blocks
        self.blocks = blocks
        self.of_symbols = task.of_symbols
        self.learning_rate = design.learning_rate
        shapes = {
            "input": (blocks.units, task.input_size),
            "hidden": (blocks.units, blocks.units),
            "bias": (blocks.units,),
            "output": (task.output_size, blocks.cells),
            "output_bias": (task.output_size,),
        }
        if design.direct:
            shapes["direct"] = (task.output_size, task.input_size)
        generators = [np.random.default_rng([seed, 3]) for seed in seeds]
        self.weights: dict[str, Reals] = {}
        for name, shape in shapes.items():
            drawn = [g.uniform(-design.weights, design.weights, shape) for g in generators]
            self.weights[name] = np.stack(drawn).astype(np.float32)
        cells, middle = blocks.cells, blocks.cells + blocks.number
        if design.input_bias:
            self.weights["bias"][:, cells:middle] = design.input_bias
        if design.output_bias:
            self.weights["bias"][:, middle:] = design.output_bias
        # Units without a bias: it is zero and stays so.
        self.is_biased = np.zeros(blocks.units, np.float32)
        first = {"all": 0, "hidden": 0, "gates": cells, "none": blocks.units}[design.biased]
        self.is_biased[first:] = 1
        self.output_is_biased = design.biased == "all"
        self.weights["bias"] *= self.is_biased
        self.weights["output_bias"] *= self.output_is_biased

    def keep(self, copies: list[int]) -> Networks:
        """These networks only, with weights of their own."""
        kept = Networks.__new__(Networks)
        vars(kept).update(vars(self))
        kept.weights = {name: weight[copies] for name, weight in self.weights.items()}
        return kept

    def outputs(self, sequences: Sequences) -> Floats:
        """Outputs of the first network at the error signals, [signals, output]."""
        trace = self._run(sequences.inputs[None])
        hidden = trace.activations[sequences.times, 0, sequences.rows, : self.blocks.cells]
        read = sequences.inputs[sequences.rows, sequences.times]
        return self._outputs(0, hidden, read).astype(np.float32)

    def learn(self, examples: list[Sequences]) -> list[Floats]:
        """One update of each network by one sequence of its own, down the squared error.

        Returns:
            Each network's outputs before the update, [signals, output].
        """
        inputs = _side_by_side([example.inputs[0] for example in examples])[:, None]
        trace = self._run(inputs)
        cells = self.blocks.cells
        errors = np.zeros_like(trace.activations[..., :cells])
        before = []
        for copy, example in enumerate(examples):
            hidden = trace.activations[example.times, copy, 0, :cells]
            read = example.inputs[0, example.times]
            outputs = self._outputs(copy, hidden, read)
            before.append(outputs.astype(np.float32))
            wanted = (example.targets - outputs) * outputs * (1 - outputs)
            errors[example.times, copy, 0] = wanted @ self.weights["output"][copy]
            wanted *= self.learning_rate
            self.weights["output"][copy] += wanted.T @ hidden
            self.weights["output_bias"][copy] += wanted.sum(0) * self.output_is_biased
            if "direct" in self.weights:
                np.add.at(self.weights["direct"][copy].T, read, wanted)
        nets = truncated_gradient(trace, self.blocks, errors) * np.float32(self.learning_rate)
        self._update_cells(trace, nets, inputs[:, 0])
        return before

    def _update_cells(self, trace: Trace, nets: Reals, inputs: NDArray[np.generic]) -> None:
        start = np.zeros_like(trace.activations[0])
        self.weights["hidden"] += recurrent_gradient(trace, nets, start)
        self.weights["bias"] += nets.sum((0, 2)) * self.is_biased
        by_copy = nets[:, :, 0].transpose(1, 0, 2)
        if self.of_symbols:
            for weight, symbols, change in zip(self.weights["input"], inputs, by_copy, strict=True):
                np.add.at(weight.T, symbols, change)
        else:
            self.weights["input"] += np.matmul(by_copy.transpose(0, 2, 1), inputs)

    def _run(self, inputs: NDArray[np.generic]) -> Trace:
        """All steps of all networks: [copies, batch, time, …]."""
        weight, bias = self.weights["input"], self.weights["bias"][:, None, None]
        if self.of_symbols:
            projected = np.stack([w.T[x] for w, x in zip(weight, inputs, strict=True)]) + bias
        else:
            projected = np.matmul(inputs, weight.transpose(0, 2, 1)[:, None]) + bias
        copies, batch = projected.shape[:2]
        return forward(
            np.ascontiguousarray(projected.transpose(2, 0, 1, 3)),
            self.weights["hidden"],
            self.blocks,
            np.zeros((copies, batch, self.blocks.units), np.float32),
            np.zeros((copies, batch, self.blocks.cells), np.float32),
        )

    def _outputs(self, copy: int, hidden: Reals, read: NDArray[np.generic]) -> Reals:
        nets = hidden @ self.weights["output"][copy].T + self.weights["output_bias"][copy]
        if "direct" in self.weights:
            nets += self.weights["direct"][copy].T[read]
        return sigmoid(nets)


def _side_by_side(arrays: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Arrays of different lengths, zeros behind the shorter ones: [copies, time, …]."""
    longest = max(len(array) for array in arrays)
    joined = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in enumerate(arrays):
        joined[row, : len(array)] = array
    return joined


def train_side_by_side(
    task: Task,
    design: Design,
    seeds: list[int],
    budget: int,
    done: Callable[[int, Outcome], None],
    report: Callable[[int, int], None] = lambda sequences, left: None,
) -> None:
    """Train one network a seed until each has solved the task or spent the budget; test each.

    Args:
        task: what to learn.
        design: the paper's network and learning rate.
        seeds: one network each.
        budget: training sequences a network, at most.
        done: receives a seed and its outcome as soon as there is one.
        report: receives sequences so far and networks still at it, about once a second.
    """
    racers = [_Racer(task.for_seed(seed), seed) for seed in seeds]
    networks = Networks(task, design, seeds)
    said = time.perf_counter()
    while racers:
        began = time.perf_counter()
        examples = [racer.stream.take() for racer in racers]
        outputs = networks.learn(examples)
        for copy, (racer, example) in enumerate(zip(racers, examples, strict=True)):
            racer.judge(example, outputs[copy])
            if racer.progress.exam_due():
                racer.examine(networks.keep([copy]))
        now = time.perf_counter()
        for racer in racers:
            racer.seconds += (now - began) / len(racers)
        ended = [copy for copy, racer in enumerate(racers) if racer.has_ended(budget)]
        for copy in ended:
            done(racers[copy].seed, racers[copy].outcome(networks.keep([copy])))
        if ended:
            going = [copy for copy in range(len(racers)) if copy not in ended]
            networks, racers = networks.keep(going), [racers[copy] for copy in going]
        elif now - said > 1:
            said = now
            report(racers[0].progress.sequences, len(racers))


class _Racer:
    """What belongs to one network beside its weights."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task = task
        self.seed = seed
        self.stream = Stream(task, seed)
        self.progress = Progress(task.rule)
        self.steps = 0
        self.seconds = 0.0
        self.diverged = False

    def judge(self, example: Sequences, outputs: Floats) -> None:
        self.steps += int(example.lengths[0])
        self.diverged = not bool(np.isfinite(outputs).all())
        self.progress.add(self.task.judge(outputs, example))

    def examine(self, network: Networks) -> None:
        exam = self.task.exam(self.stream.random)
        self.progress.add_exam(self.task.judge(network.outputs(exam), exam))

    def has_ended(self, budget: int) -> bool:
        solved = self.progress.solved_at is not None
        return solved or self.diverged or self.progress.sequences >= budget

    def outcome(self, network: Networks) -> Outcome:
        return Outcome(
            self.progress.solved_at is not None,
            self.progress.solved_at,
            self.progress.sequences,
            wrong_on_fresh(self.task, network),
            self.seconds,
            self.steps / self.seconds,
            self.diverged,
        )
