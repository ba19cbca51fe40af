r"""Initial conditions of Rayleigh-Bénard convection, as values at Gauss-Lobatto points.

Every family is a function of a seed alone: the same seed gives the same field on any grid that resolves it.

`diverse` (default) lets the onset of motion, the number of cells and the amplitudes vary independently of Ra and Pr.
With independent draws for every trajectory,

    b = 1 - y + c (b_m - (1 - y)) tanh(y/δ₀) tanh((1 - y)/δ₁) + θ′,     u_x = U(y) + ∂_yψ,     u_y = -∂ₓψ

- mean profile: from conduction (c = 0) to a mixed core b_m ∈ [0.3, 0.7] (c = 1) between layers δ ∈ [0.08, 0.25];
- θ′ = Σ θ_kj sin(jπy) e^{iκ_k x}: a hump of wavelengths about a random one (4 to 0.5) and a random fall in j; root mean
  square log-uniform in [0.005, 0.2];
- ψ = Σ ψ_kj sin(πy) sin(jπy) e^{iκ_k x}, drawn in the same way from its own wavelength: zero with its derivative at
  both walls; root-mean-square speed log-uniform in [0.01, 0.3];
- U = Σ_j a_j sin(jπy), at most 0.1.

`the_well` is the family of The Well's data set, b = δ (1 - y) + y (1 - y) N(0, 10⁻³) with δ ∈ {0.2, 0.4, 0.6, 0.8, 1}
by the seed, and fluid at rest. The noise is drawn as the modes of white noise on the original's 512 x 128 points, of
which a grid takes those that it holds. For δ < 1 the original has a jump at the hot plate, which a polynomial would
turn into oscillations: here it is an error-function layer of thickness 0.04.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..description import draw_number
from ..grids.chebyshev import lobatto
from .channel import Channel

_MODES = 16
"""Random fields hold wavenumbers up to this."""

_WELL_GRID = (512, 128)
_WELL_LAYER = 0.04


@dataclass
class Start:
    """Real and imaginary parts ``(2, K, n)`` of ψ and θ = b - (1 - y) at the interior points, and U ``(n,)``."""

    psi: Tensor
    theta: Tensor
    mean: Tensor


def _hump(generator: torch.Generator, heights: int) -> Tensor:
    """Random coefficients ``(2, 17, heights)``: wavenumbers 1 to 16 about a random one, falling along j."""
    centre = draw_number(generator, 1.0, 8.0, log=True)
    width, fall = draw_number(generator, 0.2, 0.7), draw_number(generator, 0.7, 2.5)
    k = torch.arange(_MODES + 1, dtype=torch.float64).clamp(min=1e-9)[:, None]
    j = torch.arange(1, heights + 1, dtype=torch.float64)
    amplitude = torch.exp(-((k / centre).log() ** 2) / (2 * width**2)) * j**-fall
    return torch.randn((2, _MODES + 1, heights), generator=generator, dtype=torch.float64) * amplitude


def _mean_square(modes: Tensor) -> float:
    """Mean over x of the square of a field without mean, summed over the other axes."""
    return 2 * float(modes.square().sum())


def _on(channel: Channel, modes: Tensor) -> Tensor:
    """The wavenumbers that the channel keeps: ``(2, K, n)``."""
    out = torch.zeros(2, channel.modes, modes.shape[-1], dtype=torch.float64)
    kept = min(channel.modes, modes.shape[1])
    out[:, :kept] = modes[:, :kept]
    return out


def diverse(seed: int, channel: Channel) -> Start:
    """Random profile, plumes and vortices; see the module's docstring."""
    generator = torch.Generator().manual_seed(seed)
    y = lobatto(channel.shape[1])[1:-1]
    mixing, core = draw_number(generator, 0.0, 1.0), draw_number(generator, 0.3, 0.7)
    lower, upper = (draw_number(generator, 0.08, 0.25, log=True) for _ in range(2))
    profile = mixing * (core - (1 - y)) * torch.tanh(y / lower) * torch.tanh((1 - y) / upper)

    heat = _hump(generator, 8)
    heat *= draw_number(generator, 0.005, 0.2, log=True) / math.sqrt(_mean_square(heat) / 2)  # <sin²> = 1/2
    j = torch.arange(1, 9, dtype=torch.float64)[:, None]
    theta = _on(channel, heat @ torch.sin(j * math.pi * y))
    theta[0, 0] = profile

    stream = _hump(generator, 5)
    speed = draw_number(generator, 0.01, 0.3, log=True)
    fine = torch.linspace(0, 1, 257, dtype=torch.float64)[:-1]  # the mean of a trigonometric polynomial is exact here
    kappa = 2 * math.pi / channel.length * torch.arange(_MODES + 1, dtype=torch.float64)[:, None]
    along, across = stream @ _clamped_slope(fine), kappa * (stream @ _clamped(fine))
    stream *= speed / math.sqrt((_mean_square(along) + _mean_square(across)) / len(fine))
    mean = sum(draw_number(generator, -0.05, 0.05) * torch.sin(i * math.pi * y) for i in (1, 2))
    assert isinstance(mean, Tensor)
    return Start(_on(channel, stream @ _clamped(y)), theta, mean)


