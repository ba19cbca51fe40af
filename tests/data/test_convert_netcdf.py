"""NetCDF files as climate and laboratory tools write them: what they mean is found, and what is guessed is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import physrep
from physrep.data import WellFile, check
from physrep.data.convert import ConvertConfig, convert, open_any
from physrep.errors import PhysrepError

xarray = pytest.importorskip("xarray")

RATE = np.linspace(0.1, 1.0, 10)


def _dataset() -> Any:
    values = np.random.default_rng(1).normal(size=(10, 4, 8, 6)).astype("f4")
    coordinates = {"time": np.arange(4) * 0.5, "x": np.arange(8) * 0.25, "y": np.arange(6) * 0.1}
    return xarray.Dataset(
        {"T": (("run", "time", "x", "y"), values), "rate": (("run",), RATE.copy())}, coords=coordinates, attrs={}
    )


def _opened(data: Any, folder: Path, **options: Any) -> Any:
    data.to_netcdf(folder / "set.nc", engine="scipy")
    return open_any(folder / "set.nc", **options)


def test_a_descending_axis_is_turned(tmp_path):
    plain, turned = tmp_path / "a", tmp_path / "b"
    for folder, data in ((plain, _dataset()), (turned, _dataset().isel(y=slice(None, None, -1)))):
        folder.mkdir()
        data.to_netcdf(folder / "set.nc", engine="scipy")
        convert(folder / "set.nc", folder / "out", ConvertConfig())
    with WellFile(next((plain / "out").rglob("*.hdf5"))) as a, WellFile(next((turned / "out").rglob("*.hdf5"))) as b:
        assert not any(b.descending)
        np.testing.assert_array_equal(a.read(0, 0, 4), b.read(0, 0, 4))
    assert any("coordinates of y decrease" in note for note in open_any(turned / "set.nc").notes)


def test_an_axis_of_one_point_is_dropped(tmp_path):
    found = _opened(_dataset().expand_dims(level=[500.0]), tmp_path)
    assert found.axes == ("x", "y") and found.shape == (8, 6)
    assert "T: axis level has one point and is dropped" in found.notes
    np.testing.assert_array_equal(found.read(3, "T"), _dataset()["T"].values[3])


def test_a_number_per_frame_is_a_parameter_only_if_it_is_constant(tmp_path):
    data = _dataset()
    data["kept"] = data["rate"] * xarray.ones_like(data["time"])
    data["grown"] = data["rate"] * data["time"]
    found = _opened(data, tmp_path)
    assert sorted(found.parameters) == ["kept", "rate"]
    np.testing.assert_allclose(found.parameters["kept"], RATE)
    assert any("grown changes with time and is left out" in note for note in found.notes)


def test_a_time_that_stands_still_is_refused_and_an_infinite_parameter_is_bad(tmp_path):
    data = _dataset().assign_coords(time=[0.0, 0.5, 0.5, 1.5])
    with pytest.raises(PhysrepError, match=r"time steps vary by .* .from 0 to 1"):
        _opened(data, tmp_path)
    assert _opened(data, tmp_path, dt=0.5).bad == {}
    data = _dataset()
    data["rate"][4] = np.inf
    data.to_netcdf(tmp_path / "infinite.nc", engine="scipy")
    with pytest.raises(PhysrepError, match=r"infinite\.nc, trajectory 4: has an infinite parameter rate"):
        convert(tmp_path / "infinite.nc", tmp_path / "out", ConvertConfig())


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        ([f"{i},{v}" for i, v in reversed(list(enumerate(RATE)))], "column run of .* is taken as trajectory"),
        ([f"{i};{str(v).replace('.', ',')}" for i, v in enumerate(RATE)], "column run of .* is taken as trajectory"),
        ([f"{v}" for v in RATE], "its rows are taken in the order of the trajectories"),
    ],
)
def test_tables_as_people_write_them(tmp_path, lines, note):
    between = ";" if ";" in lines[0] else ","
    head = between.join(["run", "rate"]) if between in lines[0] else "rate"
    (tmp_path / "table.csv").write_text("\ufeff" + "\n".join([head, *lines]), encoding="utf-8")
    found = _opened(_dataset().drop_vars("rate"), tmp_path, parameters=tmp_path / "table.csv")
    np.testing.assert_allclose(found.parameters["rate"], RATE)
    assert any(re.search(note, line) for line in found.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate\n1\n2\n", "and 2 rows for 10 trajectories in 1 file, so that"),
        ("trajectory,rate\n0,1,2\n", "row 2: does not have the 2 cells of the first row"),
        ("", "it is empty"),
    ],
)
def test_tables_that_cannot_be_told(tmp_path, text, message):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(PhysrepError, match=message):
        _opened(_dataset(), tmp_path, parameters=tmp_path / "table.csv")


@pytest.mark.parametrize("turned", [False, True])
def test_a_periodic_axis_whose_end_is_stored_twice_is_cut(tmp_path, turned):
    data = _dataset()
    closed = data.isel(x=[*range(8), 0]).assign_coords(x=np.arange(9) * 0.25)
    found = _opened(closed.isel(x=slice(None, None, -1)) if turned else closed, tmp_path, periodic=["x"])
    assert found.shape == (8, 6) and any("periodic x holds the values of the first" in note for note in found.notes)
    np.testing.assert_array_equal(found.coordinates["x"], np.arange(8) * 0.25)
    np.testing.assert_array_equal(found.read(3, "T"), data["T"].values[3])
    assert _opened(closed, tmp_path, periodic=["y"]).shape == (9, 6)  # x ends at walls, y is not closed


def test_check_warns_of_a_seam_that_is_stored_twice(tmp_path):
    data = _dataset()
    closed = data.isel(x=[*range(8), 0]).assign_coords(x=np.arange(9) * 0.25)
    made = physrep.from_xarray(closed, periodic=["y"])
    made.periodic = (True, False)
    physrep.write_well(tmp_path / "a.hdf5", made)
    assert [(fault.item, fault.severity) for fault in check(tmp_path / "a.hdf5")] == [("dimensions/x", "warning")]
