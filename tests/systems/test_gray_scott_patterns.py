"""Gray-Scott: starts and parameters make patterns."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems.gray_scott.initial import FAMILIES, initial_state, steady_state
from physrep.systems.gray_scott.system import BAND, wave_band
from physrep.systems.grids.fourier_grid import resample
from tests.helpers.gray_scott_cases import CUBE, FLAT, QUARTER, error, run

PATTERN = 0.02
"""Standard deviation of B above which a field is a pattern; uniform states have 0, one resting spot about 0.03."""


def patterned(system, seeds, end):
    """Share of drawn trajectories with a pattern at the end, and relative change over the last fifth."""
    parameters = system.draw_parameters(seeds, system.resolution)
    result = system.simulate(parameters, list(seeds), frames=6, save_dt=end / 5)
    assert not result.failed
    b = result.fields["B"].flatten(2)
    change = (b[:, -1] - b[:, -2]).norm(dim=1) / b[:, -1].norm(dim=1)
    return float((b[:, -1].std(1) > PATTERN).double().mean()), change


def test_drawn_parameters_make_patterns():
    share, _ = patterned(QUARTER, range(300, 316), 1000.0)
    assert share >= 0.9


def test_outside_the_band_starts_die_or_become_uniform():
    """The threshold can tell: well above and well below the band nothing is left."""
    feeds = [0.02, 0.03, 0.05, 0.08] * 2
    kills = [wave_band(F)[1] + 4e-3 for F in feeds[:4]] + [wave_band(F)[0] - 6e-3 for F in feeds[:4]]
    b = run(feeds, kills, seeds=range(8), frames=2, save_dt=1500.0, dtype=torch.float32).fields["B"][:, -1]
    assert int((b.flatten(1).std(1) > PATTERN).sum()) <= 2


@pytest.mark.slow
def test_drawn_parameters_make_patterns_at_full_size():
    share, change = patterned(FLAT, range(300, 332), 2000.0)
    assert share >= 0.9 and float((change > 0.05).double().mean()) > 0.5
    share, _ = patterned(CUBE, range(300, 308), 1000.0)
    assert share >= 0.75


def test_draws_lie_in_the_band_and_follow_the_seed():
    parameters = FLAT.draw_parameters(range(200), (128, 128))
    for F, k in zip(parameters["F"].tolist(), parameters["k"].tolist(), strict=True):
        low, high = wave_band(F)
        assert low <= k <= high
        assert FLAT.parameter("F").low <= F <= FLAT.parameter("F").high
        assert FLAT.parameter("k").low <= k <= FLAT.parameter("k").high
    assert float(parameters["F"].min()) < 0.017 and float(parameters["F"].max()) > 0.085
    again = FLAT.draw_parameters([150, 7], (128, 128))
    assert torch.equal(again["k"], parameters["k"][[150, 7]])
    cube = CUBE.draw_parameters(range(3), (48, 48, 48))
    assert torch.equal(cube["F"], parameters["F"][:3])


def test_fields_that_die_out_become_exactly_zero_and_cost_no_more():
    """Numbers near the smallest of float32 are a hundred times slower; a dead field must not pass through them."""
    result = run(0.08, 0.075, seeds=(2,), frames=4, save_dt=1000.0, resolution=(32, 32), dtype=torch.float32)
    assert float(result.fields["B"][0, 1].abs().max()) == 0.0
    assert bool((result.fields["A"][0, -1] == 1.0).all())


def test_the_band_is_continuous_and_inside_the_prior_of_k():
    feeds = [0.014 * (0.1 / 0.014) ** (i / 400) for i in range(401)]
    edges = torch.tensor([wave_band(F) for F in feeds], dtype=torch.float64)
    assert float(edges.diff(dim=0).abs().max()) < 4e-4
    assert bool((edges[:, 1] - edges[:, 0] > 3e-3).all())
    prior = FLAT.parameter("k")
    assert prior.low <= float(edges[:, 0].min()) and float(edges[:, 1].max()) <= prior.high
    for F, low, high in BAND:
        assert wave_band(F) == pytest.approx((math.sqrt(F) / 2 - F + low, math.sqrt(F) / 2 - F + high))


def test_the_wells_six_patterns_lie_in_the_band():
    """Gliders, bubbles, maze, worms, spirals and spots, with the published values."""
    for F, k in ((0.014, 0.054), (0.098, 0.057), (0.029, 0.057), (0.058, 0.065), (0.018, 0.051), (0.03, 0.062)):
        low, high = wave_band(F)
        assert low < k < high, (F, k)


def test_ranges_cut_the_band_and_a_miss_is_named():
    ranges = {"F": (0.03, 0.03), "k": (0.055, 0.058)}
    parameters = FLAT.draw_parameters(range(50), (128, 128), ranges)
    assert 0.0555 > float(parameters["k"].min()) > 0.055 and 0.0575 < float(parameters["k"].max()) < 0.058
    with pytest.raises(PhysrepError, match=r"at F = 0.03 patterns form for k in \[0.0551"):
        FLAT.draw_parameters([0], (128, 128), {"F": (0.03, 0.03), "k": (0.063, 0.066)})


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("lengths", [(1.0, 1.0), (0.5, 0.5, 0.5)], ids=["square", "cube"])
def test_starts_are_the_same_on_every_grid(family, lengths):
    d = len(lengths)
    n = round(64 * lengths[0])
    for seed in range(3):
        fields = initial_state(family, seed, 0.03, 0.05, lengths, (n,) * d)
        assert fields.shape == (2, *(n,) * d) and fields.dtype == torch.float64
        for other in (2 * n, n - 12):
            assert (
                error(initial_state(family, seed, 0.03, 0.05, lengths, (other,) * d), resample(fields, (other,) * d))
                < 1e-12
            )
        assert error(fields, initial_state(family, seed + 50, 0.03, 0.05, lengths, (n,) * d)) > 0.02
        assert float(fields.min()) > -0.3 and float(fields.max()) < 1.3


def test_only_the_fourier_family_knows_the_parameters():
    for family in FAMILIES:
        first, second = (initial_state(family, 1, 0.03, k, (1.0, 1.0), (32, 32)) for k in (0.05, 0.06))
        assert torch.equal(first, second) == (family != "the_well_fourier")


def test_the_wells_families_are_as_in_its_generator():
    fields = initial_state("the_well", 4, 0.03, 0.06, (2.0, 2.0), (128, 128))
    assert torch.allclose(fields.amin((1, 2)), torch.zeros(2, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(fields.amax((1, 2)), torch.ones(2, dtype=torch.float64), atol=1e-12)
    correlation = torch.corrcoef(fields.flatten(1))[0, 1]
    assert abs(float(correlation)) < 0.5, "A and B are independent"
    F, k = 0.018, 0.045
    a, b = steady_state(F, k)
    fields = torch.stack([initial_state("the_well_fourier", seed, F, k, (2.0, 2.0), (128, 128)) for seed in range(8)])
    fields = fields[..., ::4, ::4]
    for field, mean, amplitude in ((fields[:, 0], a, 0.9 * min(a, 1 - a)), (fields[:, 1], b, 0.9 * min(b, 1 - b))):
        # On the noise's own 32 x 32 points it is uniform in ±amplitude/4.
        assert abs(float(field.mean()) - mean) < 0.01
        assert float((field - mean).std()) == pytest.approx(amplitude / 4 / math.sqrt(3), rel=0.05)
        assert amplitude / 4 * 0.99 < float((field - mean).abs().max()) <= amplitude / 4 * (1 + 1e-9)
    fields = initial_state("the_well_fourier", 0, 0.03, 0.062, (2.0, 2.0), (32, 32))
    assert float(fields[0].mean()) == pytest.approx(1, abs=0.02) and float(fields[1].mean()) == pytest.approx(
        0, abs=0.02
    )