def _clamped(y: Tensor) -> Tensor:
    j = torch.arange(1, 6, dtype=torch.float64)[:, None]
    return torch.sin(math.pi * y) * torch.sin(j * math.pi * y)


def _clamped_slope(y: Tensor) -> Tensor:
    j = torch.arange(1, 6, dtype=torch.float64)[:, None]
    first = torch.cos(math.pi * y) * torch.sin(j * math.pi * y)
    return math.pi * (first + j * torch.sin(math.pi * y) * torch.cos(j * math.pi * y))


def the_well(seed: int, channel: Channel) -> Start:
    """The Well's family: partial conduction profile and white noise, at rest; see the module's docstring."""
    generator = torch.Generator().manual_seed(seed)
    nx, ny = _WELL_GRID
    n = channel.shape[1]
    y = lobatto(n)[1:-1]
    modes, degrees = (nx - 1) // 3 + 1, 2 * n // 3
    noise = torch.randn((2, modes, ny), generator=generator, dtype=torch.float64) * 1e-3 / math.sqrt(nx * ny)
    noise[0, 0] *= math.sqrt(2)  # real modes: the variance of a complex one is split between its parts
    noise[1, 0] = 0.0
    noise[..., 0] /= math.sqrt(2)  # white noise at Gauss points: T_0 has twice the weight of the others
    degree = torch.arange(min(degrees, ny), dtype=torch.float64)[:, None]
    polynomials = torch.cos(degree * torch.arccos(2 * y - 1))
    theta = _on(channel, noise[..., : len(polynomials)] @ polynomials) * y * (1 - y)
    contrast = 0.2 * (1 + seed % 5)
    theta[0, 0] += (contrast - 1) * (1 - y) * torch.erf(y / _WELL_LAYER)
    return Start(torch.zeros_like(theta), theta, torch.zeros_like(y))


FAMILIES: dict[str, Callable[[int, Channel], Start]] = {"diverse": diverse, "the_well": the_well}
"""Name to initial condition; the first is the default."""


def coefficients(start: Start, channel: Channel) -> Tensor:
    """The solver's state ``(2, K, 2n)`` of a start: vorticity (mean flow at k = 0) and θ by eigenvectors of d²/dy²."""
    inverse = channel.eigen.inverse.T.to(start.psi)
    vorticity = -channel.helmholtz.cpu() * (start.psi @ inverse)
    vorticity[:, 0] = 0.0
    vorticity[0, 0] = start.mean @ inverse
    theta = start.theta @ inverse
    theta[1, 0] = 0.0
    return torch.cat([vorticity, theta], -1)
