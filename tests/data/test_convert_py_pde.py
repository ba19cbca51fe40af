"""Storages of py-pde in the layout of its version 0.59: JSON in JSON, collections, symmetric grids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from physrep.data.convert import open_any
from physrep.errors import PhysrepError

CARTESIAN = {"bounds": [[0.0, 4.0], [0.0, 2.0]], "shape": [8, 6], "periodic": [True, False], "class": "CartesianGrid"}
CYLINDER = {"radius": 2.0, "bounds_z": [0, 1], "shape": [8, 6], "periodic_z": True, "class": "CylindricalSymGrid"}


def field(kind: str, grid: dict[str, Any], label: str | None = None) -> dict[str, str]:
    values = {"class": json.dumps(kind), "grid": json.dumps(grid), "label": json.dumps(label)}
    return {key: json.dumps(value) if key == "grid" else value for key, value in values.items()}


def storage(path: Path, attributes: dict[str, Any], *shape: int) -> np.ndarray:
    data = np.random.default_rng(0).normal(size=shape)
    with h5py.File(path, "w") as file:
        file["data"], file["times"] = data, 0.5 * np.arange(shape[0])
        file.attrs["field_attributes"] = json.dumps(attributes)
        file.attrs["data_length"] = str(shape[0])
    return data


def collection(grid: dict[str, Any]) -> dict[str, Any]:
    kinds = (("ScalarField", "c"), ("VectorField", "u"), ("Tensor2Field", None))
    return {"class": json.dumps("FieldCollection"), "fields": json.dumps([field(k, grid, n) for k, n in kinds])}


def test_a_collection_keeps_its_fields_apart(tmp_path: Path) -> None:
    data = storage(tmp_path / "run.h5", collection(CARTESIAN), 5, 7, 8, 6)
    found = open_any(tmp_path / "run.h5")
    names = [f.name for f in found.fields]
    assert names == ["c", "u", *(f"field_2_{word}" for word in ("xx", "xy", "yx", "yy"))]
    assert found.axes == ("x", "y") and found.periodic == (True, False) and found.dt == 0.5
    np.testing.assert_allclose(found.coordinates["x"], 0.25 + 0.5 * np.arange(8))
    np.testing.assert_array_equal(found.read(0, "c"), data[:, 0].astype("f4"))
    np.testing.assert_array_equal(found.read(0, "u", 1, 3), np.moveaxis(data[1:4, 1:3], 1, -1).astype("f4"))
    np.testing.assert_array_equal(found.read(0, "field_2_yx"), data[:, 5].astype("f4"))


@pytest.mark.parametrize(("kind", "extra"), [("ScalarField", ()), ("VectorField", (2,)), ("Tensor2Field", (2, 2))])
def test_a_field_alone_has_axes_of_its_own(kind: str, extra: tuple[int, ...], tmp_path: Path) -> None:
    data = storage(tmp_path / "run.h5", field(kind, CARTESIAN), 5, *extra, 8, 6)
    found = open_any(tmp_path / "run.h5")
    if kind == "Tensor2Field":
        np.testing.assert_array_equal(found.read(0, "field_xy"), data[:, 0, 1].astype("f4"))
    else:
        expected = np.moveaxis(data, 1, -1) if extra else data
        np.testing.assert_array_equal(found.read(0, "field"), expected.astype("f4"))


def test_a_symmetric_grid_has_more_directions_than_axes(tmp_path: Path) -> None:
    data = storage(tmp_path / "run.h5", collection(CYLINDER), 5, 13, 8, 6)
    found = open_any(tmp_path / "run.h5")
    assert found.axes == ("r", "z") and found.periodic == (False, True)
    assert any("curvilinear" in note for note in found.notes)
    np.testing.assert_array_equal(found.read(0, "u_phi"), data[:, 3].astype("f4"))


def test_an_unknown_grid_is_named(tmp_path: Path) -> None:
    storage(tmp_path / "run.h5", field("ScalarField", CARTESIAN | {"class": "HexGrid"}), 5, 8, 6)
    with pytest.raises(PhysrepError, match=r"run\.h5: its attribute field_attributes is none .* of py-pde .*HexGrid"):
        open_any(tmp_path / "run.h5")
