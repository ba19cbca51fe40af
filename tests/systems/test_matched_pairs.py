"""Pairs of heat with another equation: the same start, the same blur, and a diffusivity that varies."""

from __future__ import annotations

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems.linear.matched_pairs import PARTNERS, comparable_velocity, match_heat, matched_diffusivity
from tests.helpers.linear_cases import ADVECTION, HEAT, WAVE, middle
from tests.systems.test_linear_systems import gradient_energy

SEEDS = list(range(50, 74))
SETTINGS = {"resolution": (48, 48), "frames": 21, "save_dt": 0.04}


def pair(partner, family="diverse"):
    """Fields of heat and of the partner, and the diffusivity."""
    system = PARTNERS[partner]
    parameters = middle(system, len(SEEDS))
    kappa = matched_diffusivity(partner, parameters, SEEDS, initial_condition=family, **SETTINGS)
    options = {**SETTINGS, "initial_condition": family, "dtype": torch.float64}
    heat = HEAT.simulate({"diffusivity": kappa}, SEEDS, **options).fields["temperature"]
    other = system.simulate(parameters, SEEDS, **options).fields[system.fields[0].name]
    return heat, other, kappa


@pytest.mark.parametrize("family", ["diverse", "blobs"])
@pytest.mark.parametrize("partner", list(PARTNERS))
def test_pairs_start_alike_blur_alike_and_the_diffusivity_varies(partner, family):
    heat, other, kappa = pair(partner, family)
    assert torch.equal(heat[:, 0], other[:, 0])
    blur = [gradient_energy(fields[:, 1:]).mean(1) for fields in (heat, other)]
    assert float((blur[0] / blur[1] - 1).abs().max()) < 1e-2
    assert float((blur[0] / blur[1] - 1).abs().max()) < 1e-9, "continuous root, not a list of candidates"
    assert float(kappa.quantile(0.9) / kappa.quantile(0.1)) >= 3
    assert len(kappa.unique()) == len(SEEDS)
    assert float(((heat - other)[:, -1].flatten(1).norm(dim=1) / heat[:, -1].flatten(1).norm(dim=1)).min()) > 1e-2


def test_advection_is_matched_by_the_same_diffusivity_and_spectrum():
    heat, other, kappa = pair("advection_diffusion")
    torch.testing.assert_close(kappa, middle(ADVECTION, len(SEEDS))["diffusivity"], rtol=1e-12, atol=0)
    power = [torch.fft.rfft2(fields).abs() for fields in (heat, other)]
    torch.testing.assert_close(power[0], power[1], rtol=0, atol=1e-9)


def test_the_harder_variant_travels_as_far_as_it_spreads():
    parameters = middle(ADVECTION, 5)
    slow = comparable_velocity(parameters, 0.8, ratio=1.5)
    distance = 0.8 * torch.hypot(slow["velocity_x"], slow["velocity_y"])
    torch.testing.assert_close(distance, 1.5 * torch.sqrt(2 * parameters["diffusivity"] * 0.8))
    torch.testing.assert_close(
        torch.atan2(slow["velocity_y"], slow["velocity_x"]),
        torch.atan2(parameters["velocity_y"], parameters["velocity_x"]),
    )
    assert torch.equal(slow["diffusivity"], parameters["diffusivity"])
    with pytest.raises(PhysrepError, match="zero"):
        comparable_velocity({**parameters, "velocity_x": torch.zeros(5), "velocity_y": torch.zeros(5)}, 0.8)


def test_variance_can_be_matched_instead():
    parameters = middle(WAVE, 4)
    match = match_heat("damped_wave", parameters, SEEDS[:4], measure="variance", **SETTINGS)
    assert bool(match.found.all())
    options = {**SETTINGS, "dtype": torch.float64}
    heat = HEAT.simulate({"diffusivity": match.diffusivity}, SEEDS[:4], **options).fields["temperature"]
    wave = WAVE.simulate(parameters, SEEDS[:4], **options).fields["displacement"]
    contrast = [fields[:, 1:].var((2, 3), correction=0).mean(1) for fields in (heat, wave)]
    torch.testing.assert_close(*contrast, rtol=1e-9, atol=0)


def test_a_pair_without_match_is_marked_and_named():
    """A wave that starts nearly flat but fast has more gradients later than at its start: no diffusivity fits."""
    parameters = {"wave_speed": torch.full((40,), 0.3), "damping": torch.full((40,), 0.5)}
    seeds = list(range(40))
    match = match_heat("damped_wave", parameters, seeds, initial_condition="diverse_moving", **SETTINGS)
    assert 0 < int(match.found.sum()) < 40
    assert torch.equal(torch.isnan(match.diffusivity), ~match.found)
    assert float(match.residual[match.found].abs().max()) < 1e-6
    assert float(match.residual[~match.found].abs().min()) > 1e-6
    lost = int((~match.found).nonzero()[0])
    with pytest.raises(PhysrepError, match=rf"\[{lost}[,\]]"):
        matched_diffusivity("damped_wave", parameters, seeds, initial_condition="diverse_moving", **SETTINGS)


def test_bad_settings_are_named():
    with pytest.raises(PhysrepError, match="no matched partner 'heat'"):
        match_heat("heat", {}, [0])
    with pytest.raises(PhysrepError, match="frames=1"):
        match_heat("damped_wave", middle(WAVE, 1), [0], frames=1)
    with pytest.raises(PhysrepError, match="no measure"):
        match_heat("damped_wave", middle(WAVE, 1), [0], measure="sharpness")  # type: ignore[arg-type]
