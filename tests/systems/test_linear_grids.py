"""Transforms and resampling of the undealiased grids."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.systems.grids.fourier_grid import FourierGrid, resample
from physrep.systems.grids.sine_grid import SineGrid, resample_sine


@pytest.mark.parametrize("shape", [(8, 10), (9, 7), (6, 8, 10), (5, 8, 7)])
def test_transforms_are_inverse_and_k2_is_the_laplacian(shape):
    lengths = (1.0, 2.0, 0.5)[: len(shape)]
    grid = FourierGrid(shape, lengths)
    field = torch.randn(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(grid.to_physical(grid.to_spectral(field)), field, rtol=0, atol=1e-13)
    axes = [length * torch.arange(n, dtype=torch.float64) / n for n, length in zip(shape, lengths, strict=True)]
    points = torch.meshgrid(*axes, indexing="ij")
    waves = [2 * math.pi * mode / length for mode, length in zip((2, -1, 1), lengths, strict=False)]
    plane = torch.cos(sum(k * x for k, x in zip(waves, points, strict=True)) + 0.3)
    laplacian = grid.to_physical(-grid.k2 * grid.to_spectral(plane))
    torch.testing.assert_close(laplacian, -sum(k * k for k in waves) * plane, rtol=0, atol=1e-10)
    slope = grid.to_physical(1j * grid.wavenumbers[0] * grid.to_spectral(plane))
    exact = -waves[0] * torch.sin(sum(k * x for k, x in zip(waves, points, strict=True)) + 0.3)
    torch.testing.assert_close(slope, exact, rtol=0, atol=1e-10)


def test_only_the_nyquist_mode_of_even_axes_does_not_travel():
    grid = FourierGrid((6, 8), (1.0, 1.0))
    for own, k, n in zip(grid.advecting, grid.wavenumbers, (6, 8), strict=True):
        still = (own == 0) & (k != 0)
        assert int(still.sum()) == 1 and float(k[still].abs()) == pytest.approx(math.pi * n)
    grid = FourierGrid((5, 7), (1.0, 1.0))
    assert all(torch.equal(own, k) for own, k in zip(grid.advecting, grid.wavenumbers, strict=True))


def test_resampling_evaluates_the_trigonometric_interpolant():
    def f(x, y):
        return 0.3 + torch.cos(2 * math.pi * (3 * x + 0.1)) * torch.sin(2 * math.pi * (2 * y - 0.2))

    def at(n, m):
        x, y = torch.arange(n, dtype=torch.float64)[:, None] / n, torch.arange(m, dtype=torch.float64)[None, :] / m
        return f(x, y)

    for old, new in (((8, 6), (16, 9)), ((16, 9), (8, 6)), ((7, 5), (12, 16))):
        torch.testing.assert_close(resample(at(*old), new), at(*new), rtol=0, atol=1e-13)


def test_the_nyquist_mode_is_shared_upwards_and_dropped_downwards():
    i = torch.arange(8, dtype=torch.float64)
    finer = resample(((-1.0) ** i)[:, None].expand(8, 4), (24, 4))
    wave = torch.cos(2 * math.pi * 4 * torch.arange(24, dtype=torch.float64) / 24)
    torch.testing.assert_close(finer[:, 0], wave, rtol=0, atol=1e-13)
    fourth = torch.cos(2 * math.pi * 4 * torch.arange(16, dtype=torch.float64) / 16)[:, None].expand(16, 4)
    assert float(resample(fourth, (8, 4)).abs().max()) < 1e-13


def test_sine_transforms_are_inverse_and_resample_exactly():
    generator = torch.Generator().manual_seed(0)
    grid = SineGrid((9, 12), (1.0, 2.0))
    coefficients = torch.randn(2, 9, 12, dtype=torch.float64, generator=generator)
    field = grid.to_physical(coefficients)
    torch.testing.assert_close(grid.to_spectral(field), coefficients, rtol=0, atol=1e-13)
    x, y = ((torch.arange(n, dtype=torch.float64) + 0.5) / n for n in (9, 12))
    exact = torch.zeros(9, 12, dtype=torch.float64)
    for k in range(9):
        for m in range(12):
            mode = torch.sin(math.pi * (k + 1) * x)[:, None] * torch.sin(math.pi * (m + 1) * y)[None, :]
            exact += coefficients[0, k, m] * mode
    torch.testing.assert_close(field[0], exact, rtol=0, atol=1e-12)
    assert float(grid.k2[2, 3]) == pytest.approx((3 * math.pi) ** 2 + (4 * math.pi / 2) ** 2)
    small = torch.zeros(2, 9, 12, dtype=torch.float64)
    small[:, :5, :6] = coefficients[:, :5, :6]
    finer = resample_sine(grid.to_physical(small), (20, 7))
    back = resample_sine(finer, (9, 12))
    torch.testing.assert_close(back, grid.to_physical(small), rtol=0, atol=1e-12)


def test_sine_modes_near_the_smallest_number_count_as_zero():
    grid = SineGrid((8, 8), (1.0, 1.0))
    coefficients = torch.full((8, 8), 1e-36)
    assert not grid.to_physical(coefficients).any()
    coefficients[0, 0] = 1e-20
    assert float(grid.to_physical(coefficients).abs().max()) == pytest.approx(1e-20, rel=0.05)
