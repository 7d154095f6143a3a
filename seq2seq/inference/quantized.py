"""Translation in 8-bit integers, for CPUs: the weights rounded once, each vector as it comes.

A matrix product with weights W and a row x becomes one of integers, which takes about a quarter of
the time where the processor multiplies bytes (AVX-512 VNNI, AMX):

    (W x)_j ≈ s_x s_j Σ_i X_i W'_ji        X = round(x / s_x), W'_j = round(W_j / s_j), in int8

Each row of W and each row of x has a scale of its own, the greatest magnitude in it / 127 (Wu et
al. 2020, "Integer Quantization for Deep Learning Inference", sections 3.1 and 3.2). No scale spans
rows of x: so no sentence sees its neighbours, and sums of integers are exact in any order.

What is left is then mostly tanh, for which torch needs about ten times as long as for the sigmoid.
It is rewritten here, exactly but for rounding: tanh(x) = 2 σ(2x) − 1.

Rounded are the decoder's matrices, the output layer and the encoder's LSTM cells. Embeddings stay,
and so do other encoder cells, whose whole-sequence kernels take no integers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.model.attention import AdditiveAttention
from seq2seq.model.cells import CellState, LSTMCell, last_of_each_row
from seq2seq.model.encoder_decoder import EncoderDecoder

LARGEST = 127  # of an int8, the same on both sides of zero
SMALLEST_SCALE = 1e-30  # of a row of zeros
LARGEST_EXPONENT = 20.0  # tanh(±20) is ±1 in float32; e^(4 · 20) is still a number in it


class Int8Weight(Tensor):
    """A weight matrix that stands wherever a layer multiplies by one, rounded to int8.

    It is a tensor to the layers alone, whose code thereby serves both kinds of weights. It knows
    products, rows and splits; anything else is refused.

    Attributes:
        integers: W', [output, input], int8.
        scales: s, [output].
    """

    integers: Tensor
    scales: Tensor

    @staticmethod
    def __new__(cls, integers: Tensor, scales: Tensor) -> Int8Weight:
        """No memory but that of its two parts."""
        weight: Int8Weight = torch.Tensor._make_wrapper_subclass(
            cls, integers.shape, dtype=scales.dtype, device=integers.device
        )
        weight.integers, weight.scales = integers, scales
        return weight

    @classmethod
    def of(cls, weight: Tensor) -> Int8Weight:
        """Round a matrix, [output, input]."""
        largest = _largest_weight()
        scales = weight.detach().abs().amax(1).div_(largest).clamp_min_(SMALLEST_SCALE)
        return cls((weight.detach() / scales[:, None]).round_().to(torch.int8), scales)

    def rows(self, rows: Tensor) -> Int8Weight:
        """These rows, in this order: int64, [rows]."""
        return Int8Weight(self.integers.index_select(0, rows), self.scales[rows])

    def parts(self, sizes: Sequence[int], dim: int = 0) -> tuple[Int8Weight, ...]:
        """Blocks of so many rows each."""
        if dim:
            raise NotImplementedError("an int8 weight is split by rows only")
        parts = (torch.split(part, list(sizes)) for part in (self.integers, self.scales))
        blocks = zip(*parts, strict=True)
        return tuple(Int8Weight(*block) for block in blocks)

    def product(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """W x + b: [..., input] → [..., output]."""
        rows = x.reshape(-1, x.shape[-1])
        scale = rows.abs().amax(1, keepdim=True).div_(LARGEST).clamp_min_(SMALLEST_SCALE)
        integers = (rows / scale).round_().to(torch.int8)
        # Not torch.ao's dynamic quantisation: it is deprecated, and its one scale for all rows of x
        # would let a sentence see its neighbours. This product needs no packing, so that a
        # shortlist can pick rows, and is as fast: a fifth of float32's time with 64 rows.
        sums = torch._int_mm(integers, self.integers.t()) * scale
        if bias is None:
            return sums.mul_(self.scales).view(*x.shape[:-1], -1)
        return torch.addcmul(bias, sums, self.scales, out=sums).view(*x.shape[:-1], -1)

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Products, rows and splits by the methods above; what needs no numbers by torch."""
        options = kwargs or {}
        if func is nn.functional.linear:
            x, weight, *bias = args
            return weight.product(x, *bias, **options)
        if func is torch.split:
            return args[0].parts(*args[1:], **options)
        if func is torch.index_select and args[1] == 0:
            return args[0].rows(args[2])
        return super().__torch_function__(func, types, args, options)  # type: ignore[no-untyped-call]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Nothing else has a meaning."""
        raise NotImplementedError(f"{func} of an int8 weight")


def _largest_weight() -> int:
    """The greatest integer whose products this machine sums exactly: 127, or 63.

    Processors without VNNI add products by twos in 16 bits, where the largest do not fit.
    """
    x = torch.full((2, 64), LARGEST, dtype=torch.int8)
    x[1] = -LARGEST
    sums = torch._int_mm(x, x.t())
    return LARGEST if sums.abs().eq(64 * LARGEST**2).all() else LARGEST // 2


class SigmoidTanh(nn.Module):
    """tanh(x) = 2 σ(2x) − 1, which torch computes faster in this form."""

    def forward(self, x: Tensor) -> Tensor:
        """Of each number."""
        return torch.sigmoid(2 * x).mul_(2).sub_(1)


