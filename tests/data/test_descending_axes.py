"""An axis that is stored in descending order is read in ascending order: a lost sign would turn every gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pytest
import torch

import physrep
from physrep.data import SplitRequest, WellFile, cached, check, exit_code, open_clips
from physrep.data.resample import Resampler
from physrep.errors import PhysrepError
from physrep.files import read_json, write_json


def _turn(root: Path, axis: int, name: str) -> None:
    """Store every file of a data set in the other order along one axis."""
    for path in root.rglob("*.hdf5"):
        with h5py.File(path, "r+") as opened:
            file = cast(Any, opened)
            file["dimensions"][name][...] = file["dimensions"][name][()][::-1]
            for group in ("t0_fields", "t1_fields", "t2_fields"):
                for field in file[group].values():
                    lead = int(field.attrs["sample_varying"]) + int(field.attrs["time_varying"])
                    field[...] = np.flip(field[()], lead + axis)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(("axis", "name"), [(0, "x"), (1, "y")])
def test_windows_are_those_of_the_ascending_file(dataset, tmp_path, axis, name, cached):
    root = dataset()
    options: dict[str, Any] = {"cache_dir": tmp_path / "cache"} if cached else {}
    first = open_clips(root, "train", **options)
    expected = first.clip(first.windows(3), 3)
    with WellFile(next(root.rglob("*.hdf5"))) as file:
        region = (slice(1, 4), slice(0, 7, 3))
        part = file.read(0, 1, 2, region=region)
    _turn(root, axis, name)
    assert exit_code(check(root)) in (0, 1)
    clips = open_clips(root, "train", **options)
    found = clips.clip(clips.windows(3), 3)
    assert not clips.in_place
    assert torch.equal(found.fields, expected.fields) and found.dx == expected.dx
    with WellFile(next(root.rglob("*.hdf5"))) as file:
        assert file.descending[axis] and (np.diff(file.coordinates[name]) > 0).all()
        np.testing.assert_array_equal(file.read(0, 1, 2, region=region), part)


def test_a_copy_from_before_is_made_anew(dataset, tmp_path):
    folder = cached(dataset(), "train", SplitRequest(cache_dir=tmp_path / "cache")).folder
    meta = read_json(folder / "meta.json")
    meta["identity"]["coordinates"]["x"].reverse()
    write_json(folder / "meta.json", meta)
    assert cached(tmp_path / "toy", "train", SplitRequest(cache_dir=tmp_path / "cache")).folder == folder
    x = read_json(folder / "meta.json")["identity"]["coordinates"]["x"]
    assert x == sorted(x)


def test_descending_coordinates_never_reach_the_grid():
    with pytest.raises(PhysrepError, match="coordinates of axis 0 decrease, from 1 to 0"):
        Resampler([np.linspace(1, 0, 8)], (False,), None, None)


def test_arrays_of_xarray_are_turned_and_uneven_ones_refused():
    xarray = pytest.importorskip("xarray")
    from physrep.readout.array_axes import ArrayAxes, _from_xarray

    x = np.arange(8) * 0.5
    values = np.random.default_rng(0).normal(size=(5, 8, 6)).astype("f4")
    data = xarray.DataArray(values, dims=("time", "x", "y"), coords={"time": np.arange(5), "x": x, "y": np.arange(6)})
    plain = _from_xarray(data, ArrayAxes())
    turned = _from_xarray(data.isel(x=slice(None, None, -1)), ArrayAxes())
    np.testing.assert_array_equal(plain[0], turned[0])
    assert plain[1:] == turned[1:] and plain[2] == (0.5, 1.0)
    np.testing.assert_array_equal(physrep.from_xarray(data.isel(x=slice(None, None, -1))).coordinates["x"], x)
    with pytest.raises(PhysrepError, match="coordinates of x are not equally spaced"):
        _from_xarray(data.assign_coords(x=x**2), ArrayAxes())
