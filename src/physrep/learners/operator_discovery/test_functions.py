r"""Test functions of the weak form, one axis at a time, as matrices that integrate against them.

    periodic axis     χ_m(x) = exp(-i k_m x),  k_m = 2π m/L,  m = -M … M  (0 … M on the first periodic axis)
    axis with ends    χ_l(s) = (1 - s²)⁴ P_l(s),  s ∈ [-1, 1] from end to end,  P_l Legendre, l = 0 … M
    time              w(s) = (1 - s²)⁶ on a support of some frames, shifted along longer windows

χ on axes with ends vanishes there with its first three derivatives, so no boundary value is asked for. The degree of w
decides how exact the trapezoidal rule is: for (1 - s²)⁴ on 8 frames the error is thousands of times that of the sixth
power, and the residual of a window is then this error and not the noise.

Source: Messenger and Bortz, "Weak SINDy for partial differential equations", J. Comput. Phys. 443 (2021).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.polynomial import Polynomial
from numpy.polynomial.legendre import Legendre
from torch import Tensor

SPACE_DEGREE, TIME_DEGREE = 4, 6
SUPPORT, SHIFT = 8, 2
"""Frames under one bump in time, ends included, and frames between neighbouring bumps."""


def nodes(n: int, spacing: str) -> tuple[np.ndarray, np.ndarray]:
    """Points in [-1, 1] of an axis with ends, and the weights of their quadrature.

    Args:
        n: number of points.
        spacing: ``uniform`` (centres of equal cells), ``gauss`` or ``lobatto`` (Chebyshev points).
    """
    j = np.arange(n)
    if spacing == "gauss":
        angle = math.pi * (j + 0.5) / n
        k = np.arange(1, n // 2 + 1)
        # Fejér's first rule.
        weights = 2 / n * (1 - 2 * (np.cos(2 * np.outer(angle, k)) / (4 * k**2 - 1)).sum(1))
        return -np.cos(angle), weights
    if spacing == "lobatto":
        angle = math.pi * j / (n - 1)
        even = np.arange(0, n, 2)
        share = np.where((even == 0) | (even == n - 1), 0.5, 1.0)
        ends = np.where((j == 0) | (j == n - 1), 0.5, 1.0)
        # Clenshaw-Curtis: the integral of the cosine series through the values.
        weights = 4 / (n - 1) * ends * (share * np.cos(np.outer(angle, even)) / (1 - even.astype(float) ** 2)).sum(1)
        return -np.cos(angle), weights
    return (2 * j + 1) / n - 1, np.full(n, 2 / n)


def wave_numbers(modes: int, length: float, half: bool) -> Tensor:
    """k of the test functions of a periodic axis, ``(2 modes + 1,)``, or ``(modes + 1,)`` if only half is wanted."""
    return 2 * math.pi / length * torch.arange(0 if half else -modes, modes + 1, dtype=torch.float64)


def periodic_matrices(n: int, length: float, modes: int, half: bool) -> list[Tensor]:
    """Per order a of derivative (0, 1, 2), the mean of ``χ_m ∂ₓ^a f`` over the axis: complex ``(modes, n)``."""
    k = wave_numbers(modes, length, half)
    x = torch.arange(n, dtype=torch.float64) * length / n
    base = torch.polar(torch.full((len(k), n), 1 / n, dtype=torch.float64), -k[:, None] * x)
    return [base * (1j * k[:, None]) ** order for order in range(3)]


def walled_matrices(n: int, length: float, modes: int, spacing: str) -> list[Tensor]:
    """The same for an axis with ends, by parts: ``(-1)^a ∫ f χ_l^(a) ds / 2``; complex ``(modes + 1, n)``."""
    points, weights = nodes(n, spacing)
    bump = Polynomial([1.0, 0.0, -1.0]) ** SPACE_DEGREE
    rows: list[list[np.ndarray]] = [[], [], []]
    for degree in range(modes + 1):
        polynomial = bump * Legendre.basis(degree).convert(kind=Polynomial)
        for order in range(3):
            derivative = polynomial.deriv(order) if order else polynomial
            rows[order].append(derivative(points) * weights / 2 * (-2 / length) ** order)
    return [torch.from_numpy(np.stack(part)).to(torch.complex128) for part in rows]


def time_matrices(frames: int, dt: float) -> tuple[Tensor, Tensor]:
    """Integrals against the bumps in time and, by parts, of the time derivative: two ``(bumps, frames)``."""
    span = min(frames, SUPPORT)
    half = (span - 1) / 2
    firsts = list(range(0, frames - span + 1, SHIFT))
    value, rate = torch.zeros(2, len(firsts), frames, dtype=torch.float64)
    s = torch.arange(span, dtype=torch.float64) / half - 1
    for row, first in enumerate(firsts):
        value[row, first : first + span] = (1 - s**2) ** TIME_DEGREE / half
        slope = -2 * TIME_DEGREE * s * (1 - s**2) ** (TIME_DEGREE - 1)
        rate[row, first : first + span] = -slope / half / (half * dt)
    return value, rate
