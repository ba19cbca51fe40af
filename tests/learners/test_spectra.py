"""The floor of power spectra: planted modes lie where they should, and power is all that is seen."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import Spectra
from physrep.learners.rings import ring_edges
from tests.helpers.learner_clips import make_clip

LENGTHS, SHAPE, FRAMES, BINS = (1.0, 2.0), (32, 64), 8, 16


def clip_of(field: Tensor, periodic: tuple[bool, bool] = (True, True)) -> Clip:
    index = torch.zeros(1, dtype=torch.long)
    dx = (LENGTHS[0] / SHAPE[0], LENGTHS[1] / SHAPE[1])
    return Clip(field[None, None], torch.zeros(1, 0), ("f",), (), 0.1, dx, periodic, index, index)


def spectrum(clip: Clip) -> tuple[Tensor, Tensor]:
    """Power in the rings, by frame (first, middle, last, mean), and in the frequencies of time."""
    power = Spectra(1, FRAMES, BINS).encode(clip)[0, 0].exp()
    return power[: 4 * BINS].view(4, BINS), power[4 * BINS :]


@pytest.mark.parametrize(("m", "n"), [(1, 0), (0, 3), (3, 2), (10, 5)])
def test_a_planted_mode_lies_in_its_ring(m, n):
    x, y = (torch.arange(k) / k for k in SHAPE)
    field = 3 * torch.cos(2 * math.pi * (m * x[:, None] + n * y) + 0.4).expand(FRAMES, *SHAPE)
    clip = clip_of(field)
    rings, _ = spectrum(clip)
    k = 2 * math.pi * math.hypot(m / LENGTHS[0], n / LENGTHS[1])
    edges = ring_edges(clip, BINS)
    ring = int((edges < k * (1 - 1e-6)).sum()) - 1
    assert rings.argmax(1).tolist() == [ring] * 4
    torch.testing.assert_close(rings[:, ring], torch.full((4,), 4.5), rtol=1e-4, atol=0)  # mean square, by Parseval
    assert rings.sum(1).max() < 4.51


@pytest.mark.parametrize("m", [1, 4, 9])
def test_between_walls_half_waves_count(m):
    """cos(π m y/L) between walls has no jump at the ends: one cosine mode, in the ring of k = π m/L."""
    y = (torch.arange(SHAPE[1]) + 0.5) / SHAPE[1]
    field = torch.cos(math.pi * m * y).expand(FRAMES, *SHAPE)
    clip = clip_of(field, (True, False))
    rings, _ = spectrum(clip)
    edges = ring_edges(clip, BINS)
    ring = int((edges < math.pi * m / LENGTHS[1] * (1 - 1e-6)).sum()) - 1
    torch.testing.assert_close(rings[:, ring], torch.full((4,), 0.5), rtol=1e-4, atol=0)
    # Taken as periodic, odd half waves jump at the ends and leak into rings where they have no business.
    leaked = spectrum(clip_of(field))[0][0]
    assert (m % 2 == 0) or leaked[ring + 3 :].sum() > 100 * rings[0, ring + 3 :].sum()


def test_frequencies_of_time():
    t = torch.arange(FRAMES) + 0.5
    field = torch.cos(math.pi * 3 * t / FRAMES)[:, None, None].expand(FRAMES, *SHAPE)
    _, time = spectrum(clip_of(field))
    assert time.argmax() == 3
    torch.testing.assert_close(time[3], torch.tensor(0.5), rtol=1e-4, atol=0)


def test_decay_is_seen_between_the_frames():
    x = torch.arange(SHAPE[0]) / SHAPE[0]
    decay = torch.exp(-0.5 * torch.arange(FRAMES))
    field = decay[:, None, None] * torch.cos(2 * math.pi * 2 * x)[:, None].expand(FRAMES, *SHAPE)
    rings, _ = spectrum(clip_of(field))
    ring = rings[0].argmax()
    assert float((rings[0, ring] / rings[2, ring]).log()) == pytest.approx(2 * 0.5 * (FRAMES - 1), rel=1e-3)


def test_shifts_around_periodic_axes_change_nothing():
    clip = make_clip()
    clip.periodic = (True, True)
    moved = make_clip()
    moved.periodic, moved.fields = (True, True), clip.fields.roll((5, 7), (3, 4))
    learner = Spectra(3, 8)
    torch.testing.assert_close(learner.encode(moved), learner.encode(clip), rtol=1e-3, atol=1e-3)


def test_no_rings():
    with pytest.raises(PhysrepError, match="at least 1"):
        Spectra(1, bins=0)
