"""In what precision training multiplies: bf16 where the hardware does, float32 elsewhere.

bf16 has float32's range and 8 of its 24 significant bits. Weights, gradients and the optimiser stay
float32; autocast brings what is multiplied to bf16 (Kalamkar et al. 2019, "A Study of BFLOAT16 for
Deep Learning Training").
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch

from seq2seq.config import TrainingSettings

Kind = Literal["float32", "bf16"]

# Where a CPU multiplies bf16 natively, by torch's own names for asking it.
_INSTRUCTIONS = {
    "_is_avx512_bf16_supported": "AVX-512 BF16",
    "_is_amx_tile_supported": "AMX",
}


class Precision(NamedTuple):
    """What was chosen, and why in a few words."""

    kind: Kind
    reason: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.kind}, {self.reason}"


def choose_precision(wanted: Literal["auto", "float32", "bf16"], device: str) -> Precision:
    """The precision to train in.

    Args:
        wanted: the setting; `auto` takes bf16 wherever it is the faster one.
        device: `cpu`, `cuda` or `mps`.
    """
    if wanted != "auto":
        return Precision(wanted, "as --training.precision says")
    if device == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Precision("bf16", "which this GPU multiplies natively")
        return Precision("float32", "because this GPU does not multiply bf16 natively")
    if device != "cpu":
        return Precision("float32", f"which {device} always takes")
    found = native_bf16()
    if found is None:
        return Precision("float32", "because this torch does not say whether the CPU has bf16")
    if not found:
        return Precision("float32", "because this CPU does not multiply bf16 natively")
    return Precision("bf16", f"which this CPU multiplies natively ({found})")


def native_bf16() -> str | None:
    """By which instructions this CPU multiplies bf16: empty if by none, None if unknown."""
    questions = {
        name: ask for name in _INSTRUCTIONS if callable(ask := getattr(torch.cpu, name, None))
    }
    if not questions:
        return None
    try:
        return " and ".join(_INSTRUCTIONS[name] for name, ask in questions.items() if ask())
    except (RuntimeError, AttributeError):
        return None


def precision_before(state: dict[str, object], settings: TrainingSettings, device: str) -> Kind:
    """The precision that a training state was made in.

    States of before it was written down come from a program whose `auto` was float32 on a CPU.
    """
    kept = state.get("precision")
    if kept == "float32" or kept == "bf16":
        return kept
    if settings.precision == "auto" and device == "cpu":
        return "float32"
    return choose_precision(settings.precision, device).kind
