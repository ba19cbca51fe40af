"""Rayleigh-Bénard convection as a batch machine: seeds, grids, independence, restarts, blow-up, bad input."""

from __future__ import annotations

import math
import time

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems.grids.chebyshev import cell_centres, gauss
from physrep.systems.rayleigh_benard.system import RayleighBenardUniform
from tests.helpers.rayleigh_benard_cases import BUOYANCY, CONVECTION, ZERO, Calculus, columns, error, frame, run

UNIFORM = RayleighBenardUniform()
SMALL = {"resolution": (32, 16), "frames": 6, "dtype": torch.float32}
RAYLEIGH = [1e4, 3e4, 2e4, 3e4, 1e4, 1.5e4]
PRANDTL = [1.0, 0.3, 2.0, 0.2, 5.0, 0.5]
SEEDS = [4, 8, 15, 16, 23, 42]


@pytest.fixture(scope="module")
def batch():
    return run(RAYLEIGH, PRANDTL, seeds=SEEDS, **SMALL)


def test_a_sample_does_not_depend_on_its_batch(batch, monkeypatch):
    """Alone, in another order, in blocks of other sizes: each takes its own time steps, so only rounding may differ."""
    monkeypatch.setattr(type(CONVECTION), "cache_points", 2 * 32 * 16)
    order = [5, 0, 3]
    other = run([RAYLEIGH[i] for i in order], [PRANDTL[i] for i in order], seeds=[SEEDS[i] for i in order], **SMALL)
    for row, i in enumerate(order):
        alone = run(RAYLEIGH[i], PRANDTL[i], seeds=[SEEDS[i]], **SMALL)
        for name, value in batch.fields.items():
            assert error(alone.fields[name][0], value[i]) < 1e-5, name
            assert error(other.fields[name][row], value[i]) < 1e-5, name


def test_rows_that_change_places_come_back(batch):
    """Slow, fast and middle flows need steps of different number: the solver sorts them, the result is not sorted."""
    start = {name: value[:1].expand(3, *value.shape[1:]).clone() for name, value in frame(batch, 0).items()}
    start["velocity"] *= torch.tensor([8.0, 0.5, 16.0])[:, None, None, None]
    assert 5 < start["velocity"].abs().amax((1, 2, 3))[2] < 15
    together = run(1e4, [1.0, 2.0, 0.5], initial=start, **SMALL)
    for row, prandtl in enumerate((1.0, 2.0, 0.5)):
        one = {name: value[row : row + 1] for name, value in start.items()}
        alone = run(1e4, prandtl, initial=one, **SMALL)
        for name, value in together.fields.items():
            assert error(alone.fields[name][0], value[row]) < 1e-4, (name, row)
    fails = CONVECTION.simulate(columns([1e4, 1e4, 1e9], 1.0, 3), [], initial=start, **{**SMALL, "frames": 21})
    assert list(fails.failed) == [2]


def test_steps_differ_and_parameters_act_per_sample(batch):
    """Same start: Pr and Ra both change the run, not the start."""
    result = run([1e4, 3e4, 1e4], [1.0, 1.0, 4.0], seeds=[4, 4, 4], **SMALL)
    for name in ("buoyancy", "velocity"):
        value = result.fields[name]
        assert error(value[1, 0], value[0, 0]) < 1e-6 and error(value[2, 0], value[0, 0]) < 1e-6
        assert error(value[1, -1], value[0, -1]) > 1e-2 and error(value[2, -1], value[0, -1]) > 1e-2


@pytest.mark.parametrize("family", CONVECTION.initial_conditions)
def test_the_same_seed_starts_the_same_on_every_grid(family):
    """The coarse start is the fine one; other seeds differ. White noise is held as far as a grid holds it."""
    coarse, fine = (
        run(1e5, seeds=[3, 7], resolution=size, frames=1, initial_condition=family) for size in ((64, 32), (128, 64))
    )
    for name, walls in (("buoyancy", BUOYANCY), ("velocity", ZERO)):
        a, b = coarse.fields[name][:, 0], fine.fields[name][:, 0, ::2]
        if name == "velocity":
            a, b = a[..., 1], b[..., 1]
        calculus = Calculus(gauss(64))
        b = calculus.at(calculus.polynomial(b, walls), gauss(32))
        assert torch.equal(a, b) or error(a, b) < (1e-6 if family == "diverse" else 2e-3), name
        if name == "buoyancy":
            assert error(a[0], a[1]) > 0.01


def test_starts_satisfy_the_boundary_conditions():
    """Both families on a coarse grid: div u = 0 and no slip (u, from ψ, has a polynomial through zero wall values)."""
    for family in CONVECTION.initial_conditions:
        fields = run(1e4, seeds=range(3), resolution=(64, 24), frames=1, initial_condition=family).fields
        u, w = fields["velocity"][:, 0].unbind(-1)
        c = Calculus(gauss(24))
        assert float((c.d_dx(u) + c.d_dy(w, ZERO)).abs().max()) < 1e-11
        assert fields["buoyancy"].min() > -0.5 and fields["buoyancy"].max() < 1.5


