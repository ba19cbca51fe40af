"""Spectral resampling is exact on what both grids represent."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from physrep.data.resample import Resampler, bilinear, chebyshev_interval
from physrep.errors import PhysrepError
from physrep.systems.grids.fourier_grid import resample_axis


def _wave(n: int) -> torch.Tensor:
    x = torch.arange(n, dtype=torch.float64) * 2 * math.pi / n
    return 1.5 + torch.sin(x) - 0.5 * torch.cos(3 * x + 0.4)


@pytest.mark.parametrize(("n", "m"), [(16, 8), (16, 9), (15, 8), (16, 40), (9, 31), (15, 16), (16, 16)])
def test_fourier_is_exact_for_low_modes(n, m):
    torch.testing.assert_close(resample_axis(_wave(n), 0, m), _wave(m))


def test_fourier_drops_modes_that_the_coarse_grid_cannot_hold():
    x = torch.arange(16, dtype=torch.float64) * 2 * math.pi / 16
    for mode in (4, 5, 7):
        torch.testing.assert_close(resample_axis(torch.cos(mode * x), 0, 8), torch.zeros(8, dtype=torch.float64))


def test_fourier_up_keeps_the_nyquist_mode_real_and_the_old_points():
    values = torch.randn(12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(resample_axis(values, 0, 36)[::3], values)


def test_fourier_commutes_with_shifts():
    values = torch.randn(24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(resample_axis(values.roll(6), 0, 8), resample_axis(values, 0, 8).roll(2))


def _nodes(kind: str, n: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    k = np.arange(n)
    angle = math.pi * (k + 0.5) / n if kind == "gauss" else math.pi * k / (n - 1)
    return ((low + high) / 2 - (high - low) / 2 * np.cos(angle)).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("kind", ["gauss", "lobatto"])
@pytest.mark.parametrize("n", [16, 33, 128, 512])
@pytest.mark.parametrize("flip", [False, True])
def test_chebyshev_grids_are_recognised_in_float32(kind, n, flip):
    nodes = _nodes(kind, n, -1.0, 2.0)
    found = chebyshev_interval(nodes[::-1] if flip else nodes)
    assert found is not None
    assert found[0] == kind and found[1:] == pytest.approx((-1, 2), abs=1e-5)


@pytest.mark.parametrize("n", [8, 64, 256])
def test_uniform_grids_are_not_taken_for_chebyshev(n):
    assert chebyshev_interval(np.linspace(0, 1, n)) is None


@pytest.mark.parametrize("kind", ["gauss", "lobatto"])
def test_chebyshev_to_uniform_is_exact_for_polynomials(kind):
    nodes, m = _nodes(kind, 24), 20
    resampler = Resampler([np.arange(16) / 16, nodes], (True, False), (8, m), "spectral")
    assert resampler.dx == pytest.approx((1 / 8, 1 / m))

    def field(x, y):
        return (1 + torch.cos(2 * math.pi * x))[:, None] * (y**5 - 3 * y**2 + 0.25)[None, :]

    x, y = torch.arange(16, dtype=torch.float64) / 16, torch.from_numpy(nodes)
    values = field(x, y)[None, None].repeat(3, 2, 1, 1)
    cells = (torch.arange(m, dtype=torch.float64) + 0.5) / m
    expected = field(torch.arange(8, dtype=torch.float64) / 8, cells)
    result = resampler(values)
    assert result.shape == (3, 2, 8, m)
    torch.testing.assert_close(result[2, 1], expected, atol=1e-6, rtol=0)


def test_chebyshev_axis_becomes_uniform_even_if_its_size_stays():
    nodes = _nodes("gauss", 32)
    resampler = Resampler([np.arange(4) / 4, nodes], (True, False), None, "spectral")
    cells = (torch.arange(32, dtype=torch.float32) + 0.5) / 32
    values = torch.from_numpy(nodes).float().expand(1, 1, 4, 32)
    torch.testing.assert_close(resampler(values)[0, 0, 0], cells, atol=1e-6, rtol=0)


def test_bilinear_is_exact_for_linear_fields_inside_and_identity_at_equal_size():
    x = (torch.arange(12) + 0.5) / 12
    field = (2 * x[:, None] - x[None, :])[None, None]
    small = bilinear(field, (6, 4))[0, 0]
    u, v = (torch.arange(6) + 0.5) / 6, (torch.arange(4) + 0.5) / 4
    torch.testing.assert_close(small, 2 * u[:, None] - v[None, :])
    assert bilinear(field, (12, 12)) is field


def test_three_dimensions():
    values = torch.randn(2, 3, 8, 8, 8)
    axes = [np.arange(8) / 8] * 3
    for method in ("bilinear", "spectral"):
        assert Resampler(axes, (True,) * 3, (4, 8, 6), method)(values).shape == (2, 3, 4, 8, 6)


def test_wall_axis_without_chebyshev_nodes_is_refused():
    with pytest.raises(PhysrepError, match="neither periodic nor on Chebyshev nodes"):
        Resampler([np.linspace(0, 1, 16)], (False,), (8,), "spectral")


def test_where_resampled_rows_lie():
    rows = (1 - np.cos(np.pi * (np.arange(32) + 0.5) / 32)) / 2
    x = np.arange(16) / 16
    kept = Resampler([x, rows.astype(np.float32)], (True, False), None, "bilinear")
    assert kept.coordinates[0] is None
    np.testing.assert_allclose(kept.coordinates[1], rows, atol=1e-6)
    halved = Resampler([x, rows], (True, False), (16, 16), "bilinear")
    np.testing.assert_allclose(halved.coordinates[1], rows.reshape(16, 2).mean(1))
    assert Resampler([x, rows], (True, False), (16, 48), "spectral").coordinates == (None, None)
    grown = Resampler([x, rows], (True, False), (16, 128), "bilinear").coordinates[1]
    assert grown is not None and (np.diff(grown) > 0).all()
