"""Foreign HDF5 files whose values lie elsewhere: read where they may be, refused where HDF5 would fill them in."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.data.convert import ConvertConfig, convert, open_any
from physrep.errors import PhysrepError

U = np.random.default_rng(0).normal(size=(3, 4, 8, 8))


def half_virtual(folder: Path, missing: bool) -> Path:
    """Half of the grid lies in another file: without it, the other half is data and that half zero."""
    folder.mkdir()
    layout = h5py.VirtualLayout(U.shape, "f8")
    for number, rows in enumerate((slice(0, 4), slice(4, 8))):
        with h5py.File(folder / f".part{number}", "w") as file:
            file["u"] = U[:, :, rows]
        layout[:, :, rows] = h5py.VirtualSource(f".part{number}", "u", U[:, :, rows].shape)
    with h5py.File(folder / "set.h5", "w") as file:
        file.create_virtual_dataset("u", layout)
    if missing:
        (folder / ".part1").unlink()
    return folder / "set.h5"


def test_virtual_sources_are_read(tmp_path: Path) -> None:
    found = open_any(half_virtual(tmp_path / "a", missing=False), axes=["sample", "time", "x", "y"])
    np.testing.assert_array_equal(found.read(2, "u"), U[2].astype("f4"))


def test_a_missing_virtual_source_makes_trajectories_bad(tmp_path: Path) -> None:
    path = half_virtual(tmp_path / "a", missing=True)
    with pytest.raises(
        PhysrepError, match=r"3 of 3 trajectories are bad.*u is virtual, and its source \.part1 does not"
    ):
        convert(path, tmp_path / "out", ConvertConfig(axes=["sample", "time", "x", "y"]))


@pytest.mark.parametrize("suffix", [".h5", ".mat"])
def test_bytes_of_other_files_are_no_values(suffix: str, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_bytes(U.tobytes())
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / f"set{suffix}"
    with h5py.File(path, "w") as file:
        file.create_dataset("u", U.shape, "f8", external=[(str(secret), 0, U.nbytes)])
    found = open_any(path, axes=["sample", "time", "x", "y"])
    with pytest.raises(PhysrepError, match=r"its values lie in another file, .*secret, outside the folder"):
        found.read(0, "u")


def test_chunks_that_nobody_wrote_are_counted(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "set.h5", "w") as file:
        data = file.create_dataset("u", U.shape, "f8", chunks=(1, 1, 8, 8))
        data[:2] = U[:2]
    found = open_any(tmp_path / "set.h5", axes=["sample", "time", "x", "y"])
    assert any("4 chunks of u were never written; HDF5 gives 0 there" in note for note in found.notes)
