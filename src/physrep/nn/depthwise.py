r"""Depthwise convolution whose gradients are as fast as its forward pass on a CPU.

With one kernel per channel, zero padding p and stride 1,

.. math:: y_{bc}[i] = \beta_c + \sum_k w_c[k]\, x_{bc}[i + k - p],

the two gradients are again correlations:

.. math::
    \partial x_{bc}[j] = \sum_k w_c[K - 1 - k]\, \partial y_{bc}[j + k - (K - 1 - p)], \qquad
    \partial w_c[k] = \sum_{b,i} \partial y_{bc}[i]\, x_{bc}[i + k - p].

The library's own backward pass of a depthwise 3D convolution runs at 1 % of a CPU's arithmetic; the same numbers come
40 to 70 times faster from its *forward* pass: the first formula is a depthwise convolution with the flipped kernel, the
second one a depthwise convolution of x with the kernel dy, cut into pieces that stay in cache (and summed over
pieces, which also loses less to rounding). On a CPU without AVX-512 the second one is a product of spectra instead.

Both hold in exact arithmetic, so only the rounding differs (1e-6 relative in float32).
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .plain import is_plain, own_gpu_kernels

# Positions per piece of the weight gradient: about 8 frames x 16 rows of 64 points, which with 16 channels is 0.5 MB.
_PIECE_FRAMES, _PIECE_POINTS = 8, 1024

FASTER_FROM = 2**19
"""Values from which on the Triton kernels are taken on a GPU unless ``PHYSREP_GPU_KERNELS`` says otherwise: on an H200
they are 3 (1.6 million values) to 25 times as fast as torch's, and slower at 0.2 million, where a launch is all."""


def depthwise_conv3d(x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int, int]) -> Tensor:
    """Depthwise 3D convolution, stride 1, zero padding.

    On a CPU it computes in float32, also under autocast: bfloat16 grouped 3D convolutions in channels-last layout
    corrupt memory there. On a GPU ``PHYSREP_GPU_KERNELS`` chooses between ``library`` and ``triton`` (the kernels of
    `physrep.nn.depthwise_triton`); unset, `FASTER_FROM` decides. float64 takes the library's path.

    Args:
        x: input with shape ``(B, C, T, H, W)``; the channels-last layout (``torch.channels_last_3d``) avoids a copy.
        weight: kernels with shape ``(C, 1, K_t, K_h, K_w)``.
        bias: offsets with shape ``(C,)``, or None.
        padding: zeros on both sides of T, H and W; at most the kernel size minus 1.

    Returns:
        Tensor with shape ``(B, C, T + 2 p_t - K_t + 1, ...)``, in channels-last layout on a CPU.
    """
    if _own_kernels(x):
        from .depthwise_triton import depthwise

        return depthwise(x, weight, bias, padding)
    if x.device.type == "cuda":
        # cuDNN's depthwise kernels for channels-last take 5 (forward) to 16 times (weight gradient) as long as torch's
        # own, which want the channels first; both as measured by benchmarks/gpu.py on an H200.
        return F.conv3d(x.contiguous(), weight, bias, padding=padding, groups=x.shape[1])
    if x.device.type != "cpu" or x.dtype == torch.float64:
        return F.conv3d(x, weight, bias, padding=padding, groups=x.shape[1])
    autocast = torch.is_autocast_enabled("cpu")
    y = _DepthwiseConv3d.apply(x.float(), weight.float(), None if bias is None else bias.float(), padding)
    return y if autocast else y.to(x.dtype)


def depthwise_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]) -> Tensor:
    """Depthwise 2D convolution: `depthwise_conv3d` of one frame; x has shape ``(B, C, H, W)``."""
    return depthwise_conv3d(x.unsqueeze(2), weight.unsqueeze(2), bias, (0, *padding)).squeeze(2)


def _own_kernels(x: Tensor) -> bool:
    """Whether the Triton kernels take this tensor; torch.compile sees the library's convolution."""
    if not own_gpu_kernels(x, FASTER_FROM):
        return False
    from .depthwise_triton import available

    return available(x)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last_3d)


