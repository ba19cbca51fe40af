"""What a file says of its numbers, packing and units, is heeded wherever it is read."""

from __future__ import annotations

import unicodedata

import h5py
import numpy as np
import pytest

from physrep.cli.main import main
from physrep.data import check, open_clips
from physrep.data.convert import ConvertConfig, convert, open_any
from physrep.data.convert.hdf5 import read_hdf5
from physrep.errors import PhysrepError
from tests.helpers.foreign_edit import foreign_edit


def packed(path, stored, **attributes):
    with h5py.File(path, "w") as file:
        file["u"], file["nu"] = stored, np.arange(len(stored)) + 1.0
        file["u"].attrs.update(attributes)
    return path


@pytest.fixture
def stored():
    return np.random.default_rng(0).integers(-1000, 1000, (10, 6, 8, 8)).astype(np.int16)


def test_packed_numbers_are_unpacked_and_said(stored, tmp_path, capsys):
    source = packed(tmp_path / "a.h5", stored, scale_factor=0.001, add_offset=5.0)
    assert main(["convert", str(source), str(tmp_path / "out")]) == 0
    assert "u is packed (scale_factor 0.001, add_offset 5), and is unpacked" in "".join(capsys.readouterr())
    clips = open_clips(tmp_path / "out", "train")
    found = clips.clip(clips.windows(6), 6).fields
    values = stored * 0.001 + 5
    assert all(np.abs(values - one[0].numpy()).max((1, 2, 3)).min() < 1e-6 for one in found)


def test_packed_groups_and_missing_values(stored, tmp_path):
    missing = stored[2, 0, 0, 0]
    with h5py.File(tmp_path / "seeds.h5", "w") as file:
        for number, values in enumerate(stored[:3]):
            file[f"{number:04d}/data"] = values
            file[f"{number:04d}/data"].attrs.update(
                {"scale_factor": 0.5 + number, "_FillValue": np.int16(stored[2, 0, 0, 0])}
            )
    array = read_hdf5(tmp_path / "seeds.h5").arrays["data"]
    for number in range(3):
        found = array.read((number, *(slice(None),) * 3))
        gone = stored[number] == missing
        assert np.array_equal(np.isnan(found), gone)
        assert np.allclose(found[~gone], stored[number][~gone] * (0.5 + number))


@pytest.mark.parametrize("value", ["one", [1.0, 2.0], np.nan])
def test_a_packing_that_is_no_number_is_named(value, stored, tmp_path):
    source = packed(tmp_path / "a.h5", stored, scale_factor=value)
    with pytest.raises(PhysrepError, match=r"a\.h5: u: its attribute scale_factor is not one number"):
        convert(source, tmp_path / "out")


def test_a_packed_field_of_a_data_set_is_refused_by_check_and_by_readers(dataset):
    root = dataset()
    path = root / "data" / "train" / "b.hdf5"
    with foreign_edit(path) as file:
        file["t0_fields/tracer"].attrs["scale_factor"] = 0.01
    assert any("packed (scale_factor 0.01, add_offset 0)" in fault.problem for fault in check(root))
    with pytest.raises(PhysrepError, match=r"b\.hdf5: field tracer is packed"):
        open_clips(root, "train")


@pytest.mark.parametrize("kind", ["nc", "h5"])
@pytest.mark.parametrize(("name", "units"), [("time", "ms"), ("x", "mm"), ("u", "cm s-1"), ("nu", "cm2 s-1")])
def test_files_in_other_units_do_not_become_one_data_set(kind, name, units, stored, tmp_path):
    xarray = pytest.importorskip("xarray")
    (tmp_path / "in").mkdir()
    for file, changed in (("a", {}), ("b", {}), ("c", {name: units})):
        said = {"time": "s", "x": "m", "u": "m s-1", "nu": "m2 s-1"} | changed
        axes = {"sample": 5, "time": 6, "x": 8, "y": 8}
        flow = xarray.Dataset(
            {"u": (tuple(axes), stored[:5].astype(np.float32)), "nu": (("sample",), np.arange(5) + 1.0)},
            {axis: (axis, np.arange(axes[axis]) * 0.1) for axis in ("time", "x", "y")},
        )
        for key, text in said.items():
            flow[key].attrs["units"] = text
        flow.to_netcdf(tmp_path / "in" / f"{file}.{kind}", engine="h5netcdf")
    with pytest.raises(
        PhysrepError, match=rf"c\.{kind}, trajectory 0: has {name} in '{units}', but a\.{kind} has it in"
    ):
        convert(tmp_path / "in", tmp_path / "out")
    if name == "time":
        convert(tmp_path / "in", tmp_path / "given", ConvertConfig(dt=0.1))


def test_names_with_accents_in_one_or_two_characters_are_the_same(tmp_path):
    (tmp_path / "in").mkdir()
    for form in ("NFC", "NFD"):
        with h5py.File(tmp_path / "in" / f"{form}.h5", "w") as file:
            file[unicodedata.normalize(form, "densit\u00e9")] = np.random.default_rng(0).random((5, 6, 8, 8))
            file[unicodedata.normalize(form, "viscosit\u00e9")] = np.arange(5) + (form == "NFC")
    recording = open_any(tmp_path / "in")
    assert not recording.bad and list(recording.parameters) == ["viscosit\u00e9"]
    assert not np.isnan(recording.parameters["viscosit\u00e9"]).any()
