"""Labels from a CSV file reach the right trajectories, and every fault is named with file and row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.data import open_clips, select_trajectories, write_well
from physrep.data.config import DataConfig, parameter_scales
from physrep.data.label_table import read_labels
from physrep.errors import PhysrepError
from physrep.tokens import embed
from tests.helpers.small_data import decaying_waves

COUNTS = {"train": (3, 2), "valid": (2,), "test": (2, 1)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Waves in several files per split."""
    folder, whole, first = tmp_path_factory.mktemp("labels") / "waves", decaying_waves(10), 0
    for split, counts in COUNTS.items():
        for k, count in enumerate(counts):
            rows = list(range(first, first + count))
            write_well(folder / "data" / split / f"waves_{k:04d}.hdf5", select_trajectories(whole, rows))
            first += count
    return folder


def by_split(value: Callable[[float], object]) -> list[str]:
    rates = decaying_waves(10).parameters["rate"].tolist()
    places = [(split, k) for split, counts in COUNTS.items() for k in range(sum(counts))]
    return [f"{split},{k},{value(rate)}" for (split, k), rate in zip(places, rates, strict=True)]


def write(path: Path, header: str, lines: list[str]) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_number_and_two_classes(root: Path, tmp_path: Path) -> None:
    lines = by_split(lambda rate: f"{2 * rate},{'fast' if rate > 0.5 else 'slow'}")
    # In any order: rows say where they belong.
    table = write(tmp_path / "labels.csv", "split,trajectory,twice,regime", lines[::-1])
    for split in COUNTS:
        data = open_clips(root, split, labels=table)
        assert data.parameter_names == ("rate", "twice", "regime=slow")
        rate, twice, slow = data.parameters.T
        torch.testing.assert_close(twice, 2 * rate, rtol=1e-6, atol=0)
        assert torch.equal(slow, (rate <= 0.5).double())
    train = open_clips(root, "train", labels=table, parameters=["regime=slow"])
    assert train.clip(train.windows(4)[:2], 4).parameter_names == ("regime=slow",)
    assert parameter_scales(train) == {"regime=slow": "linear"}


def test_by_file_and_with_three_classes(root: Path, tmp_path: Path) -> None:
    names = iter("abcabcabca")
    lines = [
        f"{split}/waves_{k:04d}.hdf5,{i},{next(names)}"
        for split, counts in COUNTS.items()
        for k, count in enumerate(counts)
        for i in range(count)
    ]
    labels = read_labels(write(tmp_path / "labels.csv", "file,trajectory,kind", lines), root, "train")
    assert list(labels.values) == ["kind=a", "kind=b", "kind=c"]
    assert np.stack(list(labels.values.values())).argmax(0).tolist() == [0, 1, 2, 0, 1]
    assert read_labels(tmp_path / "labels.csv", root, "test").values["kind=b"].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("header", "change", "message"),
    [
        ("split,trajectory,y", lambda x: [x[0], *x], "row 3: the same trajectory as in row 2"),
        (
            "split,trajectory,y",
            lambda x: [*x, "train,5,1"],
            "row 12: there is no trajectory 5 in split train",
        ),
        ("split,trajectory,y", lambda x: [*x, "tran,0,1"], "row 12: the split 'tran'"),
        ("split,trajectory,y", lambda x: ["train,one,1", *x], "row 2: trajectory 'one' is no whole number"),
        (
            "split,trajectory,y",
            lambda x: [*x[:-1], "test,2,inf"],
            "row 11: y is 'inf'; give a number, or leave",
        ),
        ("split,trajectory,y", lambda x: [f"{row.rpartition(',')[0]}," for row in x], "column y is empty"),
        ("file,trajectory,y", lambda x: ["wave_0000.hdf5,0,1"], "there is no file wave_0000.hdf5 in data/{train,valid"),
        ("split,trajectory,y", lambda x: [*x[:-1], "test,2,high"], "row 11: y is 'high', but other rows hold numbers"),
        ("split,trajectory,y", lambda x: [*x[:-1], "test,2"], "row 11: does not have the 3 cells"),
        ("split,number,y", lambda x: x, "has no column trajectory"),
        ("place,trajectory,y", lambda x: x, "has no column split or file"),
        ("split,trajectory,rate", lambda x: x, "rate is in the files and in the table"),
        ("split,trajectory,trajectory", lambda x: x, "two columns of one name"),
        ("split,file,trajectory", lambda x: ["train,waves.hdf5,0"], "there is no file waves.hdf5 in data/train"),
    ],
)
def test_faults_are_named(
    root: Path, tmp_path: Path, header: str, change: Callable[[list[str]], list[str]], message: str
) -> None:
    if "file" in header:
        header = header if header.endswith(",y") else f"{header},y"
        lines = [line if line.count(",") > 1 and header.startswith("file") else f"{line},1" for line in change([])]
    else:
        lines = change(by_split(lambda rate: rate))
    table = write(tmp_path / "labels.csv", header, lines)
    with pytest.raises(PhysrepError) as error:
        open_clips(root, "train", labels=table)
    assert message in str(error.value) and ("labels.csv" in str(error.value) or "table" in message)


def test_what_a_table_leaves_out_is_unknown(root: Path, tmp_path: Path) -> None:
    lines = by_split(lambda rate: f"{rate},{'fast' if rate > 0.5 else 'slow'}")
    first, second, third, *rest = lines
    table = write(tmp_path / "labels.csv", "split,trajectory,y,regime", [f"{first[:7]},,", f"{second[:7]},nan,", *rest])
    data = open_clips(root, "train", labels=table, parameters=["y", "regime=slow"])
    assert third.startswith("train,2") and data.parameters[:3].isnan().all(), "an empty cell, nan, and no row"
    assert data.parameters[3:].isfinite().all()


def test_no_such_table(root: Path, tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match=r"none\.csv"):
        open_clips(root, "train", labels=tmp_path / "none.csv")


def test_tokens_follow_the_labels(root: Path, tmp_path: Path) -> None:
    """A changed table must not meet tokens that were stored with the old one."""
    seen = []
    for factor in (2, 3):
        table = write(tmp_path / "labels.csv", "split,trajectory,y", by_split(lambda rate, f=factor: f * rate))
        data = open_clips(root, "train", labels=table)
        encoder = torch.nn.Identity()
        store = embed(encoder, data, data.windows(4, 8), tmp_path / "tokens", frames=4,
                      encode=lambda clip: clip.fields.mean((3, 4)).transpose(1, 2))  # fmt: skip
        seen.append(np.array(store.labels[:, 1] / store.labels[:, 0]))
    np.testing.assert_allclose(seen[0], 2, rtol=1e-6)
    np.testing.assert_allclose(seen[1], 3, rtol=1e-6)


def test_a_configuration_remembers_the_content(root: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "labels.csv", "split,trajectory,y", by_split(lambda rate: rate))
    config = DataConfig(path=str(root), labels=str(table))
    before = config.as_dict()
    assert before["labels"] == str(table) and "labels" not in DataConfig(path=str(root)).as_dict()
    write(table, "split,trajectory,y", by_split(lambda rate: 2 * rate))
    assert config.as_dict() != before
    assert config.open("valid", config.open("train").stats).parameter_names == ("rate", "y")