class Int8LSTMCell(LSTMCell):
    """The LSTM's equations with int8 weights and one sigmoid for all four blocks.

    The candidate's rows of the weights are doubled: g = tanh(z) = 2 σ(2z) − 1.
    """

    def __init__(self, cell: LSTMCell) -> None:
        """From a cell, which stays as it is."""
        nn.Module.__init__(self)
        self.input_size, self.hidden_size = cell.input_size, cell.hidden_size
        size = cell.hidden_size
        factor = cell.bias.new_ones(4 * size)
        factor[2 * size : 3 * size] = 2
        self.bias = nn.Parameter(factor * cell.bias.detach())
        rounded = (Int8Weight.of(weight) for weight in (cell.weight_input, cell.weight_hidden))
        # Scales are doubled rather than weights: the integers are the same.
        self.weight_input, self.weight_hidden = (  # type: ignore[assignment]
            Int8Weight(weight.integers, weight.scales * factor) for weight in rounded
        )

    def advance(
        self, projected: Tensor, state: CellState, recurrent_weight: Tensor | None = None
    ) -> CellState:
        """See `RecurrentCell.advance`; its weights are its own, never dropped ones."""
        blocks = nn.functional.linear(state.hidden, self.weight_hidden).add_(projected).sigmoid_()
        input_gate, forget_gate, candidate, output_gate = blocks.chunk(4, -1)
        cell = forget_gate * state.cell
        cell.addcmul_(input_gate, candidate.mul_(2).sub_(1))
        return CellState(torch.sigmoid(2 * cell).mul_(2).sub_(1).mul_(output_gate), cell)

    def unroll(self, inputs: Tensor, lengths: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """See `RecurrentCell.unroll`; step by step."""
        hiddens, cells = [], []
        for projected in self.project(inputs.transpose(0, 1).contiguous()):
            state = self.advance(projected, state)
            hiddens.append(state.hidden)
            cells.append(state.cell)
        outputs = torch.stack(hiddens, 1)
        rows = torch.arange(len(lengths), device=lengths.device)
        return outputs, CellState(
            last_of_each_row(outputs, lengths), torch.stack(cells)[lengths - 1, rows]
        )


class ExponentialAttention(AdditiveAttention):
    """Additive attention with the squashing function pulled apart into its two arguments.

        score_s − Σ_i v_i = Σ_i v_i (tanh(q_i + k_si) − 1) = Σ_i −2 v_i / (1 + e^(2q_i) e^(2k_si))

    The softmax does not see what all have in common. Exponentials of keys are taken once a
    sentence and those of queries once a step; a product and a division are left for each pair.
    """

    def __init__(self, attention: AdditiveAttention) -> None:
        """From an attention, which stays as it is."""
        nn.Module.__init__(self)
        self.query_weight = Int8Weight.of(attention.query_weight)  # type: ignore[assignment]
        self.key_weight = Int8Weight.of(attention.key_weight)  # type: ignore[assignment]
        self.score_weight = nn.Parameter(-2 * attention.score_weight.detach())
        self.one = nn.Parameter(attention.score_weight.new_ones(()))

    def project_keys(self, values: Tensor) -> Tensor:
        """e^(2 U value_s): see `Attention.project_keys`."""
        return _exponential(super().project_keys(values))

    def scores(self, query: Tensor, keys: Tensor, word: Tensor | None = None) -> Tensor:
        """See `Attention.scores`."""
        projected = nn.functional.linear(query, self.query_weight)
        if word is not None:
            projected = projected + word
        exponentials = _exponential(projected)
        # [batch, target, 1, attention] * [batch, 1, source, attention]
        room = torch.addcmul(self.one, exponentials[:, :, None], keys[:, None])
        return room.reciprocal_() @ self.score_weight


def _exponential(x: Tensor) -> Tensor:
    return x.clamp_(-LARGEST_EXPONENT, LARGEST_EXPONENT).mul_(2).exp_()


def quantized(model: EncoderDecoder) -> EncoderDecoder:
    """A copy that translates in int8: see the top of this file. The model stays as it is.

    It cannot be trained: what is rounded has no gradient.
    """
    with torch.no_grad():
        rounded = copy.deepcopy(model).eval().requires_grad_(False)
        weight = rounded.output_weight
        rounded._parameters.pop("output_weight")
        rounded.output_weight = Int8Weight.of(weight)
        _replace(rounded.encoder, _lstm_alone)
        _replace(rounded.decoder, _faster)
    return rounded.requires_grad_(False)


def _replace(module: nn.Module, faster: Callable[[nn.Module], nn.Module | None]) -> None:
    """Put what `faster` makes of a part in its place; where it makes nothing, go deeper."""
    for name, part in module.named_children():
        replacement = faster(part)
        if replacement is None:
            _replace(part, faster)
        else:
            setattr(module, name, replacement)
    matrices = [n for n, p in module._parameters.items() if p is not None and p.dim() == 2]
    for name in matrices if faster is _faster else ():
        weight = module._parameters.pop(name)
        assert weight is not None
        setattr(module, name, Int8Weight.of(weight))


def _lstm_alone(part: nn.Module) -> nn.Module | None:
    return Int8LSTMCell(part) if isinstance(part, LSTMCell) else None


def _faster(part: nn.Module) -> nn.Module | None:
    match part:
        case LSTMCell():
            return Int8LSTMCell(part)
        case AdditiveAttention():
            return ExponentialAttention(part)
        case nn.Tanh():
            return SigmoidTanh()
        case _:
            return None
