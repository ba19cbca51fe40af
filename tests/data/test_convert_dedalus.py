"""Files of Dedalus, made in the layout that its evaluator writes: sets, handlers, restarts, bases, tensors."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.data import WellFile
from physrep.data.convert import ConvertConfig, convert, open_any
from physrep.errors import PhysrepError

NX, NZ = 8, 6
X = np.arange(NX) * 0.5
Z = -np.cos(np.pi * (np.arange(NZ) + 0.5) / NZ)


def values(seed: int, writes: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(writes, *shape))


def write_set(
    path: Path, times: np.ndarray, first_write: int, tasks: dict[str, np.ndarray], spectral: tuple = ()
) -> None:
    """One file of a handler; arrays (writes, components..., x, z), where an axis of one point is constant."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        scales, group = file.create_group("scales"), file.create_group("tasks")
        columns = {"sim_time": times, "timestep": np.full(len(times), 0.01), "wall_time": times * 9,
                   "iteration": np.arange(len(times)), "write_number": first_write + np.arange(len(times))}  # fmt: skip
        for name, column in {**columns, "constant": np.zeros(1), "x_hash_1": X, "z_hash_2": Z}.items():
            scales[name] = column
            scales[name].make_scale(name.split("_hash")[0])
        for name, array in tasks.items():
            data = group.create_dataset(name, data=array)
            data.attrs["grid_space"] = [name not in spectral] * 2
            data.dims[0].label = "t"
            for column in columns:
                data.dims[0].attach_scale(scales[column])
            for axis, (label, points) in enumerate((("x", NX), ("z", NZ))):
                one = data.shape[data.ndim - 2 + axis] != points
                data.dims[data.ndim - 2 + axis].label = "constant" if one else label
                data.dims[data.ndim - 2 + axis].attach_scale(scales["constant" if one else f"{label}_hash_{axis + 1}"])


def run(folder: Path, seed: int, handler: str = "snapshots") -> tuple[np.ndarray, np.ndarray]:
    """Two sets of four writes of a scalar and a vector; their values."""
    b, u = values(seed, 8, NX, NZ), values(seed + 100, 8, 2, NX, NZ)
    for k in (0, 1):
        part = slice(4 * k, 4 * k + 4)
        path = folder / handler / f"{handler}_s{k + 1}.h5"
        write_set(path, 0.25 * np.arange(8)[part], 4 * k + 1, {"b": b[part], "u": u[part]})
    return b, u


def test_sets_of_a_handler_are_one_trajectory(tmp_path: Path) -> None:
    truths = [run(tmp_path / "runs" / f"Ra=1e{4 + i}_Pr=0.5", i) for i in range(3)]
    found = open_any(tmp_path / "runs")
    assert len(found) == 3 and found.axes == ("x", "z") and found.shape == (NX, NZ)
    assert found.dt == pytest.approx(0.25) and [found.frames(i) for i in range(3)] == [8] * 3
    assert found.periodic == (True, False)
    assert found.parameters["Ra"].tolist() == [1e4, 1e5, 1e6] and found.parameters["Pr"].tolist() == [0.5] * 3
    np.testing.assert_array_equal(found.coordinates["z"], Z)
    for i, (b, u) in enumerate(truths):
        np.testing.assert_array_equal(found.read(i, "b"), b.astype("f4"))
        np.testing.assert_array_equal(found.read(i, "u", 2, 4), np.moveaxis(u[2:6], 1, -1).astype("f4"))
    convert(tmp_path / "runs", tmp_path / "out", ConvertConfig(split="train"))
    with WellFile(next((tmp_path / "out").rglob("*.hdf5"))) as well:
        assert well.n_trajectories == 3


