r"""Test functions of one variable, and the weights that integrate against them on a grid.

    φ(s) = (1 - s²)^p for |s| < 1, else 0,        s = (x - centre)/half width

φ and its first p - 1 derivatives vanish at the ends of the support, so that nothing is left at the ends when an
integral is taken by parts, and the trapezoidal rule on equal spacings is accurate to the order of p.

Source: Messenger and Bortz, "Weak SINDy for partial differential equations", J. Comput. Phys. 443 (2021), for
polynomial test functions and what their degree does to the error of the quadrature.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

JITTER = 0.618034
"""Offset of the first centre on periodic axes, in distances between centres: no bump is centred on a wall of symmetry
of the starts, such as x = 0."""


def bump(s: Tensor, degree: int, order: int) -> Tensor:
    """The derivative d^order/ds^order of (1 - s²)^degree inside (-1, 1), 0 outside; any shape, float64.

    Raises:
        ValueError: the derivative does not vanish at the ends of the support (order >= degree).
    """
    if order >= degree:
        raise ValueError(f"derivative {order} of a bump of degree {degree} does not vanish at its ends")
    polynomial = np.polynomial.Polynomial([1.0, 0.0, -1.0]) ** degree
    coefficients = (polynomial.deriv(order) if order else polynomial).coef
    value = torch.zeros_like(s)
    for coefficient in coefficients[::-1]:
        value = value * s + coefficient
    return torch.where(s.abs() < 1, value, torch.zeros_like(s))


def quadrature(points: Tensor, period: float | None = None) -> Tensor:
    """Weights of the integral over the points of a smooth function that vanishes before both ends (or is periodic).

    dx/di of the smooth map from the index i to the coordinate x, from a cubic spline: the trapezoidal rule in i. On
    equal spacings these are the spacings themselves.

    Args:
        points: ascending or descending coordinates with shape ``(n,)``.
        period: length of a periodic axis, whose points are equally spaced.
    """
    n = len(points)
    if period is not None:
        return torch.full((n,), period / n, dtype=torch.float64)
    spacing = points.diff()
    if bool((spacing - spacing.mean()).abs().max() < 1e-6 * spacing.mean().abs()):
        return spacing.mean().abs().expand(n).clone()
    index = np.arange(n, dtype=np.float64)
    return torch.from_numpy(np.abs(CubicSpline(index, points.numpy())(index, 1)))


class Bumps:
    """Test functions along one axis: ``count`` centres, all of one half width.

    Args:
        points: coordinates with shape ``(n,)``.
        half_width: of the support, in the unit of ``points``.
        degree: p.
        period: length of the axis if it is periodic: supports go around.
        spacing: distance between centres in half widths, at most.

    Attributes:
        centres: with shape ``(K,)``; on an axis with ends every support lies between the first and the last point.
    """

    def __init__(
        self, points: Tensor, half_width: float, degree: int, period: float | None = None, spacing: float = 0.5
    ) -> None:
        points = points.double()
        low, high = float(points.min()), float(points.max())
        self.degree, self.half_width, self.period = degree, half_width, period
        self._points, self._weights = points, quadrature(points, period)
        if period is not None:
            count = max(1, math.ceil(period / (spacing * half_width)))
            self.centres = low + (torch.arange(count, dtype=torch.float64) + JITTER) * period / count
        else:
            room = max(0.0, high - low - 2 * half_width)
            count = 1 + math.ceil(room / (spacing * half_width) - 1e-9)
            share = torch.linspace(0, 1, count, dtype=torch.float64) if count > 1 else torch.full((1,), 0.5)
            self.centres = low + half_width + share.double() * room

    def __len__(self) -> int:
        return len(self.centres)

    def matrix(self, order: int) -> Tensor:
        """``(K, n)``: applied to values on the points it gives ``∫ f ∂^order φ_k dx`` for every centre k."""
        distance = self._points[None] - self.centres[:, None]
        if self.period is not None:
            distance = torch.remainder(distance + self.period / 2, self.period) - self.period / 2
        value = bump(distance / self.half_width, self.degree, order)
        return value * self._weights / self.half_width**order
