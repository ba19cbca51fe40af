"""What is in two splits is found, however it got there; what is not, is not reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from physrep.data import ClipDataset, assert_no_leaks, open_clips, select_trajectories, write_well
from physrep.errors import PhysrepError
from physrep.systems import Trajectories
from tests.helpers.small_data import decaying_waves, write_waves


def part(data: Trajectories, first: int = 0) -> Trajectories:
    """The trajectories from frame ``first`` on, as a file of its own would hold them."""
    fields = {name: values[:, first:] for name, values in data.fields.items()}
    return replace(data, fields=fields, time=data.time[: len(data.time) - first])


def splits(root: Path) -> dict[str, ClipDataset]:
    train = open_clips(root, "train")
    return {"train": train, **{name: open_clips(root, name, stats=train.stats) for name in ("valid", "test")}}


def test_clean_data_pass(tmp_path: Path) -> None:
    assert_no_leaks(splits(write_waves(tmp_path)))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("first", [0, 7])
def test_a_trajectory_or_the_rest_of_one(tmp_path: Path, first: int, half: bool) -> None:
    root = write_waves(tmp_path)
    train = open_clips(root, "train")
    leaked = select_trajectories(decaying_waves(), [int(i) for i in range(24)])
    rate = train.parameters[2, 0]
    row = int((leaked.parameters["rate"] - rate).abs().argmin())
    write_well(root / "data/test/more.hdf5", part(select_trajectories(leaked, [row]), first))
    if half:
        train = open_clips(root, "train", dtype="float16")
        found = {"train": train, "test": open_clips(root, "test", dtype="float16", stats=train.stats)}
    else:
        found = splits(root)
    with pytest.raises(PhysrepError, match=rf"of test is frame {first} of trajectory 2 of train; scores would be too"):
        assert_no_leaks(found)


def test_an_initial_condition_with_other_parameters(tmp_path: Path) -> None:
    root = write_waves(tmp_path)
    train = open_clips(root, "train")
    # The same first frame, then another evolution and another label.
    data = decaying_waves()
    row = int((data.parameters["rate"] - train.parameters[0, 0]).abs().argmin())
    one = select_trajectories(data, [row])
    for values in one.fields.values():
        values[:, 1:] += 0.1 * torch.randn_like(values[:, 1:])
    one.parameters["rate"] = one.parameters["rate"] * 1.5
    write_well(root / "data/valid/more.hdf5", one)
    with pytest.raises(PhysrepError, match=r"frame 0 of trajectory .* of valid is frame 0 of trajectory 0 of train"):
        assert_no_leaks(splits(root))


def test_a_uniform_frame_is_no_evidence(tmp_path: Path) -> None:
    root = write_waves(tmp_path)
    for number, split in enumerate(("train", "test")):
        still = decaying_waves(2, seed=5 + number)
        for values in still.fields.values():
            values[:, -1] = 0.25
        write_well(root / "data" / split / "still.hdf5", still)
    assert_no_leaks(splits(root))


def test_statistics_of_another_split(tmp_path: Path) -> None:
    root = write_waves(tmp_path)
    own = open_clips(root, "test").statistics
    found = {"train": open_clips(root, "train"), "test": open_clips(root, "test", stats=own)}
    with pytest.raises(PhysrepError, match="waves/test: its fields are normalised with a mean that is not that of tra"):
        assert_no_leaks(found)
