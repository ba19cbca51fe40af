"""Staggered grids as ocean and weather models store them, and the fields that a choice leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from physrep.data.convert import open_any
from physrep.errors import PhysrepError

xarray = pytest.importorskip("xarray")
RNG = np.random.default_rng(0)


def model(coordinates: bool = True) -> Any:
    """Cells of 8 (periodic) by 6 (walls) points; u on 8 faces, v on 7."""
    b, u, v = RNG.normal(size=(4, 6, 8)), RNG.normal(size=(4, 6, 8)), RNG.normal(size=(4, 7, 8))
    data = {"b": (("time", "yC", "xC"), b), "u": (("time", "yC", "xF"), u), "v": (("time", "yF", "xC"), v)}
    points = {"xC": np.arange(8) + 0.5, "xF": np.arange(8.0), "yC": np.arange(6) + 0.5, "yF": np.arange(7.0)}
    return xarray.Dataset(data, coords={"time": np.arange(4.0), **points} if coordinates else None)


def opened(data: Any, folder: Path, **options: Any) -> Any:
    data.to_netcdf(folder / "set.nc", engine="scipy")
    return open_any(folder / "set.nc", **options)


def test_faces_become_points(tmp_path: Path) -> None:
    data = model()
    found = opened(data, tmp_path)
    assert found.axes == ("yC", "xC") and found.shape == (6, 8) and found.periodic == (False, True)
    u, v = data.u.values, data.v.values
    np.testing.assert_allclose(found.read(0, "u"), (u + np.roll(u, -1, -1)) / 2, rtol=1e-6)
    np.testing.assert_allclose(found.read(0, "v", 1, 2), (v[1:3, 1:] + v[1:3, :-1]) / 2, rtol=1e-6)
    np.testing.assert_array_equal(found.read(0, "b"), data.b.values.astype("f4"))
    assert any("v on faces yF (one more than points)" in note for note in found.notes)


def test_the_mean_of_faces_is_of_second_order(tmp_path: Path) -> None:
    errors = []
    for n in (16, 32):
        x = np.arange(n) / n
        data = {"b": (("time", "xC"), np.zeros((3, n))), "u": (("time", "xF"), np.tile(np.sin(2 * np.pi * x), (3, 1)))}
        data["c"] = data["b"]
        made = xarray.Dataset(data, coords={"time": np.arange(3.0), "xC": x + 0.5 / n, "xF": x})
        values = opened(made, tmp_path).read(0, "u")[0]
        errors.append(np.abs(values - np.sin(2 * np.pi * (x + 0.5 / n))).max())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_right_faces_of_a_periodic_axis(tmp_path: Path) -> None:
    data = model().assign_coords(xF=np.arange(8) + 1.0)
    np.testing.assert_allclose(
        opened(data, tmp_path).read(0, "u"), (data.u.values + np.roll(data.u.values, 1, -1)) / 2, rtol=1e-6
    )


def test_wrf_names_its_faces(tmp_path: Path) -> None:
    u, t = RNG.normal(size=(4, 6, 9)), RNG.normal(size=(4, 6, 8))
    names = ("Time", "south_north", "west_east")
    data = xarray.Dataset({"T": (names, t), "U": ((*names[:2], "west_east_stag"), u)})
    found = opened(data, tmp_path)
    np.testing.assert_allclose(found.read(0, "U"), (u[..., 1:] + u[..., :-1]) / 2, rtol=1e-6)


def test_other_grids_are_named_and_a_choice_helps(tmp_path: Path) -> None:
    """What the sentence says mends it."""
    data = model(coordinates=False)
    with pytest.raises(PhysrepError, match=r"has grid points [xy]. \d x .*, but .*; choose with --fields\."):
        opened(data, tmp_path)
    found = opened(data, tmp_path, fields=["v"])
    assert found.shape == (7, 8) and [field.name for field in found.fields] == ["v"]
    np.testing.assert_array_equal(found.read(0, "v"), data.v.values.astype("f4"))
    np.savez(tmp_path / "set.npz", a=RNG.normal(size=(3, 5, 8, 8)), b=RNG.normal(size=(3, 5, 16, 16)), x=np.arange(8.0))
    with pytest.raises(PhysrepError, match=r"choose with --fields\."):
        open_any(tmp_path / "set.npz", axes=["sample", "time", "x", "y"])
    assert open_any(tmp_path / "set.npz", axes=["sample", "time", "x", "y"], fields=["b"]).shape == (16, 16)
