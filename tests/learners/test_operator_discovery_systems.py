"""Operator discovery on the package's own systems: how many parameters vary, and by which terms."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from physrep.learners import OperatorDiscovery
from physrep.learners.operator_discovery.geometry import Geometry
from physrep.learners.operator_discovery.row_weights import trust
from physrep.learners.operator_discovery.weak_form import WeakRows
from physrep.systems import SYSTEMS

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import operator_parameters as study  # pyright: ignore[reportMissingImports]
import operator_units as units  # pyright: ignore[reportMissingImports]

REACTION = {
    "A": {"1", "A", "d_xx(A)", "d_yy(A)", "A B B"},
    "B": {"B", "d_xx(B)", "d_yy(B)", "A B B"},
}


def found(
    name: str, trajectories: int, dt: float | None, grades: tuple[int, ...], noise: float = 0.0
) -> OperatorDiscovery:
    system = SYSTEMS[name]
    fields, channels = study.simulated(system, trajectories, 24, 32, dt or system.save_dt)
    shaken = torch.randn(fields.shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    fields = fields + noise * fields.std((0, 2, 3, 4), keepdim=True) * shaken
    points = system.grid((32, 32)).values()
    own = tuple(None if around else x for x, around in zip(points, system.periodic, strict=True))
    dx = tuple(length / 32 for length in system.lengths)
    return study.fitted(fields, channels, dt or system.save_dt, dx, system.periodic, own, grades)[0]


@pytest.mark.parametrize(
    ("name", "count", "dt", "grades"),
    [
        ("heat", 1, None, (1, 2)),
        ("damped_wave", 2, None, (1, 2)),
        ("advection_diffusion", 3, None, (1, 2)),
        ("gray_scott", 2, 5.0, (1, 2, 3)),
        pytest.param("gray_scott", 2, 1.0, (1, 2, 3), marks=pytest.mark.slow),
        pytest.param("shear_flow", 2, None, (1, 2), marks=pytest.mark.slow),
        pytest.param("shear_flow", 2, None, (1, 2, 3, 4), marks=pytest.mark.slow),
        pytest.param("rayleigh_benard", 2, 0.25, (1, 2), marks=pytest.mark.slow),
    ],
)
def test_the_number_of_parameters_of_a_system(name, count, dt, grades):
    small = name in ("heat", "damped_wave", "advection_diffusion")
    learner = found(name, 32 if small else 64 if name == "gray_scott" else 48, dt, grades)
    assert learner.v.shape[0] == learner.record["parameters"] == count and learner.record["relations"] == []
    if name == "gray_scott":
        for equation in learner.record["equation"]:
            terms = {term["name"]: term for term in equation["terms"]}
            assert set(terms) == REACTION[equation["channel"]] and equation["residual"] < 1e-4
            assert abs(abs(terms["A B B"]["constant"]) - 1) < 1e-3
            assert not any(terms[f"d_xx({equation['channel']})"]["directions"])


def test_noise_is_no_change_too_fast_for_the_frames():
    # Where it counts as one, few windows of a field that has hardly decayed rule, and nothing is seen to vary.
    learner = found("heat", 48, None, (1,), noise=0.05)
    assert learner.v.shape[0] == learner.record["parameters"] == 1


def test_windows_that_their_frames_do_not_resolve_count_less():
    geometry = Geometry((8, 16, 16), 1.0, (1 / 16, 1 / 16), (True, True), (None, None), (2, 2))
    rows = WeakRows(geometry, [], ("u",))
    time = torch.arange(8, dtype=torch.float64)
    space = torch.cos(2 * torch.pi * torch.arange(16, dtype=torch.float64) / 16)[:, None].expand(16, 16)
    windows = torch.stack([torch.exp(-rate * time)[:, None, None] * space for rate in (0.05, 0.3, 3.0)])
    share = trust(rows.unresolved(windows.unsqueeze(1), torch.ones(rows.count, dtype=torch.float64)))
    assert share[0] > 0.999 and share[0] > share[1] > share[2] and share[2] < 0.1


def test_names_of_channels_mean_nothing_on_a_system():
    system = SYSTEMS["heat"]
    fields, channels = study.simulated(system, 32, 16, 32, system.save_dt)
    options = (system.save_dt, (1 / 32, 1 / 32), (True, True))
    one, _ = study.fitted(fields, channels, *options, grades=(1,))
    other, _ = study.fitted(fields, ("q7",), *options, grades=(1,))
    assert torch.equal(one.theta, other.theta)


@pytest.mark.slow
def test_another_time_step_or_grid_moves_no_estimate_of_shear_flow():
    _, *rows = units.scores("shear_flow", None, (), 96, 32)
    moved = {label: distance for label, _, distance in rows}
    assert max(moved[label] for label in ("x 0.5", "x 2", "half the resolution")) < 1e-6 and moved["x 3"] < 1e-2


@pytest.mark.slow
def test_both_parameters_of_active_matter_are_read_where_one_stands_in_a_relation_alone():
    learner = found("active_matter", 48, None, (1, 2, 3, 4))
    assert {one["target"] for one in learner.record["relations"]} == {"velocity_x", "velocity_y"}
    # A third direction predicts better; it follows the order of the rods, which is no parameter.
    assert learner.record["parameters"] == 2
    theta = learner.theta
    label = units.labels(SYSTEMS["active_matter"], 48, 32)[: len(theta)]
    label = label - label.mean(0)
    left = label - theta @ torch.linalg.lstsq(theta, label).solution
    share = left.square().sum(0) / label.square().sum(0)
    # alpha, drawn on a linear scale; zeta's coefficients are those of a closure that is no polynomial.
    assert share[0] < 0.01 and share[1] < 0.2
