"""Conversions of the size that people have: 150 trajectories in every format, and 20 GB in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import tests.helpers.foreign_files as foreign
from tests.data.test_convert import converted, source_of_row

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", foreign.FORMATS)
def test_150_trajectories_are_the_same_in_every_format(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size, value in {"TRAJECTORIES": 150, "FRAMES": 20, "NX": 24, "NY": 32}.items():
        monkeypatch.setattr(foreign, size, value)
    assert sorted(source_of_row(converted(name, tmp_path), name)) == list(range(150))


def sparse(path: Path, form: str) -> Path:
    """21.5 GB of float32 that take 15 MB: 40 trajectories of 128 frames, of which only two hold values.

    The others are constant, so that they are read, found bad and left out: the data set stays small as well.
    """
    shape = (40, 128, 1024, 1024)
    with h5py.File(path, "w") as file:
        u = file.create_dataset("u", shape, np.float32, chunks=(1, 1, 1024, 1024), compression="lzf")
        for i in (3, 17):
            for t in range(0, 128, 16):
                u[i, t] = np.random.default_rng(t).standard_normal(1024).astype(np.float32)
        for number, n in enumerate(shape):
            axis = ("sample", "time", "x", "y")[number]
            if axis != "sample" or form == "nc":
                scale = file.create_dataset(axis, data=np.arange(float(n)))
                if form == "nc":
                    scale.make_scale(axis)
                    u.dims[number].attach_scale(scale)
    return path


@pytest.mark.parametrize("form", ["h5", "nc"])
def test_20_gb_are_converted_in_less_than_1_gb_of_memory(form: str, tmp_path: Path) -> None:
    if form == "nc":
        pytest.importorskip("xarray")
        pytest.importorskip("h5netcdf")
    source = sparse(tmp_path / f"set.{form}", form)
    assert source.stat().st_size < 1e8
    measured = [sys.executable, str(ROOT / "benchmarks" / "memory.py"), "--limit", "1", "--"]
    command = ["physrep", "convert", str(source), str(tmp_path / "out"), "--drop-bad", "--per-file", "1"]
    done = subprocess.run([*measured, sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    print(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stderr.count("left out: ") == 38
    files = sorted((tmp_path / "out" / "data").rglob("*.hdf5"))
    assert len(files) == 2 and all(file.stat().st_size > 5e8 for file in files)
    for file in files:
        file.unlink()
