"""The floor of dynamic modes: planted rates and frequencies, and an independent implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import DynamicModes
from physrep.learners.dynamic_modes import dynamic_modes

FRAMES, DT = 12, 0.1


def clip_of(field: Tensor) -> Clip:
    index = torch.zeros(1, dtype=torch.long)
    return Clip(field[None, None], torch.zeros(1, 0), ("f",), (), DT, (0.1, 0.1), (True, True), index, index)


def waves(*modes: tuple[float, float, float, int]) -> Tensor:
    """Sum of travelling waves ``a exp(g t) cos(k x - w t)``, given as (a, g, w, k)."""
    x, t = 2 * math.pi * torch.arange(32) / 32, DT * torch.arange(FRAMES)[:, None, None]
    return sum(
        (a * torch.exp(g * t) * torch.cos(k * x[:, None] - w * t).expand(FRAMES, 32, 16) for a, g, w, k in modes),
        torch.zeros(FRAMES, 32, 16),
    )


def test_a_travelling_wave_is_found():
    field = waves((2.0, -0.7, 3.0, 2), (0.5, 0.3, 8.0, 5))
    token = DynamicModes(1, FRAMES, rank=4).encode(clip_of(field))[0, 0].view(3, 4)
    growth, frequency, size = token
    # Both of a pair: the larger wave first.
    torch.testing.assert_close(growth, torch.tensor([-0.7, -0.7, 0.3, 0.3]), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(frequency, torch.tensor([3.0, 3.0, 8.0, 8.0]), rtol=1e-3, atol=1e-3)
    assert float(size[0] - size[2]) == pytest.approx(math.log(4), abs=0.05)


def test_what_is_not_there_has_no_rate():
    """A standing decay is one real mode; the others are rounding and must not show as noise."""
    x = torch.cos(2 * math.pi * torch.arange(32) / 32)
    field = torch.exp(-2 * DT * torch.arange(FRAMES))[:, None, None] * x[:, None].expand(FRAMES, 32, 16)
    growth, frequency, size = DynamicModes(1, FRAMES, rank=3).encode(clip_of(field))[0, 0].view(3, 3)
    assert float(growth[0]) == pytest.approx(-2, rel=1e-3)
    assert frequency.abs().max() < 1e-3
    assert (size[1:] < size[0] - 8).all()
    zeros = DynamicModes(1, FRAMES, rank=3).encode(clip_of(torch.zeros(FRAMES, 32, 16)))
    assert zeros.isfinite().all()


@pytest.mark.parametrize("rank", [2, 4, 7])
def test_eigenvalues_and_amplitudes_agree_with_an_independent_implementation(rank):
    pydmd = pytest.importorskip("pydmd")
    generator = torch.Generator().manual_seed(0)
    x = waves((2.0, -0.7, 3.0, 2), (0.5, 0.3, 8.0, 5)).flatten(1).double()
    x = x + 0.3 * torch.randn(x.shape, generator=generator, dtype=torch.float64).cumsum(0)
    reference = pydmd.DMD(svd_rank=rank, exact=False, opt=False).fit(x.T.numpy())
    found = dynamic_modes(x, rank)
    assert reference.eigs is not None

    def key(values: np.ndarray) -> np.ndarray:
        return np.lexsort((np.imag(values), np.real(values).round(8)))

    own, theirs = found.eigenvalues.numpy(), np.asarray(reference.eigs)
    first, second = key(own), key(theirs)
    np.testing.assert_allclose(own[first], theirs[second], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        found.amplitudes.numpy()[first], np.abs(reference.amplitudes)[second], rtol=1e-5, atol=1e-8
    )


def test_a_shuffled_order_of_frames_has_other_modes():
    field = waves((2.0, -0.7, 3.0, 2))
    order = torch.randperm(FRAMES, generator=torch.Generator().manual_seed(0))
    right, wrong = (DynamicModes(1, FRAMES, rank=2).encode(clip_of(f))[0, 0] for f in (field, field[order]))
    assert (right[:4] - wrong[:4]).abs().max() > 1


def test_too_few_frames():
    with pytest.raises(PhysrepError, match="at least 3"):
        DynamicModes(1, 2)
