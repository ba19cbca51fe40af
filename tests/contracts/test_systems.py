"""The System contract, for every system in `SYSTEMS`."""

from __future__ import annotations

import inspect
import math
import sys

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems import SYSTEMS, System, Trajectories

FRAMES = 3


@pytest.fixture(params=sorted(SYSTEMS))
def system(request) -> System:
    return SYSTEMS[request.param]


def small(system: System) -> tuple[int, ...]:
    """A quarter of the default grid, at least 16 points per axis."""
    return tuple(max(16, n // 4) for n in system.resolution)


def simulate(system: System, seeds, **options) -> Trajectories:
    resolution = small(system)
    parameters = options.pop("parameters", None) or system.draw_parameters(seeds, resolution)
    return system.simulate(parameters, list(seeds), **{"resolution": resolution, "frames": FRAMES, **options})


def test_name_and_docstring(system):
    assert SYSTEMS[system.name] is system
    text = inspect.getdoc(sys.modules[type(system).__module__])
    assert text and "∂ₜ" in text, "the docstring states the equations"
    for heading in ("Domain", "Units", "Method", "Good values", "References"):
        assert heading in text, heading
    assert "http" in text or "doi" in text or "J. " in text, "a reference can be found"
    for parameter in system.parameters:
        assert f"{parameter.symbol}" in text, f"{parameter.symbol} is explained"
    assert all(axis in text for axis in system.axes)


def test_description_is_consistent(system):
    dimensions = len(system.axes)
    for values in (system.lengths, system.origin, system.periodic, system.resolution):
        assert len(values) == dimensions
    assert all(length > 0 for length in system.lengths)
    assert set(system.mirrors) <= set(system.axes)
    assert system.frames >= 2 and system.save_dt > 0 and system.initial_conditions
    names = [field.name for field in system.fields]
    assert len(set(names)) == len(names) and all(field.order in (0, 1, 2) for field in system.fields)
    assert [field.order for field in system.fields] == sorted(field.order for field in system.fields)


def test_priors(system):
    names = [parameter.name for parameter in system.parameters]
    assert names and len(set(names)) == len(names)
    for parameter in system.parameters:
        assert system.parameter(parameter.name) is parameter
        assert parameter.symbol and parameter.meaning and parameter.unit
        assert math.isfinite(parameter.low) and parameter.low < parameter.high < math.inf
        assert parameter.scale == "linear" or parameter.low > 0
    ranges = system.resolved_ranges(system.resolution)
    assert list(ranges) == names
    for name, (low, high) in ranges.items():
        assert low < high <= system.parameter(name).high, name
    for name, (low, high) in system.default_ranges(system.resolution).items():
        assert ranges[name][0] <= low < high <= ranges[name][1], name
    finer = system.resolved_ranges([2 * n for n in system.resolution])
    assert all(finer[name][1] >= high for name, (_, high) in ranges.items()), "a finer grid never resolves less"
    with pytest.raises(PhysrepError, match="no parameter"):
        system.parameter("gravity of the situation")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shapes_names_and_types(system, dtype):
    result = simulate(system, [1, 2], dtype=dtype)
    resolution = small(system)
    assert result.system == system.name and len(result) == 2 and not result.failed
    assert list(result.fields) == [field.name for field in system.fields]
    for field in system.fields:
        value = result.fields[field.name]
        assert value.shape == (2, FRAMES, *resolution, *[len(system.axes)] * field.order), field.name
        assert value.dtype == dtype and value.device.type == "cpu" and not value.requires_grad
        assert torch.isfinite(value).all()
        value += 0  # an ordinary tensor that may be written
    assert list(result.parameters) == [parameter.name for parameter in system.parameters]
    assert all(value.shape == (2,) for value in result.parameters.values())
    torch.testing.assert_close(result.time, system.save_dt * torch.arange(FRAMES, dtype=torch.float64))
    assert list(result.coordinates) == list(system.axes) and result.periodic == system.periodic
    for n, axis, start, length in zip(resolution, system.axes, system.origin, system.lengths, strict=True):
        coordinate = result.coordinates[axis]
        assert coordinate.shape == (n,) and bool((coordinate.diff() > 0).all())
        assert float(coordinate[0]) >= start and float(coordinate[-1]) <= start + length


def test_deterministic_and_seeds_independent(system):
    parameters = {
        p.name: torch.full((2,), p.draw(0.2, *system.default_ranges(small(system))[p.name])) for p in system.parameters
    }
    a, b = simulate(system, [3, 4], parameters=parameters), simulate(system, [3, 4], parameters=parameters)
    swapped = simulate(system, [4, 3], parameters=parameters)
    for name, value in a.fields.items():
        assert torch.equal(value, b.fields[name]), name
        torch.testing.assert_close(swapped.fields[name].flip(0), value, rtol=1e-4, atol=1e-5)
    starts = [value[:, 0] for value in a.fields.values()]
    assert any(float((start[0] - start[1]).norm()) > 0.1 * float(start[0].norm()) for start in starts)


def test_the_global_random_state_is_untouched(system):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    simulate(system, [5], frames=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("position", [0, 1])
def test_every_parameter_acts(system, position):
    if position >= len(system.parameters):
        pytest.skip("fewer parameters")
    ranges = system.default_ranges(small(system))
    values = {p.name: torch.full((2,), p.draw(0.5, *ranges[p.name])) for p in system.parameters}
    parameter = system.parameters[position]
    values[parameter.name] = torch.tensor([parameter.draw(u, *ranges[parameter.name]) for u in (0.2, 0.8)])
    result = simulate(system, [6, 6], parameters=values)
    change = max(float((v[0, -1] - v[1, -1]).norm() / v[0, -1].norm()) for v in result.fields.values())
    assert change > 1e-3


def test_every_initial_condition_runs_and_an_unknown_one_is_named(system):
    for family in system.initial_conditions:
        result = simulate(system, [7], initial_condition=family)
        assert not result.failed and family in str(result.attributes.values())
    with pytest.raises(PhysrepError, match="no such start"):
        simulate(system, [7], initial_condition="no such start")


def test_restart_from_stored_fields(system):
    whole = simulate(system, [8], frames=5, dtype=torch.float64)
    if not system.restartable:
        with pytest.raises(PhysrepError, match="cannot start from stored fields"):
            system.simulate(whole.parameters, [8], initial={k: v[:, 2] for k, v in whole.fields.items()})
        return
    rest = system.simulate(
        whole.parameters,
        [8],
        initial={name: value[:, 2] for name, value in whole.fields.items()},
        resolution=small(system),
        frames=3,
        dtype=torch.float64,
    )
    for name, value in whole.fields.items():
        assert float((rest.fields[name] - value[:, 2:]).norm() / value[:, 2:].norm()) < 1e-3, name
