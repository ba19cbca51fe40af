"""Files and splits that differ in units are refused, with both files and both values; damaged files end in time."""

from __future__ import annotations

import faulthandler
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.data import WellSplit, check, exit_code, open_clips, write_well
from physrep.data.config import DataConfig
from physrep.data.faults import Fault
from physrep.data.guard import check_in_child
from physrep.errors import PhysrepError
from tests.helpers.foreign_edit import foreign_edit

CHANGES = {
    "domain": (lambda t: replace(t, coordinates={**t.coordinates, "x": 3 * t.coordinates["x"]}), "coordinates of x",
               "from 0 to 2.625 with the spacing 0.375", "from 0 to 0.875 with the spacing 0.125"),
    "shifted": (lambda t: replace(t, coordinates={**t.coordinates, "y": 3 + t.coordinates["y"]}), "coordinates of y",
                "from 3 to 3.91667 with the spacing 0.0833333", "from 0 to 0.916667 with the spacing 0.0833333"),
    "stretched": (lambda t: replace(t, coordinates={**t.coordinates, "y": t.coordinates["y"] ** 1.5}),
                  "coordinates of y", "from 0 to 0.87", "from 0 to 0.916667"),
    "time step": (lambda t: replace(t, time=5 * t.time), "time step", "2.5", "0.5"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_units_are_part_of_the_identity(change, split, dataset, trajectories):
    make, item, own, other = CHANGES[change]
    root = dataset()
    for name in ["b"] if split == "train" else ["a"]:
        write_well(root / "data" / split / f"{name}.hdf5", make(trajectories(seed=7)))
    faults = [fault for fault in check(root) if fault.severity == "error"]
    assert [fault.item for fault in faults] == [item] and exit_code(faults) == 1
    assert own in faults[0].problem and other in faults[0].problem and "train/a.hdf5" in faults[0].problem
    with pytest.raises(PhysrepError) as caught:
        DataConfig(path=str(root)).open_splits()
    for word in (f"{split}/{'b' if split == 'train' else 'a'}.hdf5", "a.hdf5, " if split == "test" else "a.hdf5", item):
        assert word in str(caught.value)
    assert own in str(caught.value) and other in str(caught.value)
    if split == "train":
        with pytest.raises(PhysrepError, match=item):
            WellSplit(root, "train", 2)


def test_boundary_types_are_part_of_the_identity(dataset):
    root = dataset(periodic=(True, False))
    with foreign_edit(root / "data" / "train" / "b.hdf5") as file:
        file["boundary_conditions/y_wall"].attrs["bc_type"] = "OPEN"
    (fault,) = (fault for fault in check(root) if fault.severity == "error")
    assert fault.item == "boundary_conditions" and "OPEN" in fault.problem and "WALL" in fault.problem
    with pytest.raises(PhysrepError, match=r"has boundary_conditions .*OPEN.* but a.hdf5 has .*WALL"):
        open_clips(root, "train")


@pytest.mark.parametrize(("item", "what"), [("time", "the time step"), ("x", "x from 0 to")])
def test_one_file_with_other_units_per_trajectory(dataset, item, what):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        values, attributes = file[f"dimensions/{item}"][()], dict(file[f"dimensions/{item}"].attrs)
        del file[f"dimensions/{item}"]
        file[f"dimensions/{item}"] = np.stack([values, 3 * values])
        file[f"dimensions/{item}"].attrs.update({**attributes, "sample_varying": True})
    faults = check(path)
    assert [fault.item for fault in faults] == [f"dimensions/{item}"]
    with pytest.raises(PhysrepError, match=f"trajectory 1 has {what} .*, but trajectory 0 has {what}"):
        open_clips(root, "train")
    with foreign_edit(path) as file:
        file[f"dimensions/{item}"][1] = values
    assert check(path) == []
    assert open_clips(root, "train").dt == pytest.approx(0.5)


def test_rounding_of_units_is_no_difference(dataset, trajectories):
    root = dataset()
    data = trajectories(seed=7)
    time_step = data.time * (1 + 1e-6)
    axes = {axis: values * (1 + 1e-6 * torch.rand(len(values))) for axis, values in data.coordinates.items()}
    write_well(root / "data" / "test" / "a.hdf5", replace(data, time=time_step, coordinates=axes))
    assert exit_code(check(root)) == 0
    DataConfig(path=str(root)).open_splits()


def test_suffixes_in_capitals_are_read_and_the_rest_is_named(dataset, trajectories, capfd):
    root = dataset()
    train = root / "data" / "train"
    (train / "b.hdf5").rename(train / "b.H5")
    assert open_clips(root, "train").n_trajectories == 4
    (train / "more").mkdir()
    write_well(train / "more" / "c.HDF5", trajectories(seed=9))
    (train / "d.nc").write_bytes(b"")
    (train / "README.md").write_text("notes")
    from physrep.data.scan import say_left_out

    say_left_out.cache_clear()
    open_clips(root, "train")
    words = "1 files in sub-folders (more/c.HDF5, ...) and 1 files of other formats (d.nc, ...) are not read"
    assert words in capfd.readouterr().err
    assert any(words in fault.problem for fault in check(root))


def _behave(path: Path, step) -> list[Fault]:
    step()
    if path.name == "hangs":
        time.sleep(600)
    if path.name == "crashes":
        faulthandler.disable()  # this crash is meant: its dump says nothing
        os.kill(os.getpid(), 11)
    if path.name == "slow":
        for _ in range(8):
            time.sleep(0.3)
            step()
    return []


def test_a_file_that_crashes_the_library_is_named_and_the_rest_is_checked():
    """The slow one takes longer than the limit, but each of its steps less."""
    paths = [Path(name) for name in ("good", "slow", "crashes", "good too")]
    found = dict(check_in_child(paths, _behave, 2.2))
    assert [len(faults) for faults in found.values()] == [0, 0, 1, 0] and list(found) == paths
    assert "SIGSEGV" in found[Path("crashes")][0].problem and found[Path("crashes")][0].unreadable


def test_files_that_hang_the_library_are_named():
    found = list(check_in_child([Path("a/hangs"), Path("b/hangs")], _behave, 0.2))
    assert [len(faults) for _, faults in found] == [1, 1]
    assert all("is not read within 0.2 seconds: the HDF5 library hangs" in faults[0].problem for _, faults in found)
