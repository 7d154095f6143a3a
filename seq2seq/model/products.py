"""The matrix product behind the loop over steps and the vocabulary, by the fastest way there is."""

from __future__ import annotations

import os
from functools import cache

import torch
from torch import Tensor, nn

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
        product = torch.mm(lowered(x, weight.dtype), weight.t())[: len(x)].to(x.dtype)
        return product if bias is None else product.add_(bias)
    if _ONEDNN is not None and x.device.type == "cpu" and x.dtype == torch.float32:
        # Weights that are part of a larger matrix would go through oneDNN's slow reference loop.
        dense = weight.is_contiguous() or weight.t().is_contiguous()
        result: Tensor = _ONEDNN(x, weight if dense else weight.contiguous(), bias, "none", [], "")
        return result
    return torch.mm(x, weight.t()) if bias is None else torch.addmm(bias, x, weight.t())


def sum_of_outer(left: Tensor, right: Tensor, dtype: torch.dtype) -> Tensor:
    """Σ over rows of left rightᵀ, worked out in `dtype`: [..., m], [..., n] → [m, n]."""
    left, right = left.flatten(0, -2), right.flatten(0, -2)
    if left.dtype == dtype:
        return left.t() @ right
    return (lowered(left, dtype).t() @ lowered(right, dtype)).to(left.dtype)


def project(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`nn.functional.linear` for sequences of many lengths: [..., input] → [..., output].

    Differentiable. Under autocast it multiplies a common number of rows: see `lowered`.
    """
    dtype = product_type(weight)
    rows = x.shape[:-1].numel()
    if dtype == weight.dtype or not (spare := _common(rows, x) - rows):
        return nn.functional.linear(x, weight, bias)
    filled = nn.functional.pad(x.flatten(0, -2).to(dtype), (0, 0, 0, spare))
    product = nn.functional.linear(filled, weight, bias)[:rows]
    return product.view(*x.shape[:-1], len(weight))


class Linear(nn.Linear):
    """`nn.Linear` by `project`."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., input] → [..., output]."""
        return project(x, self.weight, self.bias)


def lowered(x: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy of x in a lower precision, below it zeros up to a common number of rows for AMX.

    oneDNN makes machine code for every size that it meets. For the tiles of AMX this takes 3 to
    14 ms, many times as long as the product itself, and batches of sentences hardly ever come in
    the same size twice. A tile has 16 rows, full or not. Without tiles the code is made faster,
    and rows of zeros cost what others do.

    Args:
        x: [rows, columns].
        dtype: of the copy.
    """
    rows = len(x)
    if (common := _common(rows, x)) == rows:
        return x.to(dtype)
    filled = x.new_empty(common, x.shape[1], dtype=dtype)
    filled[:rows] = x
    filled[rows:] = 0
    return filled


def unfilled(rows: int, like: Tensor) -> int:
    """The largest number of rows, at most this one, below which `lowered` puts no zeros."""
    if rows < 16:
        return rows
    return next(fewer for fewer in range(rows, 0, -1) if _common(fewer, like) == fewer)


def _common(rows: int, like: Tensor) -> int:
    """A number of rows not below this one that many batches share, where that matters."""
    if like.device.type != "cpu" or not has_tiles():
        return rows
    unit = 16 if rows <= 256 else 64
    return -(-rows // unit) * unit


@cache
def has_tiles() -> bool:
    """Whether this CPU multiplies bf16 in tiles (AMX), as far as torch can tell."""
    ask = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return callable(ask) and bool(ask())


@cache
def has_avx512() -> bool:
    """Whether this CPU has AVX-512, without which oneDNN has no LSTM in bf16."""
    ask = getattr(torch.cpu, "_is_avx512_supported", None)
    return callable(ask) and bool(ask())


def product_type(like: Tensor) -> torch.dtype:
    """The type to multiply in: that of `like`, or autocast's where it is on."""
    device = like.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else like.dtype
