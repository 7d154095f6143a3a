"""Mean and spread over seeds, worked out by hand."""

import math

import pytest

from seq2seq.evaluation.spread import spread


def test_mean_and_sample_deviation_by_hand() -> None:
    # Mean 4; squared distances 4, 0, 4; 8 / (3 - 1) = 4; √4 = 2.
    assert spread([2.0, 4.0, 6.0]) == (4.0, 2.0, 2.0, 6.0, 3)
    assert spread([1.0, 2.0]).deviation == pytest.approx(math.sqrt(0.5))


def test_one_seed_has_no_deviation() -> None:
    assert spread([7.5]) == (7.5, None, 7.5, 7.5, 1)


def test_nothing_has_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one"):
        spread([])
