r"""Initial fields of the linear systems: heat, advection-diffusion and the damped wave share them.

A family is a function of the seed alone, so that the same seed gives the same field in every one of these systems. It
is drawn on a fixed master grid (128 points per unit length) and resampled: the same field on every grid that holds its
modes, and its lowest modes on a coarser one. On 64 points per unit length less than 1e-3 of it is cut.

`diverse` (default): random shares of the next three, root mean square 0.3 to 1.5 (log-uniform), mean in ±0.5.
`random_field`: Gaussian field of unit rms, E(k) ∝ k² / (1 + (k/k₀)²)^((2 + b)/2), k₀ ∈ 2π·[1, 5] (log-uniform),
    b ∈ [3, 7], modes up to |m| = 20 per unit length.
`fronts`: regions of +1 and -1 with smooth borders, tanh(g / w) of a smooth random field g, blurred by 0.02.
`blobs`: 1 to 3 Gaussians of amplitude 0.5 to 1.2 and width 4/128 to 14/128, the sum scaled to maximum 1.
`blob`: one Gaussian of height 1, width 5/256 to 20/256, centre in the middle half: the start of a published study of
    video models on the heat equation.

With fixed edges the field is odd about every edge (the part f(x) - f(-x) of a field of period 2), so that it vanishes
there and is as smooth as inside; it has no free mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..description import draw_number, trajectory_seed
from ..grids.fourier_grid import FourierGrid, resample
from ..grids.sine_grid import sine_matrix

MASTER = 128
"""Points per unit length of the grid on which every family is drawn."""

_MODES = 20


def _unit(field: Tensor, side: int) -> Tensor:
    """Mean 0 and root mean square 1; with fixed edges (side 2) the part that is odd about them."""
    if side == 2:
        for axis in (0, 1):
            field = field - field.flip(axis).roll(1, axis)
    field = field - field.mean()
    return field / field.square().mean().sqrt()


def _master(side: int) -> FourierGrid:
    return FourierGrid((MASTER * side,) * 2, (float(side),) * 2)


def _random_field(generator: torch.Generator, side: int, high: float = 5.0) -> Tensor:
    """Gaussian random field with a random spectrum on the master grid: unit rms, mean 0."""
    k0 = 2 * math.pi * draw_number(generator, 1.0, high, log=True)
    fall = draw_number(generator, 3.0, 7.0)
    box, count = _master(side), _MODES * side
    noise = torch.randn((2, 2 * count + 1, count + 1), generator=generator, dtype=torch.float64)
    rows = torch.arange(-count, count + 1) % box.shape[0]
    k = box.k2[rows, : count + 1].sqrt()
    # E(k) dk is spread over a ring of 2πk modes, hence the extra 1/k in the variance of one mode.
    amplitude = torch.sqrt(k / (1 + (k / k0) ** 2) ** ((2 + fall) / 2))
    coefficients = torch.zeros(box.shape[0], box.shape[1] // 2 + 1, dtype=torch.complex128)
    coefficients[rows, : count + 1] = torch.complex(noise[0], noise[1]) * amplitude
    return _unit(box.to_physical(coefficients), side)


def _gaussian(side: int, centre: float, width: float) -> Tensor:
    """exp(-(x - centre)²/(2 width²)) and its images on one axis of the master grid.

    Images are periodic; with fixed edges (side 2) there is a negative one behind each edge.
    """
    x = torch.arange(MASTER * side, dtype=torch.float64) / MASTER
    signed = ((1.0, centre), (-1.0, -centre))[:side]
    images = [
        sign * torch.exp(-((x - position - side * shift) ** 2) / (2 * width**2))
        for sign, position in signed
        for shift in range(-2, 3)
    ]
    return torch.stack(images).sum(0)


def _gaussians(generator: torch.Generator, side: int, count: int, widths: tuple[float, float], signed: bool) -> Tensor:
    """A sum of Gaussians of amplitude 0.5 to 1.2 with centres in the unit square."""
    field = torch.zeros(MASTER * side, MASTER * side, dtype=torch.float64)
    for _ in range(count):
        x, y = draw_number(generator, 0.0, 1.0), draw_number(generator, 0.0, 1.0)
        width, amplitude = draw_number(generator, *widths, log=True), draw_number(generator, 0.5, 1.2)
        sign = -1.0 if signed and draw_number(generator, 0.0, 1.0) < 0.5 else 1.0
        field += sign * amplitude * _gaussian(side, x, width)[:, None] * _gaussian(side, y, width)[None, :]
    return field


def random_field(generator: torch.Generator, side: int) -> Tensor:
    """See the module's docstring."""
    return _random_field(generator, side)


