r"""Initial conditions of active matter, as Fourier coefficients of the angular moments.

The moments are A₀ = c (real) and A₂, A₄, ... A_2M (complex; real and imaginary parts are stacked):
``[c, Re A₂ ... Re A_2M, Im A₂ ... Im A_2M]``. Every family is a function of a seed alone: the same seed gives the same
field on any grid that resolves it. All are physical distributions, |A₂| < c and c > 0.

`diverse` (default) makes the parameters hard to guess from how ordered or how fast the suspension is at a given time.
With independent draws for every trajectory,

    A₂ = c s f(g z),   f(y) = y / √(1 + |y|²),   z = √(1 - w) z₀ + √w exp(iχ),   c ∝ exp(σ z₁)

- z₀, z₁: complex and real Gaussian random fields, unit variance, E(k) ∝ k / (1 + (k/k₀)²)^((1 + b)/2) with
  k₀ ∈ (2π/L)·[0.7, 3] (log-uniform), b ∈ [4, 8], modes up to 10;
- s ∈ [0.02, 0.85] (log-uniform): from almost isotropic to well ordered;
- g ∈ [0.3, 3] (log-uniform): Gaussian amplitudes (small g) or uniform order with half-charge defects at the zeros of z
  (large g);
- w ∈ [0, 0.9]: share of a uniform direction, the angle χ/2;
- σ ∈ [0.003, 0.3] (log-uniform): contrast of the concentration, whose mean is 1.

In the kinetic model the moments from A₄ on are those of the Bingham distribution.

`the_well` is the random family of The Well's data set, with its moments exactly as they follow from

    Ψ = 1/(2π) (1 + Σ_{i=0..7} 0.1 (r₀ - 1/2) cos(2πk₁x/L + r₁) cos(2πk₂y/L + r₂) cos^{i+1}(2θ + r₃))

with k₁, k₂ uniform in 1, ..., 8 and r₀, ..., r₃ uniform in [0, 1), drawn for every i: almost isotropic, and almost
uniform (the standard deviation of c is 0.01, and falls by diffusion).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..description import draw_number
from ..grids.fourier_box import FourierBox
from .bingham import bingham_moments

_MODES = 10
"""Random fields hold modes up to this number along each axis."""

_POINTS = 96
"""Points per axis on which nonlinear functions of random fields are taken, whatever the caller's grid."""


def _random_field(generator: torch.Generator, box: FourierBox) -> Tensor:
    """Complex Gaussian random field with a random spectrum, ``⟨|z|²⟩ = 1``, mean 0: physical, (nx, ny)."""
    k0 = draw_number(generator, 0.7, 3.0, log=True)
    fall = draw_number(generator, 4.0, 8.0)
    size = 2 * _MODES + 1
    noise = torch.randn((2, size, size), generator=generator, dtype=torch.float64)
    m = torch.arange(-_MODES, _MODES + 1)
    k = torch.hypot(m[:, None].double(), m[None, :].double())
    # E(k) dk is spread over a ring of 2πk modes: the variance of a mode is E(k)/k.
    amplitude = (1 + (k / k0) ** 2) ** (-(1 + fall) / 4)
    amplitude[_MODES, _MODES] = 0.0
    modes = torch.zeros(box.shape, dtype=torch.complex128)
    modes[m[:, None] % box.shape[0], m[None, :] % box.shape[1]] = torch.complex(noise[0], noise[1]) * amplitude
    field = torch.fft.ifft2(modes, norm="forward")
    return field / field.abs().square().mean().sqrt()


def stack_moments(concentration: Tensor, second: Tensor, count: int) -> Tensor:
    """Real planes ``(..., 2M + 1, nx, ny)`` of c and the Bingham distribution's moments up to ``A_2M``.

    Args:
        concentration: c, (..., nx, ny).
        second: complex A₂, same shape.
        count: number of complex moments M.
    """
    if count == 1:
        return torch.stack([concentration, second.real, second.imag], -3)
    moments = (concentration * bingham_moments(second / concentration, count)).movedim(0, -3)
    return torch.cat([concentration.unsqueeze(-3), moments.real, moments.imag], -3)


def diverse(seed: int, target: FourierBox, count: int) -> Tensor:
    """Random order, textures and concentration: coefficients (2M + 1, K, nx), complex128."""
    generator = torch.Generator().manual_seed(seed)
    box = FourierBox((_POINTS, _POINTS), target.lengths, torch.float64)
    share = draw_number(generator, 0.0, 0.9)
    angle = draw_number(generator, 0.0, 2 * math.pi)
    texture = math.sqrt(1 - share) * _random_field(generator, box)
    texture = draw_number(generator, 0.3, 3.0, log=True) * (
        texture + math.sqrt(share) * complex(math.cos(angle), math.sin(angle))
    )
    contrast = draw_number(generator, 0.003, 0.3, log=True)
    concentration = torch.exp(contrast * math.sqrt(2) * _random_field(generator, box).real)
    concentration = concentration / concentration.mean()
    order = draw_number(generator, 0.02, 0.85, log=True)
    second = concentration * order * texture / torch.sqrt(1 + texture.abs() ** 2)
    return box.resize(box.to_spectral(stack_moments(concentration, second, count)), target)


def the_well(seed: int, target: FourierBox, count: int) -> Tensor:
    """The Well's random family: coefficients (2M + 1, K, nx), complex128."""
    generator = torch.Generator().manual_seed(seed)
    box = FourierBox((_POINTS, _POINTS), target.lengths, torch.float64)
    x, y = (2 * math.pi * torch.arange(n, dtype=torch.float64) / n for n in box.shape)
    real, imaginary = torch.zeros(2, count + 1, *box.shape, dtype=torch.float64)
    real[0] += 1
    for power in range(1, 9):
        kx, ky = torch.randint(1, 9, (2,), generator=generator).tolist()
        r0, r1, r2, r3 = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        wave = 0.1 * (r0 - 0.5) * torch.cos(kx * x + r1)[:, None] * torch.cos(ky * y + r2)[None, :]
        # ∫ cos^p(2θ + r) exp(2imθ) dθ/2π = exp(-imr) 2^-p binomial(p, (p - m)/2) where p - m is even, else 0.
        for m in range(power % 2, min(power, count) + 1, 2):
            weight = math.comb(power, (power - m) // 2) / 2**power
            real[m] += weight * math.cos(m * r3) * wave
            imaginary[m] -= weight * math.sin(m * r3) * wave
    return box.resize(box.to_spectral(torch.cat([real, imaginary[1:]])), target)


FAMILIES: dict[str, Callable[[int, FourierBox, int], Tensor]] = {"diverse": diverse, "the_well": the_well}
"""Name to initial condition; the first is the default."""


def from_fields(concentration: Tensor, tensor: Tensor, target: FourierBox, count: int) -> Tensor:
    """Coefficients of the moments that belong to stored fields on any grid, (B, 2M + 1, K, nx).

    ``D`` gives ``A₂ = D_xx - D_yy + i (D_xy + D_yx)``; moments from A₄ on are those of the Bingham distribution, since
    they are not stored.

    Args:
        concentration: c, (B, nx, ny).
        tensor: D, (B, nx, ny, 2, 2).
        target: the grid to go to.
        count: number of complex moments M.
    """
    source = FourierBox((concentration.shape[1], concentration.shape[2]), target.lengths, torch.float64)
    c, d = concentration.cpu().double(), tensor.cpu().double()
    second = torch.complex(d[..., 0, 0] - d[..., 1, 1], d[..., 0, 1] + d[..., 1, 0])
    return source.resize(source.to_spectral(stack_moments(c, second, count)), target)
