"""The learning rate against values worked out by hand."""

import math

import pytest

from seq2seq.config import TrainingSettings
from seq2seq.training.schedule import learning_rate, warmup_updates

CASES = [
    # schedule, update, share of the peak, with 10 updates of warm-up in 109
    ("cosine", 1, 0.1),
    ("cosine", 5, 0.5),
    ("cosine", 10, 1.0),
    ("cosine", 60, 0.5),
    ("cosine", 35, 0.5 * (1 + math.cos(math.pi / 4))),
    ("cosine", 109, 0.5 * (1 + math.cos(math.pi * 0.99))),
    ("cosine", 110, 0.0),
    ("cosine", 500, 0.0),
    ("linear", 35, 0.75),
    ("linear", 109, 0.01),
    ("linear", 110, 0.0),
    ("inverse-sqrt", 10, 1.0),
    ("inverse-sqrt", 40, 0.5),
    ("inverse-sqrt", 90, 1 / 3),
    ("constant", 110, 1.0),
]


@pytest.mark.parametrize(("schedule", "update", "share"), CASES)
def test_rate_is_the_share_of_the_peak(schedule, update, share):
    settings = TrainingSettings(learning_rate=0.004, warmup_updates=10, schedule=schedule)
    assert learning_rate(settings, update, 109) == pytest.approx(0.004 * share, abs=1e-12)


def test_without_warmup_every_update_learns():
    settings = TrainingSettings(learning_rate=0.1, warmup_updates=0, schedule="linear")
    rates = [learning_rate(settings, update, 3) for update in (1, 2, 3)]
    assert rates == pytest.approx([0.075, 0.05, 0.025])
    assert learning_rate(settings, 1, 1) == pytest.approx(0.05)


def test_warmup_takes_a_quarter_of_the_budget_at_most():
    settings = TrainingSettings(learning_rate=0.1, warmup_updates=1000, schedule="linear")
    assert warmup_updates(settings, 4000) == 1000
    assert warmup_updates(settings, 20) == 5
    assert learning_rate(settings, 5, 20) == pytest.approx(0.1)
    assert learning_rate(settings, 20, 20) == pytest.approx(0.1 / 16)
