"""The tasks by their numbers in the paper."""

from __future__ import annotations

from seq2seq.errors import ConfigError
from seq2seq.memory.arithmetic import Adding, FineMultiplication, Multiplication
from seq2seq.memory.long_lags import LocalRegularities, NoRegularities, VeryLongLags
from seq2seq.memory.reber import EmbeddedReber
from seq2seq.memory.task import Task
from seq2seq.memory.temporal_order import ThreeSymbols, TwoSymbols
from seq2seq.memory.two_sequences import NoisySignal, NoisyTargets, TwoSequences

TASKS: dict[str, type[Task]] = {
    kind.name: kind
    for kind in (
        EmbeddedReber,
        LocalRegularities,
        NoRegularities,
        VeryLongLags,
        TwoSequences,
        NoisySignal,
        NoisyTargets,
        Adding,
        Multiplication,
        FineMultiplication,
        TwoSymbols,
        ThreeSymbols,
    )
}


def make_task(name: str, lag: int | None, distractors: int = 0) -> Task:
    """A task at a lag, or at the paper's own where none is given.

    Raises:
        ConfigError: there is no such task, it cannot have that lag, or it has no distractors.
    """
    if name not in TASKS:
        raise ConfigError(f"There is no task {name!r}; there are {', '.join(TASKS)}.")
    kind = TASKS[name]
    if name == EmbeddedReber.name and lag is not None:
        raise ConfigError("Task 1 has the lags of its grammar; leave --lags out.")
    if name != VeryLongLags.name and distractors:
        raise ConfigError(f"Task {name} has no distractors to choose; only 2c has.")
    lag = kind.default_lag if lag is None else lag
    return VeryLongLags(lag, distractors) if name == VeryLongLags.name else kind(lag)
