"""The matrix product behind the loop over steps and the vocabulary, by the fastest way there is."""

from __future__ import annotations

import os

import torch
from torch import Tensor

# oneDNN keeps the machine code it made for products of the last 1,024 sizes, and torch above it
# what it needs to run them. Batches of ever new sizes find few of them again, and in a long
# training these two caches held more memory than everything else.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
os.environ.setdefault("LRU_CACHE_CAPACITY", "16")

# oneDNN's product, which torch keeps for its compiler. With the 64 rows of a batch it takes four
# fifths of the time of torch.mm on two cores.
_ONEDNN = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
    _ONEDNN = None


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The product x Wᵀ + b, worked out in the type of W and given in the type of x.

    For hand-derived backward passes: autograd does not see through it.

    Args:
        x: [rows, input].
        weight: [output, input].
        bias: [output].
    """
    if x.dtype != weight.dtype:  # W was brought to a lower precision
        product = torch.mm(x.to(weight.dtype), weight.t()).to(x.dtype)
        return product if bias is None else product.add_(bias)
    if _ONEDNN is not None and x.device.type == "cpu" and x.dtype == torch.float32:
        # Weights that are part of a larger matrix would go through oneDNN's slow reference loop.
        dense = weight.is_contiguous() or weight.t().is_contiguous()
        result: Tensor = _ONEDNN(x, weight if dense else weight.contiguous(), bias, "none", [], "")
        return result
    return torch.mm(x, weight.t()) if bias is None else torch.addmm(bias, x, weight.t())


def product_type(like: Tensor) -> torch.dtype:
    """The type to multiply in: that of `like`, or autocast's where it is on."""
    device = like.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else like.dtype