def test_axes_that_are_stored_as_z_x_keep_their_components(tmp_path: Path) -> None:
    u = values(0, 4, 2, NX, NZ)
    path = tmp_path / "s" / "s_s1.h5"
    write_set(path, np.arange(4.0), 1, {"u": u})
    with h5py.File(path, "r+") as file:
        data = file["tasks/u"]
        labels = ("z", "x")
        for axis, label in enumerate(labels):
            data.dims[2 + axis].label = label
    found = open_any(path)
    assert found.axes == ("x", "z")
    turned = np.stack([u[:, 1], u[:, 0]], -1).transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(found.read(0, "u"), turned.astype("f4"))


def test_what_a_restart_wrote_again_is_taken_once(tmp_path: Path) -> None:
    old, new = values(0, 5, NX, NZ), values(1, 4, NX, NZ)
    write_set(tmp_path / "s" / "s_s1.h5", 0.5 * np.arange(5), 1, {"b": old})
    write_set(tmp_path / "s" / "s_s2.h5", 1.5 + 0.5 * np.arange(4), 4, {"b": new})  # goes on from t = 1
    found = open_any(tmp_path / "s")
    np.testing.assert_array_equal(found.read(0, "b"), np.concatenate([old[:3], new]).astype("f4"))
    assert any("2 frames were written again after a restart" in note for note in found.notes)


def test_handlers_of_a_run_are_not_runs(tmp_path: Path) -> None:
    for i in range(2):
        b, _ = run(tmp_path / f"run{i}", i)
        write_set(tmp_path / f"run{i}/profiles/profiles_s1.h5", np.arange(9.0), 1, {"bz": values(i, 9, 1, NZ)})
        write_set(tmp_path / f"run{i}/checkpoints/checkpoints_s1.h5", np.arange(2.0), 1, {"b": b[:2]}, ("b",))
        write_set(
            tmp_path / f"run{i}/rare/rare_s1.h5", np.array([0.0, 1.0]), 1, {"b": b[::4], "u": values(7, 2, 2, NX, NZ)}
        )
    found = open_any(tmp_path)
    assert len(found) == 2 and [found.frames(i) for i in range(2)] == [8, 8]
    left = [note for note in found.notes if "left out" in note]
    assert len(left) == 2 and all(name in left[0] for name in ("profiles", "checkpoints", "rare"))


def test_runs_beside_each_other_stay_runs(tmp_path: Path) -> None:
    for i in range(3):
        run(tmp_path, i, f"run{i}")
    assert len(open_any(tmp_path)) == 3


def test_other_grids_coefficients_and_tensors(tmp_path: Path) -> None:
    tasks = {"b": values(0, 4, NX, NZ), "mean": values(1, 4, 1, NZ), "energy": values(2, 4, 1, 1),
             "hat": values(3, 4, NX, NZ), "stress": values(4, 4, 2, 2, NX, NZ)}  # fmt: skip
    write_set(tmp_path / "s_s1.h5", np.arange(4.0), 1, tasks, ("hat",))
    found = open_any(tmp_path / "s_s1.h5")
    assert [field.name for field in found.fields] == ["b", "stress_xx", "stress_xz", "stress_zx", "stress_zz"]
    np.testing.assert_array_equal(found.read(0, "stress_zx"), tasks["stress"][:, 1, 0].astype("f4"))
    assert any("mean" in note and "energy" in note and "another grid" in note for note in found.notes)
    assert any("hat hold" in note and "coefficients" in note for note in found.notes)


