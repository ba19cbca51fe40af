"""Derivatives of periodic fields, independent of those of the solvers."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def spectral_derivative(field: Tensor, *axes: str, lengths: tuple[float, float]) -> Tensor:
    """Derivative of periodic fields (..., nx, ny) on a domain of ``lengths``, once per named axis."""
    for axis in axes:
        dim, length = {"x": (-2, lengths[0]), "y": (-1, lengths[1])}[axis]
        n = field.shape[dim]
        k = 2 * math.pi / length * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
        k[n // 2] = 0  # the unpaired Nyquist mode has no real derivative
        shape = (n, 1) if axis == "x" else (n,)
        field = torch.fft.ifft(1j * k.view(shape) * torch.fft.fft(field, dim=dim), dim=dim).real
    return field


def spectral_laplacian(field: Tensor, lengths: tuple[float, float]) -> Tensor:
    """∂ₓ²f + ∂_y²f."""
    parts = [spectral_derivative(field, axis, axis, lengths=lengths) for axis in "xy"]
    return parts[0] + parts[1]
