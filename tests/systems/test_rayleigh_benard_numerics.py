"""Rayleigh-Bénard convection: order in time, spectral accuracy in space, precision, exact symmetries."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from physrep.systems.grids.chebyshev import gauss
from tests.helpers.rayleigh_benard_cases import (
    BUOYANCY,
    Calculus,
    error,
    frame,
    frames_of,
    roll_box,
    run,
)

GRID = (32, 16)


@pytest.fixture(scope="module")
def start():
    return frame(run([1e4, 3e4], [0.5, 2.0], seeds=(3, 5), resolution=GRID, frames=2, save_dt=2.0), 1)


def go_on(initial, rayleigh=(1e4, 3e4), prandtl=(0.5, 2.0), **options):
    return run(list(rayleigh), list(prandtl), initial=initial, **{"resolution": GRID, "frames": 2, **options}).fields


def test_second_order_in_time(start):
    """Halving the step divides the error by 2²."""
    exact = go_on(start, save_dt=0.8, max_dt=0.00125)
    for name, value in exact.items():
        errors = [
            error(go_on(start, save_dt=0.8, max_dt=dt)[name][:, -1], value[:, -1]) for dt in (0.025, 0.0125, 0.00625)
        ]
        orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
        assert all(1.8 < order < 2.3 for order in orders), (name, errors)
        assert errors[0] < 1e-5


@pytest.mark.parametrize("sizes", [(10, 14, 20), pytest.param((16, 24, 32), marks=pytest.mark.slow)])
def test_spectral_convergence_along_y(sizes):
    """With half as many rows again, the error of a roll at Ra 1e4 falls by more than 8 (2nd order: by 2.25)."""
    points = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)

    def profile(n):
        b = frames_of(roll_box([1e4], 0.3, (16, n), max_dt=0.02), 2, 4.0)["buoyancy"][:, -1]
        calculus = Calculus(gauss(n))
        return calculus.at(calculus.polynomial(b, BUOYANCY), points)

    exact = profile(2 * sizes[-1])
    errors = [error(profile(n), exact) for n in sizes]
    assert errors[1] < errors[0] / 8 and errors[2] < errors[1] / 8, errors


def test_float32_is_close_to_float64():
    fields = {}
    for dtype in (torch.float32, torch.float64):
        result = run([2e4, 1e5], [0.5, 2.0], seeds=(0, 1), resolution=(64, 32), frames=9, dtype=dtype, max_dt=0.02)
        assert all(value.dtype == dtype for value in result.fields.values())
        fields[dtype] = result.fields
    for name, value in fields[torch.float32].items():
        assert error(value[:, -1].double(), fields[torch.float64][name][:, -1]) < 1e-4, name


def test_the_own_step_is_accurate(start):
    """The step that the solver chooses itself changes a run by less than the grid does."""
    own, fine = go_on(start, frames=5), go_on(start, frames=5, max_dt=0.0025)
    for name, value in fine.items():
        assert error(own[name][:, -1], value[:, -1]) < 3e-4, name


def mirrored(fields, axis):
    """The reflected state: x → -x with u_x → -u_x, or y → 1 - y with u_y → -u_y and b → 1 - b (up and down change)."""
    out = {}
    for name, value in fields.items():
        vector = name == "velocity"
        where = {"x": -2, "y": -1}[axis] - vector
        value = value.flip(where)
        if axis == "x":
            value = value.roll(1, where)
        elif name == "buoyancy":
            value = 1 - value
        if vector:
            value = value * torch.tensor([-1.0, 1.0] if axis == "x" else [1.0, -1.0], dtype=value.dtype)
        out[name] = value
    return out


@pytest.mark.parametrize("axis", ["x", "y"])
def test_mirror_symmetry(start, axis):
    """The reflected start gives the reflected run: left and right, and the Boussinesq symmetry of hot and cold."""
    there, back = go_on(mirrored(start, axis), frames=7), go_on(start, frames=7)
    expected = mirrored(back, axis)
    for name in ("buoyancy", "velocity"):
        assert error(there[name], expected[name]) < 1e-9, name
    if axis == "x":
        assert error(there["pressure"], expected["pressure"]) < 1e-9
    else:
        # The pressure that carries the mean buoyancy 1/2, (y - 1/2)/2, is not reflected.
        y = (gauss(GRID[1]) - 0.5) / 2
        assert error(there["pressure"] - y, (back["pressure"] - y).flip(-1)) < 1e-9


def test_shift_along_x(start):
    shifted = {name: value.roll(5, 1) for name, value in start.items()}
    there, back = go_on(shifted, frames=5), go_on(start, frames=5)
    for name, value in back.items():
        assert error(there[name], value.roll(5, 2)) < 1e-9, name
