"""Experiment 1: the embedded Reber grammar, a warm-up without long lags."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from seq2seq.memory.sequences import Floats, Sequences, Verdict, by_row
from seq2seq.memory.success import ExamRule
from seq2seq.memory.task import Task

SYMBOLS = "BTPSXVE"
# State → symbol → state; the last state has no way on.
GRAMMAR = [
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
    {},
]


def reber_string(random: np.random.Generator) -> str:
    """One string of the inner grammar; both ways on are equally likely."""
    state, text = 0, ""
    while GRAMMAR[state]:
        choices = list(GRAMMAR[state].items())
        symbol, state = choices[int(random.integers(len(choices)))]
        text += symbol
    return text


def embedded_string(random: np.random.Generator) -> str:
    """B, then T or P, an inner string, the same T or P, and E."""
    branch = "TP"[int(random.integers(2))]
    return f"B{branch}{reber_string(random)}{branch}E"


def successors(text: str) -> list[str]:
    """Which symbols may follow each symbol of an embedded string but the last.

    Raises:
        KeyError: the text is no embedded Reber string.
    """
    state = 0
    found = ["TP", "B"]
    for symbol in text[2:-2]:
        state = GRAMMAR[state][symbol]
        # After the inner E only the outer branch may come, and it must be the remembered one.
        found.append("".join(GRAMMAR[state]) or text[1])
    return [*found, "E"]


def encode(texts: list[str]) -> Sequences:
    """Strings with an error signal at every symbol: predict the next."""
    lengths = np.array([len(text) - 1 for text in texts])
    inputs = np.zeros((len(texts), int(lengths.max())), dtype=np.int64)
    targets = np.zeros((int(lengths.sum()), len(SYMBOLS)), dtype=np.float32)
    truth = np.zeros_like(targets)
    signal = 0
    for row, text in enumerate(texts):
        inputs[row, : lengths[row]] = [SYMBOLS.index(symbol) for symbol in text[:-1]]
        for following, legal in zip(text[1:], successors(text), strict=True):
            targets[signal, SYMBOLS.index(following)] = 1
            truth[signal, [SYMBOLS.index(symbol) for symbol in legal]] = 1
            signal += 1
    rows = np.repeat(np.arange(len(texts)), lengths)
    times = np.concatenate([np.arange(length) for length in lengths])
    return Sequences(inputs, lengths, rows, times, targets, truth)


@lru_cache(maxsize=64)
def _pools(seed: int, size: int) -> tuple[list[str], list[str]]:
    """Training strings as the grammar gives them, short ones again and again; test strings too, but
    none that is in the training set.
    """
    random = np.random.default_rng([1, seed])
    training = [embedded_string(random) for _ in range(size)]
    used = set(training)
    test: list[str] = []
    while len(test) < size:
        text = embedded_string(random)
        if text not in used:
            test.append(text)
    return training, test


@dataclass(frozen=True)
class EmbeddedReber(Task):
    """Predict every next symbol; the last but one repeats the second.

    256 training and 256 test strings, drawn anew for each seed without overlap. Solved when in all
    of both sets, at each step, the units of the possible next symbols are the most active ones.
    The grammar sets the lags, so `lag` is 0.
    """

    lag: int = 0
    seed: int = 0
    name = "1"
    title = "embedded Reber grammar"
    default_lag = 0
    least_lag = 0
    tolerance = 0.5
    rule = ExamRule(512)

    @property
    def minimal_lag(self) -> int:
        """The shortest inner string has five symbols: B T X S E, B P V V E."""
        return 6

    @property
    def longest(self) -> int:
        """Longer strings are rarer than one in a million."""
        return 60

    @property
    def input_size(self) -> int:
        """One unit a symbol."""
        return len(SYMBOLS)

    @property
    def output_size(self) -> int:
        """One unit a symbol."""
        return len(SYMBOLS)

    def for_seed(self, seed: int) -> Task:
        """With the strings of this seed."""
        return EmbeddedReber(self.lag, seed)

    def fresh(self, count: int, random: np.random.Generator) -> Sequences:
        """Strings of the grammar, seen or not."""
        return encode([embedded_string(random) for _ in range(count)])

    def training(self, count: int, random: np.random.Generator) -> Sequences:
        """Strings of the training set."""
        strings = _pools(self.seed, self.rule.size // 2)[0]
        return encode([strings[row] for row in random.integers(len(strings), size=count)])

    def exam(self, random: np.random.Generator) -> Sequences:
        """Both sets."""
        training, test = _pools(self.seed, self.rule.size // 2)
        return encode(training + test)

    def judge(self, outputs: Floats, sequences: Sequences) -> Verdict:
        """Correct where each possible successor is more active than each impossible one."""
        legal = sequences.truth > 0
        least = np.where(legal, outputs, np.inf).min(1)
        most = np.where(legal, -np.inf, outputs).max(1)
        mean = by_row(np.abs(outputs - sequences.targets).mean(1), sequences, np.add)
        correct = by_row(least > most, sequences, np.logical_and)
        return Verdict(correct, mean / sequences.lengths)
