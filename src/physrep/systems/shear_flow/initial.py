r"""Initial conditions of shear flow, as Fourier coefficients of (u_x, u_y, s).

Every family is a function of a seed alone: the same seed gives the same field on any grid that resolves it.

`diverse` (default) makes the parameters hard to guess from amplitudes. With independent draws for every trajectory,

    ψ = Σ layers + random field,        s = random field + random layers, independent of ψ

- layers: 1 or 2 pairs of tanh layers with random positions, thickness δ ∈ [0.04, 0.2] (log-uniform) and jumps ± ΔU;
- random solenoidal field with energy spectrum E(k) ∝ k^a / (1 + (k/k₀)²)^((a + b)/2), k₀ ∈ 2π·[1, 5] (log-uniform),
  rise a = 2, fall b ∈ [3, 7], random phases;
- root-mean-square speed log-uniform in [0.15, 0.6], of which a random share is in the layers; random mean flow;
- the tracer is drawn in the same way from its own stream, with rms log-uniform in [0.1, 0.6].

`the_well` is the deterministic family of The Well's data set: n ∈ {2, 4} layers, n_b ∈ {2, 3, 4, 5} blobs and width
w ∈ {0.25, 0.5, 1, 2, 4}, chosen by the seed,

    u_x = 1/2 + Σ_k (∓) 1/2 tanh(5 n (y - y_k)/w),   y_k = -1 + (2k + 1)/n
    u_y = Σ_k ± 0.1 sin(n_b π x) exp(-25 n² (y - y_k)²/w²),   s = u_x

projected on divergence-free fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..description import draw_number
from ..grids.fourier_box import FourierBox

_MODES = 20
"""Random fields hold modes |m| ≤ 20 along x and |n| ≤ 40 along y: isotropic, and the same on every finer grid."""


def _fine_box(box: FourierBox) -> FourierBox:
    """A float64 CPU box fine enough for every profile used here; its coefficients are cut to the caller's grid."""
    return FourierBox((max(96, box.shape[0]), max(192, box.shape[1])), box.lengths, torch.float64)


def _random_field(generator: torch.Generator, box: FourierBox, slope_shift: float = 0.0) -> Tensor:
    """Gaussian random field with a random spectrum, unit variance: coefficients (K, nx)."""
    k0 = 2 * math.pi * draw_number(generator, 1.0, 5.0, log=True)
    fall = draw_number(generator, 3.0, 7.0)
    noise = torch.randn((2, 2 * _MODES + 1, 2 * _MODES + 1), generator=generator, dtype=torch.float64)
    nx = box.shape[0]
    m = torch.arange(-_MODES, _MODES + 1)
    n = torch.arange(2 * _MODES + 1)
    k = torch.hypot(2 * math.pi * m[:, None] / box.lengths[0], 2 * math.pi * n[None, :] / box.lengths[1])
    # E(k) dk is spread over a ring of 2πk modes, hence the extra 1/k in the variance of one mode.
    energy = (k / k0) ** 2 / (1 + (k / k0) ** 2) ** ((2 + fall) / 2)
    amplitude = torch.sqrt(energy / k.clamp(min=1e-9)) * k.clamp(min=1e-9) ** slope_shift
    amplitude[_MODES, 0] = 0.0
    modes = torch.complex(noise[0], noise[1]) * amplitude
    modes[:_MODES, 0] = modes[_MODES + 1 :, 0].flip(0).conj()  # a real field: F(-m, 0) = conj F(m, 0)
    coefficients = torch.zeros(box.modes_y, nx, dtype=torch.complex128)
    coefficients[: n.numel(), m % nx] = modes.T
    return coefficients


def _layers(generator: torch.Generator, box: FourierBox, thinnest: float) -> Tensor:
    """A periodic profile of 1 or 2 pairs of tanh layers with random jumps: coefficients (K, nx), mean 0."""
    pairs = 1 + int(draw_number(generator, 0.0, 2.0))
    y = -1 + 2 * torch.arange(box.shape[1], dtype=torch.float64) / box.shape[1]
    profile = torch.zeros_like(y)
    offset = draw_number(generator, -1.0, 1.0)
    for pair in range(pairs):
        up = offset + (2 * pair + draw_number(generator, -0.25, 0.25)) / pairs
        down = up + (1 + draw_number(generator, -0.3, 0.3)) / pairs
        jump = draw_number(generator, 0.5, 1.0) * (1 if draw_number(generator, 0.0, 1.0) < 0.5 else -1)
        for centre, sign in ((up, jump), (down, -jump)):
            delta = draw_number(generator, thinnest, 0.2, log=True)
            for image in range(-3, 4):  # the tanh of all periodic images; far ones cancel between the pair
                profile = profile + sign / 2 * torch.tanh((y - centre - 2 * image) / delta)
    field = torch.zeros(box.shape, dtype=torch.float64) + (profile - profile.mean())
    return box.to_spectral(field)


