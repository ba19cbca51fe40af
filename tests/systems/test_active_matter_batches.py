"""Active matter as a batch machine: seeds, grids, independence, restarts, trajectories that blow up."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from tests.helpers.active_matter_cases import MATTER, error, frame, run, second

SMALL = {"resolution": (24, 24), "frames": 5, "dtype": torch.float32}
ALPHA = [-1.0, -5.0, -3.0, -2.0, -4.0, -1.5]
ZETA = [0.25, 0.7, 0.3, 0.6, 0.5, 0.4]
SEEDS = [4, 8, 15, 16, 23, 42]


@pytest.fixture(scope="module")
def batch():
    return run(ALPHA, ZETA, seeds=SEEDS, **SMALL)


def test_a_sample_does_not_depend_on_its_batch(batch, monkeypatch):
    """Alone, in another order, in blocks of other sizes: each takes its own time steps, so only rounding may differ."""
    monkeypatch.setattr(type(MATTER), "cache_points", 2 * 24 * 24)
    order = [5, 1, 3]
    other = run([ALPHA[i] for i in order], [ZETA[i] for i in order], seeds=[SEEDS[i] for i in order], **SMALL)
    for row, i in enumerate(order):
        alone = run(ALPHA[i], ZETA[i], seeds=[SEEDS[i]], **SMALL)
        for name, value in batch.fields.items():
            assert error(alone.fields[name][0], value[i]) < 1e-5, name
            assert error(other.fields[name][row], value[i]) < 1e-5, name


def test_kinetic_rows_are_independent_too(batch):
    options = {**SMALL, "frames": 2, "options": {"model": "kinetic"}}
    rows = [2, 5]
    pair = run([ALPHA[i] for i in rows], [ZETA[i] for i in rows], seeds=[SEEDS[i] for i in rows], **options)
    alone = run(ALPHA[5], ZETA[5], seeds=[SEEDS[5]], **options)
    for name, value in pair.fields.items():
        assert error(alone.fields[name][0], value[1]) < 1e-5, name


def test_parameters_act_per_sample():
    """Same start, different parameters: the flow at t = 0 is proportional to the stress, order grows with ζ."""
    result = run([-1.0, -3.0, -1.0], [0.3, 0.3, 0.9], seeds=[4, 4, 4], **SMALL)
    for name in ("concentration", "D"):
        start = result.fields[name][:, 0]
        assert error(start[1], start[0]) < 1e-6 and error(start[2], start[0]) < 1e-6, (
            "the start depends on the seed alone"
        )
    speed = result.fields["velocity"].square().mean((2, 3, 4)).sqrt()
    assert 2 < float(speed[1, 0] / speed[0, 0]) < 3.2
    order = second(result.fields["D"]).abs().mean((2, 3))
    assert float(order[2, -1] / order[0, -1]) > 1.3


@pytest.mark.parametrize("family", MATTER.initial_conditions)
def test_the_same_seed_starts_the_same_on_every_grid(family):
    coarse, fine = (
        run(-2.0, 1.0, seeds=[3, 8], resolution=size, frames=1, initial_condition=family)
        for size in ((48, 48), (96, 96))
    )
    for name in ("concentration", "D"):
        a, b = coarse.fields[name], fine.fields[name][:, :, ::2, ::2]
        assert error(a, b) < 1e-3, name
        assert float((a[0] - a[1]).norm()) > 1e-3 * float(a[0].norm()), name


def test_diverse_starts_are_distributions_and_vary():
    """|A₂| < c and c > 0 always; order, uniformity and contrast of c spread; defects are among them."""
    fields = run(-3.0, 1.0, seeds=range(60), resolution=(32, 32), frames=1).fields
    c, a2 = fields["concentration"][:, 0], second(fields["D"][:, 0])
    order = a2.abs() / c
    assert float(order.max()) < 0.95 and float(c.min()) > 0.2
    torch.testing.assert_close(c.mean((1, 2)), torch.ones(60, dtype=torch.float64))
    rms = order.square().mean((1, 2)).sqrt()
    assert float(rms.min()) < 0.03 and float(rms.max()) > 0.5
    contrast = c.flatten(1).std(1)
    assert float(contrast.min()) < 0.01 and float(contrast.max()) > 0.1
    uniform = a2.mean((1, 2)).abs() / a2.abs().mean((1, 2))
    assert float(uniform.min()) < 0.2 and float(uniform.max()) > 0.8
    # A half-charge defect is a cell around which the angle of A₂ winds once.
    angle = a2.angle()
    winding = torch.zeros_like(angle)
    loop = [(0, 0), (-1, 0), (-1, -1), (0, -1), (0, 0)]
    for here, there in itertools.pairwise(loop):
        step = angle.roll(there, (1, 2)) - angle.roll(here, (1, 2))
        winding += torch.remainder(step + math.pi, 2 * math.pi) - math.pi
    defects = (winding.abs() > 3).sum((1, 2))
    assert int(defects.min()) == 0 and int(defects.max()) >= 6
    assert abs(float(winding.sum())) < 1e-6, "charges cancel in a periodic box"


@pytest.mark.parametrize("model", MATTER.options["model"])
def test_restart_goes_on_where_it_stopped(model):
    """Exactly for the closure; the kinetic model starts again from Bingham moments, which differ a little."""
    whole = run(-3.0, 0.4, seeds=[3], resolution=(24, 24), frames=7, options={"model": model})
    rest = run(-3.0, 0.4, initial=frame(whole, 3), resolution=(24, 24), frames=4, options={"model": model})
    for name, value in whole.fields.items():
        assert error(rest.fields[name], value[:, 3:]) < (1e-11 if model == "bingham" else 0.02), name


def test_restart_from_another_grid():
    start = frame(run(-2.0, 0.5, seeds=[3], resolution=(24, 24), frames=2, save_dt=1.0), 1)
    coarse = run(-2.0, 0.5, initial=start, resolution=(32, 32), frames=3)
    fine = run(-2.0, 0.5, initial=start, resolution=(64, 64), frames=3)
    for name in ("concentration", "D"):
        moved = fine.fields[name][:, 0, ::2, ::2]
        assert error(coarse.fields[name][:, 0], moved) < 1e-12, name
        assert error(moved[:, ::4, ::4], start[name][:, ::3, ::3]) < 1e-12, name
    for name, value in coarse.fields.items():
        assert error(fine.fields[name][:, :, ::2, ::2], value) < 1e-2, name


@pytest.mark.parametrize("factor", [50.0, math.nan])
def test_blow_up_is_reported_and_leaves_the_others_alone(factor, batch):
    """A start that no distribution has, or NaN on the way, ends that row only."""
    start = {name: value.clone() for name, value in frame(batch, 0).items()}
    if math.isfinite(factor):
        start["D"][1, ..., 0, 1] += factor
        start["D"][1, ..., 1, 0] += factor
        result = MATTER.simulate(
            {"alpha": torch.tensor(ALPHA), "zeta": torch.tensor(ZETA)}, SEEDS, initial=start, **SMALL
        )
        assert list(result.failed) == [1] and "|A2|/c above" in result.failed[1] and "t = 0" in result.failed[1]
        first = 0
    else:
        result = poisoned(start)
        assert list(result.failed) == [1] and "not finite at t = 0.25" in result.failed[1]
        first = 1
    for name, value in result.fields.items():
        assert torch.isnan(value[1, first:]).all() and torch.isfinite(value[1, :first]).all()
        for row in (0, 2, 3, 4, 5):
            assert error(value[row], batch.fields[name][row]) < 1e-4, (name, row)


def poisoned(start):
    """A run in which NaN gets into row 1 within the first interval."""
    from physrep.systems.active_matter.solver import ActiveMatterSolver

    advance = ActiveMatterSolver.advance

    calls = []

    def spoil(solver, interval):
        if not calls:
            solver.state[1, 1, 0, 0] = math.nan
        calls.append(interval)
        advance(solver, interval)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ActiveMatterSolver, "advance", spoil)
        return MATTER.simulate(
            {"alpha": torch.tensor(ALPHA), "zeta": torch.tensor(ZETA)}, SEEDS, initial=start, **SMALL
        )
