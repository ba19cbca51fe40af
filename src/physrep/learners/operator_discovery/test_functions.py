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

from ...quantities.grid import Grid

SPACE_DEGREE, TIME_DEGREE = 4, 6
EXACT = 5
"""Degree in time up to which the weak form holds exactly on the frames."""
SUPPORT, SHIFT = 8, 2
"""Frames under one bump in time, ends included, and frames between neighbouring bumps."""


def periodic_matrix(n: int, length: float, modes: int, half: bool) -> tuple[Tensor, Tensor]:
    """The mean of ``χ_m f`` over the axis as a complex matrix ``(modes, n)``, and the wave numbers k_m.

    By parts the mean of ``χ_m ∂ₓf`` is ``i k_m`` times that.

    Args:
        n: points.
        length: period.
        modes: largest mode M.
        half: modes 0 … M only.
    """
    k = 2 * math.pi / length * torch.arange(0 if half else -modes, modes + 1, dtype=torch.float64)
    x = torch.arange(n, dtype=torch.float64) * length / n
    return torch.polar(torch.full((len(k), n), 1 / n, dtype=torch.float64), -k[:, None] * x), k


def walled_matrices(coordinates: Tensor, modes: int) -> list[Tensor]:
    """Per order a (0, 1, 2) the mean of ``χ_l ∂^a f`` by parts, ``(-1)^a`` times that of ``f χ_l^(a)``.

    Real, ``(modes + 1, n)`` each.

    Args:
        coordinates: ascending, ``(n,)``; Chebyshev-Gauss rows get their exact quadrature (`physrep.quantities.grid`).
        modes: largest Legendre degree l.
    """
    grid = Grid.of((coordinates, coordinates), (False, False))
    length, share = grid.lengths[0], grid.weights[0].numpy()
    # The domain ends half a cell beyond equally spaced rows, and at the ends of the interval of Chebyshev rows.
    points = (2 * (coordinates - (coordinates[0] + coordinates[-1]) / 2) / length).numpy()
    bump = Polynomial([1.0, 0.0, -1.0]) ** SPACE_DEGREE
    rows: list[list[np.ndarray]] = [[], [], []]
    for degree in range(modes + 1):
        polynomial = bump * Legendre.basis(degree).convert(kind=Polynomial)
        for order in range(3):
            derivative = polynomial.deriv(order) if order else polynomial
            rows[order].append(derivative(points) * share * (-2 / length) ** order)
    return [torch.from_numpy(np.stack(part)) for part in rows]


def time_matrices(frames: int, dt: float) -> tuple[Tensor, Tensor]:
    """Integrals against the bumps in time and, by parts, of the time derivative: two ``(bumps, frames)``."""
    span = min(frames, SUPPORT)
    half = (span - 1) / 2
    firsts = list(range(0, frames - span + 1, SHIFT))
    value, rate = torch.zeros(2, len(firsts), frames, dtype=torch.float64)
    s = torch.arange(span, dtype=torch.float64) / half - 1
    weight = (1 - s**2) ** TIME_DEGREE / half
    slope = 2 * TIME_DEGREE * s * (1 - s**2) ** (TIME_DEGREE - 1) / half
    # The trapezoidal rule leaves an error of 1e-6; the smallest change of the weights that makes both sides agree for
    # polynomials in t takes it away where fields change slowly.
    powers = torch.stack([s**m for m in range(EXACT + 1)])
    wanted = torch.stack([m * (weight * s ** max(m - 1, 0)).sum() for m in range(EXACT + 1)])
    slope = slope + torch.linalg.pinv(powers) @ (wanted - powers @ slope)
    for row, first in enumerate(firsts):
        value[row, first : first + span] = weight
        rate[row, first : first + span] = slope / (half * dt)
    return value, rate


def alternating(rate: Tensor) -> Tensor:
    """What stands at the highest frequency that frames can hold, under each bump: ``(bumps, frames)``.

    The row of the time derivative with signs that alternate from frame to frame, blind to what a parabola in time
    changes under the bump. Where it sees much the trapezoidal rule is wrong: its error is what lies at twice that
    frequency.

    Args:
        rate: see `time_matrices`.
    """
    frames = rate.shape[1]
    found = rate * (1.0 - 2.0 * (torch.arange(frames, dtype=rate.dtype) % 2))
    time = torch.linspace(-1, 1, frames, dtype=rate.dtype)
    for row, held in zip(found, rate != 0, strict=True):
        powers = torch.stack([time**m for m in range(3)]) * held
        row -= powers.T @ (torch.linalg.pinv(powers.T) @ row)
    return found
