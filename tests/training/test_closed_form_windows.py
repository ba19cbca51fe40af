"""A fit in closed form compares windows of a trajectory: short trajectories need windows that overlap."""

from __future__ import annotations

import numpy as np
import pytest

import physrep
from physrep.data.well import select_trajectories
from physrep.errors import PhysrepError
from physrep.learners import OperatorDiscovery


@pytest.fixture(scope="module")
def heat(tmp_path_factory):
    """30 periodic solutions of the heat equation with 11 frames and conductivities from 0.005 to 0.03."""
    generator = np.random.default_rng(0)
    n, points, frames, dt = 30, 16, 11, 0.05
    k = 2 * np.pi * np.fft.fftfreq(points, 1 / points)
    k2 = k[:, None] ** 2 + k**2
    rate = np.geomspace(0.005, 0.03, n)
    generator.shuffle(rate)
    start = np.fft.fft2(generator.normal(size=(n, 1, points, points))) * np.exp(-k2 / 400)
    time = dt * np.arange(frames)[:, None, None]
    values = np.fft.ifft2(start * np.exp(-rate[:, None, None, None] * k2 * time)).real.astype("f4")
    made = physrep.from_numpy(
        {"T": values}, parameters={"rate": rate}, dt=dt, dx=[1 / points], periodic=["x", "y"], name="heat"
    )
    root = tmp_path_factory.mktemp("heat")
    for split, rows in (("train", range(20)), ("valid", range(20, 25)), ("test", range(25, 30))):
        physrep.write_well(root / "data" / split / "heat.hdf5", select_trajectories(made, list(rows)))
    return root


OPTIONS = {"grades": [1], "largest": 1}


def test_one_window_per_trajectory_overlaps_the_next(heat, tmp_path, capsys):
    run = physrep.pretrain("operator_discovery", physrep.DataConfig(path=str(heat)), tmp_path, num_frames=8,
                           options=OPTIONS)  # fmt: skip
    learner, _ = physrep.load_run(run)
    assert isinstance(learner, OperatorDiscovery) and len(learner.v) == 1
    assert "windows of the fit start every 3 instead of 8 frames" in capsys.readouterr().err


def test_a_window_as_long_as_its_trajectory_is_refused(heat, tmp_path):
    with pytest.raises(PhysrepError, match="no trajectory of valid holds two windows"):
        physrep.pretrain("operator_discovery", physrep.DataConfig(path=str(heat)), tmp_path, num_frames=11,
                         options=OPTIONS)  # fmt: skip
