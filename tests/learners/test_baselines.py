"""Floors: statistics of fields whose moments and derivatives are known, block averages, untrained weights."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import FieldStatistics, PooledPixels, RandomEncoder
from tests.helpers.learner_clips import CONV, make_clip


def wave(points: int = 64, frames: int = 16, periodic: tuple[bool, bool] = (True, True)) -> Clip:
    """``2 + 3 sin(2 x + y - t)`` on the torus of circumference 2 pi, over one period."""
    x = torch.arange(points) * 2 * math.pi / points
    t = torch.arange(frames) * 2 * math.pi / frames
    field = 2 + 3 * torch.sin(2 * x[None, :, None] + x[None, None, :] - t[:, None, None])
    index = torch.zeros(1, dtype=torch.long)
    dx = 2 * math.pi / points
    return Clip(field[None, None], torch.zeros(1, 0), ("f",), (), float(t[1]), (dx, dx), periodic, index, index)


@pytest.mark.parametrize("periodic", [(True, True), (False, False)])
def test_statistics_of_a_travelling_wave(periodic):
    tokens = FieldStatistics(1).encode(wave(periodic=periodic))
    values = dict(zip(FieldStatistics.STATISTICS, tokens[0, 0].tolist(), strict=True))
    amplitude = 3 / math.sqrt(2)
    # A difference over h of sin(k x) is smaller than its derivative by sin(kh/2) / (kh/2).
    h = 2 * math.pi / 64
    assert values["mean"] == pytest.approx(2, abs=1e-5)
    assert values["std"] == pytest.approx(amplitude, rel=1e-5)
    assert values["skewness"] == pytest.approx(0, abs=1e-5)
    assert values["kurtosis"] == pytest.approx(1.5, rel=1e-5)
    tolerance = 1e-4 if periodic[0] else 0.02
    assert values["gradient_h"] == pytest.approx(2 * amplitude * math.sin(h) / h, rel=tolerance)
    assert values["gradient_w"] == pytest.approx(amplitude * math.sin(h / 2) / (h / 2), rel=tolerance)
    assert values["rate"] == pytest.approx(amplitude, rel=0.02)
    for name in ("std", "gradient_h", "gradient_w", "rate"):
        assert values[f"log_{name}"] == pytest.approx(math.log(values[name]), rel=1e-5)


def test_a_constant_field_has_finite_statistics():
    clip = make_clip()
    clip.fields[:] = 1.0
    tokens = FieldStatistics(3, num_frames=8).encode(clip)
    assert tokens.isfinite().all()
    with pytest.raises(PhysrepError, match="at least 2"):
        FieldStatistics(3, num_frames=1)


def test_pooled_pixels_are_block_means():
    clip = make_clip()
    token = PooledPixels(3, num_frames=8, grid=(2, 4, 4)).encode(clip)
    blocks = token.view(3, 3, 2, 4, 4)
    assert blocks[1, 2, 1, 0, 3].item() == pytest.approx(clip.fields[1, 2, 4:8, 0:4, 18:24].mean().item(), abs=1e-6)
    with pytest.raises(PhysrepError, match="smaller than the grid"):
        PooledPixels(3, num_frames=8, grid=(4, 32, 8)).encode(clip)
    with pytest.raises(PhysrepError, match="three positive numbers"):
        PooledPixels(3, grid=(4, 8))


def test_a_random_encoder_follows_the_seed_and_is_frozen():
    tokens = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        learner = RandomEncoder(3, num_frames=8, **CONV)
        assert not any(p.requires_grad for p in learner.parameters())
        tokens.append(learner.encode(make_clip()))
    assert torch.equal(tokens[0], tokens[1]) and not torch.equal(tokens[0], tokens[2])
