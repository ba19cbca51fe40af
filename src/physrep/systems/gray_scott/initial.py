r"""Initial conditions of the Gray-Scott systems, in any dimension: A and B on a periodic cube of any side.

Drawn on a master grid of 64 points per unit length and resampled: the same fields on every grid that holds its modes.

`diverse` (default), from the seed alone: B is the sum of spots and patches (either, or both, at random) in a medium
with A = 1 - a B, a ∈ [0.6, 1.2]:
- spots: 3 to 25 Gaussians per unit area (log-uniform; the power 3/2 of it per unit volume), width 0.03 to 0.09,
  amplitude 0.3 to 0.6;
- patches: regions where a smooth random field exceeds a random threshold, with smooth borders, B = 0.3 to 0.6 inside;
- B is scaled to at most 0.6, and both fields carry short-waved noise of 0.5 to 5 %, which breaks symmetries.

`the_well`, from the seed alone: the first of the two kinds in The Well's data set. Two independent sums of 10 to 100
Gaussians (in two dimensions on [-1, 1)²; the same number per length elsewhere) a exp(-s r²), a ∈ [1, 3], s ∈ [150,
300], shifted and scaled to the range [0, 1]: A from minus the first, B from the second.

`the_well_fourier`: the second kind, white noise on 16 points per unit length, interpolated by Fourier modes: uniform in
±1/4 of an amplitude around a steady state. That is (1, 0) with amplitudes 1; where k < √F/2 - F, it is the state
A = (1 - √(1 - 4/q²))/2, B = √F (q + √(q² - 4))/2 with q = √F/(F + k), with amplitudes 0.9 min(A, 1 - A) and
0.9 min(B, 1 - B). The noise depends on the seed alone; the state and the amplitudes on F and k.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..description import draw_number
from ..grids.fourier_grid import FourierGrid, resample

MASTER = 64
"""Points per unit length of the grid on which starts are drawn."""

_NOISE = 16
"""Points per unit length of the noise of `the_well_fourier`; highest mode per unit length of the random fields."""


def _master(lengths: Sequence[float]) -> FourierGrid:
    return FourierGrid([round(MASTER * length) for length in lengths], lengths)


def _gaussians(generator: torch.Generator, lengths: Sequence[float], amplitudes: Tensor, widths: Tensor) -> Tensor:
    """Σ a exp(-r²/(2 w²)) with random centres and periodic images, on the master grid."""
    count = len(amplitudes)
    field = amplitudes
    for length in lengths:
        n = round(MASTER * length)
        x = torch.arange(n, dtype=torch.float64) / MASTER
        centre = length * torch.rand(count, 1, generator=generator, dtype=torch.float64)
        profile = torch.zeros(count, n, dtype=torch.float64)
        for image in range(-2, 3):
            profile += torch.exp(-((x - centre - image * length) ** 2) / (2 * widths[:, None] ** 2))
        field = field[..., None] * profile.view(count, *[1] * (field.dim() - 1), n)
    return field.sum(0)


def _random_field(generator: torch.Generator, lengths: Sequence[float], k0: float, fall: float) -> Tensor:
    """Gaussian random field with power 1/(1 + (k/k₀)²)^(fall/2), unit rms, mean 0, on the master grid."""
    box = _master(lengths)
    counts = [math.ceil(_NOISE * length) for length in lengths]
    shape = [2 * count + 1 for count in counts[:-1]] + [counts[-1] + 1]
    noise = torch.randn((2, *shape), generator=generator, dtype=torch.float64)
    rows = [torch.arange(-count, count + 1) % n for count, n in zip(counts[:-1], box.shape, strict=False)]
    where = torch.meshgrid(*rows, torch.arange(counts[-1] + 1), indexing="ij")
    power = (1 + box.k2[where] / k0**2) ** (-fall / 2)
    power[tuple([count for count in counts[:-1]] + [0])] = 1.0
    coefficients = torch.zeros(box.k2.shape, dtype=torch.complex128)
    coefficients[where] = torch.complex(noise[0], noise[1]) * power.sqrt()
    coefficients[(0,) * len(lengths)] = 0
    field = box.to_physical(coefficients)
    return field / field.square().mean().sqrt()


def _uniform(generator: torch.Generator, count: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator, dtype=torch.float64)


def diverse(generator: torch.Generator, lengths: Sequence[float], F: float, k: float) -> Tensor:
    """See the module's docstring."""
    kind = draw_number(generator, 0.0, 1.0)
    b = torch.zeros(_master(lengths).shape, dtype=torch.float64)
    if kind < 0.6:
        density = draw_number(generator, 3.0, 25.0, log=True)
        count = max(1, round(density ** (len(lengths) / 2) * math.prod(lengths)))
        amplitudes = _uniform(generator, count, 0.3, 0.6)
        widths = torch.exp(_uniform(generator, count, math.log(0.03), math.log(0.09)))
        b += _gaussians(generator, lengths, amplitudes, widths)
    if kind > 0.4:
        field = _random_field(generator, lengths, 2 * math.pi * draw_number(generator, 1.0, 4.0, log=True), 6.0)
        patches = torch.sigmoid((field - draw_number(generator, 0.0, 1.2)) * draw_number(generator, 3.0, 8.0))
        box = _master(lengths)
        blurred = box.to_physical(box.to_spectral(patches) * torch.exp(-box.k2 * 0.02**2 / 2))
        b += draw_number(generator, 0.3, 0.6) * blurred
    b *= min(1.0, 0.6 / float(b.max()))
    a = 1 - draw_number(generator, 0.6, 1.2) * b
    noise = draw_number(generator, 0.005, 0.05, log=True)
    ripples = [_random_field(generator, lengths, 2 * math.pi * 8, 4.0) for _ in range(2)]
    return torch.stack([a * (1 + noise * ripples[0]), b * (1 + noise * ripples[1])])


