r"""Fourier transforms on a periodic box of any dimension, with all modes of the grid.

A real field on ``n_1 × ... × n_d`` points is ``f(x) = Σ_m F_m exp(i k_m·x)`` with ``k_m = 2π m / L``; half of the last
axis is stored (``rfftn``). Nothing is cut: `fourier_box.FourierBox` is the dealiased transform of two dimensions.

The Nyquist mode of an even axis, cos(π i) on the grid, stands for +k and -k at once. Its k² is that of the mode; its
odd wavenumber (`advecting`) is 0, because a real field holds no sine there: it neither moves nor has a slope.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class FourierGrid:
    """Wavenumbers (float64) and transforms of a periodic box.

    Args:
        shape: grid points per axis.
        lengths: side lengths.
        device: where the transforms run.

    Attributes:
        wavenumbers: per axis, shaped to broadcast over coefficients ``(n_1, ..., n_d // 2 + 1)``.
        advecting: the same with 0 at Nyquist modes.
        k2: sum of squares of ``wavenumbers``, on the full grid of modes.
    """

    def __init__(self, shape: Sequence[int], lengths: Sequence[float], device: torch.device | str = "cpu") -> None:
        self.shape, self.lengths, self.dims = tuple(shape), tuple(lengths), tuple(range(-len(shape), 0))
        self.wavenumbers: list[Tensor] = []
        self.advecting: list[Tensor] = []
        for axis, (n, length) in enumerate(zip(shape, lengths, strict=True)):
            last = axis == len(shape) - 1
            frequencies = torch.fft.rfftfreq if last else torch.fft.fftfreq
            modes = frequencies(n, 1 / n, dtype=torch.float64).to(device)
            view = [-1 if other == axis else 1 for other in range(len(shape))]
            k = (2 * math.pi / length * modes).view(view)
            self.wavenumbers.append(k)
            self.advecting.append(torch.where((2 * modes.abs() == n).view(view), torch.zeros_like(k), k))
        self.k2 = torch.stack(torch.broadcast_tensors(*self.wavenumbers)).square().sum(0)

    def to_spectral(self, field: Tensor) -> Tensor:
        """Coefficients ``(..., n_1, ..., n_d // 2 + 1)`` of real fields ``(..., n_1, ..., n_d)``."""
        return torch.fft.rfftn(field, dim=self.dims, norm="forward")

    def to_physical(self, coefficients: Tensor) -> Tensor:
        """Real fields of coefficients."""
        return torch.fft.irfftn(coefficients, s=self.shape, dim=self.dims, norm="forward")


def resample(field: Tensor, shape: Sequence[int]) -> Tensor:
    """Periodic fields ``(..., *S)`` on another grid ``(..., *shape)`` that shares the first point."""
    for axis, n in zip(range(-len(shape), 0), shape, strict=True):
        field = resample_axis(field, axis, n)
    return field


def resample_axis(field: Tensor, axis: int, n: int) -> Tensor:
    """Trigonometric resampling of a periodic axis to ``n`` points; the first point stays where it is.

    On a coarser grid only modes below its Nyquist mode are kept, so that the result is a projection and does not
    depend on where the grid starts.
    """
    old = field.shape[axis]
    if n == old:
        return field
    modes = torch.fft.rfft(field, dim=axis, norm="forward")
    if n < old:
        modes = modes.narrow(axis, 0, (n - 1) // 2 + 1)
    elif old % 2 == 0:
        # The Nyquist mode of the old grid is real and becomes a pair of modes on the new one.
        modes = modes.clone()
        modes.select(axis, old // 2).mul_(0.5)
    return torch.fft.irfft(modes, n=n, dim=axis, norm="forward")