def test_starts_vary():
    """Speeds, amplitudes, profiles and numbers of cells spread, independently of each other."""
    fields = run(1e4, seeds=range(60), resolution=(64, 16), frames=1).fields
    b, velocity = fields["buoyancy"][:, 0], fields["velocity"][:, 0]
    speed = velocity[..., 1].square().mean((1, 2)).sqrt()
    plumes = (b - b.mean(1, keepdim=True)).square().mean((1, 2)).sqrt()
    assert speed.max() / speed.min() > 8 and plumes.max() / plumes.min() > 8
    assert abs(float(torch.corrcoef(torch.stack([speed.log(), plumes.log()]))[0, 1])) < 0.35
    spectrum = torch.fft.rfft(b, dim=1)[:, 1:].abs().square().sum(2)
    cells = (spectrum * torch.arange(1, 33)).sum(1) / spectrum.sum(1)
    assert cells.min() < 2.5 and cells.max() > 6
    middle = b.mean(1)[:, 7:9].mean(1)
    assert middle.min() < 0.4 and middle.max() > 0.6
    assert velocity[..., 0].mean((1, 2)).std() > 0.005, "random mean flow"


def test_the_well_family():
    """Contrast by the seed; noise of 1e-3 y (1 - y); fluid at rest."""
    fields = run(
        1e4, seeds=range(5), resolution=(128, 64), frames=1, initial_condition="the_well", system=UNIFORM
    ).fields
    y = cell_centres(64)
    assert float(fields["velocity"].abs().max()) == 0
    b = fields["buoyancy"][:, 0]
    for seed in range(5):
        contrast = 0.2 * (seed + 1)
        upper = y > 0.15
        assert error(b[seed].mean(0)[upper], contrast * (1 - y[upper])) < 2e-3
        noise = (b[seed] - b[seed].mean(0)) / (y * (1 - y))
        # A 128 x 64 grid holds 85 of 512 numbers along x and 42 of 128 along y.
        assert float(noise[:, 8:-8].std()) == pytest.approx(1e-3 * math.sqrt(85 / 512 * 42 / 128), rel=0.15)


def test_uniform_rows_hold_the_same_solution():
    """The uniform system is the same run, evaluated elsewhere."""
    here, there = (run(2e4, seeds=[3], resolution=(32, 16), frames=4, system=s) for s in (CONVECTION, UNIFORM))
    calculus = Calculus(gauss(16))
    for name, walls, pick in (("buoyancy", BUOYANCY, ...), ("velocity", ZERO, (..., 0)), ("velocity", ZERO, (..., 1))):
        a, b = here.fields[name][pick], there.fields[name][pick]
        assert error(calculus.at(calculus.polynomial(a, walls), cell_centres(16)), b) < 1e-10
    torch.testing.assert_close(there.coordinates["y"], cell_centres(16))
    torch.testing.assert_close(here.coordinates["y"], gauss(16))


@pytest.mark.parametrize("system", [CONVECTION, UNIFORM], ids=lambda s: s.name)
@pytest.mark.parametrize(("resolution", "dtype"), [((32, 16), torch.float64), ((64, 32), torch.float32)])
def test_restart_goes_on_where_it_stopped(system, resolution, dtype):
    whole = run(3e4, 0.5, seeds=[3], resolution=resolution, frames=7, system=system, dtype=dtype)
    rest = run(3e4, 0.5, initial=frame(whole, 3), resolution=resolution, frames=4, system=system, dtype=dtype)
    for name, value in whole.fields.items():
        assert error(rest.fields[name], value[:, 3:]) < (1e-8 if dtype == torch.float64 else 1e-5), name


@pytest.mark.parametrize("system", [CONVECTION, UNIFORM], ids=lambda s: s.name)
def test_restart_on_another_grid(system):
    """A resolved state moves to a finer grid, and back, without loss, and gives the same trajectory there."""
    start = frame(run(1e4, 1.0, seeds=[3], resolution=(64, 24), frames=2, save_dt=3.0, system=system), 1)
    coarse, fine = (
        run(1e4, 1.0, initial=start, resolution=size, frames=3, system=system) for size in ((64, 24), (128, 40))
    )
    back = run(1e4, 1.0, initial=frame(fine, 0), resolution=(64, 24), frames=3, system=system)
    for name in ("buoyancy", "velocity"):
        assert error(coarse.fields[name][:, 0], start[name]) < 1e-7, name
        assert error(back.fields[name], coarse.fields[name]) < 1e-4, name
    b = fine.fields["buoyancy"][:, :, ::2]
    calculus = Calculus(system.rows(40))
    assert error(calculus.at(calculus.polynomial(b, BUOYANCY), system.rows(24)), coarse.fields["buoyancy"]) < 1e-4


