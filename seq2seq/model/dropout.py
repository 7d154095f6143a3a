"""Dropout with random numbers that a CPU draws in a fraction of torch's time."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """Blank a share `p` of units in training and scale the others up to the same expectation.

    Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".

    On a CPU 64 random bits serve four units, 16 each, which rounds the share to a 65,536th.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Values of any shape; the very same ones outside of training."""
        if not self.training or not self.p:
            return values
        if values.device.type != "cpu":
            return super().forward(values)
        return values * _mask(values, self.p)


class SequenceDropout(Dropout):
    """Blank the same units at every step of a sentence.

    Gal and Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural
    Networks", section 4: a unit that is gone stays gone, so that the next step cannot make up for
    it.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Sentences [batch, time, size], one mask each; a single step's [batch, size] likewise."""
        if not self.training or not self.p:
            return values
        if values.dim() == 2:
            return super().forward(values)
        return values * super().forward(values.new_ones(len(values), 1, values.shape[2]))


def make_dropout(share: float, per_sequence: bool) -> Dropout:
    """Fresh masks at every step, or one a sentence."""
    return SequenceDropout(share) if per_sequence else Dropout(share)


def _mask(like: Tensor, share: float) -> Tensor:
    """0 for blanked units, 1 / (1 − share) for the others, in the shape and type of `like`."""
    blanked = min(round(share * 2**16), 2**16 - 1)
    draws = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    sixteens = draws.view(torch.int16)[: like.numel()].view(like.shape)  # −32,768 to 32,767
    return (sixteens >= blanked - 2**15).to(like.dtype).mul_(2**16 / (2**16 - blanked))