def fronts(generator: torch.Generator, side: int) -> Tensor:
    """See the module's docstring."""
    box = _master(side)
    field = torch.tanh(_random_field(generator, side, high=2.0) * draw_number(generator, 1.5, 5.0))
    return box.to_physical(box.to_spectral(field) * torch.exp(-box.k2 * 0.02**2 / 2))


def blobs(generator: torch.Generator, side: int) -> Tensor:
    """See the module's docstring."""
    field = _gaussians(generator, side, 1 + int(draw_number(generator, 0.0, 3.0)), (4 / 128, 14 / 128), signed=False)
    return field / field.max()


def blob(generator: torch.Generator, side: int) -> Tensor:
    """See the module's docstring."""
    width = draw_number(generator, 5 / 256, 20 / 256)
    x, y = draw_number(generator, 0.25, 0.75), draw_number(generator, 0.25, 0.75)
    return _gaussian(side, x, width)[:, None] * _gaussian(side, y, width)[None, :]


def diverse(generator: torch.Generator, side: int) -> Tensor:
    """See the module's docstring."""
    shares = torch.rand(3, generator=generator, dtype=torch.float64).square()
    many = _gaussians(generator, side, 1 + int(draw_number(generator, 0.0, 8.0)), (0.03, 0.12), signed=True)
    parts = torch.stack([_random_field(generator, side), _unit(fronts(generator, side), side), _unit(many, side)])
    field = draw_number(generator, 0.3, 1.5, log=True) * _unit(torch.einsum("i,ixy->xy", shares.sqrt(), parts), side)
    return field + draw_number(generator, -0.5, 0.5) if side == 1 else field


FAMILIES: dict[str, Callable[[torch.Generator, int], Tensor]] = {
    "diverse": diverse,
    "random_field": random_field,
    "fronts": fronts,
    "blobs": blobs,
    "blob": blob,
}
"""Name to family: generator and side of the periodic box (1, or 2 for fixed edges) to the field on the master grid."""


def periodic_start(family: str, seed: int, shape: Sequence[int]) -> Tensor:
    """Field of the unit box on ``shape`` periodic points ``i / n``: float64 on the CPU."""
    return resample(FAMILIES[family](torch.Generator().manual_seed(seed), 1), shape)


def fixed_start(family: str, seed: int, shape: Sequence[int]) -> Tensor:
    """Field of the unit box with zero edges on ``shape`` cell-centred points: float64 on the CPU."""
    inside = FAMILIES[family](torch.Generator().manual_seed(seed), 2)[1:MASTER, 1:MASTER]
    # Sine coefficients from the interior points i / MASTER (DST-I), then their sum at the points of the caller's grid.
    i = torch.arange(1, MASTER, dtype=torch.float64)
    analysis = 2 / MASTER * torch.sin(math.pi / MASTER * i[:, None] * i[None, :])
    coefficients = analysis @ inside @ analysis.T
    kept = [min(n, MASTER) - 1 for n in shape]
    left, right = (sine_matrix(n, modes) for n, modes in zip(shape, kept, strict=True))
    return left @ coefficients[: kept[0], : kept[1]] @ right.T


def random_rate(seed: int, shape: Sequence[int]) -> Tensor:
    """Rate of change for starts that are not at rest: a random field of mean 0 from a stream of its own, rms 1 to 5."""
    generator = torch.Generator().manual_seed(trajectory_seed(seed, "rate"))
    return resample(draw_number(generator, 1.0, 5.0, log=True) * _random_field(generator, 1), shape)
