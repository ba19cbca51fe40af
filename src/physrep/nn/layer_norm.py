# pyright: reportMissingImports=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
"""Layer norm over a short last axis on a GPU.

torch gives a block of threads to every row. With the 16 to 128 channels of a convolutional encoder and millions
of positions most of those threads idle: on an H200 the norms took 58 % of a JEPA step in bfloat16. Here a program takes
many rows at once. Mean and deviation are computed again in the backward pass, and sums over rows are added in a fixed
order, so results repeat.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .depthwise_triton import available
from .plain import own_gpu_kernels

try:
    import triton
    import triton.language as tl
except ImportError:  # CPU builds of torch have no Triton
    triton = None

VALUES = 4096
"""Values per program and step."""

PROGRAMS = 1024
"""Programs of the backward pass, each of which sums the gradients of weight and bias over its rows."""

LONGEST = 512
"""Channels up to which it is taken."""

FASTER_FROM = 2**19
"""Values from which on it is taken on a GPU."""


def layer_norm(x: Tensor, module: nn.LayerNorm) -> Tensor:
    """``module(x)`` for a norm over the last axis, with weight and bias; under autocast in autocast's type.

    Args:
        x: tensor with shape ``(..., D)``.
        module: its epsilon, weight and bias.
    """
    if x.shape[-1] > LONGEST or not own_gpu_kernels(x, FASTER_FROM) or not available(x):
        return F.layer_norm(x, module.normalized_shape, module.weight, module.bias, module.eps)
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    return _LayerNorm.apply(x, module.weight, module.bias, module.eps, dtype)


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
        x = x.contiguous()
        ctx.save_for_backward(x, weight)
        ctx.epsilon = epsilon
        out = torch.empty(x.shape, dtype=dtype, device=x.device)
        channels, width, rows = _sizes(x)
        count = x.numel() // channels
        _kernels()[0][(triton.cdiv(count, rows),)](
            x, weight, bias, out, count, channels, epsilon, ROWS=rows, WIDTH=width, num_warps=4
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        channels, width, rows = _sizes(x)
        count = x.numel() // channels
        programs = min(PROGRAMS, triton.cdiv(count, rows))
        dx = torch.empty_like(x)
        sums = torch.empty(2, programs, channels, dtype=torch.float32, device=x.device)
        _kernels()[1][(programs,)](
            x, weight, gradient, dx, sums[0], sums[1], count, channels, ctx.epsilon, programs,
            ROWS=rows, WIDTH=width, num_warps=4,
        )  # fmt: skip
        dw, db = sums.sum(1).to(weight.dtype)
        return dx, dw, db, None, None


def _sizes(x: Tensor) -> tuple[int, int, int]:
    """Channels, the power of two that holds them, and rows per step."""
    width = triton.next_power_of_2(x.shape[-1])
    return x.shape[-1], width, max(1, VALUES // width)


@functools.cache
def _kernels() -> tuple[Any, Any]:
    """The compiled functions; Triton is only touched when they are first called."""

    @triton.jit(do_not_specialize=["N", "EPSILON"])
    def forward(x, weight, bias, out, N, D, EPSILON, ROWS: tl.constexpr, WIDTH: tl.constexpr):
        rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
        columns = tl.arange(0, WIDTH)
        inside = columns < D
        mask = (rows < N)[:, None] & inside[None, :]
        at = rows[:, None] * D + columns[None, :]
        value = tl.load(x + at, mask=mask, other=0.0).to(tl.float32)
        mean = tl.sum(value, axis=1) / D
        centred = tl.where(mask, value - mean[:, None], 0.0)
        rstd = 1 / tl.sqrt(tl.sum(centred * centred, axis=1) / D + EPSILON)
        w = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
        b = tl.load(bias + columns, mask=inside, other=0.0).to(tl.float32)
        result = centred * rstd[:, None] * w[None, :] + b[None, :]
        tl.store(out + at, result.to(out.dtype.element_ty), mask=mask)

    @triton.jit(do_not_specialize=["N", "EPSILON", "PROGRAMS"])
    def backward(x, weight, gradient, dx, dw, db, N, D, EPSILON, PROGRAMS, ROWS: tl.constexpr, WIDTH: tl.constexpr):
        columns = tl.arange(0, WIDTH)
        inside = columns < D
        w = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
        total_w = tl.zeros((ROWS, WIDTH), tl.float32)
        total_b = tl.zeros((ROWS, WIDTH), tl.float32)
        first = tl.program_id(0).to(tl.int64) * ROWS
        while first < N:
            rows = first + tl.arange(0, ROWS)
            mask = (rows < N)[:, None] & inside[None, :]
            at = rows[:, None] * D + columns[None, :]
            value = tl.load(x + at, mask=mask, other=0.0).to(tl.float32)
            upstream = tl.load(gradient + at, mask=mask, other=0.0).to(tl.float32)
            mean = tl.sum(value, axis=1) / D
            centred = tl.where(mask, value - mean[:, None], 0.0)
            rstd = 1 / tl.sqrt(tl.sum(centred * centred, axis=1) / D + EPSILON)
            normed = centred * rstd[:, None]
            scaled = upstream * w[None, :]
            share = tl.sum(scaled, axis=1) / D
            slope = tl.sum(scaled * normed, axis=1) / D
            result = (scaled - share[:, None] - normed * slope[:, None]) * rstd[:, None]
            tl.store(dx + at, result.to(dx.dtype.element_ty), mask=mask)
            total_w += upstream * normed
            total_b += upstream
            first += PROGRAMS * ROWS
        place = tl.program_id(0) * D + columns
        tl.store(dw + place, tl.sum(total_w, axis=0), mask=inside)
        tl.store(db + place, tl.sum(total_b, axis=0), mask=inside)

    return forward, backward
