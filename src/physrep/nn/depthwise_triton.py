# ruff: noqa: RUF005 - Triton adds tuples, it does not unpack them
# pyright: reportMissingImports=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
r"""Depthwise convolutions on a GPU: forward pass, data gradient and weight gradient as Triton kernels.

The formulas are those of `physrep.nn.depthwise`; the data gradient is a forward pass with the flipped kernel. A 7 x 7
x 7 depthwise convolution does 343 multiply-adds per point, so its floor is the card's float32 rate; what stands in the
way is the number of loads per multiply-add. Tensors are read channels-last:

- forward: a program computes ``ROWS`` rows of outputs for a block of columns and channels. Every input row is loaded
  once per lag along W and serves up to 7 output rows, from registers.
- weight gradient: a program keeps the lags of all kernel rows and a few kernel columns as sums in registers, and walks
  over blocks of positions; blocks are shared out among programs in a fixed order and their sums added at the end, so
  the result is deterministic.

Sums are float32 whatever the type of the fields. Without Triton (torch's CUDA builds bring it) `available` is False.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

try:
    import triton
    import triton.language as tl
except ImportError:  # CPU builds of torch have no Triton
    triton = None

ROWS, COLUMNS, CHANNELS = 16, 32, 16
"""Outputs per program of the forward pass: rows, columns, channels; 16 rows are 1.6 times as fast as 8 on an H200."""

LAG_COLUMNS, GRADIENT_ROWS = 2, 16
"""Kernel columns and rows of outputs per step of the weight gradient."""

PROGRAMS = 8192
"""About as many programs share the positions of a weight gradient."""


def available(x: Tensor) -> bool:
    """Whether the kernels take a tensor of this device and type (on a CPU only in Triton's interpreter)."""
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    on_device = x.device.type == "cuda" or (interpreted and x.device.type == "cpu")
    return triton is not None and on_device and x.dtype in (torch.float32, torch.bfloat16, torch.float16)


def depthwise(x: Tensor, weight: Tensor, bias: Tensor | None, padding: Any) -> Tensor:
    """`forward` with its gradients; under autocast in autocast's type."""
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    return _Depthwise.apply(x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype), padding)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: Any) -> Tensor:
        ctx.padding = padding
        x = x.contiguous(memory_format=torch.channels_last_3d)
        ctx.save_for_backward(x, weight)
        return forward(x, weight, bias, padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight = ctx.saved_tensors
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            dx = data_gradient(gradient, weight, ctx.padding)
        if ctx.needs_input_grad[1]:
            dw = weight_gradient(x, gradient, weight.shape[2:], ctx.padding).to(weight.dtype)
        if ctx.needs_input_grad[2]:
            db = gradient.sum((0, 2, 3, 4))
        return dx, dw, db, None


def forward(
    x: Tensor, weight: Tensor, bias: Tensor | None, padding: Any, flip: bool = False, rows: int = ROWS
) -> Tensor:
    """Depthwise convolution, stride 1, zero padding.

    Args:
        x: input with shape ``(B, C, T, H, W)``.
        weight: kernels with shape ``(C, 1, K_t, K_h, K_w)``.
        bias: offsets with shape ``(C,)``, or None.
        padding: zeros on both sides of T, H and W.
        flip: whether the kernel is taken from its end.
        rows: output rows per program.

    Returns:
        Tensor with shape ``(B, C, T + 2 p_t - K_t + 1, ...)`` in channels-last layout.
    """
    x = x.contiguous(memory_format=torch.channels_last_3d)
    batch, channels, *sizes = x.shape
    kernel = weight.shape[2:]
    out = [n + 2 * p - k + 1 for n, p, k in zip(sizes, padding, kernel, strict=True)]
    y = torch.empty((batch, channels, *out), dtype=x.dtype, device=x.device, memory_format=torch.channels_last_3d)
    taps = weight.reshape(channels, -1).t().contiguous()
    columns, block, warps = _blocks(out[2], channels)
    grid = (batch * out[0] * triton.cdiv(out[1], rows) * triton.cdiv(out[2], columns), triton.cdiv(channels, block))
    _kernels()[0][grid](
        x, taps, taps if bias is None else bias, y, *sizes, channels, *out, *padding,
        FLIP=flip, BIAS=bias is not None, KT=kernel[0], KH=kernel[1], KW=kernel[2], ROWS=rows, COLUMNS=columns,
        CHANNELS=block, num_warps=warps, num_stages=1,
    )  # fmt: skip
    return y


def data_gradient(gradient: Tensor, weight: Tensor, padding: Any, rows: int = ROWS) -> Tensor:
    """Gradient with respect to the input, from that of the output, ``(B, C, T_o, H_o, W_o)``."""
    reach = [k - 1 - p for k, p in zip(weight.shape[2:], padding, strict=True)]
    return forward(gradient, weight, None, reach, flip=True, rows=rows)


def weight_gradient(
    x: Tensor, gradient: Tensor, kernel: Any, padding: Any, rows: int = GRADIENT_ROWS, lags: int = LAG_COLUMNS
) -> Tensor:
    """Gradient with respect to the kernels, float32 with shape ``(C, 1, K_t, K_h, K_w)``.

    Args:
        x: input with shape ``(B, C, T, H, W)``.
        gradient: that of the output.
        kernel: sizes (K_t, K_h, K_w).
        padding: zeros on both sides of T, H and W.
        rows: rows of outputs per step.
        lags: kernel columns per program.
    """
    x = x.contiguous(memory_format=torch.channels_last_3d)
    gradient = gradient.contiguous(memory_format=torch.channels_last_3d)
    batch, channels, *sizes = x.shape
    out = gradient.shape[2:]
    columns, block, warps = _blocks(out[2], channels)
    groups = triton.cdiv(kernel[2], lags)
    jobs = batch * out[0] * triton.cdiv(out[1], rows) * triton.cdiv(out[2], columns)
    blocks = triton.cdiv(channels, block)
    # Each program works through several blocks of positions, since adding up its sums costs about as much as one.
    splits = max(1, min(triton.cdiv(jobs, 4), PROGRAMS // (kernel[0] * groups * blocks)))
    sums = torch.empty(splits, kernel[0], kernel[1], kernel[2], channels, dtype=torch.float32, device=x.device)
    _kernels()[1][kernel[0] * groups * splits, blocks](
        x, gradient, sums, batch, *sizes, channels, *out, *padding, splits,
        KT=kernel[0], KH=kernel[1], KW=kernel[2], LAGS=lags, ROWS=rows, COLUMNS=columns, CHANNELS=block,
        num_warps=warps, num_stages=1,
    )  # fmt: skip
    return sums.sum(0).permute(3, 0, 1, 2).unsqueeze(1).contiguous()


def _blocks(width: int, channels: int) -> tuple[int, int, int]:
    """Columns and channels per program, and warps, so that a thread has four values: one 16-byte load of float32."""
    columns = min(COLUMNS, max(8, triton.next_power_of_2(width)))
    block = min(CHANNELS, triton.next_power_of_2(channels))
    return columns, block, max(1, columns * block // 128)


@functools.cache
def _kernels() -> tuple[Any, Any]:
    """The compiled functions; Triton is only touched when they are first called.

    Sizes are not specialised on, except the number of channels: the stages of an encoder share one compilation.
    """
    sizes = ["T", "H", "W", "TO", "HO", "WO", "PT", "PH", "PW"]

    @triton.jit(do_not_specialize=sizes)
    def convolve(
        x, taps, bias, y, T, H, W, C, TO, HO, WO, PT, PH, PW,
        FLIP: tl.constexpr, BIAS: tl.constexpr, KT: tl.constexpr, KH: tl.constexpr, KW: tl.constexpr,
        ROWS: tl.constexpr, COLUMNS: tl.constexpr, CHANNELS: tl.constexpr,
    ):  # fmt: skip
        place = tl.program_id(0)
        column_blocks = tl.cdiv(WO, COLUMNS)
        row_blocks = tl.cdiv(HO, ROWS)
        columns = (place % column_blocks) * COLUMNS + tl.arange(0, COLUMNS)
        place = place // column_blocks
        first = (place % row_blocks) * ROWS
        place = place // row_blocks
        frame = place % TO
        sample = (place // TO).to(tl.int64)
        channels = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
        inside = channels < C
        total = ()
        for _ in tl.static_range(ROWS):
            total = total + (tl.zeros((COLUMNS, CHANNELS), tl.float32),)
        for kt in range(KT):
            t = frame + kt - PT
            if (t >= 0) & (t < T):
                plane = x + (sample * T + t) * H * W * C
                for kw in range(KW):
                    w = columns + kw - PW
                    within = ((w >= 0) & (w < W))[:, None] & inside[None, :]
                    weights = ()
                    for kh in tl.static_range(KH):
                        tap = (kt * KH + kh) * KW + kw
                        if FLIP:
                            tap = KT * KH * KW - 1 - tap
                        value = tl.load(taps + tap * C + channels, mask=inside, other=0.0).to(tl.float32)
                        weights = weights + (value[None, :],)
                    base = plane + w[:, None] * C + channels[None, :]
                    for i in tl.static_range(ROWS + KH - 1):
                        h = first + i - PH
                        value = tl.load(base + h * W * C, mask=within & (h >= 0) & (h < H), other=0.0).to(tl.float32)
                        # Input row i meets output row r at the lag kh = i - r.
                        updated = ()
                        for r in tl.static_range(ROWS):
                            if i - r >= 0 and i - r < KH:
                                updated = updated + (total[r] + value * weights[i - r],)
                            else:
                                updated = updated + (total[r],)
                        total = updated
        store = (columns < WO)[:, None] & inside[None, :]
        for r in tl.static_range(ROWS):
            result = total[r]
            if BIAS:
                result += tl.load(bias + channels, mask=inside, other=0.0).to(tl.float32)[None, :]
            row = (sample * TO + frame) * HO + first + r
            place = y + row * WO * C + columns[:, None] * C + channels[None, :]
            tl.store(place, result.to(y.dtype.element_ty), mask=store & (first + r < HO))

    @triton.jit(do_not_specialize=[*sizes, "B", "SPLITS"])
    def correlate(
        x, gradient, sums, B, T, H, W, C, TO, HO, WO, PT, PH, PW, SPLITS,
        KT: tl.constexpr, KH: tl.constexpr, KW: tl.constexpr, LAGS: tl.constexpr,
        ROWS: tl.constexpr, COLUMNS: tl.constexpr, CHANNELS: tl.constexpr,
    ):  # fmt: skip
        place = tl.program_id(0)
        groups: tl.constexpr = (KW + LAGS - 1) // LAGS
        lag = (place % groups) * LAGS
        place = place // groups
        kt = place % KT
        split = place // KT
        channels = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
        inside = channels < C
        total = ()
        for _ in tl.static_range(KH * LAGS):
            total = total + (tl.zeros((COLUMNS, CHANNELS), tl.float32),)
        column_blocks = tl.cdiv(WO, COLUMNS)
        row_blocks = tl.cdiv(HO, ROWS)
        job = split
        while job < B * TO * row_blocks * column_blocks:
            columns = (job % column_blocks) * COLUMNS + tl.arange(0, COLUMNS)
            rest = job // column_blocks
            first = (rest % row_blocks) * ROWS
            rest = rest // row_blocks
            frame = rest % TO
            sample = (rest // TO).to(tl.int64)
            t = frame + kt - PT
            if (t >= 0) & (t < T):
                within = (columns < WO)[:, None] & inside[None, :]
                base = gradient + (sample * TO + frame) * HO * WO * C + columns[:, None] * C + channels[None, :]
                rows = ()
                for r in tl.static_range(ROWS):
                    h = first + r
                    rows = rows + (tl.load(base + h * WO * C, mask=within & (h < HO), other=0.0).to(tl.float32),)
                plane = x + (sample * T + t) * H * W * C + channels[None, :]
                for i in tl.static_range(ROWS + KH - 1):
                    h = first + i - PH
                    for j in tl.static_range(LAGS):
                        w = columns + lag + j - PW
                        near = ((w >= 0) & (w < W) & (lag + j < KW))[:, None] & inside[None, :] & (h >= 0) & (h < H)
                        value = tl.load(plane + h * W * C + w[:, None] * C, mask=near, other=0.0).to(tl.float32)
                        updated = ()
                        for k in tl.static_range(KH * LAGS):
                            if k % LAGS == j and i - k // LAGS >= 0 and i - k // LAGS < ROWS:
                                updated = updated + (total[k] + value * rows[i - k // LAGS],)
                            else:
                                updated = updated + (total[k],)
                        total = updated
            job += SPLITS
        for k in tl.static_range(KH * LAGS):
            kw = lag + k % LAGS
            tap = ((split * KT + kt) * KH + k // LAGS) * KW + kw
            tl.store(sums + tap * C + channels, tl.sum(total[k], axis=0), mask=inside & (kw < KW))

    return convolve, correlate
