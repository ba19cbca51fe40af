"""Classical features: planted values, invariances, and estimates that noise does not bias."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import Classical
from physrep.learners.classical import FEATURES
from physrep.learners.classical.half_grids import half_grid_power
from physrep.learners.classical.increments import DISTANCES
from physrep.learners.classical.window import Window
from physrep.learners.rings import fields_of_modes, ring_edges, spatial_modes
from tests.helpers.learner_clips import make_clip

LENGTH, POINTS, FRAMES, BINS, DT = 2.0, 32, 8, 8, 0.1


def clip_of(fields: Tensor, periodic: tuple[bool, bool] = (True, True)) -> Clip:
    """A clip of fields ``(B, C, T, H, W)`` on a square of length 2."""
    index = torch.zeros(len(fields), dtype=torch.long)
    names = tuple(f"f{k}" for k in range(fields.shape[1]))
    dx = LENGTH / POINTS
    return Clip(fields.float(), torch.zeros(len(fields), 0), names, (), DT, (dx, dx), periodic, index, index)


def wave(m: int, n: int, decay: float = 0.0, speed: float = 0.0) -> Tensor:
    """``e^{-decay t} cos(2π (m x + n y) / L - speed t)``, ``(T, H, W)``."""
    x = torch.arange(POINTS, dtype=torch.float64) / POINTS
    t = DT * torch.arange(FRAMES, dtype=torch.float64)[:, None, None]
    phase = 2 * math.pi * (m * x[:, None] + n * x)
    return torch.exp(-decay * t) * torch.cos(phase - speed * t)


def window_of(fields: Tensor, **options) -> Window:
    clip = clip_of(fields, **options)
    return Window(clip.fields, clip, BINS)


def ring(m: int, n: int) -> int:
    k = 2 * math.pi * math.hypot(m, n) / LENGTH
    return int((ring_edges(clip_of(torch.zeros(1, 1, 1, POINTS, POINTS)), BINS) < k * (1 - 1e-6)).sum()) - 1


@pytest.mark.parametrize("periodic", [(True, True), (True, False), (False, False)])
def test_modes_hold_the_mean_square_and_come_back(periodic):
    x = torch.randn(2, 1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    modes = spatial_modes(x, periodic)
    torch.testing.assert_close(modes.abs().square().sum((3, 4)), x.square().mean((3, 4)))
    torch.testing.assert_close(fields_of_modes(modes, periodic), x, rtol=1e-4, atol=1e-5)


def test_decay_rate_and_frequency_of_a_planted_wave():
    k = ring(3, 2)
    window = window_of(wave(3, 2, decay=1.5)[None, None])
    rates = FEATURES["decay"]().compute(window)[0]
    assert float(rates[k]) == pytest.approx(1.5, rel=1e-3)
    frequency = 3
    t = torch.arange(FRAMES) + 0.5
    turned = torch.cos(math.pi * frequency * t / FRAMES)[:, None, None] * wave(3, 2)
    power = FEATURES["power"]().compute(window_of(turned[None, None])).view(FRAMES, BINS)
    assert power.flatten().argmax() == frequency * BINS + k
    assert float(power.max().exp()) == pytest.approx(0.25, rel=1e-4)  # mean square of a product of two cosines


def test_coherence_tells_motion_from_change():
    k, lags = ring(3, 2), 3
    speed = math.pi / (2 * DT)  # a quarter of a turn between frames
    moving = FEATURES["coherence"]().compute(window_of(wave(3, 2, speed=speed)[None, None])).view(lags, 2, BINS)
    assert abs(float(moving[0, 0, k])) < 1e-3 and float(moving[0, 1, k]) == pytest.approx(1, abs=1e-3)
    noise = torch.randn(1, 1, FRAMES, POINTS, POINTS, generator=torch.Generator().manual_seed(0))
    changing = FEATURES["coherence"]().compute(window_of(noise)).view(lags, 2, BINS)
    assert changing[:, 0, 2:].abs().max() < 0.15
    assert float(changing[0, 1, 4]) < 0.6


def test_cross_spectra_see_common_waves_and_phases():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 1, FRAMES, POINTS, POINTS, generator=generator)
    shifted = noise.roll(1, 3) - noise.roll(-1, 3)  # a derivative: in quadrature with the field, odd in its wavenumber
    unrelated = torch.randn(1, 1, FRAMES, POINTS, POINTS, generator=generator)
    fields = torch.cat([noise, 2 * noise, shifted, unrelated], 1)
    numbers = FEATURES["cross_spectra"]().compute(window_of(fields)).view(6, 2, BINS)
    same, derivative, other = numbers[0], numbers[1], numbers[2]
    torch.testing.assert_close(same, torch.ones(2, BINS), rtol=1e-3, atol=1e-3)
    assert derivative[0, 2:].abs().max() < 0.05 and float(derivative[1, 4]) > 0.9 and float(other[1, 4]) < 0.4


def test_increments_of_a_wave_and_of_heavy_tails():
    numbers = FEATURES["increments"]().compute(window_of(wave(1, 0)[None, None])).view(-1, 3)
    for row, distance in enumerate(DISTANCES):
        rms = math.sqrt(2) * math.sin(math.pi * distance / POINTS)
        assert float(numbers[row, 0]) == pytest.approx(math.log(rms), abs=1e-3)
        assert float(numbers[row, 2]) == pytest.approx(math.log(1.5), abs=1e-3)  # of a sine
    generator = torch.Generator().manual_seed(0)
    rare = (torch.rand(1, 1, FRAMES, POINTS, POINTS, generator=generator) < 0.02).float()
    assert FEATURES["increments"]().compute(window_of(rare)).view(-1, 3)[0, 2] > math.log(10)
    with pytest.raises(PhysrepError, match="reach over 8 points"):
        Classical(3, 8).encode(make_clip(size=(8, 24)))


def test_quantiles_and_energies():
    ramp = torch.linspace(0, 1, FRAMES * POINTS * POINTS).view(1, 1, FRAMES, POINTS, POINTS)
    torch.testing.assert_close(
        FEATURES["quantiles"]().compute(window_of(ramp))[0],
        torch.tensor([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]), atol=1e-3, rtol=0,
    )  # fmt: skip
    two = wave(1, 0) + 0.1 * wave(0, 3, decay=2.0)
    energies = FEATURES["modes"]().compute(window_of(two[None, None])).view(2, FRAMES).exp()
    assert float(energies[0].sum()) == pytest.approx(float(two.square().mean()), rel=1e-4)
    assert energies[0, 1] > 1e-5 and energies[0, 2] < 1e-8  # two waves span two directions


@pytest.mark.parametrize("periodic", [(True, True), (True, False)])
def test_noise_adds_nothing_to_half_grid_power(periodic):
    generator = torch.Generator().manual_seed(0)
    field = wave(3, 2) + 0.1 * wave(6, 5)
    noise = 0.5 * torch.randn(64, 1, FRAMES, POINTS, POINTS, generator=generator)
    clean = window_of(field[None, None], periodic=periodic)
    noisy = window_of(field + noise, periodic=periodic)
    true, plain = clean.power.mean((0, 2))[0], noisy.power.mean((0, 2))[0]
    halves = half_grid_power(noisy).mean((0, 2))[0]
    added = plain - true
    assert (added[1:7] > 0.005).all()
    assert ((halves - true)[:7].abs() < 0.25 * added[:7]).all()
    kept = half_grid_power(clean).mean((0, 2))[0]
    torch.testing.assert_close(kept[:5], true[:5], rtol=0.02, atol=2e-4)


def test_shifts_around_periodic_axes_change_nothing():
    clip = replace(make_clip(), periodic=(True, True))
    moved = replace(clip, fields=clip.fields.roll((5, 7), (3, 4)))
    learner = Classical(3, 8)
    torch.testing.assert_close(learner.encode(moved), learner.encode(clip), rtol=2e-3, atol=2e-3)


def test_parts():
    clip = make_clip()
    some = Classical(3, 8, parts=("decay", "quantiles"))
    assert some.encode(clip).shape == (3, 1, some.embed_dim) and some.embed_dim == 3 * 8 + 3 * 7
    with pytest.raises(PhysrepError, match="did you mean 'decay'"):
        Classical(3, 8, parts=("decays",))
    with pytest.raises(PhysrepError, match="at least 1 and 2"):
        Classical(3, 1)
