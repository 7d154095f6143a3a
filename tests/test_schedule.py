"""The learning rate against values worked out by hand."""

import math

import pytest

from seq2seq.config import TrainingSettings
from seq2seq.training.schedule import learning_rate

CASES = [
    # schedule, update, share of the peak, with 10 updates of warm-up in 110
    ("cosine", 1, 0.1),
    ("cosine", 5, 0.5),
    ("cosine", 10, 1.0),
    ("cosine", 60, 0.5),
    ("cosine", 35, 0.5 * (1 + math.cos(math.pi / 4))),
    ("cosine", 110, 0.0),
    ("cosine", 500, 0.0),
    ("linear", 35, 0.75),
    ("linear", 110, 0.0),
    ("inverse-sqrt", 10, 1.0),
    ("inverse-sqrt", 40, 0.5),
    ("inverse-sqrt", 90, 1 / 3),
    ("constant", 110, 1.0),
]


@pytest.mark.parametrize(("schedule", "update", "share"), CASES)
def test_rate_is_the_share_of_the_peak(schedule, update, share):
    settings = TrainingSettings(learning_rate=0.004, warmup_updates=10, schedule=schedule)
    assert learning_rate(settings, update, 110) == pytest.approx(0.004 * share, abs=1e-12)


def test_no_warmup_starts_at_the_peak():
    settings = TrainingSettings(learning_rate=0.1, warmup_updates=0, schedule="linear")
    assert learning_rate(settings, 1, 10) == pytest.approx(0.09)


def test_warmup_longer_than_the_budget_still_climbs_to_the_peak():
    settings = TrainingSettings(learning_rate=0.1, warmup_updates=1000)
    assert learning_rate(settings, 20, 20) == pytest.approx(0.1)
