"""What the paper used and what it reports, as we read it.

Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8):1735-1780,
section 5. Architectures were checked against the paper's own counts of weights where it gives them.
"""

from __future__ import annotations

from typing import NamedTuple

from seq2seq.memory.carousel import Blocks


class Design(NamedTuple):
    """The paper's network and training for one task."""

    blocks: Blocks
    learning_rate: float
    weights: float  # initial weights lie between this, negative, and this
    input_bias: tuple[float, ...] = ()  # of the blocks' input gates
    output_bias: tuple[float, ...] = ()  # of the blocks' output gates
    direct: bool = False  # the output layer reads the input too


class Figure(NamedTuple):
    """One line of the paper's tables."""

    method: str
    lag: int
    solved: float | None  # share of trials; None where the paper gives none
    sequences: int | None  # to success, on average; None where it never came
    wrong: int | None = None  # out of 2,560 fresh sequences


DESIGNS = {
    "1": Design(Blocks(3, 2), 0.5, 0.2, output_bias=(-1, -2, -3)),
    "2a": Design(Blocks(1, 1), 1.0, 0.2, direct=True),
    "2b": Design(Blocks(1, 1), 1.0, 0.2, direct=True),
    "2c": Design(Blocks(2, 1), 0.01, 0.2),
    "3a": Design(Blocks(3, 1), 1.0, 0.1, (-1, -3, -5), (-2, -4, -6)),
    "3b": Design(Blocks(3, 1), 1.0, 0.1, (-1, -3, -5), (-2, -4, -6)),
    "3c": Design(Blocks(3, 1), 0.1, 0.1, (-1, -3, -5), (-2, -4, -6)),
    "4": Design(Blocks(2, 2), 0.5, 0.1, (-3, -6)),
    "5": Design(Blocks(2, 2), 0.1, 0.1, (-3, -6)),
    "6a": Design(Blocks(2, 2), 0.5, 0.1, (-2, -4)),
    "6b": Design(Blocks(3, 2), 0.1, 0.1, (-2, -4, -6)),
}

FIGURES: dict[str, tuple[Figure, ...]] = {
    "1": (
        Figure("RTRL, 12 units", 0, None, 25_000),
        Figure("Elman net", 0, 0.0, None),
        Figure("RCC", 0, 0.5, 182_000),
        Figure("LSTM, 3 blocks of 2", 0, 1.0, 8_440),
    ),
    "2a": (
        Figure("RTRL", 4, 0.78, 1_043_000),
        Figure("RTRL", 10, 0.0, None),
        Figure("RTRL", 100, 0.0, None),
        Figure("BPTT", 100, 0.0, None),
        Figure("neural sequence chunker", 100, 0.33, 32_400),
        Figure("LSTM", 100, 1.0, 5_040),
    ),
    "2b": (Figure("LSTM", 100, 1.0, 5_680),),
    "2c": (
        Figure("LSTM", 50, None, 30_000),
        Figure("LSTM", 100, None, 31_000),
        Figure("LSTM", 200, None, 33_000),
        Figure("LSTM", 500, None, 38_000),
        Figure("LSTM", 1_000, None, 49_000),
    ),
    "3a": (Figure("LSTM", 100, None, 39_850),),
    "3b": (Figure("LSTM", 100, None, 43_250),),
    "3c": (Figure("LSTM", 100, None, 269_650),),
    "4": (
        Figure("LSTM", 100, None, 74_000, 1),
        Figure("LSTM", 500, None, 209_000, 0),
        Figure("LSTM", 1_000, None, 853_000, 1),
    ),
    "5": (Figure("LSTM", 100, None, 482_000, 139),),
    "6a": (Figure("LSTM", 100, None, 31_390, 1),),
    "6b": (Figure("LSTM", 100, None, 571_100, 2),),
}


def lstm_figure(task: str, lag: int) -> Figure | None:
    """What the paper reports of its LSTM on a task at a lag, if it does."""
    for figure in FIGURES[task]:
        if figure.method.startswith("LSTM") and figure.lag == lag:
            return figure
    return None
