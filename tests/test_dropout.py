"""Dropout's share, scale, gradient and independence."""

from __future__ import annotations

import pytest
import torch

from seq2seq.model.dropout import Dropout, SequenceDropout, make_dropout


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_share_and_scale(share):
    torch.manual_seed(0)
    values = torch.full((500, 401), 2.0)
    blanked = Dropout(share)(values)
    kept = blanked != 0
    # Four standard deviations of a mean of 200,500 coin tosses.
    assert float(kept.float().mean()) == pytest.approx(1 - share, abs=0.0045)
    torch.testing.assert_close(
        blanked[kept], torch.full((int(kept.sum()),), 2 / (1 - share)), rtol=1e-4, atol=0
    )


def test_neighbours_are_independent():
    """Four units share a draw of 64 bits: their masks must not be correlated."""
    torch.manual_seed(1)
    kept = (Dropout(0.3)(torch.ones(100_000)) != 0).float().view(-1, 4)
    correlations = torch.corrcoef(torch.cat([kept[:-1], kept[1:]], 1).t())
    assert float((correlations - torch.eye(8)).abs().max()) < 0.03


def test_gradient_passes_where_values_do():
    torch.manual_seed(2)
    values = torch.randn(7, 5, 3, requires_grad=True)
    dropped = Dropout(0.4)(values)
    (gradient,) = torch.autograd.grad(dropped.sum(), values)
    torch.testing.assert_close(gradient * values, dropped)


def test_off_outside_of_training_and_without_a_share():
    values = torch.randn(3, 4)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values


def test_the_seed_decides():
    values = torch.ones(1000)
    results = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        results.append(Dropout(0.5)(values))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_type_and_odd_sizes():
    torch.manual_seed(5)
    for shape in [(1,), (3, 1), (0, 4), (2, 3, 5)]:
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            assert Dropout(0.3)(torch.ones(shape, dtype=dtype)).dtype == dtype
    assert torch.isfinite(Dropout(0.999999)(torch.ones(100))).all()


def test_a_sequence_keeps_its_mask():
    torch.manual_seed(6)
    values = torch.randn(50, 9, 40)
    kept = make_dropout(0.3, per_sequence=True)(values) != 0
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert float(kept.float().mean()) == pytest.approx(0.7, abs=0.05)
    assert not torch.equal(kept[0], kept[1])
    per_step = make_dropout(0.3, per_sequence=False)(values) != 0
    assert not torch.equal(per_step[:, 0], per_step[:, 1])


def test_a_sequence_is_scaled_like_any_other():
    torch.manual_seed(7)
    dropped = SequenceDropout(0.5)(torch.ones(4, 3, 10))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert SequenceDropout(0.5)(torch.ones(4, 10)).shape == (4, 10)
    values = torch.ones(1, 2, 3)
    assert SequenceDropout(0.5).eval()(values) is values
