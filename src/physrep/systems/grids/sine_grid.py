r"""Sine transforms on a square box whose edges are held at zero, with all modes of the grid.

Points lie in the middle of equal cells, ``x_i = L (i + 1/2) / n``; the edges themselves are not stored. A field is

    f(x, y) = Σ_{k=1}^{n} Σ_{l=1}^{m} F_kl sin(π k x / L_x) sin(π l y / L_y)

which vanishes at the edges whatever its coefficients (the transform is the DST-II). Both directions are dense matrix
products: at the sizes used here they are as fast as Fourier transforms of twice the length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def sine_matrix(n: int, modes: int | None = None) -> Tensor:
    """``sin(π k (i + 1/2) / n)`` for points i and modes k = 1..``modes`` (default n): float64, (n, modes)."""
    i = torch.arange(n, dtype=torch.float64)[:, None]
    k = torch.arange(1, (n if modes is None else modes) + 1, dtype=torch.float64)[None, :]
    return torch.sin(math.pi / n * (i + 0.5) * k)


class SineGrid:
    """Wavenumbers (float64) and transforms of a box with zero edges.

    Args:
        shape: grid points per axis (two axes).
        lengths: side lengths.
        device: where the transforms run.

    Attributes:
        k2: ``(π k / L_x)² + (π l / L_y)²`` with shape ``shape``.
    """

    def __init__(self, shape: Sequence[int], lengths: Sequence[float], device: torch.device | str = "cpu") -> None:
        self.shape, self.lengths = tuple(shape), tuple(lengths)
        kx, ky = (
            math.pi / length * torch.arange(1, n + 1, dtype=torch.float64, device=device)
            for n, length in zip(shape, lengths, strict=True)
        )
        self.k2 = kx[:, None] ** 2 + ky[None, :] ** 2
        self._synthesis = [sine_matrix(n).to(device) for n in shape]
        self._analysis = []
        for n, matrix in zip(shape, self._synthesis, strict=True):
            weights = torch.full((n, 1), 2.0 / n, dtype=torch.float64, device=device)
            weights[-1] = 1.0 / n  # the last mode, ±1 on the points, has twice the norm of the others
            self._analysis.append(weights * matrix.T)

    def to_spectral(self, field: Tensor) -> Tensor:
        """Coefficients ``(..., n, m)`` of fields ``(..., n, m)``."""
        left, right = (matrix.to(field.dtype) for matrix in self._analysis)
        return left @ field @ right.T

    def to_physical(self, coefficients: Tensor) -> Tensor:
        """Fields of coefficients."""
        # Numbers near the smallest that the precision holds count as zero: products with them are very slow on CPUs.
        coefficients = coefficients.masked_fill(coefficients.abs() < 1e8 * torch.finfo(coefficients.dtype).tiny, 0.0)
        left, right = (matrix.to(coefficients.dtype) for matrix in self._synthesis)
        return left @ coefficients @ right.T


def resample_sine(field: Tensor, shape: Sequence[int]) -> Tensor:
    """Fields ``(..., n, m)`` with zero edges on another cell-centred grid.

    A coarser axis keeps the modes below its own last one.
    """
    if tuple(field.shape[-2:]) == tuple(shape):
        return field
    coefficients = SineGrid(field.shape[-2:], (1.0, 1.0), field.device).to_spectral(field)
    for axis, n in zip((-2, -1), shape, strict=True):
        old = coefficients.shape[axis]
        kept = old if old <= n else n - 1
        matrix = sine_matrix(n, kept).to(coefficients)
        coefficients = (matrix @ coefficients.narrow(axis, 0, kept).transpose(axis, -2)).transpose(axis, -2)
    return coefficients
