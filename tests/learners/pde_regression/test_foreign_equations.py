"""Oracles for data of equations that no system here simulates: planted parameters are recovered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import PDERegression
from physrep.learners.pde_regression import estimate
from tests.helpers.pdeinvbench_files import reaction_diffusion, vorticity


def clip_of(data: np.ndarray, channels: tuple[str, ...], dt: float, length: float, periodic: bool = True) -> Clip:
    fields = torch.from_numpy(data.astype(np.float32)).permute(3, 0, 1, 2)[None]
    where = torch.zeros(1, dtype=torch.int64)
    dx = length / fields.shape[-1]
    return Clip(fields, torch.zeros(1, 0), channels, (), dt, (dx, dx), (periodic, periodic), where, where)


@pytest.mark.parametrize("periodic", [True, False])
def test_reaction_and_diffusion(periodic: bool) -> None:
    clip = clip_of(reaction_diffusion(0.05, 0.02, 0.06, seed=1), ("u", "v"), 0.05, 2.0, periodic)
    found = estimate(clip, "fitzhugh_nagumo")
    for name, value in (("Du", 0.05), ("Dv", 0.02), ("k", 0.06)):
        assert float(found[name]) == pytest.approx(value, rel=0.02), name
    tokens = PDERegression(2, "fitzhugh_nagumo", num_frames=16).encode(clip)
    assert tokens.shape == (1, 1, 3)
    torch.testing.assert_close(tokens[0, 0].double(), torch.tensor([0.05, 0.02, 0.06]).double(), rtol=0.02, atol=0)


def test_unforced_flow() -> None:
    clip = clip_of(vorticity(0.8 / 300, seed=2, length=1.0, dt=3 / 64), ("vorticity",), 3 / 64, 1.0)
    assert float(estimate(clip, "navier_stokes")["re"]) == pytest.approx(300, rel=0.02)
    walls = clip_of(vorticity(0.8 / 300, seed=2, length=1.0, dt=3 / 64), ("vorticity",), 3 / 64, 1.0, False)
    with pytest.raises(PhysrepError, match="--periodic x y"):
        estimate(walls, "navier_stokes")


@pytest.mark.parametrize("sign", [1, -1])
def test_forced_flow_with_unknown_drag_and_force(sign: int) -> None:
    data = vorticity(5e-3, seed=3, length=2 * np.pi, dt=0.25, drag=0.1, force=2.0 * sign)
    found = estimate(clip_of(data, ("vorticity",), 0.25, 2 * np.pi), "navier_stokes_forced")
    assert float(found["nu"]) == pytest.approx(5e-3, rel=0.05)