class _DepthwiseConv3d(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int, int]) -> Tensor:
        ctx.padding = padding
        x = _channels_last(x)
        ctx.save_for_backward(x, weight)
        with torch.autocast("cpu", enabled=False):
            return F.conv3d(x, weight, bias, padding=padding, groups=x.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight = ctx.saved_tensors
        gradient = _channels_last(gradient)
        dx = dw = db = None
        with torch.autocast("cpu", enabled=False):
            if ctx.needs_input_grad[0]:
                flipped = weight.flip(2, 3, 4)
                reach = [size - 1 - p for size, p in zip(weight.shape[2:], ctx.padding, strict=True)]
                dx = F.conv3d(gradient, flipped, padding=reach, groups=x.shape[1])
            if ctx.needs_input_grad[1]:
                # Who counts operations sees the same on any machine: spectra are none of those that are counted.
                vectorised = is_plain() or torch.backends.cpu.get_cpu_capability() == "AVX512"
                correlate = correlate_by_convolution if vectorised else correlate_by_fft
                dw = correlate(x, gradient, weight.shape[2:], ctx.padding)
            if ctx.needs_input_grad[2]:
                db = gradient.sum((0, 2, 3, 4))
        return dx, dw, db, None


def correlate_by_convolution(x: Tensor, y: Tensor, lags: torch.Size, padding: tuple[int, int, int]) -> Tensor:
    """``r_c[k] = sum_{b,i} y_bc[i] x_bc[i + k - padding]``, by forward convolutions of pieces of x with pieces of y.

    Args:
        x: tensor with shape ``(B, C, T, H, W)`` in channels-last layout.
        y: tensor with shape ``(B, C, T + 2 p_t - K_t + 1, ...)`` in channels-last layout.
        lags: number of lags K per axis.
        padding: zeros around x per axis.

    Returns:
        Tensor with shape ``(C, 1, K_t, K_h, K_w)``.
    """
    channels = x.shape[1]
    total = x.new_zeros(1, channels, *lags)
    rows = max(1, _PIECE_POINTS // y.shape[4])
    pt, ph, pw = padding
    for sample, kernel in zip(x, y, strict=True):
        # The channel axis stays innermost in memory, so pieces are views and the padding is the only copy.
        sample = F.pad(sample.permute(1, 2, 3, 0), (0, 0, pw, pw, ph, ph, pt, pt))
        kernel = kernel.permute(1, 2, 3, 0)
        for t in range(0, kernel.shape[0], _PIECE_FRAMES):
            for h in range(0, kernel.shape[1], rows):
                piece = kernel[t : t + _PIECE_FRAMES, h : h + rows]
                window = sample[t : t + piece.shape[0] + lags[0] - 1, h : h + piece.shape[1] + lags[1] - 1]
                total += F.conv3d(window.permute(3, 0, 1, 2)[None], piece.permute(3, 0, 1, 2)[:, None], groups=channels)
    return total.transpose(0, 1)


def correlate_by_fft(x: Tensor, y: Tensor, lags: torch.Size, padding: tuple[int, int, int]) -> Tensor:
    """The same correlation as an inverse transform of ``conj(Y) X``, with room for every lag before it wraps."""
    sizes = [
        _fast_length(max(n + k - 1 - p, m + k - 1, n + p))
        for n, m, k, p in zip(x.shape[2:], y.shape[2:], lags, padding, strict=True)
    ]
    # Sample by sample, as the spectra of a whole batch would not stay in cache.
    products = (
        torch.fft.rfftn(a.contiguous(), s=sizes, dim=(1, 2, 3))
        * torch.fft.rfftn(b.contiguous(), s=sizes, dim=(1, 2, 3)).conj()
        for a, b in zip(x, y, strict=True)
    )
    spectrum = functools.reduce(Tensor.add_, products)
    full = torch.fft.irfftn(spectrum, s=sizes, dim=(1, 2, 3))
    for axis, (size, k, p) in enumerate(zip(sizes, lags, padding, strict=True), start=1):
        full = full.index_select(axis, torch.arange(-p, k - p, device=x.device) % size)
    return full.unsqueeze(1)


def _fast_length(n: int) -> int:
    """The smallest length from n on that has no prime factor above 5."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
