r"""Dealiased Fourier transforms on a periodic rectangle.

A real field on an ``(nx, ny)`` grid is written with the modes that the 2/3 rule keeps,

    f(x, y) = Σ_{|m| < nx/3} Σ_{|n| < ny/3} F_nm exp(i (k_m x + q_n y)),   k_m = 2π m / L_x,  q_n = 2π n / L_y,

so that products of two such fields are free of aliasing. Only ``0 ≤ n < ny/3`` is stored (the rest follows from
``F_{-n,-m} = conj F_nm``); along x all ``nx`` modes are kept and the upper third is masked.

Coefficients have shape ``(..., K, nx)``: x is the contiguous axis, unlike in physical fields ``(..., nx, ny)``. Both
one-dimensional transforms then run on contiguous data with one transposed copy between them, and the copy discards
(or fills with zeros) the modes above the cut, so that the transform along x never sees them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


class FourierBox:
    """Wavenumbers and transforms of the periodic box ``[0, L_x) × [0, L_y)`` sampled on ``(nx, ny)`` points.

    Args:
        shape: grid points ``(nx, ny)``.
        lengths: side lengths ``(L_x, L_y)``.
        dtype: real dtype, float32 or float64.
        device: where the transforms run.

    Attributes:
        kx, ky: wavenumbers with shapes ``(1, nx)`` and ``(K, 1)``, ``K = ceil(ny / 3)``.
        k2: ``kx² + ky²`` with shape ``(K, nx)``.
        inverse_k2: ``1 / k2``, 0 at the mean and at the columns that dealiasing removes.
        mask: 1 where the 2/3 rule keeps a mode, else 0, with shape ``(1, nx)``.
        k_max: largest kept wavenumbers ``(max |kx|, max ky)``.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        lengths: tuple[float, float],
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.shape, self.lengths = shape, lengths
        nx, ny = shape
        mx, self.modes_y = (nx - 1) // 3, (ny - 1) // 3 + 1
        m = torch.fft.fftfreq(nx, 1 / nx, dtype=torch.float64)
        kx = (2 * math.pi / lengths[0] * m)[None, :]
        ky = (2 * math.pi / lengths[1] * torch.arange(self.modes_y, dtype=torch.float64))[:, None]
        mask = (m.abs() <= mx).double()[None, :]
        k2 = kx**2 + ky**2
        inverse = torch.where(k2 > 0, 1 / k2.clamp(min=1e-300), torch.zeros_like(k2)) * mask
        self.kx, self.ky, self.k2 = kx.to(device, dtype), ky.to(device, dtype), k2.to(device, dtype)
        self.inverse_k2, self.mask = inverse.to(device, dtype), mask.to(device, dtype)
        self.k_max = (2 * math.pi * mx / lengths[0], float(ky.max()))

    def transform(self, field: Tensor) -> Tensor:
        """Coefficients ``(..., K, nx)`` of real fields ``(..., nx, ny)``, without the mask along x."""
        rows = torch.fft.rfft(field, norm="forward")[..., : self.modes_y]
        return torch.fft.fft(rows.transpose(-1, -2).contiguous(), norm="forward")

    def to_spectral(self, field: Tensor) -> Tensor:
        """Dealiased coefficients ``(..., K, nx)`` of real fields ``(..., nx, ny)``."""
        return self.transform(field) * self.mask

    def to_physical(self, coefficients: Tensor, padded: Tensor | None = None) -> Tensor:
        """Real fields ``(..., nx, ny)`` of coefficients ``(..., K, nx)``.

        ``padded`` is a reusable work array ``(..., nx, ny // 2 + 1)`` that is zero beyond column ``K``.
        """
        nx, ny = self.shape
        if padded is None:
            padded = coefficients.new_zeros(*coefficients.shape[:-2], nx, ny // 2 + 1)
        padded[..., : self.modes_y] = torch.fft.ifft(coefficients, norm="forward").transpose(-1, -2)
        return torch.fft.irfft(padded, n=ny, norm="forward")

    def gradient(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients of ``∂f/∂x`` and ``∂f/∂y``."""
        return 1j * self.kx * coefficients, 1j * self.ky * coefficients

    def resize(self, coefficients: Tensor, other: FourierBox) -> Tensor:
        """Coefficients of the same field in ``other``: modes absent there are dropped, new ones are zero."""
        half = min((self.shape[0] - 1) // 3, (other.shape[0] - 1) // 3)
        rows = min(self.modes_y, other.modes_y)
        out = coefficients.new_zeros(*coefficients.shape[:-2], other.modes_y, other.shape[0])
        out[..., :rows, : half + 1] = coefficients[..., :rows, : half + 1]
        if half:
            out[..., :rows, -half:] = coefficients[..., :rows, -half:]
        return out
