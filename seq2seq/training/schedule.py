"""The learning rate as a function of the update alone, so that a resumed run needs no state."""

from __future__ import annotations

import math

from seq2seq.config import TrainingSettings

LONGEST_WARMUP = 4  # its share of the budget is at most 1 / this


def warmup_updates(settings: TrainingSettings, total_updates: int) -> int:
    """Updates of warm-up: those of the settings, but no more than a quarter of the budget.

    Else a short trial would end at its highest rate, where weights are worst.
    """
    return min(settings.warmup_updates, total_updates // LONGEST_WARMUP)


def learning_rate(settings: TrainingSettings, update: int, total_updates: int) -> float:
    """The rate of update number `update`, counted from 1.

    Warm-up is linear to the peak; then cosine and linear fall to zero, which they would reach one
    update after `total_updates` (Loshchilov and Hutter 2017), inverse-sqrt falls with the root of
    the update (Vaswani et al. 2017, section 5.3) and constant stays.
    """
    warmup = warmup_updates(settings, total_updates)
    if update <= warmup:
        return settings.learning_rate * update / warmup
    done = min(1.0, (update - warmup) / (total_updates - warmup + 1))
    match settings.schedule:
        case "cosine":
            share = 0.5 * (1 + math.cos(math.pi * done))
        case "linear":
            share = 1 - done
        case "inverse-sqrt":
            share = math.sqrt(max(1, warmup) / update)
        case "constant":
            share = 1.0
    return settings.learning_rate * share