def test_given_velocity_is_made_divergence_free_without_slip():
    generator = torch.Generator().manual_seed(0)
    initial = {
        "velocity": torch.randn(1, 48, 24, 2, generator=generator, dtype=torch.float64),
        "buoyancy": (1 - gauss(24)).expand(1, 48, 24),
    }
    u, w = run(1e4, 1.0, initial=initial, resolution=(48, 24), frames=1).fields["velocity"][:, 0].unbind(-1)
    c = Calculus(gauss(24))
    assert float((c.d_dx(u) + c.d_dy(w, ZERO)).abs().max()) < 1e-9
    assert float(u.abs().max()) > 0.1


@pytest.mark.parametrize("amplitude", [1e3, 1e30, math.inf, math.nan])
def test_a_start_that_is_too_fast_or_not_finite_is_reported_and_leaves_the_others_alone(amplitude, batch):
    start = {name: value.clone() for name, value in frame(batch, 0).items()}
    start["velocity"][1] *= amplitude
    result = CONVECTION.simulate(columns(RAYLEIGH, PRANDTL, 6), SEEDS, initial=start, **SMALL)
    assert list(result.failed) == [1] and "t = 0" in result.failed[1]
    for name, value in result.fields.items():
        assert torch.isnan(value[1]).all()
        for row in (0, 2, 3, 4, 5):
            assert error(value[row], batch.fields[name][row]) < 1e-4, (name, row)


def test_an_unresolved_flow_is_ended_soon_and_alone():
    """Ra 1e9 on 16 rows: the run ends with a reason, at no more cost than its neighbour."""
    before = time.process_time()
    result = CONVECTION.simulate(columns([1e9, 1e4], 1.0, 2), [0, 1], resolution=(32, 16), frames=41)
    assert time.process_time() - before < 5
    assert list(result.failed) == [0] and "buoyancy beyond" in result.failed[0]
    alone = run(1e4, 1.0, seeds=[1], resolution=(32, 16), frames=41, dtype=torch.float32)
    for name, value in result.fields.items():
        bad = torch.isnan(value[0]).flatten(1).any(1)
        first = int(bad.int().argmax())
        assert first > 0 and bad[first:].all() and not bad[:first].any()
        assert error(value[1], alone.fields[name][0]) < 1e-4


def test_an_unstable_step_is_reported(monkeypatch):
    """With the Courant bound taken away the explicit step is unstable: the run ends with a reason, not with numbers."""
    monkeypatch.setattr("physrep.systems.rayleigh_benard.solver.COURANT", 60.0)
    monkeypatch.setattr("physrep.systems.rayleigh_benard.solver.LARGEST_STEP", 0.5)
    result = CONVECTION.simulate(columns([1e6, 1e6], 1.0, 2), [0, 1], resolution=(64, 32), frames=41)
    assert set(result.failed) == {0, 1}


ONE = {"Rayleigh": torch.tensor([1e4]), "Prandtl": torch.tensor([1.0])}
START = {"buoyancy": torch.zeros(1, 16, 16), "velocity": torch.zeros(1, 16, 16, 2)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resolution": (64,)}, "resolution"),
        ({"resolution": (64, 4)}, "resolution"),
        ({"initial_condition": "rolls"}, "rolls"),
        ({"options": {"slip": True}}, "slip"),
        ({"initial": {"velocity": START["velocity"]}}, "buoyancy"),
        ({"initial": {**START, "velocity": torch.zeros(1, 16, 2)}}, "shape"),
        ({"parameters": {"Rayleigh": torch.tensor([-1.0]), "Prandtl": torch.tensor([1.0])}}, "Rayleigh"),
    ],
)
def test_bad_input_is_named(change, words):
    parameters = change.pop("parameters", ONE)
    with pytest.raises(PhysrepError, match=words):
        CONVECTION.simulate(parameters, [0], **{"frames": 1, "resolution": (16, 16), **change})


def test_resolved_ranges():
    """Six times the Rayleigh number per doubling; the coarser direction decides; never empty."""
    resolved, default = CONVECTION.resolved_ranges, CONVECTION.default_ranges
    assert default((128, 32))["Rayleigh"] == pytest.approx((1e4, 6e5))
    assert default((64, 32))["Rayleigh"] == pytest.approx((1e4, 1e5))
    assert resolved((256, 64))["Rayleigh"] == pytest.approx((2e3, 3.6e6))
    assert resolved((256, 32)) == resolved((128, 128))
    low, high = default((16, 16))["Rayleigh"]
    assert low < high < 1e4
    assert CONVECTION.check_ranges((128, 32), {"Rayleigh": (2e3, 6e5)}) is None
    assert "Rayleigh" in str(CONVECTION.check_ranges((128, 32), {"Rayleigh": (1e4, 1e6)}))
