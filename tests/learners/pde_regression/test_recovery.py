"""Planted coefficients are recovered from clean windows; a wrong equation or wrong data are not mistaken for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners.pde_regression import ORACLES, estimate
from physrep.learners.pde_regression.equations import OracleWindow
from physrep.learners.pde_regression.flow import diffusivity, viscosity
from physrep.systems import SYSTEMS
from tests.helpers.oracle_clips import SETTINGS, errors, renamed, windows


def test_every_oracle_is_tested():
    # Those without a solver here have planted solutions of their own in test_foreign_equations.py.
    assert set(SETTINGS) | {"fitzhugh_nagumo", "navier_stokes", "navier_stokes_forced"} == set(ORACLES)


@pytest.mark.parametrize("system", SETTINGS)
def test_coefficients_are_recovered_within_2_percent(system):
    clip = windows(system)
    for name, error in errors(estimate(clip, system), clip).items():
        assert error.max() < 0.02, (name, error)


@pytest.mark.parametrize(
    ("system", "first", "second"),
    [
        ("shear_flow", "velocity_x", "velocity_y"),
        ("rayleigh_benard", "buoyancy", "pressure"),
        ("damped_wave", "displacement", "displacement_rate"),
        ("gray_scott", "A", "B"),
        ("active_matter", "D_xx", "D_xy"),
    ],
)
def test_exchanged_channels_give_a_wrong_answer(system, first, second):
    clip = windows(system)
    found = errors(estimate(renamed(clip, first, second), system), clip)
    assert max(float(error.median()) for error in found.values()) > 0.3, found


def test_without_buoyancy_the_equation_of_convection_is_wrong():
    clip = windows("rayleigh_benard")
    window = OracleWindow(clip, SYSTEMS["rayleigh_benard"])
    prandtl, rayleigh = (clip.parameters[:, clip.parameter_names.index(n)] for n in ("Prandtl", "Rayleigh"))
    true = (prandtl / rayleigh).sqrt()
    assert ((viscosity(window, window["buoyancy"]) / true - 1).abs() < 0.02).all()
    assert ((viscosity(window) / true - 1).abs() > 0.3).any()
    assert ((diffusivity(window, "buoyancy") * (rayleigh * prandtl).sqrt() - 1).abs() < 0.02).all()


def test_rows_of_the_wrong_kind_are_noticed():
    """Chebyshev rows taken as equally spaced, as a crop or a resampled axis would be: the answer is off."""
    clip = windows("rayleigh_benard")
    right, wrong = (errors(estimate(clip, "rayleigh_benard", uniform=flag), clip) for flag in (False, True))
    assert wrong["Rayleigh"].median() > 0.3 > right["Rayleigh"].max()
    even = windows("rayleigh_benard_uniform")
    assert errors(estimate(even, "rayleigh_benard", uniform=True), even)["Rayleigh"].max() < 0.02


def test_a_crop_of_a_periodic_axis_is_enough():
    clip = windows("shear_flow")
    part = replace(clip, fields=clip.fields[..., 8:56], periodic=(True, False))
    assert all(error.max() < 0.02 for error in errors(estimate(part, "shear_flow"), clip).values())


def test_a_field_without_dynamics_gives_finite_numbers():
    clip = windows("heat")
    still = replace(clip, fields=torch.zeros_like(clip.fields))
    assert estimate(still, "heat")["diffusivity"].tolist() == [1e-12] * 3


def test_no_label_is_read():
    clip = windows("shear_flow")
    blind = replace(clip, parameters=torch.full_like(clip.parameters, torch.nan))
    for name, value in estimate(clip, "shear_flow").items():
        assert torch.equal(estimate(blind, "shear_flow")[name], value)


def test_what_is_missing_is_named():
    clip = windows("shear_flow")
    with pytest.raises(PhysrepError, match="needs the channel 'tracer'"):
        estimate(renamed(clip, "tracer", "dye"), "shear_flow")
    with pytest.raises(PhysrepError, match="no oracle for system 'gray_scott_3d'"):
        estimate(clip, "gray_scott_3d")
    with pytest.raises(PhysrepError, match="do not crop"):
        estimate(replace(windows("active_matter"), periodic=(False, True)), "active_matter")
