"""Values that HDF5 would fill in, or fetch from elsewhere, are found by `check` and refused by every reader."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.data import WellFile, WellSplit, check, compute_stats, exit_code, open_clips, write_well
from physrep.errors import PhysrepError
from tests.helpers.foreign_edit import foreign_edit

FIELD, VECTOR, TIME, SCALAR = "t0_fields/tracer", "t1_fields/velocity", "dimensions/time", "scalars/Schmidt"


def _again(file: h5py.File, item: str, make: Callable[[np.ndarray], object]) -> None:
    """Store a data set anew with its attributes."""
    values, attributes = file[item][()], dict(file[item].attrs)
    del file[item]
    make(values)
    file[item].attrs.update(attributes)


def _unwritten_chunks(file: h5py.File, item: str) -> None:
    def make(values: np.ndarray) -> None:
        chunks = tuple(max(1, n // 2) for n in values.shape)
        stored = file.create_dataset(item, values.shape, values.dtype, chunks=chunks)
        part = tuple(slice(0, c) for c in chunks)
        stored[part] = values[part]

    _again(file, item, make)


def _never_written(file: h5py.File, item: str) -> None:
    _again(file, item, lambda values: file.create_dataset(item, values.shape, values.dtype))


def _virtual(sources: Path, keep: int, shape: str = "equal") -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, item: str) -> None:
        def make(values: np.ndarray) -> None:
            layout = h5py.VirtualLayout(values.shape, values.dtype)
            for i in range(len(values) - (shape == "gap")):
                path = sources / f"{item.replace('/', '_')}{i}.h5"
                with h5py.File(path, "w") as source:
                    source["v"] = values[i][:-1] if shape == "short" and i else values[i]
                layout[i] = h5py.VirtualSource(str(path), "v", values[i].shape)
                if i >= keep:
                    path.unlink()
            file.create_virtual_dataset(item, layout)

        _again(file, item, make)

    return change


def _external(target: Path) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, item: str) -> None:
        def make(values: np.ndarray) -> None:
            target.write_bytes(values.tobytes())
            file.create_dataset(item, values.shape, values.dtype, external=[(str(target), 0, values.nbytes)])

        _again(file, item, make)

    return change


def _external_link(target: Path) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, item: str) -> None:
        with h5py.File(target, "w") as other:
            file.copy(item, other, "v")
        del file[item]
        file[item] = h5py.ExternalLink(str(target), "v")

    return change


def _refused_everywhere(root: Path, path: Path, words: str) -> None:
    faults = check(path)
    assert exit_code(faults) == 1 and any(re.search(words, f"{f.item}: {f.problem}; {f.remedy}") for f in faults), (
        faults
    )
    for reader in (
        lambda: WellFile(path),
        lambda: WellSplit(root, "train", 2),
        lambda: open_clips(root, "train"),
        lambda: compute_stats([path]),
    ):
        with pytest.raises(PhysrepError, match=words) as caught:
            reader()
        assert str(path) in str(caught.value)
    assert not list(root.rglob("*.npy"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.mark.parametrize("item", [FIELD, VECTOR, TIME, SCALAR])
@pytest.mark.parametrize("change", [_unwritten_chunks, _never_written])
def test_values_that_were_never_written(dataset, item, change):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        change(file, item)
    _refused_everywhere(root, path, "never written")


@pytest.mark.parametrize(
    ("mask", "place", "words"),
    [
        (0, 1 + 2**25, r"1 of its 2 chunks were never written, the first at \[1, 0, 0, 0, 0\]"),
        (1, 1, "without their checksum"),
    ],
)
def test_an_index_of_chunks_that_is_damaged(mask, place, words, dataset):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with h5py.File(path) as file:
        size = file[VECTOR].id.get_chunk_info(1).size
    data, key = path.read_bytes(), struct.pack("<II6Q", size, 0, 1, *[0] * 5)
    assert data.count(key) == 1
    path.write_bytes(data.replace(key, struct.pack("<II6Q", size, mask, place, *[0] * 5)))
    _refused_everywhere(root, path, words)


@pytest.mark.parametrize("item", [FIELD, VECTOR, SCALAR])
def test_sources_that_are_gone_or_incomplete(dataset, elsewhere, item, monkeypatch):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    original = path.read_bytes()
    cases = [(elsewhere, 1, "equal", "does not exist"), (path.parent, 1, "equal", "does not exist")]
    if item != SCALAR:
        cases += [(path.parent, 9, "short", "too small"), (path.parent, 9, "gap", "hold .* of its")]
    for folder, keep, shape, words in cases:
        path.write_bytes(original)
        with foreign_edit(path) as file:
            _virtual(folder, keep, shape)(file, item)
        faults = check(path)
        assert any(f.item == item for f in faults) and exit_code(faults) == 1
        assert any(re.search(words, f.problem) for f in faults), faults
        with pytest.raises(PhysrepError, match=words):
            open_clips(root, "train")
        for source in path.parent.glob("*.h5"):
            source.unlink()


def test_complete_sources_beside_the_file_are_read(dataset, trajectories):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with WellFile(path) as file:
        before = file.read(1, 0, 6)
    (root / "sources").mkdir()
    with foreign_edit(path) as file:
        _virtual(root / "sources", 9)(file, VECTOR)
    assert exit_code(check(path)) == 0
    with WellFile(path) as file:
        np.testing.assert_array_equal(file.read(1, 0, 6), before)


@pytest.mark.parametrize("kind", ["virtual", "external", "link", "group"])
def test_reaching_out_of_the_folder_needs_permission(kind, dataset, elsewhere, monkeypatch):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with WellFile(path) as file:
        before = file.read(1, 0, 6)
    change = {
        "virtual": _virtual(elsewhere, 9),
        "external": _external(elsewhere / "values.bin"),
        "link": _external_link(elsewhere / "other.h5"),
        "group": _external_link(elsewhere / "other.h5"),
    }[kind]
    with foreign_edit(path) as file:
        change(file, "t0_fields" if kind == "group" else FIELD)
    _refused_everywhere(root, path, "outside the folder|in another file")
    monkeypatch.setenv("PHYSREP_DATA_ALSO", str(elsewhere))
    assert exit_code(check(path)) == 0
    with WellFile(path) as file:
        np.testing.assert_array_equal(file.read(1, 0, 6), before)


def test_an_external_file_that_is_gone_or_short(dataset, elsewhere, monkeypatch):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        _external(elsewhere / "values.bin")(file, FIELD)
    monkeypatch.setenv("PHYSREP_DATA_ALSO", str(elsewhere))
    (elsewhere / "values.bin").write_bytes(b"123")
    _refused_everywhere(root, path, "too short")
    (elsewhere / "values.bin").unlink()
    # What was found valid once is looked at again when the file or the permission changes.
    _refused_everywhere(root, path, "does not exist")


def test_a_filter_that_is_not_installed_is_named(dataset, monkeypatch):
    from physrep.data import check_storage

    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        _again(file, FIELD, lambda v: file.create_dataset(FIELD, data=v, chunks=v.shape, compression="lzf"))
    assert exit_code(check(path)) == 0
    monkeypatch.setattr(check_storage.h5py.h5z, "filter_avail", lambda code: code < 256)
    path.touch()
    _refused_everywhere(root, path, r"the filter lzf \(32000\), which is not installed; pip install hdf5plugin")


def test_a_checksum_that_does_not_match_is_named(dataset):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        _again(file, FIELD, lambda v: file.create_dataset(FIELD, data=v, chunks=(1, 2, 8, 12), fletcher32=True))
        place = file[FIELD].id.get_chunk_info(3).byte_offset
    assert exit_code(check(path)) == 0
    data = bytearray(path.read_bytes())
    data[place + 5] ^= 1
    path.write_bytes(data)
    (fault,) = check(path)
    assert "its checksum does not match" in fault.problem and fault.remedy == "copy or simulate the file again"
    with pytest.raises(PhysrepError, match="field tracer: its checksum does not match"):
        open_clips(root, "train")


def test_a_file_open_in_a_writer_says_so(dataset):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with h5py.File(path, "r+"):
        code = "import sys; from physrep.data import check; print(check(sys.argv[1])[0])"
        found = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert "is being written by another process" in found.stdout, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("fields", "parameters", "words"),
    [
        ({"a_x": 0, "a": 1}, ["Re"], "fields a_x and a both give a_x"),
        ({"D_xy": 0, "D": 2}, ["Re"], "fields D_xy and D both give D_xy"),
        ({"a/b": 0}, ["Re"], "a field has the name 'a/b'"),
        ({"a": 0}, ["mean"], "a parameter is called 'mean'"),
        ({"a": 0}, ["n_trajectories"], "of a root attribute"),
    ],
)
def test_names_are_unique_when_written(fields, parameters, words, trajectories, tmp_path):
    data = trajectories(fields=fields)
    data.parameters = dict(zip(parameters, data.parameters.values(), strict=False))
    with pytest.raises(PhysrepError, match=words):
        write_well(tmp_path / "a.hdf5", data)


def test_names_are_unique_when_read(dataset):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        file.copy(FIELD, "t0_fields/velocity_y")
        file["t0_fields"].attrs["field_names"] = ["tracer", "pressure", "velocity_y"]
    _refused_everywhere(root, path, "gives the channel velocity_y, which t0_fields/velocity_y gives too")


def test_a_label_has_a_name_of_its_own(dataset, tmp_path):
    root = dataset()
    for column, words in (("mean", "is called 'mean'"), ("Schmidt", "Schmidt is in the files")):
        rows = [f"train,{i},{i}" for i in range(4)]
        (tmp_path / "labels.csv").write_text("\n".join([f"split,trajectory,{column}", *rows]))
        with pytest.raises(PhysrepError, match=words):
            open_clips(root, "train", labels=tmp_path / "labels.csv")


def test_no_buffer_is_left_unwritten(trajectories, tmp_path):
    write_well(tmp_path / "a.hdf5", trajectories())
    with WellFile(tmp_path / "a.hdf5") as file, pytest.raises(PhysrepError, match="name one twice"):
        file.read(0, 0, 2, channels=["tracer", "tracer"])
