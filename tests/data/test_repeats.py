"""Frames and trajectories that are stored twice are named by `check`; what only looks so is not."""

from __future__ import annotations

from dataclasses import replace

import torch

from physrep.data import check, exit_code, select_trajectories, write_well


def said(root, word):
    faults = check(root)
    assert exit_code(faults) == 0
    return [fault for fault in faults if word in fault.problem]


def test_frames_that_are_stored_twice_are_named(dataset, trajectories):
    root, own = dataset(), trajectories(seed=5, n=3, frames=8)
    assert not said(root, "equal in every field")
    path = root / "data/train/b.hdf5"
    twice = [0, 1, 2, 2, 3, 4, 5, 5]
    write_well(path, replace(own, fields={name: values[:, twice] for name, values in own.fields.items()}))
    (fault,) = said(root, "equal in every field")
    assert fault.file == path and fault.severity == "warning"
    assert fault.problem.startswith("frames 2 and 3 of trajectory 0") and "up to 5 more such pairs" in fault.problem
    kept = own.fields["pressure"]
    write_well(path, replace(own, fields={**{n: v[:, twice] for n, v in own.fields.items()}, "pressure": kept}))
    assert not said(root, "equal in every field")
    binary = {name: (values > 0).float() for name, values in own.fields.items()}
    write_well(path, replace(own, fields=binary))
    assert not said(root, "equal in every field")


def test_a_trajectory_that_is_twice_in_a_split_is_named_and_replicates_are_not(dataset, trajectories):
    root = dataset()
    assert not said(root, "is also")
    own = trajectories(seed=0)
    write_well(root / "data/train/b.hdf5", select_trajectories(own, [1, 0]))
    found = said(root, "is also")
    assert [fault.problem for fault in found] == [
        "trajectory 0 is also trajectory 1 of train/a.hdf5", "trajectory 1 is also trajectory 0 of train/a.hdf5",
    ]  # fmt: skip
    other = {
        name: torch.cat([v[:, :1], v[:, 1:] + 0.1 * torch.randn(v[:, 1:].shape)], 1) for name, v in own.fields.items()
    }
    write_well(root / "data/train/b.hdf5", replace(own, fields=other))
    assert not said(root, "is also")
