"""Initial fields of the linear systems."""

from __future__ import annotations

import pytest
import torch

from physrep.systems.grids.fourier_grid import resample
from physrep.systems.grids.sine_grid import resample_sine
from physrep.systems.linear.initial import FAMILIES, fixed_start, periodic_start
from tests.helpers.linear_cases import ADVECTION, FIXED, HEAT, WAVE, error, middle, points


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_same_field_on_every_grid(family):
    for seed in range(6):
        fine = periodic_start(family, seed, (128, 128))
        assert error(periodic_start(family, seed, (192, 160)), resample(fine, (192, 160))) < 1e-12
        assert error(periodic_start(family, seed, (64, 64)), resample(fine, (64, 64))) < 1e-12
        lost = fine - resample(resample(fine, (64, 64)), (128, 128))
        assert float(lost.norm() / fine.norm()) < 2e-3, "64 points hold the field"
        inside = fixed_start(family, seed, (128, 128))
        assert error(fixed_start(family, seed, (64, 64)), resample_sine(inside, (64, 64))) < 1e-12
        lost = inside - resample_sine(fixed_start(family, seed, (64, 64)), (128, 128))
        assert float(lost.norm() / inside.norm()) < 2e-3


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_system_starts_from_the_same_field(family):
    fields = [
        system.simulate(middle(system, 2), [11, 12], frames=1, initial_condition=family).fields[system.fields[0].name]
        for system in (HEAT, ADVECTION, WAVE)
    ]
    assert torch.equal(fields[0], fields[1]) and torch.equal(fields[0], fields[2])
    assert error(fields[0][0], fields[0][1]) > 0.1


@pytest.mark.parametrize("family", list(FAMILIES))
def test_fixed_edges_start_from_zero_edges(family):
    for seed in range(4):
        field = fixed_start(family, seed, (256, 256))
        scale = float(field.abs().max())
        # Linear extrapolation from the middles of the first two cells to the edge.
        for near, next_one in ((field[0], field[1]), (field[:, 0], field[:, 1]), (field[-1], field[-2])):
            assert float((1.5 * near - 0.5 * next_one).abs().max()) < 0.02 * scale


def test_blob_is_one_gaussian_of_the_documented_size():
    x, y = points(HEAT, (128, 128))
    widths = []
    for seed in range(40):
        field = periodic_start("blob", seed, (128, 128))
        mass = field.mean()
        cx, cy = (field * x).mean() / mass, (field * y).mean() / mass
        variance = ((field * ((x - cx) ** 2 + (y - cy) ** 2)).mean() / mass) / 2
        widths.append(float(variance.sqrt()) * 256)
        assert 0.25 <= float(cx) <= 0.75 and 0.25 <= float(cy) <= 0.75
        assert abs(float(field.max()) - 1) < 0.03
    assert 4.9 < min(widths) < 7 and 18 < max(widths) < 20.1


def test_diverse_is_diverse():
    fields = torch.stack([periodic_start("diverse", seed, (64, 64)) for seed in range(60)])
    rms, mean = fields.std((1, 2)), fields.mean((1, 2))
    assert 0.28 < float(rms.min()) < 0.4 and 1.2 < float(rms.max()) < 1.6
    assert float(mean.min()) < -0.3 and float(mean.max()) > 0.3
    contrast = fields - mean[:, None, None]
    correlation = torch.corrcoef(contrast.flatten(1)).fill_diagonal_(0)
    assert float(correlation.abs().median()) < 0.25
    slope = (contrast.diff(dim=1).square().mean((1, 2)) / contrast.square().mean((1, 2))).sqrt()
    assert float(slope.quantile(0.9) / slope.quantile(0.1)) > 2, "length scales differ"


def test_moving_starts_share_the_displacement_and_move():
    at_rest, moving = (
        WAVE.simulate(middle(WAVE, 2), [3, 4], frames=1, initial_condition=name).fields
        for name in ("diverse", "diverse_moving")
    )
    assert torch.equal(at_rest["displacement"], moving["displacement"])
    assert not at_rest["displacement_rate"].any()
    rms = moving["displacement_rate"].square().mean((1, 2, 3)).sqrt()
    assert bool((rms > 0.9).all()) and bool((rms < 5.1).all())


def test_fixed_edges_have_coordinates_in_the_middle_of_cells():
    result = FIXED.simulate(middle(FIXED, 1), [3], frames=1, resolution=(16, 20))
    assert result.periodic == (False, False)
    assert float(result.coordinates["x"][0]) == 1 / 32 and float(result.coordinates["y"][-1]) == pytest.approx(39 / 40)
