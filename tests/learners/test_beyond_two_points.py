"""Scattering and bispectrum: what they see that no spectrum does, and what must not change them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import Bispectrum, Learner, Scattering, Spectra
from physrep.learners.scattering import _coarse_spectrum, wavelets
from tests.helpers.learner_clips import make_clip

POINTS, FRAMES = 32, 8


def clip_of(fields: Tensor, periodic: tuple[bool, bool] = (True, True)) -> Clip:
    index = torch.zeros(len(fields), dtype=torch.long)
    shape = (1 / fields.shape[3], 1 / fields.shape[4])
    names = tuple(f"f{k}" for k in range(fields.shape[1]))
    return Clip(fields.float(), torch.zeros(len(fields), 0), names, (), 0.1, shape, periodic, index, index)


def twins(seed: int = 0) -> tuple[Clip, Clip]:
    """Sharp spots, and a field of the same power in every mode with random phases."""
    generator = torch.Generator().manual_seed(seed)
    spots = (torch.rand(8, 1, 1, POINTS, POINTS, generator=generator) < 0.02).double()
    k = torch.fft.fftfreq(POINTS, 1 / POINTS, dtype=torch.float64)
    smooth = torch.exp(-(k[:, None] ** 2 + k**2) / 50)
    modes = torch.fft.fft2(spots) * smooth
    modes[..., 0, 0] = 0
    noise = torch.fft.fft2(torch.randn(8, 1, 1, POINTS, POINTS, generator=generator, dtype=torch.float64))
    mixed = modes.abs() * noise / noise.abs()
    fields = [torch.fft.ifft2(part).real.expand(-1, -1, FRAMES, -1, -1) for part in (modes, mixed)]
    a, b = (field / field.std() for field in fields)
    return clip_of(a), clip_of(b)


@pytest.mark.parametrize("learner", [Scattering(1, FRAMES), Bispectrum(1, FRAMES)], ids=["scattering", "bispectrum"])
def test_fields_of_one_spectrum_are_told_apart(learner: Learner):
    spots, mixed = twins()
    spectra = Spectra(1, FRAMES)
    torch.testing.assert_close(spectra.encode(spots)[..., :48], spectra.encode(mixed)[..., :48], rtol=1e-2, atol=0.05)
    first, second = learner.encode(spots)[:, 0], learner.encode(mixed)[:, 0]
    apart = (first.mean(0) - second.mean(0)).abs() / (first.std(0) + second.std(0) + 1e-3)
    assert apart.max() > 3


@pytest.mark.parametrize("learner", [Scattering(3, 8), Bispectrum(3, 8)], ids=["scattering", "bispectrum"])
def test_shifts_around_periodic_axes_change_nothing(learner: Learner):
    clip = replace(make_clip(size=(16, 32)), periodic=(True, True))
    moved = replace(clip, fields=clip.fields.roll((5, 7), (3, 4)))
    # Means of moduli on coarser grids follow a shift but for a little aliasing.
    torch.testing.assert_close(learner.encode(moved), learner.encode(clip), rtol=5e-3, atol=5e-3)
    changed = replace(clip, fields=clip.fields.roll(2, 2))
    assert (learner.encode(changed) - learner.encode(clip)).abs().max() > 0.05


def test_bispectrum_of_a_planted_triangle():
    """cos A + cos B + cos(A + B) locks three rings; another phase of the third wave unlocks them."""
    x = torch.arange(POINTS, dtype=torch.float64) / POINTS * 2 * math.pi
    a, b = 3 * x[:, None].expand(-1, POINTS), 5 * x.expand(POINTS, -1)
    learner = Bispectrum(1, FRAMES, bins=8)  # rings of two waves each
    sides = (1, 2, 2)  # |k| = 3, 5 and 5.83
    values = []
    for phase in (0.0, math.pi / 2):
        field = torch.cos(a) + torch.cos(b) + torch.cos(a + b + phase)
        token = learner.encode(clip_of(field.expand(1, 1, FRAMES, -1, -1)))[0, 0]
        values.append(float(token[learner.triangles.index(sides)]))
    # <f_1 f_2²> = 2 <cos A cos B cos(A+B)> = 1/2, over (1/2)^½ and the mean square 1 of the two waves in ring 2.
    assert values[0] == pytest.approx(0.5 / math.sqrt(0.5), rel=1e-3) and abs(values[1]) < 1e-4


def test_no_triangle_is_missing():
    generator = torch.Generator().manual_seed(0)
    k = 4 * torch.rand(20000, 2, 2, generator=generator) - 2
    sides = torch.stack([k[:, 0].norm(dim=1), k[:, 1].norm(dim=1), (k[:, 0] + k[:, 1]).norm(dim=1)], 1)
    rings = (sides / 0.5).floor().long()
    inside = rings[(rings < 6).all(1)].sort(dim=1).values
    assert set(map(tuple, inside.tolist())) <= set(Bispectrum(1, 8, bins=6).triangles)


def test_wavelets_have_no_mean_and_see_their_direction():
    dx = (1 / POINTS, 1 / POINTS)
    bank = wavelets((POINTS, POINTS), dx, 2 * math.pi * 6, 4)
    assert bank[:, 0, 0].abs().max() < 1e-12
    assert [tuple(divmod(int(w.argmax()), POINTS)) for w in bank[[0, 2]]] == [(6, 0), (0, 6)]
    x = torch.arange(POINTS) / POINTS * 2 * math.pi
    wave = torch.cos(6 * x)[:, None].expand(1, 1, FRAMES, POINTS, POINTS)
    first = Scattering(1, FRAMES).encode(clip_of(wave))[0, 0, :16].view(4, 4)
    assert first.argmax() % 4 == 0 and first[:, 0].max() > first[:, 2].max() + 3


def test_coarse_spectrum_is_that_of_fewer_points():
    x = torch.arange(16) / 16 * 2 * math.pi
    field = 1 + torch.cos(2 * x)[:, None] + torch.sin(3 * x)
    coarse = torch.fft.ifft2(_coarse_spectrum(field, (2, 1))).real
    torch.testing.assert_close(coarse, field[::2] * 1.0, rtol=1e-4, atol=1e-4)


def test_mirrored_ends_make_no_jump():
    """A ramp between walls is smooth; around a ring it would jump and fill all small scales."""
    ramp = (torch.arange(POINTS) / POINTS).expand(1, 1, FRAMES, POINTS, POINTS)
    walls, ring = (
        Scattering(1, FRAMES).encode(clip_of(ramp, p))[0, 0, :16].view(4, 4) for p in ((True, False), (True, True))
    )
    assert walls[0, 2] < ring[0, 2] - 1.5


def test_faults():
    with pytest.raises(PhysrepError, match="scattering"):
        Scattering(1, 8, scales=0)
    with pytest.raises(PhysrepError, match="bispectrum"):
        Bispectrum(1, 1)
