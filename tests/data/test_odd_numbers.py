"""Numbers that single precision does not hold, masks, calendars, mixed columns: kept or told, never lost in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from physrep.data import WellFile, check, exit_code, split_files
from physrep.data.convert import ConvertConfig, convert, from_numpy, open_any
from physrep.data.single_precision import coarse
from physrep.errors import PhysrepError
from physrep.fitting.arrays import check_array, labels_of
from physrep.readout.array_axes import ArrayAxes, WindowShape, array_recordings

X = 0.1 * np.arange(8)


def stored(folder: Path, **arrays: Any) -> WellFile:
    """A converted file of six trajectories, of which these arrays are other than usual."""
    random = np.random.default_rng(0).normal(size=(6, 6, 8, 8))
    usual = {"u": random, "t": X[:6], "x": X, "y": X, "nu": np.arange(6) + 1.0}
    np.savez(folder / "flow.npz", **(usual | arrays))
    root = convert(folder / "flow.npz", folder / "out", ConvertConfig(split="train"))
    assert exit_code(check(root)) == 0
    return WellFile(split_files(root, "train")[0])


@pytest.mark.parametrize(("start", "step"), [(0.0, 0.1), (1.7e9, 60.0), (1e5, 1e-3), (-1e7, 0.25)])
def test_times_and_coordinates_far_from_zero_keep_their_steps(start: float, step: float, tmp_path: Path) -> None:
    file = stored(tmp_path, t=start + step * np.arange(6), x=start + step * np.arange(8))
    np.testing.assert_allclose(np.diff(file.time[0]), step, rtol=1e-4)
    np.testing.assert_allclose(np.diff(file.coordinates["x"]), step, rtol=1e-4)
    assert file.dt == pytest.approx(step, rel=1e-6)


@pytest.mark.parametrize("values", [1e8 + np.arange(6), 1e-50 * (1 + np.arange(6)), 1e300 * (1 + np.arange(6))])
def test_parameters_keep_their_differences(values: np.ndarray, tmp_path: Path) -> None:
    np.testing.assert_allclose(stored(tmp_path, nu=values).parameters["nu"], values, rtol=1e-12)


def test_fields_beyond_single_precision_are_told_from_damage(tmp_path: Path) -> None:
    random = np.random.default_rng(0).normal(size=(6, 6, 8, 8))
    with pytest.raises(PhysrepError, match=r"trajectory 0: u reaches \d\.\d+e\+39, which single precision"):
        stored(tmp_path, u=1e39 * random)
    (tmp_path / "b").mkdir()
    with pytest.raises(PhysrepError, match=r"constant in single precision: u of .* varies between 1\.0995"):
        stored(tmp_path / "b", u=(2**40 + 50 * random).astype(np.int64))
    assert coarse(1e-42, 2e-42) and not coarse(1e-30, 2e-30)


def test_a_field_that_is_nearly_constant_is_said_when_it_is_converted(tmp_path: Path) -> None:
    random = np.random.default_rng(0).normal(size=(6, 6, 8, 8))
    lines: list[str] = []
    np.savez(tmp_path / "flow.npz", u=random, v=101325 + 0.01 * random)
    convert(tmp_path / "flow.npz", tmp_path / "out", ConvertConfig(split="train"), lines.append)
    said = [line for line in lines if "single precision keeps about" in line]
    assert len(said) == 1 and said[0].startswith("v of ") and "less that constant" in said[0]


def test_masks_are_heeded() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 1, 8, 8))
    masked = np.ma.masked_greater(x, 1.0)
    count = int(masked.mask.sum())
    with pytest.raises(PhysrepError, match=f"X has {count} masked values; fill them"):
        check_array(masked)
    with pytest.raises(PhysrepError, match=f"the array has {count} masked values"):
        array_recordings(masked, ArrayAxes(dt=0.1, dx=0.1), WindowShape(("u",), 2, 1, 2))
    with pytest.raises(PhysrepError, match=f"data: u has {count} masked values"):
        from_numpy({"u": masked[:, :, 0]})
    np.testing.assert_array_equal(check_array(np.ma.masked_greater(x, 1e9)), x.astype(np.float32))
    labels = labels_of(np.ma.masked_equal([1, 2, 3], 2), None)["y"]
    np.testing.assert_array_equal(labels, [1.0, np.nan, 3.0])


def test_tensors_of_any_kind_are_arrays() -> None:
    x = torch.rand(2, 3, 1, 8, 8)
    for given in (x.bfloat16(), x.half(), x.clone().requires_grad_(), x.double()):
        np.testing.assert_allclose(check_array(given), x.numpy(), atol=5e-3)
    np.testing.assert_array_equal(labels_of(torch.tensor([1.0, 2.0], requires_grad=True), None)["y"], [1.0, 2.0])
    with pytest.raises(PhysrepError, match=r"X reaches 1e\+39, which single precision"):
        check_array(np.full((1, 2, 1, 8, 8), 1e39))


@pytest.mark.parametrize(
    ("y", "words"),
    [(np.arange(3) + 1j, "y has the type complex128"),
     (np.arange(3).astype("M8[D]"), r"y has the type datetime64\[D\]"),
     ({"a": [1.0], "b": ["x"]}, "y: b holds something that is no number")],
)  # fmt: skip
def test_labels_that_are_no_real_numbers_are_refused(y: Any, words: str) -> None:
    with pytest.raises(PhysrepError, match=words):
        labels_of(y, None)


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day", "julian"])
def test_times_of_every_calendar_are_seconds(calendar: str, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    random = np.random.default_rng(0).normal(size=(6, 8, 8))
    flow = xarray.Dataset({"u": (("time", "x", "y"), random)}, {"x": X, "y": X})
    flow["time"] = ("time", 6.0 * np.arange(6), {"units": "hours since 2000-02-27", "calendar": calendar})
    flow.to_netcdf(tmp_path / "flow.nc", engine="h5netcdf")
    found = open_any(tmp_path / "flow.nc")
    assert found.dt == pytest.approx(21600) and found.units["time"] == "s" and not found.bad
    assert any("seconds since the first" in note for note in found.notes)


def test_a_longitude_that_wraps_is_refused_with_its_place(tmp_path: Path) -> None:
    wrapped = np.array([300, 315, 330, 345, 0, 15, 30, 45])
    with pytest.raises(PhysrepError, match=r"flow\.npz: coordinates of x go from 345 to 0 and do not all rise or fall"):
        stored(tmp_path, x=wrapped)
    assert not (tmp_path / "out").exists()
    assert open_any(tmp_path / "flow.npz", dx=[15.0]).coordinates["x"][1] == 15


def test_a_column_of_numbers_with_a_word_in_it_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "flow.npz", u=np.random.default_rng(0).normal(size=(3, 6, 8, 8)))
    (tmp_path / "table.csv").write_text("trajectory,nu,who\n0,1,a\n1,n/a,b\n2,3,c\n")
    notes = open_any(tmp_path / "flow.npz", parameters=tmp_path / "table.csv").notes
    assert any("column nu of" in n and "holds numbers, but 'n/a' for trajectory 1" in n for n in notes)
    assert any("columns who of" in n and "hold words" in n for n in notes)


def test_complex_fields_are_left_out_with_their_reason(tmp_path: Path) -> None:
    random = np.random.default_rng(0).normal(size=(3, 6, 8, 8))
    np.savez(tmp_path / "flow.npz", u=random, psi=random + 1j)
    assert any("psi" in note and "is complex (store its real" in note for note in open_any(tmp_path / "flow.npz").notes)
