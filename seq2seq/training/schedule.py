"""The learning rate as a function of the update alone, so that a resumed run needs no state."""

from __future__ import annotations

import math

from seq2seq.config import TrainingSettings


def learning_rate(settings: TrainingSettings, update: int, total_updates: int) -> float:
    """The rate of update number `update`, counted from 1.

    Warm-up is linear to the peak; then cosine and linear fall to zero at `total_updates`
    (Loshchilov and Hutter 2017), inverse-sqrt falls with the root of the update (Vaswani et al.
    2017, section 5.3) and constant stays.
    """
    warmup = min(settings.warmup_updates, total_updates)
    if update <= warmup:
        return settings.learning_rate * update / warmup
    done = min(1.0, (update - warmup) / max(1, total_updates - warmup))
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
