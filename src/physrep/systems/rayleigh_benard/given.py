r"""Rayleigh-Bénard states from stored fields: a start that somebody gives, or a frame of a file.

The fields are known on rows inside the channel; on the walls b = 1 and 0, and u = 0. Of all polynomials along y with
these wall values (for the streamfunction: with ψ = ∂_yψ = 0) the one nearest to the given values is taken, by least
squares. For a stored frame of the same grid that is the polynomial that it was made of. Other velocities are projected
on fields without divergence and without slip. Modes above the 2/3 cut of either grid are dropped.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..grids.chebyshev import differentiation, interpolation_matrix, lobatto
from .channel import Channel
from .initial import Start

_NOISE = 6e-8
"""Relative error of given values: files hold float32."""

_TAIL = 1e-4
"""Size that the finest mode along y is expected to have. Rows that are uniform leave fine modes beside the walls almost
undetermined; this expectation (and the noise) decides there, and is without effect elsewhere."""


def _polynomials(n: int, order: int) -> Tensor:
    """Values at n + 2 Lobatto points of (y(1 - y))^order T_j, all that the degree n + 1 allows, scaled to about 1."""
    y = lobatto(n)
    degree = torch.arange(n + 2 - 2 * order, dtype=torch.float64)
    return (4 * y * (1 - y))[:, None] ** order * torch.cos(degree * torch.arccos((2 * y - 1).clamp(-1, 1))[:, None])


def _fit(design: Tensor, values: Tensor) -> Tensor:
    """Least-squares coefficients ``(..., m, columns)`` of ``values (..., rows, columns)``."""
    size = design.shape[-1]
    penalty = _NOISE * torch.diag(_TAIL ** -(torch.arange(size, dtype=torch.float64) / size)).to(design)
    penalty = penalty.expand(*design.shape[:-2], size, size)
    zeros = values.new_zeros(*values.shape[:-2], size, values.shape[-1])
    return torch.linalg.lstsq(torch.cat([design, penalty], -2), torch.cat([values, zeros], -2)).solution


def _modes(field: Tensor, modes: int) -> Tensor:
    """Modes ``(modes, rows, B·2)`` along x of real fields ``(B, nx, rows)``, zero where the given grid has none."""
    batch, nx, rows = field.shape
    kept = min(modes, (nx - 1) // 3 + 1)
    spectrum = torch.view_as_real(torch.fft.rfft(field, dim=1, norm="forward")[:, :kept])
    out = torch.zeros(modes, rows, batch, 2, dtype=torch.float64)
    out[:kept] = spectrum.permute(1, 2, 0, 3)
    return out.flatten(2)


def starts(initial: dict[str, Tensor], rows: Tensor, channel: Channel) -> list[Start]:
    """States of given ``buoyancy (B, nx, m)`` and ``velocity (B, nx, m, 2)`` on the m ``rows``.

    Args:
        initial: the fields, on any number of points along x and rows along y; where a trajectory is not finite, its
            start has θ = NaN.
        rows: coordinates of the given rows, ``(m,)``.
        channel: target.
    """
    buoyancy, velocity = (initial[name].double().cpu() for name in ("buoyancy", "velocity"))
    sound = torch.isfinite(buoyancy).flatten(1).all(1) & torch.isfinite(velocity).flatten(1).all(1)
    buoyancy, velocity = torch.nan_to_num(buoyancy, 0, 0, 0), torch.nan_to_num(velocity, 0, 0, 0)
    batch, _, given = buoyancy.shape
    n = min(given, channel.shape[1])
    to_rows, to_target = interpolation_matrix(n, rows), interpolation_matrix(n, lobatto(channel.shape[1])[1:-1])
    u, w = (_modes(component, channel.modes) for component in velocity.unbind(-1))
    theta = _modes(buoyancy - (1 - rows), channel.modes)
    simple, clamped = _polynomials(n, 1), _polynomials(n, 2)
    theta = to_target @ simple @ _fit((to_rows @ simple).expand(channel.modes, -1, -1), theta)
    mean = to_target @ simple @ _fit(to_rows @ simple, u[0])
    kappa = channel.kappa.cpu()[:, :, None]
    # u_x = ∂_yψ and u_y = -iκψ, that is κψ = i u_y: the parts of i u_y are (-Im, Re).
    turned = torch.stack([-w.unflatten(-1, (batch, 2))[..., 1], w.unflatten(-1, (batch, 2))[..., 0]], -1).flatten(-2)
    slope = (to_rows @ differentiation(n) @ clamped).expand(channel.modes, -1, -1)
    design = torch.cat([slope, kappa * (to_rows @ clamped)], 1)
    psi = to_target @ clamped @ _fit(design, torch.cat([u, turned], 1))
    # A start that is not finite stays so (the solver reports it), but the fit must not see it.
    theta.unflatten(-1, (batch, 2))[..., ~sound, :] = math.nan
    psi, theta = (part.unflatten(-1, (batch, 2)).permute(2, 3, 0, 1) for part in (psi, theta))
    means = mean.unflatten(-1, (batch, 2))[..., 0].T
    return [Start(*parts) for parts in zip(psi, theta, means, strict=True)]
