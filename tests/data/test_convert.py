"""Files of others become the same data, whatever their format."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import physrep
import tests.helpers.foreign_files as foreign
from physrep.cli.main import main
from physrep.data import WellFile, check, exit_code
from physrep.data.convert import ConvertConfig, convert, open_any
from physrep.data.stats import read_stats
from physrep.errors import PhysrepError

OPTIONS: dict[str, dict[str, object]] = {
    "pdebench_tensor": {"fields": ["u=tensor_0", "v=tensor_1"], "parameters": "set.csv"},
    "pdebench_seeds": {"fields": ["u=data_0", "v=data_1"], "parameters": "set.csv"},
    "pdeinvbench": {"fields": ["u=data_0", "v=data_1"]},
    "vti": {"parameters": "set.csv"},
    "png": {"parameters": "set.csv", "fields": ["u=intensity"], "dt": foreign.DT, "dx": [foreign.DX]},
}


def converted(name: str, folder: Path, **extra: object) -> Path:
    writer, needed = foreign.FORMATS[name]
    for package in needed:
        pytest.importorskip(package)
    (folder / "source").mkdir()
    source = writer(folder / "source")
    options = {**OPTIONS.get(name, {}), "name": "flow", **extra}
    if "parameters" in options:
        options["parameters"] = str(folder / "source" / "set.csv")
    return convert(source, folder / "out", ConvertConfig(**options))  # type: ignore[arg-type]


def contents(root: Path) -> dict[tuple[str, int], dict[str, np.ndarray]]:
    """Split and number in it to arrays."""
    found = {}
    for split in ("train", "valid", "test"):
        first = 0
        for path in sorted((root / "data" / split).glob("*.hdf5")):
            with WellFile(path) as file:
                for i in range(file.n_trajectories):
                    found[split, first + i] = {
                        **{c: file.read(i, 0, file.n_frames, channels=[c])[0] for c in file.channels},
                        **{n: v[i] for n, v in file.parameters.items() if n != "case"},
                        "dt": np.float32(file.dt),
                        **{axis: values for axis, values in file.coordinates.items()},
                    }
                first += file.n_trajectories
    return found


def source_of_row(root: Path, name: str) -> list[int]:
    """Number in the source of every converted trajectory; all are equal to it, bit for bit."""
    assert exit_code(check(root)) == 0
    u, v, parameters = foreign.values(whole=name == "png")
    with WellFile(next((root / "data" / "train").glob("*.hdf5"))) as file:
        assert file.axes == ("x", "y")
    numbers = []
    for row in contents(root).values():
        index = int(np.flatnonzero(u[:, 0, 0, 0] == row["u"][0, 0, 0])[0])
        numbers.append(index)
        assert np.array_equal(row["u"], u[index])
        if name != "png":
            assert np.array_equal(row["v"], v[index])
        assert row["viscosity"] == parameters["viscosity"][index]
        assert row["dt"] == np.float32(foreign.DT)
        assert np.array_equal(row["x"], foreign.coordinates()["x"])
    return numbers


@pytest.mark.parametrize("name", foreign.FORMATS)
def test_every_format_gives_the_same_data_bit_for_bit(name: str, tmp_path: Path) -> None:
    assert sorted(source_of_row(converted(name, tmp_path), name)) == list(range(foreign.TRAJECTORIES))


def test_splits_do_not_depend_on_the_format(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    one, two = contents(converted("npz", tmp_path / "a")), contents(converted("matlab73", tmp_path / "b"))
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[key]["u"], two[key]["u"]) for key in one)


def test_command_line_says_what_it_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = foreign.npz(tmp_path)
    assert main(["convert", str(source), str(tmp_path / "out"), "--periodic", "x", "y"]) == 0
    said = capsys.readouterr()
    assert "axes of u are taken as (sample, time, x, y)" in said.err
    assert "splits are by trajectory, 80 % / 10 % / 10 %" in said.err
    assert f"physrep check {tmp_path / 'out'}" in said.out
    assert main(["check", str(tmp_path / "out")]) == 0


def break_three(folder: Path) -> Path:
    """Trajectories 3 (NaN), 7 (constant) and 11 (other grid) of a folder of files."""
    source = foreign.npz_each(folder)
    for i, change in ((3, "nan"), (7, "constant"), (11, "grid")):
        values = dict(np.load(source / f"run_{i}.npz"))
        if change == "nan":
            values["u"][2, 0, 0] = np.nan
        elif change == "constant":
            values["u"], values["v"] = np.ones_like(values["u"]), np.ones_like(values["v"])
        else:
            values |= {"u": values["u"][:, :6], "v": values["v"][:, :6], "x": values["x"][:6]}
        np.savez(source / f"run_{i}.npz", **values)
    (source / "run_5.npz").write_bytes(b"PK broken")
    return source


def test_all_bad_trajectories_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    source = break_three(tmp_path / "source")
    with pytest.raises(PhysrepError) as found:
        convert(source, tmp_path / "out")
    text = str(found.value)
    assert "4 of 20 trajectories are bad" in text and "--drop-bad" in text
    for name, reason in (
        ("3", "u is not finite in frame 2"),
        ("5", "cannot be read"),
        ("7", "constant"),
        ("11", "6 (x)"),
    ):
        assert f"run_{name}.npz: " in text and reason in text
    said: list[str] = []
    root = convert(source, tmp_path / "out", ConvertConfig(drop_bad=True), said.append)
    assert len(contents(root)) == 16
    assert sum(line.startswith("left out: ") for line in said) == 4


def digests(root: Path) -> dict[str, str]:
    files = sorted((root / "data").rglob("*.hdf5"))
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_interrupted_conversion_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from physrep.data.convert import ForeignRecording

    source = foreign.npz(tmp_path)
    whole = convert(source, tmp_path / "whole", ConvertConfig(per_file=4))
    count, read = [0], ForeignRecording.exact

    def killed(self: ForeignRecording, *arguments: object) -> np.ndarray:
        count[0] += 1
        if count[0] > 20:
            raise KeyboardInterrupt
        return read(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ForeignRecording, "exact", killed)
    with pytest.raises(KeyboardInterrupt):
        convert(source, tmp_path / "part", ConvertConfig(per_file=4))
    before = digests(tmp_path / "part")
    assert 0 < len(before) < len(digests(whole)) and not list((tmp_path / "part").rglob("*.tmp"))
    count[0] = -1000
    assert digests(convert(source, tmp_path / "part", ConvertConfig(per_file=4))) == digests(whole)
    with pytest.raises(PhysrepError, match=r"other settings \(per_file\)"):
        convert(source, tmp_path / "part", ConvertConfig(per_file=5))
    assert read_stats(tmp_path / "part" / "stats.yaml") == read_stats(whole / "stats.yaml")


def rows_of(root: Path, split: str, name: str) -> list[float]:
    return [float(row[name]) for (own, _), row in contents(root).items() if own == split]


def test_splits_by_cell_keep_equal_parameters_together(tmp_path: Path) -> None:
    u, v, _ = foreign.values()
    np.savez(tmp_path / "set.npz", u=u, v=v, viscosity=np.arange(20) // 2, drag=np.zeros(20))
    root = convert(tmp_path / "set.npz", tmp_path / "cells", ConvertConfig(split="cell"))
    cells = [set(rows_of(root, split, "viscosity")) for split in ("train", "valid", "test")]
    assert [len(c) for c in cells] == [8, 1, 1] and not cells[0] & (cells[1] | cells[2])
    loose = convert(tmp_path / "set.npz", tmp_path / "loose")
    cells = [set(rows_of(loose, split, "viscosity")) for split in ("train", "valid", "test")]
    assert cells[0] & (cells[1] | cells[2])


def test_splits_by_a_column_and_by_folders(tmp_path: Path) -> None:
    source = foreign.npz(tmp_path)
    names = ["train"] * 14 + ["val"] * 3 + ["test"] * 3
    lines = [f"{i},{name},{i}" for i, name in enumerate(names)]
    (tmp_path / "set.csv").write_text("trajectory,where,number\n" + "\n".join(lines) + "\n")
    config = ConvertConfig(parameters=str(tmp_path / "set.csv"), split="where")
    root = convert(source, tmp_path / "column", config)
    assert sorted(rows_of(root, "valid", "number")) == [14, 15, 16]

    for split, names in (("train", range(4)), ("validation", range(4, 6)), ("test", range(6, 8)), ("ood", range(8, 9))):
        (tmp_path / "folders" / split).mkdir(parents=True)
        for i in names:
            np.savez(tmp_path / "folders" / split / f"nu={i}.npz", u=foreign.values()[0][i])
    said: list[str] = []
    root = convert(tmp_path / "folders", tmp_path / "split", None, said.append)
    assert sorted(rows_of(root, "valid", "nu")) == [4, 5]
    assert any("folders ood are left out" in line for line in said)


def test_numbers_in_file_names_need_names(tmp_path: Path) -> None:
    """RealPDEBench: ``1000_0.5.h5`` with measured velocities, rows along y."""
    u, v, _ = foreign.values()
    for i in range(6):
        with h5py.File(tmp_path / f"{1000 + 10 * i}_{0.5 * i}.h5", "w") as file:
            file["measured_data/u"], file["measured_data/v"] = u[i].swapaxes(1, 2), v[i].swapaxes(1, 2)
            file["measured_data/t"] = foreign.coordinates()["t"]
    found = open_any(tmp_path, numbers=["Reynolds", "frequency"], fields=["velocity=u,v"])
    assert found.parameters["Reynolds"].tolist() == [1000, 1010, 1020, 1030, 1040, 1050]
    assert found.parameters["frequency"].tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert found.axes == ("x", "y") and np.array_equal(found.read(2, "velocity"), np.stack([u[2], v[2]], -1))
    assert not open_any(tmp_path).parameters


def test_arrays_in_memory(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    u, v, parameters = foreign.values()
    made = physrep.from_numpy({"u": u, "v": v}, parameters=parameters, dt=foreign.DT, dx=[foreign.DX], name="flow")
    again = physrep.from_xarray(foreign.dataset(), name="flow")
    for name in ("u", "v"):
        assert torch.equal(made.fields[name], again.fields[name])
    assert torch.equal(made.time, again.time) and torch.equal(made.coordinates["y"], again.coordinates["y"])
    assert torch.equal(made.parameters["viscosity"], again.parameters["viscosity"])
    physrep.write_well(tmp_path / "one.hdf5", made)
    whole = open_any(tmp_path / "one.hdf5")
    assert len(whole) == 20 and np.array_equal(whole.read(3, "u"), u[3])
    with pytest.raises(PhysrepError, match="viscosity has 3 values for 20"):
        physrep.from_numpy(u, parameters={"viscosity": [1, 2, 3]})


def test_names_that_tables_cannot_hold(tmp_path: Path) -> None:
    u, _, _ = foreign.values()
    np.savez(tmp_path / "set.npz", u=u, mean=np.arange(20.0), drag=np.arange(20.0))
    found = open_any(tmp_path / "set.npz")
    assert list(found.parameters) == ["drag"] and any("parameter mean " in note for note in found.notes)
    with pytest.raises(PhysrepError, match="--fields NEW="):
        open_any(tmp_path / "set.npz", fields=["a /b=u"])


def test_messages_name_the_remedy(tmp_path: Path) -> None:
    u, _, _ = foreign.values()
    np.savez(tmp_path / "set.npz", u=u)
    for options, text in (
        ({"fields": ["w"]}, "has no field 'w'; it has u; mend --fields"),
        ({"axes": ["sample", "time"]}, "name the axes with --axes"),
        ({"dx": [1.0, 2.0, 3.0]}, "--dx has 3 numbers; give one, or one per axis"),
        ({"periodic": ["z"]}, "--periodic z: there is no such axis"),
        ({"split": "regime"}, "--split regime: there is no such rule or column"),
    ):
        with pytest.raises(PhysrepError, match=text):
            convert(tmp_path / "set.npz", tmp_path / "out", ConvertConfig(**options))
    (tmp_path / "table.csv").write_text("name,drag\nu,1\n")
    with pytest.raises(PhysrepError, match="has no column file or trajectory"):
        open_any(tmp_path / "set.npz", parameters=tmp_path / "table.csv")
    (tmp_path / "table.csv").write_text("trajectory,drag\n" + "".join(f"{i},1\n" for i in range(19)))
    with pytest.raises(PhysrepError, match=r"no row for 1 trajectories, the first being .*trajectory 19"):
        open_any(tmp_path / "set.npz", parameters=tmp_path / "table.csv")
    with pytest.raises(PhysrepError, match="holds nothing that can be converted"):
        (tmp_path / "empty").mkdir()
        open_any(tmp_path / "empty")


@pytest.mark.parametrize("name", foreign.FORMATS)
def test_check_prints_the_command_that_converts(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writer, needed = foreign.FORMATS[name]
    for package in needed:
        pytest.importorskip(package)
    (tmp_path / "set").mkdir()
    source = writer(tmp_path / "set")
    assert main(["check", str(source)]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("error")]
    assert len(lines) == 1 and f"physrep convert {source} set_well" in lines[0]
    assert "20 trajectories of" in lines[0]


def test_check_still_names_the_faults_of_a_broken_well_file(tmp_path: Path) -> None:
    root = converted("npz", tmp_path)
    path = next((root / "data" / "train").glob("*.hdf5"))
    with h5py.File(path, "a") as file:
        del file["dimensions"], file["t0_fields"]
    assert {fault.item for fault in check(path)} >= {"dimensions", "t0_fields"}
