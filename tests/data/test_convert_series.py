"""Folders whose files are one trajectory together: a frame per file, or a record that goes on from file to file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.data.convert import ConvertConfig, convert, open_any
from physrep.errors import PhysrepError

RNG = np.random.default_rng(0)
U, V = RNG.normal(size=(3, 12, 8, 6)), RNG.normal(size=(3, 12, 8, 6))


def assert_trajectories(found, names=("u", "v"), dt: float = 1.0) -> None:
    assert len(found) == 3 and [found.frames(i) for i in range(3)] == [12] * 3 and found.dt == pytest.approx(dt)
    assert [field.name for field in found.fields] == list(names)
    for i in range(3):
        for name, truth in zip(names, (U, V), strict=False):
            np.testing.assert_array_equal(found.read(i, name), truth[i].astype("f4"))
            np.testing.assert_array_equal(found.read(i, name, 5, 4), truth[i, 5:9].astype("f4"))


def test_npy_files_of_one_frame_and_one_field(tmp_path: Path) -> None:
    for i in range(3):
        folder = tmp_path / f"nu=0.{i + 1}"
        folder.mkdir()
        for t in range(12):  # without leading zeros: natural order counts
            np.save(folder / f"u_{t}.npy", U[i, t])
            np.save(folder / f"v_{t}.npy", V[i, t])
    found = open_any(tmp_path)
    assert_trajectories(found)
    assert found.parameters["nu"].tolist() == [0.1, 0.2, 0.3]
    assert sum("hold a frame each and are one trajectory" in note for note in found.notes) == 1
    (tmp_path / "nu=0.2" / "v_11.npy").unlink()
    assert "files of the fields differ in number (u 12, v 11)" in open_any(tmp_path).bad[1]


def test_frames_with_channels_last(tmp_path: Path) -> None:
    for t in range(5):
        np.save(tmp_path / f"frame{t:03d}.npy", np.stack([U[0, t], V[0, t]], -1))
    found = open_any(tmp_path, axes=["x", "y", "channel"], dt=0.5)
    assert len(found) == 1 and found.frames(0) == 5
    np.testing.assert_array_equal(found.read(0, "frame_1"), V[0, :5].astype("f4"))


def test_npz_and_hdf5_frames_with_their_times(tmp_path: Path) -> None:
    for i in range(3):
        for form in ("npz", "h5"):
            (tmp_path / form / f"run{i}").mkdir(parents=True)
        for t in range(12):
            values = {
                "u": U[i, t],
                "v": V[i, t],
                "time": np.float64(0.25 * t),
                "rate": 0.5 + i,
                "energy": U[i, t].var(),
            }
            np.savez(tmp_path / f"npz/run{i}/s{t}.npz", **values)
            with h5py.File(tmp_path / f"h5/run{i}/s{t}.h5", "w") as file:
                for name, value in values.items():
                    if np.ndim(value):
                        file[name] = value
                    else:
                        file.attrs[name] = value
    for form in ("npz", "h5"):
        found = open_any(tmp_path / form)
        assert_trajectories(found, dt=0.25)
        assert {name: own.tolist() for name, own in found.parameters.items()} == {"rate": [0.5, 1.5, 2.5]}
        assert any("energy change from file to file" in note for note in found.notes)


@pytest.mark.parametrize("dates", [False, True])
@pytest.mark.parametrize("size", [1, 4])
def test_netcdf_files_that_go_on_in_time(dates: bool, size: int, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    hours = np.arange(12) * 6.0
    times = np.datetime64("2000-01-01", "ns") + (hours * 3600e9).astype("timedelta64[ns]") if dates else hours
    for i in range(3):
        (tmp_path / f"run{i}").mkdir()
        for first in range(0, 12, size):
            part = slice(first, first + size)
            data = {name: (("time", "x", "y"), own[i, part]) for name, own in (("u", U), ("v", V))}
            coordinates = {"time": times[part], "x": np.arange(8.0), "y": np.arange(6.0)}
            set_ = xarray.Dataset(data, coords=coordinates)
            set_.to_netcdf(tmp_path / f"run{i}/out_{first}.nc", engine="scipy")
    assert_trajectories(open_any(tmp_path), dt=6 * 3600 if dates else 6.0)
    if size > 1:
        assert len(open_any(tmp_path, files_are="trajectories")) == 3 * 12 // size


def test_a_scalar_time_beside_a_frame(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    for t in range(12):
        data = {"u": (("x", "y"), U[0, t])}
        xarray.Dataset(data, coords={"time": 0.5 * t}).to_netcdf(tmp_path / f"{t}.nc", engine="scipy")
    found = open_any(tmp_path)
    assert len(found) == 1 and found.dt == 0.5
    np.testing.assert_array_equal(found.read(0, "u"), U[0].astype("f4"))


def test_trajectories_of_their_own_stay_apart(tmp_path: Path) -> None:
    """Equal times, a gap, or another parameter: three trajectories, not one."""
    xarray = pytest.importorskip("xarray")
    for case, (start, rate) in {"equal": ((0, 0, 0), (1, 1, 1)), "gap": ((0, 30, 60), (1, 1, 1)),
                                "labels": ((0, 12, 24), (1, 2, 3))}.items():  # fmt: skip
        (tmp_path / case).mkdir()
        for i in range(3):
            data = {"u": (("time", "x", "y"), U[i]), "rate": rate[i]}
            set_ = xarray.Dataset(data, coords={"time": start[i] + np.arange(12.0)})
            set_.to_netcdf(tmp_path / case / f"{i}.nc", engine="scipy")
        assert len(open_any(tmp_path / case)) == 3, case
    assert len(open_any(tmp_path / "gap", files_are="frames", dt=1.0)) == 1


def test_a_frame_of_another_grid_makes_its_trajectory_bad(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"run{i}").mkdir()
        for t in range(12):
            np.save(tmp_path / f"run{i}/u{t}.npy", U[i, t] if (i, t) != (1, 7) else U[i, t, :4])
    with pytest.raises(PhysrepError, match=r"1 of 3 trajectories are bad.*u7\.npy: u has another grid than in u0\.npy"):
        convert(tmp_path, tmp_path.parent / "out", ConvertConfig())


def test_files_are_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match="files_are is 'pictures'; it must be trajectories or frames"):
        convert(tmp_path, tmp_path / "out", ConvertConfig(files_are="pictures"))
    with pytest.raises(PhysrepError, match="files_are is 'pictures'; it must be trajectories or frames"):
        open_any(tmp_path, files_are="pictures")


def test_a_mended_frame_is_another_source(tmp_path: Path) -> None:
    """A folder's own time does not tell that a file in it was written again."""
    for i in range(3):
        (tmp_path / f"set/run{i}").mkdir(parents=True)
        for t in range(12):
            np.save(tmp_path / f"set/run{i}/u_{t}.npy", U[i, t])
    convert(tmp_path / "set", tmp_path / "out", ConvertConfig())
    convert(tmp_path / "set", tmp_path / "out", ConvertConfig())
    with open(tmp_path / "set/run1/u_7.npy", "r+b") as file:
        file.seek(200)
        file.write(bytes(8))
    with pytest.raises(PhysrepError, match=r"holds a conversion with other settings \(files\)"):
        convert(tmp_path / "set", tmp_path / "out", ConvertConfig())


def test_a_choice_without_effect_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", u=U)
    with pytest.raises(PhysrepError, match="is one file or store, so that --files-are has no effect"):
        open_any(tmp_path / "one.npz", files_are="frames")
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "film").mkdir()
    for t in range(3):
        image.fromarray((255 * (U[0, t] > 0)).astype("u1")).save(tmp_path / f"film/{t}.png")
    with pytest.raises(PhysrepError, match="these files are one trajectory together; leave --files-are out"):
        open_any(tmp_path / "film", files_are="trajectories")
    assert len(open_any(tmp_path / "film", files_are="frames")) == 1