def _unit(field: Tensor, box: FourierBox) -> Tensor:
    return field / box.to_physical(field).square().mean().sqrt()


def diverse(seed: int, target: FourierBox) -> Tensor:
    """Random layers plus random solenoidal field and an independent tracer: coefficients (3, K, nx), complex128."""
    generator = torch.Generator().manual_seed(seed)
    box = _fine_box(target)
    layers = _layers(generator, box, 0.04)
    psi = _random_field(generator, box, slope_shift=-1.0)
    u, w = 1j * box.ky * psi, -1j * box.kx * psi
    rms = box.to_physical(torch.stack([u, w])).square().mean((1, 2)).sum().sqrt()
    share = draw_number(generator, 0.05, 0.95)
    speed = draw_number(generator, 0.15, 0.6, log=True)
    u = math.sqrt(share) * _unit(layers, box) + math.sqrt(1 - share) * u / rms
    w = math.sqrt(1 - share) * w / rms
    u, w = speed * u, speed * w
    u[0, 0], w[0, 0] = draw_number(generator, -0.2, 0.2), draw_number(generator, -0.2, 0.2)
    tracer_share = draw_number(generator, 0.0, 1.0)
    tracer = math.sqrt(tracer_share) * _unit(_layers(generator, box, 0.06), box)
    tracer = tracer + math.sqrt(1 - tracer_share) * _unit(_random_field(generator, box), box)
    s = draw_number(generator, 0.1, 0.6, log=True) * _unit(tracer, box)
    s[0, 0] = draw_number(generator, -0.3, 0.3)
    return box.resize(torch.stack([u, w, s]), target)


def the_well(seed: int, target: FourierBox) -> Tensor:
    """The Well's 40 deterministic starts, numbered by ``seed % 40``: coefficients (3, K, nx), complex128."""
    widths, shears, blobs = (0.25, 0.5, 1.0, 2.0, 4.0), (2, 4), (2, 3, 4, 5)
    index = seed % 40
    width, n, n_blobs = widths[index % 5], shears[index // 5 % 2], blobs[index // 10]
    box = FourierBox((max(256, target.shape[0]), max(512, target.shape[1])), target.lengths, torch.float64)
    x = (torch.arange(box.shape[0], dtype=torch.float64) / box.shape[0])[:, None]
    y = (-1 + 2 * torch.arange(box.shape[1], dtype=torch.float64) / box.shape[1])[None, :]
    u = torch.full(box.shape, 0.5, dtype=torch.float64)
    w = torch.zeros(box.shape, dtype=torch.float64)
    for k in range(n):
        sign = -1.0 if k % 2 == 0 else 1.0
        centre = -1 + (2 * k + 1) / n
        u = u + sign * 0.5 * torch.tanh(5 * n * (y - centre) / width)
        w = w + sign * 0.1 * torch.sin(n_blobs * math.pi * x) * torch.exp(-25 * n**2 * (y - centre) ** 2 / width**2)
    fields = box.to_spectral(torch.stack([u, w, u]))
    divergence = box.kx * fields[0] + box.ky * fields[1]
    projected = fields.clone()
    projected[0] -= box.kx * box.inverse_k2 * divergence
    projected[1] -= box.ky * box.inverse_k2 * divergence
    return box.resize(projected, target)


FAMILIES: dict[str, Callable[[int, FourierBox], Tensor]] = {"diverse": diverse, "the_well": the_well}
"""Name to initial condition; the first is the default."""


def resampled_coefficients(fields: Tensor, target: FourierBox) -> Tensor:
    """Coefficients on ``target`` of periodic fields ``(..., nx, ny)`` given on any grid."""
    source = FourierBox((fields.shape[-2], fields.shape[-1]), target.lengths, target.kx.dtype, target.kx.device)
    return source.resize(source.to_spectral(fields), target)
