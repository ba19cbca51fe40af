"""Files that we write are files of The Well."""

from __future__ import annotations

import errno
import gc
import math
import os
import resource
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch

from physrep.data import check, open_well, select_trajectories, write_well
from physrep.errors import PhysrepError

CASES = {
    "2d scalar": {"fields": {"tracer": 0}},
    "2d vector": {"fields": {"velocity": 1}},
    "2d all orders": {"fields": {"c": 0, "velocity": 1, "D": 2, "E": 2}, "periodic": (True, False)},
    "2d one parameter set": {"equal_parameters": True},
    "2d one trajectory": {"n": 1},
    "3d": {"shape": (4, 5, 6), "fields": {"c": 0, "u": 1, "D": 2}, "periodic": (True, False, True)},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_the_well_reads_our_file_back_by_name(options, trajectories, tmp_path):
    from the_well.data import WellDataset

    data = trajectories(**options)
    write_well(tmp_path / "a.hdf5", data)
    assert check(tmp_path / "a.hdf5") == []
    well = WellDataset(path=str(tmp_path), n_steps_input=2, n_steps_output=1, use_normalization=False)
    names = [name for order in range(3) for name in well.metadata.field_names[order]]
    windows = len(data.time) - 2
    assert len(well) == len(data) * windows
    with open_well(tmp_path / "a.hdf5") as file:
        assert list(file.channels) == names
        assert file.periodic == data.periodic and file.dataset_name == "toy"
        for trajectory in range(len(data)):
            item = well[trajectory * windows + 1]
            ours = file.read(trajectory, 1, 2)
            for i, name in enumerate(names):
                field, _, component = name.partition("_")
                index = tuple("xyz".index(axis) for axis in component)
                expected = data.fields[field][(trajectory, slice(1, 3), ..., *index)]
                assert torch.equal(item["input_fields"][..., i], expected)
                assert np.array_equal(ours[i], expected.numpy())
            scalars = dict(zip(well.metadata.constant_scalar_names, item["constant_scalars"], strict=True))
            for name, values in data.parameters.items():
                assert scalars[name].item() == pytest.approx(values[trajectory].item(), rel=1e-6)
                assert file.parameters[name][trajectory] == pytest.approx(values[trajectory].item(), rel=1e-6)
            codes = [[2, 2] if periodic else [0, 0] for periodic in data.periodic]
            assert item["boundary_conditions"].tolist() == codes
    assert well.metadata.spatial_resolution == tuple(len(c) for c in data.coordinates.values())


def test_layout_is_float32_with_checksums_and_attributes_are_kept(trajectories, tmp_path):
    data = trajectories()
    data.attributes = {"solver": "rk4", "seeds": [1, 2]}
    write_well(tmp_path / "a.hdf5", data, {"note": 3})
    with h5py.File(tmp_path / "a.hdf5") as file:
        velocity = file["t1_fields/velocity"]
        assert velocity.fletcher32 and velocity.chunks[0] == 1 and velocity.dtype == np.float32
        assert file.attrs["solver"] == "rk4" and file.attrs["seeds"] == "[1, 2]" and file.attrs["note"] == 3


def test_symmetric_tensors_are_marked(trajectories, tmp_path):
    data = trajectories(fields={"D": 2, "E": 2})
    data.fields["D"] = data.fields["D"] + data.fields["D"].mT
    write_well(tmp_path / "a.hdf5", data)
    with h5py.File(tmp_path / "a.hdf5") as file:
        assert file["t2_fields/D"].attrs["symmetric"] and not file["t2_fields/E"].attrs["symmetric"]


def test_constant_fields_and_fields_on_some_axes_broadcast(trajectories, tmp_path):
    path = tmp_path / "a.hdf5"
    write_well(path, trajectories())
    with h5py.File(path, "r+") as file:
        group = file["t0_fields"]
        group.attrs["field_names"] = [*group.attrs["field_names"], "mask", "profile"]
        mask = group.create_dataset("mask", data=np.arange(96, dtype=np.float32).reshape(8, 12))
        profile = group.create_dataset("profile", data=np.arange(72, dtype=np.float32).reshape(6, 12))
        for dataset, time, dims in ((mask, False, [True, True]), (profile, True, [False, True])):
            dataset.attrs.update({"sample_varying": False, "time_varying": time, "dim_varying": dims})
    assert check(path) == []
    with open_well(path) as file:
        assert "mask" not in file.channels and "profile" in file.channels
        block = file.read(1, 2, 3, channels=("profile", "mask"), region=(slice(1, 3), slice(4, 8)))
    assert block.shape == (2, 3, 2, 4)
    assert block[0, 0, 1].tolist() == [28, 29, 30, 31] and block[1, 2, 0].tolist() == [16, 17, 18, 19]


def test_values_that_are_not_finite_are_never_written(trajectories, tmp_path):
    data = trajectories()
    data.fields["velocity"][1, 2, 3, 4, 0] = math.nan
    with pytest.raises(PhysrepError, match=r"field velocity of trajectory 1 is not finite"):
        write_well(tmp_path / "a.hdf5", data)
    assert list(tmp_path.iterdir()) == []


def test_failed_trajectories_must_be_left_out(trajectories, tmp_path):
    data = trajectories(n=3)
    data.failed = {1: "time step too small"}
    with pytest.raises(PhysrepError, match="trajectory 1 failed"):
        write_well(tmp_path / "a.hdf5", data)
    kept = select_trajectories(data, [0, 2])
    write_well(tmp_path / "a.hdf5", kept)
    with open_well(tmp_path / "a.hdf5") as file:
        assert np.array_equal(file.read(1, 0, 6, channels=("tracer",))[0], data.fields["tracer"][2].numpy())


def test_wrong_shape_is_named(trajectories, tmp_path):
    data = trajectories()
    data.fields["velocity"] = data.fields["velocity"][:, :-1]
    with pytest.raises(PhysrepError, match="field velocity has shape"):
        write_well(tmp_path / "a.hdf5", data)


def test_too_small_a_disk_is_noticed_before_writing(trajectories, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(PhysrepError, match="are free"):
        write_well(tmp_path / "new" / "a.hdf5", trajectories())
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_the_old_file(trajectories, tmp_path):
    path = tmp_path / "a.hdf5"
    write_well(path, trajectories(n=1))
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(PhysrepError, match=r"cannot be written \((?i:file too large)\); "):
            write_well(path, trajectories(n=8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.hdf5"]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(b""), "is not an HDF5 file"),
        (lambda path: path.write_text("not this"), "is not an HDF5 file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4000]), "is truncated"),
    ],
)
def test_unreadable_files_are_named(damage, sentence, trajectories, tmp_path):
    path = tmp_path / "a.hdf5"
    write_well(path, trajectories())
    damage(path)
    with pytest.raises(PhysrepError, match=sentence) as error:
        open_well(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_missing_group_is_named(trajectories, tmp_path):
    write_well(tmp_path / "a.hdf5", trajectories())
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        del file["t2_fields"]
    with pytest.raises(PhysrepError, match="t2_fields"):
        open_well(tmp_path / "a.hdf5")


def test_frames_and_channels_that_do_not_exist(trajectories, tmp_path):
    write_well(tmp_path / "a.hdf5", trajectories())
    with open_well(tmp_path / "a.hdf5") as file:
        with pytest.raises(PhysrepError, match="has 6 frames"):
            file.read(0, 3, 4)
        with pytest.raises(PhysrepError, match="no channel 'vorticity'"):
            file.read(0, 0, 1, channels=("vorticity",))
        with pytest.raises(PhysrepError, match="2 trajectories"):
            file.read(2, 0, 1)


def test_reynolds_number_stored_as_rayleigh(trajectories, tmp_path):
    data = trajectories(system="shear_flow")
    data.parameters = {"Rayleigh": data.parameters["Reynolds"], "Schmidt": data.parameters["Schmidt"]}
    write_well(tmp_path / "a.hdf5", data)
    with open_well(tmp_path / "a.hdf5") as file:
        assert list(file.parameters) == ["Reynolds", "Schmidt"]


def test_a_disk_that_is_full_at_any_moment_is_one_sentence(tmp_path, trajectories, monkeypatch, capfd):
    """HDF5 itself cannot close a file that it could not write: it crashes, or prints tracebacks."""
    data, write, asked, limit = trajectories(), os.pwrite, [], [10**9]

    def full(file: int, block: bytes, place: int) -> int:
        asked.append(place)
        if len(asked) > limit[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, block, place)

    monkeypatch.setattr(os, "pwrite", full)
    write_well(tmp_path / "a.hdf5", data)
    needed = len(asked)
    before = (tmp_path / "a.hdf5").read_bytes()
    for limit[0] in range(needed):
        asked.clear()
        with pytest.raises(PhysrepError, match=r"a\.hdf5: cannot be written \(No space left on device\); free space"):
            write_well(tmp_path / "a.hdf5", data)
    gc.collect()
    assert needed > 10 and capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["a.hdf5"] and (tmp_path / "a.hdf5").read_bytes() == before
