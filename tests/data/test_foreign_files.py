"""Where a data set is expected and files of others lie, every command names the one that converts them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.cli.main import main
from physrep.data.convert import open_any
from physrep.errors import PhysrepError


@pytest.mark.parametrize(
    "words",
    [
        ["pretrain", "jepa", "--data", "{}", "--out", "run"],
        ["simulate", "shear_flow", "--from", "{}", "--out", "data"],
        ["score", "physrep.nn:ConvStack3D", "--data", "{}"],
        ["bench", "quick", "--data.path", "{}", "--out", "bench"],
        ["check", "{}"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("folder", [False, True])
def test_the_sentence_names_the_command(words, folder, tmp_path: Path, monkeypatch, capsys):
    if folder and words[0] == "simulate":
        pytest.skip("a restart is from one file")
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "flows" if folder else tmp_path / "flows.npz"
    (tmp_path / "flows").mkdir()
    np.savez(
        place / "one.npz" if folder else place, u=np.random.default_rng(0).normal(size=(4, 6, 8, 8)), t=np.arange(6)
    )
    before = sorted(tmp_path.rglob("*"))
    assert main([word.format(place) for word in words]) != 0
    told = capsys.readouterr()
    assert f"convert it with: physrep convert {place} flows_well" in told.err + told.out
    assert not [path for path in tmp_path.rglob("*") if path not in before and path.suffix in (".hdf5", ".safetensors")]


@pytest.mark.parametrize(
    ("name", "label"), [("disk.out1.00001.athdf", "HDF5 of another layout"), ("history", "NetCDF")]
)
def test_a_suffix_is_not_needed(name, label, tmp_path: Path, capsys):
    """Solvers name their files as they like; what is inside decides."""
    values = np.random.default_rng(0).normal(size=(12, 5, 8, 8))
    if label == "NetCDF":
        xarray = pytest.importorskip("xarray")
        xarray.Dataset({"u": (("run", "time", "x", "y"), values)}).to_netcdf(tmp_path / name, engine="scipy")
    else:
        with h5py.File(tmp_path / name, "w") as file:
            file["u"] = values
    assert main(["check", str(tmp_path / name)]) == 1
    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if "error" in line]
    assert len(lines) == 1 and label in lines[0] and "physrep convert" in lines[0]
    axes = ["--axes", "sample", "time", "x", "y"]
    assert main(["convert", str(tmp_path / name), str(tmp_path / "out"), *axes]) == 0
    assert open_any(tmp_path / name, axes=axes[1:]).read(3, "u").shape == (5, 8, 8)


@pytest.mark.parametrize(
    ("cut", "sentence"),
    [
        (lambda content: content[: len(content) // 2], "is truncated; copy"),
        (lambda content: b"", "is not an HDF5 file; copy it again"),
        (lambda content: b"not this", "is not an HDF5 file; copy it again"),
    ],
    ids=["truncated", "empty", "text"],
)
def test_why_an_hdf5_file_cannot_be_read(cut, sentence, tmp_path: Path):
    with h5py.File(tmp_path / "u.h5", "w") as file:
        file["u"] = np.zeros((5, 64, 64))
    (tmp_path / "u.h5").write_bytes(cut((tmp_path / "u.h5").read_bytes()))
    with pytest.raises(PhysrepError, match=sentence):
        open_any(tmp_path / "u.h5")


def test_values_with_a_wrong_checksum_are_said_to_have_one(tmp_path: Path):
    values = np.random.default_rng(0).normal(size=(5, 64, 64))
    with h5py.File(tmp_path / "u.h5", "w") as file:
        file.create_dataset("u", data=values, fletcher32=True)
    content = (tmp_path / "u.h5").read_bytes()
    (tmp_path / "u.h5").write_bytes(content.replace(values[0, 0, 0].tobytes(), bytes(8)))
    with pytest.raises(PhysrepError, match=r"its checksum does not match .*; copy"):
        open_any(tmp_path / "u.h5").read(0, "u")
