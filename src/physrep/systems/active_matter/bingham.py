r"""The Bingham closure of a two-dimensional orientation distribution.

Of all distributions ψ(θ) with given mean and second moment, the Bingham distribution has the largest entropy,

    ψ(θ) = exp(κ cos 2(θ - φ)) / (2π I₀(κ)),        a_2m = ∫ ψ exp(2imθ) dθ = exp(2imφ) I_m(κ)/I₀(κ)

with modified Bessel functions I_m. The degree of order R = |a₂| = I₁(κ)/I₀(κ) ∈ [0, 1) fixes κ, so that the fourth
moment is one smooth scalar function of one scalar,

    a₄ = h(R²) a₂²,        h(R²) = (1 - 2R/κ)/R²,        h(0) = 1/2 (isotropic),        h(1) = 1 (perfect order)

It is tabulated once, with its derivative, and interpolated by cubic Hermite polynomials: right to 1e-9.

References:
    Chaubal and Leal, A closure approximation for liquid-crystalline polymer models based on parametric density
    estimation, J. Rheol. 42 (1998) 177
    Weady, Shelley and Stein, A fast Chebyshev method for the Bingham closure with application to active nematic
    suspensions, J. Comput. Phys. 457 (2022): https://arxiv.org/abs/2203.05869
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

INTERVALS = 1024
"""Intervals of the table of h over R² ∈ [0, 1]."""

LARGEST_ORDER = 0.9995
"""Degrees of order above this are taken as this when moments of high order are asked for (κ = 1000)."""


def concentration_parameter(order: Tensor) -> Tensor:
    """κ with ``I₁(κ)/I₀(κ) = order``, for ``0 ≤ order < 1``, by Newton's method in float64.

    Args:
        order: degree of order R, any shape.

    Returns:
        κ, same shape, right to about 1e-12 relative.
    """
    order = order.double()
    kappa = order * (2 - order**2) / (1 - order**2)
    for _ in range(12):
        ratio = torch.special.i1e(kappa) / torch.special.i0e(kappa)
        over = torch.where(kappa > 1e-6, ratio / kappa.clamp(min=1e-6), 0.5)
        # The iterate is kept positive: for kappa -> 0 rounding may otherwise step across.
        kappa = (kappa - (ratio - order) / (1 - ratio**2 - over)).clamp(min=0)
    return kappa


@functools.cache
def _table() -> Tensor:
    """Cubic coefficients ``(4, INTERVALS)`` of h on each interval, in the local coordinate 0 to 1, float64."""
    q = torch.linspace(0, 1, INTERVALS + 1, dtype=torch.float64)
    inner = q[1:-1]
    order = inner.sqrt()
    kappa = concentration_parameter(order)
    # With g = 2R/κ and dR/dκ = 1 - R² - R/κ: h = (1 - g)/q and dh/dq = -(g' + h)/q, where dq = 2R dR.
    g, slope = 2 * order / kappa, 1 - inner - order / kappa
    value = (1 - g) / inner
    derivative = -((1 / kappa - order / (kappa**2 * slope)) / order + value) / inner
    # Expansions of the Bessel functions give the ends: h = 1/2 + q/6 + ... and h = q + O((1 - q)³).
    ends = torch.tensor([[0.5, 1.0], [1 / 6, 1.0]], dtype=torch.float64)
    h = torch.cat([ends[0, :1], value, ends[0, 1:]])
    d = torch.cat([ends[1, :1], derivative, ends[1, 1:]]) / INTERVALS
    rise = h.diff()
    return torch.stack([h[:-1], d[:-1], 3 * rise - 2 * d[:-1] - d[1:], d[:-1] + d[1:] - 2 * rise])


class BinghamClosure:
    """h(R²) on a device, as a table.

    Args:
        dtype: float32 or float64.
        device: where it is evaluated.
    """

    def __init__(self, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu") -> None:
        self._coefficients = [row.contiguous() for row in _table().to(device, dtype)]

    def __call__(self, q: Tensor) -> Tensor:
        """h at ``q = R²``, same shape; outside [0, 1] the value at the nearer end, NaN where q is NaN."""
        place = (q * INTERVALS).clamp_(0, INTERVALS)
        # An integer made of NaN is any number, so that the index has to be bounded as well.
        index = place.int().clamp_(0, INTERVALS - 1)
        place.sub_(index)
        index = index.view(-1)
        value, slope, square, cube = (row.index_select(0, index).view_as(q) for row in self._coefficients)
        return value.addcmul_(slope.addcmul_(square.addcmul_(cube, place), place), place)


def bingham_moments(second: Tensor, count: int) -> Tensor:
    """Moments a₂, a₄, ... a_2M of the Bingham distribution with second moment ``second``.

    Args:
        second: complex second moment with modulus below 1 (`LARGEST_ORDER` is used above it), any shape.
        count: number of moments M.

    Returns:
        Moments along a new first axis, ``(M, *shape)``, complex128. Ratios of Bessel functions by Miller's downward
        recurrence, ``I_{m-1} = I_{m+1} + (2m/κ) I_m``.
    """
    second = second.to(torch.complex128)
    order = second.abs()
    direction = torch.where(order > 0, second / order.clamp(min=1e-300), torch.ones_like(second))
    kappa = concentration_parameter(order.clamp(max=LARGEST_ORDER))
    # r_m = I_m/I_{m-1} = 1 / (2m/κ + r_{m+1}), downwards from far beyond the last one; written free of 0/0.
    ratio, ratios = torch.zeros_like(kappa), []
    for m in range(count + 120, 0, -1):
        ratio = kappa / (2 * m + kappa * ratio)
        ratios.append(ratio)
    steps = torch.stack(ratios[::-1][:count]) * direction
    return steps.cumprod(0)
