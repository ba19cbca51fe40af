"""Time steps that vary are told with their size, or refused, by every reader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import physrep
from physrep.data import check, exit_code, open_clips, write_well
from physrep.data.convert import ConvertConfig, convert
from physrep.data.time_steps import time_step_spread, uneven
from physrep.errors import PhysrepError
from physrep.streams import say_once


def _times(size: float, frames: int = 12, dt: float = 0.1) -> np.ndarray:
    """Times of which one step is longer by this part of ``dt``."""
    return np.cumsum([0.0, *(dt * (1 + size * (i == 4)) for i in range(frames - 1))])


@pytest.fixture
def root(trajectories, tmp_path):
    def write(size):
        say_once.cache_clear()
        for split in ("train", "valid", "test"):
            data = replace(trajectories(frames=12, seed=len(split)), time=torch.from_numpy(_times(size)))
            write_well(tmp_path / "toy" / "data" / split / "a.hdf5", data)
        return tmp_path / "toy"

    return write


def test_the_spread_is_that_of_the_steps():
    assert time_step_spread(_times(0.02)) == pytest.approx(0.02, rel=0.01)
    assert time_step_spread(np.stack([_times(0), _times(0.03)])) == pytest.approx(0.03, rel=0.01)
    assert time_step_spread([0.0]) == time_step_spread([0.0, 1.0]) == 0.0
    # float32 holds a time near 1000 to 6e-5, which is 0.6 % of this step.
    rounded = (1000 + 0.01 * np.arange(50)).astype(np.float32)
    assert np.ptp(np.diff(rounded.astype(float))) > 1e-3 * 0.01 and uneven(rounded) == ""


@pytest.mark.parametrize("size", [0.002, 0.01, 0.04])
def test_a_split_says_it_once(size, root, capsys):
    path = root(size)
    open_clips(path, "train")
    open_clips(path, "train")
    said = [line for line in capsys.readouterr().err.splitlines() if "vary by" in line]
    assert len(said) == 1 and f"vary by {size:.2g} " in said[0] and "a.hdf5" in said[0] and "interpolate" in said[0]
    (warning,) = (fault for fault in check(path / "data" / "train" / "a.hdf5"))
    assert warning.severity == "warning" and f"vary by {size:.2g} " in warning.problem


def test_even_steps_are_no_news_and_uneven_ones_are_refused(root, capsys):
    open_clips(root(5e-4), "train")
    assert "vary" not in capsys.readouterr().err
    path = root(0.2)
    assert exit_code(check(path)) == 1
    with pytest.raises(PhysrepError, match=r"vary by 0\.2 "):
        open_clips(path, "train")


def _arrays(folder, sizes):
    folder.mkdir()
    for number, size in enumerate(sizes):
        values, grid = np.random.default_rng(number).standard_normal((3, 12, 8, 8)), np.arange(8) / 8
        np.savez(folder / f"{number}.npz", u=values, t=_times(size) * 1.1 / _times(size)[-1], x=grid, y=grid)
    return folder


@pytest.mark.parametrize("listening", [True, False])
def test_convert_says_it(listening, tmp_path, capsys):
    say_once.cache_clear()
    lines: list[str] = []
    convert(_arrays(tmp_path / "a", [0.0, 0.02]), tmp_path / "out", say=lines.append if listening else None)
    said = lines if listening else capsys.readouterr().err.splitlines()
    (line,) = (line for line in said if "vary by" in line)
    assert "vary by 0.02 of their mean" in line and "in 1 of 2 files" in line


def test_convert_refuses_what_is_no_series(tmp_path):
    with pytest.raises(PhysrepError, match=r"vary by 0\.\d+ of their mean .*--dt"):
        convert(_arrays(tmp_path / "all", [0.3]), tmp_path / "out")
    with pytest.raises(PhysrepError, match=r"3 of 9 trajectories are bad.*2\.npz.*vary by 0\.\d+"):
        convert(_arrays(tmp_path / "one", [0.0, 0.0, 0.3]), tmp_path / "some")
    convert(_arrays(tmp_path / "given", [0.3]), tmp_path / "stated", ConvertConfig(dt=0.1))


def test_xarray_says_it(capsys):
    xarray = pytest.importorskip("xarray")
    say_once.cache_clear()
    values = np.random.default_rng(0).standard_normal((4, 12, 8, 8))
    axes = {"time": _times(0.03), "x": np.arange(8) / 8, "y": np.arange(8) / 8}
    flows = xarray.Dataset({"u": (("sample", "time", "x", "y"), values)}, coords=axes)
    found = physrep.from_xarray(flows)
    assert len(found) == 4 and "vary by 0.03 " in capsys.readouterr().err