def the_well(generator: torch.Generator, lengths: Sequence[float], F: float, k: float) -> Tensor:
    """See the module's docstring."""
    fields = []
    for sign in (-1.0, 1.0):
        on_square = 10 + int(draw_number(generator, 0.0, 91.0))
        count = max(1, round((on_square / 4) ** (len(lengths) / 2) * math.prod(lengths)))
        amplitudes = _uniform(generator, count, 1.0, 3.0)
        widths = (2 * _uniform(generator, count, 150.0, 300.0)) ** -0.5
        field = sign * _gaussians(generator, lengths, amplitudes, widths)
        fields.append((field - field.min()) / (field.max() - field.min()))
    return torch.stack(fields)


def the_well_fourier(generator: torch.Generator, lengths: Sequence[float], F: float, k: float) -> Tensor:
    """See the module's docstring."""
    shape = [max(2, round(_NOISE * length)) for length in lengths]
    noise = torch.rand((2, *shape), generator=generator, dtype=torch.float64) - 0.5
    a, b = steady_state(F, k) or (1.0, 0.0)
    amplitudes = (0.9 * min(a, 1 - a), 0.9 * min(b, 1 - b)) if b > 0 else (1.0, 1.0)
    fields = [mean + 0.5 * amplitude * field for mean, amplitude, field in zip((a, b), amplitudes, noise, strict=True)]
    return resample(torch.stack(fields), _master(lengths).shape)


def steady_state(F: float, k: float) -> tuple[float, float] | None:
    """The uniform state (A, B) with the most B, or None where A = 1, B = 0 is the only one."""
    q = math.sqrt(F) / (F + k)
    if q <= 2:
        return None
    root = math.sqrt(q * q - 4)
    return (1 - root / q) / 2, math.sqrt(F) * (q + root) / 2


FAMILIES: dict[str, Callable[[torch.Generator, Sequence[float], float, float], Tensor]] = {
    "diverse": diverse,
    "the_well": the_well,
    "the_well_fourier": the_well_fourier,
}
"""Name to initial condition; the first is the default."""


def initial_state(family: str, seed: int, F: float, k: float, lengths: Sequence[float], shape: Sequence[int]) -> Tensor:
    """A and B on ``shape`` points: float64 on the CPU, (2, *shape)."""
    fields = FAMILIES[family](torch.Generator().manual_seed(seed), lengths, F, k)
    return resample(fields, shape)