@pytest.mark.parametrize("fault", ["", "missing", "short"])
def test_virtual_sets_need_their_process_files(fault: str, tmp_path: Path) -> None:
    """Processes write parts of the grid, which the set joins by selections without limit in time."""
    b = values(0, 4, NX, NZ)
    write_set(tmp_path / "s/s_s1.h5", np.arange(4.0), 1, {"b": b})
    layout = h5py.VirtualLayout(b.shape, "f8", maxshape=(None, NX, NZ))
    for rank, rows in enumerate((slice(0, 4), slice(4, NX))):
        place = tmp_path / f"s/s_s1/s_s1_p{rank}.h5"
        place.parent.mkdir(exist_ok=True)
        part = b[: 3 if fault == "short" and rank else 4, rows]
        with h5py.File(place, "w") as file:
            file.create_dataset("tasks/b", data=part, maxshape=(None, *part.shape[1:]))
        source = h5py.VirtualSource(f"s_s1/{place.name}", "tasks/b", (4, 4, NZ), maxshape=(None, 4, NZ))
        layout[0 : h5py.h5s.UNLIMITED, rows] = source[0 : h5py.h5s.UNLIMITED]
    with h5py.File(tmp_path / "s/s_s1.h5", "r+") as file:
        scales = [next(iter(dimension.values())).name for dimension in file["tasks/b"].dims]
        del file["tasks/b"]
        data = file.create_virtual_dataset("tasks/b", layout)
        for axis, label in enumerate(("t", "x", "z")):
            data.dims[axis].label = label
            data.dims[axis].attach_scale(file[scales[axis]])
    if fault == "missing":
        (tmp_path / "s/s_s1/s_s1_p1.h5").unlink()
    found = open_any(tmp_path / "s")
    assert len(found) == 1 and found.axes == ("x", "z")
    if fault:
        why = "does not exist" if fault == "missing" else "is too small"
        with pytest.raises(PhysrepError, match=rf"tasks/b is virtual, and its source s_s1/s_s1_p1\.h5 {why}"):
            found.read(0, "b")
    else:
        np.testing.assert_array_equal(found.read(0, "b"), b.astype("f4"))


def test_sets_that_do_not_belong_together_are_bad(tmp_path: Path) -> None:
    write_set(tmp_path / "a/s/s_s1.h5", np.arange(4.0), 1, {"b": values(0, 4, NX, NZ)})
    write_set(tmp_path / "a/s/s_s2.h5", 4 + np.arange(4.0), 5, {"c": values(0, 4, NX, NZ)})
    write_set(tmp_path / "b/s/s_s1.h5", np.arange(4.0), 1, {"b": values(1, 4, NX, NZ)})
    found = open_any(tmp_path)
    assert len(found) == 2 and "lacks the task b of s_s1.h5" in found.bad[0] and 1 not in found.bad


def test_runs_of_several_handlers_in_one_folder_are_all_there(tmp_path: Path) -> None:
    """Sets that somebody collected: sweep/a/Ra=1_s1.h5, Ra=1_s2.h5, Ra=2_s1.h5, ..."""
    for folder, number in (("a", 1), ("a", 2), ("b", 3)):
        for k in (0, 1):
            times, b = 0.25 * (np.arange(4) + 4 * k), values(10 * number + k, 4, NX, NZ)
            write_set(tmp_path / f"sweep/{folder}/Ra={number}_s{k + 1}.h5", times, 1 + 4 * k, {"b": b})
    for root, expected in (("sweep", [1, 2, 3]), ("sweep/a", [1, 2])):
        found = open_any(tmp_path / root)
        assert found.parameters["Ra"].tolist() == expected
        assert {found.frames(i) for i in range(len(found))} == {8}
    convert(tmp_path / "sweep", tmp_path / "out", ConvertConfig(split="train"))
    with WellFile(next((tmp_path / "out").rglob("*.hdf5"))) as well:
        assert well.n_trajectories == 3


def test_a_damaged_run_and_runs_without_fields_are_named(tmp_path: Path) -> None:
    for i in range(2):
        run(tmp_path / "runs", i, f"run{i}")
    (tmp_path / "runs/run1/run1_s2.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    found = open_any(tmp_path / "runs")
    assert len(found) == 2 and list(found.bad) == [1] and "cannot be read (" in found.bad[1]
    for i in range(2):
        write_set(tmp_path / f"bare/run{i}/run{i}_s1.h5", np.arange(3.0), 1, {"energy": values(i, 3, 1, 1)})
    with pytest.raises(PhysrepError, match=r"no task is a field on a grid \(tasks: energy\)"):
        open_any(tmp_path / "bare")
