r"""Means and derivatives over the grid of a clip, exact where the grid allows it.

Periodic axes: Fourier derivative, equal weights. Axes with walls: on Chebyshev-Gauss rows (those of `rayleigh_benard`)
the derivative of the interpolating polynomial and Fejér's first quadrature; on any other rows differences of second
order and cells that end half way between rows.

Sources: Canuto et al., Spectral Methods: Fundamentals in Single Domains (2006), chapter 2; Waldvogel, Fast construction
of the Fejér and Clenshaw-Curtis quadrature rules, BIT 46 (2006) 195.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError


@dataclass(frozen=True)
class Grid:
    """Two axes of a clip's fields ``(..., H, W)``.

    Attributes:
        weights: per axis, shares of the axis that belong to its points, sum 1.
        matrices: per axis, the matrix of the derivative, ``(n, n)``; None on periodic axes.
        lengths: of the axes; on periodic ones the period.
        periodic: per axis.
    """

    weights: tuple[Tensor, Tensor]
    matrices: tuple[Tensor | None, Tensor | None]
    lengths: tuple[float, float]
    periodic: tuple[bool, bool]

    @classmethod
    def of(cls, coordinates: Sequence[Tensor], periodic: Sequence[bool]) -> Grid:
        """The grid with these coordinates, ascending, one float64 vector per axis.

        Args:
            coordinates: of the points, one vector per axis.
            periodic: whether an axis closes on itself.

        Raises:
            PhysrepError: not two axes, or an axis of fewer than 4 points or not ascending.
        """
        if len(coordinates) != 2:
            raise PhysrepError(f"quantities need fields on 2 axes, not {len(coordinates)}; slice the data first.")
        axes = [
            _axis(torch.as_tensor(points).double(), bool(p)) for points, p in zip(coordinates, periodic, strict=True)
        ]
        first, second = axes
        return cls(
            (first[0], second[0]), (first[1], second[1]), (first[2], second[2]), (bool(periodic[0]), bool(periodic[1]))
        )

    @classmethod
    def of_clip(cls, clip: Clip) -> Grid:
        """The grid of a clip: its coordinates, or equal spacing ``clip.dx`` where it has none."""
        shape = clip.fields.shape[3:]
        own = clip.coordinates or (None,) * len(shape)
        points = [
            torch.arange(n, dtype=torch.float64) * dx if given is None else given
            for n, dx, given in zip(shape, clip.dx, own, strict=True)
        ]
        return cls.of(points, clip.periodic)

    def mean(self, field: Tensor) -> Tensor:
        """Average over the domain of ``(..., H, W)``, with shape ``(...)``."""
        return torch.einsum("...hw,h,w->...", field, *self.weights)

    def derivative(self, field: Tensor, axis: int) -> Tensor:
        """Derivative of ``(..., H, W)`` along axis 0 (H) or 1 (W).

        Args:
            field: values on the grid.
            axis: 0 for H, 1 for W.
        """
        matrix = self.matrices[axis]
        if matrix is not None:
            return torch.einsum("jh,...hw->...jw" if axis == 0 else "jw,...hw->...hj", matrix, field)
        n = field.shape[axis - 2]
        k = 2 * math.pi / self.lengths[axis] * torch.arange(n // 2 + 1, dtype=torch.float64)
        if n % 2 == 0:
            k[-1] = 0.0  # The highest wave of an even grid has no derivative that is real.
        k = k[:, None] if axis == 0 else k
        return torch.fft.irfft(1j * k * torch.fft.rfft(field, dim=axis - 2), n=n, dim=axis - 2)

    def gradient_square(self, field: Tensor) -> Tensor:
        """``|∇f|²`` of ``(..., H, W)``."""
        return self.derivative(field, 0).square() + self.derivative(field, 1).square()


def _axis(points: Tensor, periodic: bool) -> tuple[Tensor, Tensor | None, float]:
    n = len(points)
    if n < 4 or not (points.diff() > 0).all():
        raise PhysrepError(f"an axis of {n} points is too short or not ascending; quantities need at least 4 points.")
    if periodic:
        return torch.full((n,), 1 / n, dtype=torch.float64), None, float(points[-1] - points[0]) * n / (n - 1)
    angle = math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n
    half = (points[-1] - points[0]) / (2 * torch.cos(angle[0]))
    ideal = (points[0] + points[-1]) / 2 - half * torch.cos(angle)
    if float((points - ideal).abs().max()) < 1e-5 * float(half):
        return _fejer(angle), _polynomial(ideal, angle), 2 * float(half)
    middle = (points[1:] + points[:-1]) / 2
    edges = torch.cat([2 * points[:1] - middle[:1], middle, 2 * points[-1:] - middle[-1:]])
    width = edges.diff()
    return width / width.sum(), _differences(points), float(width.sum())


def _fejer(angle: Tensor) -> Tensor:
    """Weights of the mean for values at Gauss points: ``(1 - 2 Σ_k cos(2kθ_j)/(4k² - 1)) / n``."""
    n = len(angle)
    k = torch.arange(1, n // 2 + 1, dtype=torch.float64)
    return (1 - 2 * (torch.cos(2 * k * angle[:, None]) / (4 * k**2 - 1)).sum(1)) / n


def _polynomial(points: Tensor, angle: Tensor) -> Tensor:
    """Derivative of the interpolating polynomial at Gauss points, by barycentric weights."""
    weights = (-1.0) ** torch.arange(len(points), dtype=torch.float64) * torch.sin(angle)
    distance = (points[:, None] - points).fill_diagonal_(1.0)
    matrix = weights / weights[:, None] / distance
    matrix.fill_diagonal_(0.0)
    return matrix - torch.diag(matrix.sum(1))


def _differences(points: Tensor) -> Tensor:
    """Derivative of the parabola through three neighbours; exact for polynomials of degree 2."""
    n = len(points)
    matrix = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        first = min(max(i - 1, 0), n - 3)
        x = points[first : first + 3]
        for a in range(3):
            b, c = (j for j in range(3) if j != a)
            matrix[i, first + a] = (2 * points[i] - x[b] - x[c]) / ((x[a] - x[b]) * (x[a] - x[c]))
    return matrix
