"""Dealiased transforms: round trips, derivatives, products without aliasing, changes of grid."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.systems.grids.fourier_box import FourierBox

SHAPES = [(16, 32), (15, 27), (12, 9), (32, 16)]


def random_modes(box: FourierBox, seed: int = 0) -> torch.Tensor:
    """Coefficients of a real field with every kept mode."""
    generator = torch.Generator().manual_seed(seed)
    return box.to_spectral(torch.randn(box.shape, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
def test_round_trip_keeps_every_mode_below_the_cut(shape):
    box = FourierBox(shape, (1.0, 2.0), torch.float64)
    modes = random_modes(box)
    torch.testing.assert_close(box.to_spectral(box.to_physical(modes)), modes, rtol=0, atol=1e-14)
    x, y = (torch.arange(n, dtype=torch.float64) * length / n for n, length in zip(shape, box.lengths, strict=True))
    for m in range(shape[0] // 2):
        for n in range(shape[1] // 2):
            wave = torch.cos(2 * math.pi * m * x[:, None] - math.pi * n * y[None, :] + 0.4)
            kept = 3 * m < shape[0] and 3 * n < shape[1]
            expected = wave if kept else torch.zeros_like(wave)
            torch.testing.assert_close(box.to_physical(box.to_spectral(wave)), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_and_inverse_laplacian(shape):
    box = FourierBox(shape, (1.0, 2.0), torch.float64)
    x, y = (torch.arange(n, dtype=torch.float64) * length / n for n, length in zip(shape, box.lengths, strict=True))
    phase = 2 * math.pi * 2 * x[:, None] - math.pi * 2 * y[None, :]
    modes = box.to_spectral(torch.cos(phase))
    dx, dy = (box.to_physical(part) for part in box.gradient(modes))
    torch.testing.assert_close(dx, -4 * math.pi * torch.sin(phase))
    torch.testing.assert_close(dy, 2 * math.pi * torch.sin(phase))
    torch.testing.assert_close(box.to_physical(box.k2 * box.inverse_k2 * modes), torch.cos(phase))
    assert float(box.inverse_k2[0, 0]) == 0
    assert box.k_max == (float(box.kx[box.mask > 0].abs().max()), float(box.ky.max()))


@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_free_of_aliasing(shape):
    """The kept modes of a product equal those computed on a grid fine enough to hold the whole product."""
    box, fine = (FourierBox(size, (1.0, 2.0), torch.float64) for size in (shape, tuple(3 * n for n in shape)))
    a, b = random_modes(box, 1), random_modes(box, 2)
    product = box.to_spectral(box.to_physical(a) * box.to_physical(b))
    exact = fine.to_spectral(fine.to_physical(box.resize(a, fine)) * fine.to_physical(box.resize(b, fine)))
    torch.testing.assert_close(product, fine.resize(exact, box), rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_resize_to_a_finer_grid_and_back(shape):
    box, fine = (FourierBox(size, (1.0, 2.0), torch.float64) for size in (shape, tuple(2 * n for n in shape)))
    modes = random_modes(box)
    finer = box.resize(modes, fine)
    torch.testing.assert_close(fine.to_physical(finer)[::2, ::2], box.to_physical(modes))
    assert torch.equal(fine.resize(finer, box), modes)


def test_work_array_changes_nothing():
    box = FourierBox((16, 32), (1.0, 2.0))
    modes = torch.stack([random_modes(box, seed) for seed in range(3)]).to(torch.complex64)
    padded = torch.zeros(3, 16, 17, dtype=torch.complex64)
    for _ in range(2):
        assert torch.equal(box.to_physical(modes, padded), box.to_physical(modes))
