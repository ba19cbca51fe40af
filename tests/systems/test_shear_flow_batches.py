"""Shear flow as a batch machine: seeds, grids, independence, restarts, trajectories that blow up, bad input."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.errors import PhysrepError
from tests.helpers.shear_flow_cases import FLOW, derivative, error, frame, mean, run

SMALL = {"resolution": (24, 48), "frames": 6, "dtype": torch.float32}
REYNOLDS = [20.0, 150.0, 400.0, 60.0, 300.0, 100.0]
SCHMIDT = [1.0, 0.3, 2.0, 0.2, 1.0, 0.5]
SEEDS = [4, 8, 15, 16, 23, 42]


@pytest.fixture(scope="module")
def batch():
    return run(REYNOLDS, SCHMIDT, seeds=SEEDS, **SMALL)


def test_a_sample_does_not_depend_on_its_batch(batch, monkeypatch):
    """Alone, in another order, in blocks of other sizes: each takes its own time steps, so only rounding may differ."""
    monkeypatch.setattr(type(FLOW), "cache_points", 2 * 24 * 48)
    order = [5, 0, 3]
    other = run([REYNOLDS[i] for i in order], [SCHMIDT[i] for i in order], seeds=[SEEDS[i] for i in order], **SMALL)
    for row, i in enumerate(order):
        alone = run(REYNOLDS[i], SCHMIDT[i], seeds=[SEEDS[i]], **SMALL)
        for name, value in batch.fields.items():
            assert error(alone.fields[name][0], value[i]) < 1e-6, name
            assert error(other.fields[name][row], value[i]) < 1e-6, name


def test_parameters_act_per_sample():
    """Same start, different parameters: energy falls with Re, tracer variance with Re·Sc."""
    result = run([50.0, 500.0, 50.0], [1.0, 1.0, 10.0], seeds=[4, 4, 4], **SMALL)
    tracer, velocity = result.fields["tracer"][:, -1], result.fields["velocity"][:, -1]
    energy, variance = mean(velocity.square().sum(-1)), tracer.flatten(1).var(1)
    assert energy[1] > 1.1 * energy[0]
    assert error(velocity[2], velocity[0]) < 1e-5, "Sc does not act on the flow"
    assert variance[1] > 1.1 * variance[0] and variance[2] > 1.1 * variance[0]
    for name in result.fields:
        start = result.fields[name][:, 0]
        assert error(start[1], start[0]) < 1e-6, "the start depends on the seed alone"


@pytest.mark.parametrize("family", FLOW.initial_conditions)
def test_the_same_seed_starts_the_same_on_every_grid(family):
    """The coarse start is the fine one cut to the modes that the coarse grid holds; other seeds differ."""
    coarse, fine = (
        run(100.0, 1.0, seeds=[3, 8], resolution=size, frames=1, initial_condition=family)
        for size in ((64, 128), (128, 256))
    )
    for name in ("tracer", "velocity"):
        a, b = coarse.fields[name], fine.fields[name][:, :, ::2, ::2]
        # Layers of the_well get thinner than either grid; those of `diverse` fit into the coarse one.
        assert error(a, b) < (2e-4 if family == "diverse" else 2e-2), name
        assert error(a[0], a[1]) > 0.1, name


def test_starts_vary_and_the_tracer_is_independent_of_the_flow():
    """Speeds, tracer amplitudes and spectra spread; over many seeds the tracer does not correlate with velocity."""
    result = run(100.0, 1.0, seeds=range(40), resolution=(24, 48), frames=1)
    velocity, tracer = result.fields["velocity"][:, 0], result.fields["tracer"][:, 0]
    fluctuation = velocity - velocity.mean((1, 2), keepdim=True)
    speed = fluctuation.square().sum(-1).mean((1, 2)).sqrt()
    contrast = tracer.flatten(1).std(1)
    assert 0.1 < speed.min() < 0.25 and 0.4 < speed.max() < 0.65
    assert contrast.max() / contrast.min() > 3
    gradient = (derivative(tracer, "x") ** 2 + derivative(tracer, "y") ** 2).mean((1, 2)).sqrt() / contrast
    assert gradient.max() / gradient.min() > 2
    scaled = (tracer - tracer.mean((1, 2), keepdim=True)) / contrast[:, None, None]
    for component in (0, 1):
        u = fluctuation[..., component] / speed[:, None, None]
        assert abs(float((scaled * u).mean())) < 0.1
    assert abs(float(torch.corrcoef(torch.stack([speed.log(), contrast.log()]))[0, 1])) < 0.4


def test_restart_goes_on_where_it_stopped():
    whole = run(150.0, 0.5, seeds=[3], resolution=(24, 48), frames=11)
    rest = run(150.0, 0.5, initial=frame(whole, 5), resolution=(24, 48), frames=6)
    for name, value in whole.fields.items():
        assert error(rest.fields[name], value[:, 5:]) < 1e-5, name
    assert torch.equal(rest.parameters["Reynolds"], whole.parameters["Reynolds"])


def test_restart_from_another_grid():
    """A resolved state moves to a finer grid without loss, and gives the same trajectory there."""
    start = frame(run(100.0, 0.5, seeds=[3], resolution=(32, 64), frames=2, save_dt=1.0), 1)
    coarse = run(100.0, 0.5, initial=start, resolution=(32, 64), frames=4)
    fine = run(100.0, 0.5, initial=start, resolution=(64, 128), frames=4)
    for name in ("tracer", "velocity"):
        assert error(fine.fields[name][:, 0, ::2, ::2], start[name]) < 1e-12, name
        assert error(fine.fields[name][:, :, ::2, ::2], coarse.fields[name]) < 1e-4, name


def test_given_fields_are_made_divergence_free_and_keep_their_mean():
    generator = torch.Generator().manual_seed(0)
    initial = {
        "velocity": torch.randn(1, 24, 48, 2, generator=generator, dtype=torch.float64) + 0.5,
        "tracer": torch.randn(1, 24, 48, generator=generator, dtype=torch.float64),
    }
    start = run(100.0, 1.0, initial=initial, resolution=(24, 48), frames=1).fields
    u, w = start["velocity"][:, 0].unbind(-1)
    assert float((derivative(u, "x") + derivative(w, "y")).abs().max()) < 1e-10
    torch.testing.assert_close(start["velocity"][:, 0].mean((1, 2)), initial["velocity"].mean((1, 2)))


@pytest.mark.parametrize("amplitude", [1e6, math.inf, math.nan])
def test_blow_up_is_reported_and_leaves_the_others_alone(amplitude, batch):
    start = {name: value.clone() for name, value in frame(batch, 0).items()}
    start["velocity"][1] *= amplitude
    parameters = {"Reynolds": torch.tensor(REYNOLDS), "Schmidt": torch.tensor(SCHMIDT)}
    result = FLOW.simulate(parameters, SEEDS, initial=start, **SMALL)
    assert list(result.failed) == [1] and "t = 0" in result.failed[1]
    for name, value in result.fields.items():
        assert torch.isnan(value[1]).all()
        for row in (0, 2, 3, 4, 5):
            assert error(value[row], batch.fields[name][row]) < 1e-5, (name, row)


def test_a_tracer_that_is_not_finite_is_reported():
    start = frame(run(100.0, 1.0, seeds=[0, 1], resolution=(24, 48), frames=1), 0)
    start["tracer"][0, 3, 3] = math.inf
    parameters = {"Reynolds": torch.full((2,), 100.0), "Schmidt": torch.ones(2)}
    assert list(FLOW.simulate(parameters, [0, 1], initial=start, resolution=(24, 48), frames=3).failed) == [0]


def test_a_numerical_blow_up_on_the_way_is_reported(monkeypatch):
    """With the Courant bound taken away the explicit step is unstable: the run ends with a reason, not with numbers."""
    monkeypatch.setattr("physrep.systems.shear_flow.solver.COURANT", 60.0)
    parameters = {"Reynolds": torch.tensor([1e5, 1e5]), "Schmidt": torch.ones(2)}
    result = FLOW.simulate(parameters, [0, 1], resolution=(32, 64), frames=21, save_dt=0.5)
    assert result.failed
    for row in result.failed:
        bad = torch.isnan(result.fields["tracer"][row]).flatten(1).any(1)
        assert not bad[0] and bad[-1]
        assert torch.isfinite(result.fields["tracer"][row][~bad]).all()


ONE = {"Reynolds": torch.tensor([100.0]), "Schmidt": torch.tensor([1.0])}
START = {"tracer": torch.zeros(1, 16, 32), "velocity": torch.zeros(1, 16, 32, 2)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resolution": (64,)}, "resolution"),
        ({"resolution": (4, 64)}, "resolution"),
        ({"frames": 0}, "frames"),
        ({"save_dt": 0.0}, "save_dt"),
        ({"max_dt": -1.0}, "max_dt"),
        ({"initial_condition": "vortex"}, "vortex"),
        ({"dtype": torch.bfloat16}, "dtype"),
        ({"parameters": {"Reynolds": torch.tensor([100.0])}}, "Schmidt"),
        ({"parameters": {**ONE, "Rayleigh": torch.tensor([1.0])}}, "Rayleigh"),
        ({"parameters": {**ONE, "Reynolds": torch.tensor([-1.0])}}, "Reynolds must be positive"),
        ({"parameters": {**ONE, "Schmidt": torch.tensor([math.nan])}}, "Schmidt must be positive"),
        ({"parameters": {**ONE, "Schmidt": torch.tensor([1.0, 2.0])}}, "shapes"),
        ({"seeds": [1, 2]}, "shapes"),
        ({"seeds": [], "parameters": {name: value[:0] for name, value in ONE.items()}}, "shapes"),
        ({"initial": {"tracer": START["tracer"]}}, "velocity"),
        ({"initial": {**START, "tracer": torch.zeros(1, 16, 16)}}, "different grids"),
        ({"initial": {name: value.expand(2, *value.shape[1:]) for name, value in START.items()}}, "has shape"),
    ],
)
def test_bad_input_is_one_clear_sentence(change, words):
    arguments = {"parameters": ONE, "seeds": [0], "resolution": (16, 32), "frames": 2, **change}
    with pytest.raises(PhysrepError, match=words) as caught:
        FLOW.simulate(**arguments)
    message = str(caught.value)
    assert message.startswith("shear_flow") and message.endswith(".") and "\n" not in message
