"""What the paper used and what it reports.

Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8):1735-1780,
section 5: tables 1 to 9 for results, table 10 for networks.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from seq2seq.memory.carousel import Blocks


class Design(NamedTuple):
    """The paper's network and training for one task."""

    blocks: Blocks
    learning_rate: float
    weights: float  # initial weights lie between this, negative, and this
    input_bias: tuple[float, ...] = ()  # of the blocks' input gates
    output_bias: tuple[float, ...] = ()  # of the blocks' output gates
    direct: bool = False  # the output layer reads the input too
    biased: Literal["all", "hidden", "gates", "none"] = "all"  # units with a bias that is learnt


class Figure(NamedTuple):
    """One line of the paper's tables."""

    method: str
    lag: int
    solved: float | None  # share of trials; None where the paper gives none
    sequences: int | None  # to success, on average; None where it never came
    wrong: float | None = None  # out of 2,560 fresh sequences, on average
    distractors: int = 0  # kinds of distractors in 2c; as many as the lag if 0


DESIGNS = {
    "1": Design(Blocks(3, 2), 0.5, 0.2, output_bias=(-1, -2, -3), biased="gates"),
    "2a": Design(Blocks(1, 1), 1.0, 0.2, direct=True),
    "2b": Design(Blocks(1, 1), 1.0, 0.2, direct=True),
    "2c": Design(Blocks(2, 1), 0.01, 0.2, biased="none"),
    "3a": Design(Blocks(3, 1), 1.0, 0.1, (-1, -3, -5), (-2, -4, -6), biased="hidden"),
    "3b": Design(Blocks(3, 1), 1.0, 0.1, (-1, -3, -5), (-2, -4, -6), biased="hidden"),
    "3c": Design(Blocks(3, 1), 0.1, 0.1, (-1, -3, -5), (-2, -4, -6), biased="hidden"),
    "4": Design(Blocks(2, 2), 0.5, 0.1, (-3, -6)),
    "5": Design(Blocks(2, 2), 0.1, 0.1),
    "5-13": Design(Blocks(2, 2), 0.1, 0.1),
    "6a": Design(Blocks(2, 2), 0.5, 0.1, (-2, -4)),
    "6b": Design(Blocks(3, 2), 0.1, 0.1, (-2, -4, -6)),
}

# What is set beside our own results is called "LSTM" alone; other networks, rates and N are named.
FIGURES: dict[str, tuple[Figure, ...]] = {
    "1": (
        Figure("RTRL, 3 units", 0, None, 173_000),
        Figure("RTRL, 12 units", 0, None, 25_000),
        Figure("Elman net", 0, 0.0, None),
        Figure("RCC", 0, 0.5, 182_000),
        Figure("LSTM, 4 blocks of 1, rate 0.1", 0, 1.0, 39_740),
        Figure("LSTM, 3 blocks of 2, rate 0.1", 0, 1.0, 21_730),
        Figure("LSTM, 3 blocks of 2, rate 0.2", 0, 0.97, 14_060),
        Figure("LSTM, 4 blocks of 1, rate 0.5", 0, 0.97, 9_500),
        Figure("LSTM", 0, 1.0, 8_440),
    ),
    "2a": (
        Figure("RTRL, rate 1", 4, 0.78, 1_043_000),
        Figure("RTRL, rate 4", 4, 0.56, 892_000),
        Figure("RTRL, rate 10", 4, 0.22, 254_000),
        Figure("RTRL", 10, 0.0, None),
        Figure("RTRL", 100, 0.0, None),
        Figure("BPTT", 100, 0.0, None),
        Figure("neural sequence chunker", 100, 0.33, 32_400),
        Figure("LSTM", 100, 1.0, 5_040),
    ),
    "2b": (
        Figure("RTRL, BPTT, chunker", 100, 0.0, None),
        Figure("LSTM", 100, 1.0, 5_680),
    ),
    "2c": (
        Figure("LSTM", 50, None, 30_000),
        Figure("LSTM", 100, None, 31_000),
        Figure("LSTM", 200, None, 33_000),
        Figure("LSTM", 500, None, 38_000),
        Figure("LSTM", 1_000, None, 49_000),
        Figure("LSTM", 1_000, None, 49_000, distractors=500),
        Figure("LSTM", 1_000, None, 75_000, distractors=200),
        Figure("LSTM", 1_000, None, 135_000, distractors=100),
        Figure("LSTM", 1_000, None, 203_000, distractors=50),
    ),
    # The paper gives fractions that are wrong; here they are times 2,560.
    "3a": (
        Figure("LSTM, ST1", 100, None, 27_380),
        Figure("LSTM", 100, None, 39_850, 0.5),
        Figure("LSTM, N = 1", 100, None, 64_330, 0.3),
        Figure("LSTM", 1_000, None, 452_460, 0.2),
    ),
    "3b": (
        Figure("LSTM, ST1", 100, None, 41_740),
        Figure("LSTM", 100, None, 43_250, 21.2),
        Figure("LSTM, N = 1", 100, None, 78_430, 38.4),
        Figure("LSTM, N = 1", 1_000, None, 485_080, 30.9),
    ),
    "3c": (
        Figure("LSTM", 100, None, 269_650, 14.3),
        Figure("LSTM, N = 1", 100, None, 565_640, 11.3),
    ),
    "4": (
        Figure("LSTM", 100, None, 74_000, 1),
        Figure("LSTM", 500, None, 209_000, 0),
        Figure("LSTM", 1_000, None, 853_000, 1),
    ),
    "5": (Figure("LSTM", 100, None, 482_000, 139),),
    "5-13": (Figure("LSTM", 100, None, 1_273_000, 14),),
    "6a": (Figure("LSTM", 100, None, 31_390, 1),),
    "6b": (Figure("LSTM", 100, None, 571_100, 2),),
}


def lstm_figure(task: str, lag: int, distractors: int = 0) -> Figure | None:
    """What the paper reports of its LSTM on a task at a lag, if it does."""
    for figure in FIGURES[task]:
        alike = (figure.distractors or figure.lag) == (distractors or lag)
        if figure.method == "LSTM" and figure.lag == lag and alike:
            return figure
    return None
