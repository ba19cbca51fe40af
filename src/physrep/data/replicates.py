"""Replicates: trajectories of equal parameters and other initial conditions, found without telling the values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import PhysrepError
from .names import SPLITS
from .remote import RemotePath, as_path
from .scan import hdf5_files
from .wellfile import WellFile


def equal_rows(columns: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """A number per row that equal rows share, int64 ``(rows,)``.

    A row with a value that is not known (NaN) is equal to none, and without columns no two are.

    Args:
        columns: each ``(rows,)``; values are compared bit for bit.
        rows: how many there are.
    """
    if not columns:
        return np.arange(rows)
    table = np.stack(columns, 1)
    _, found = np.unique(table, axis=0, return_inverse=True)
    numbers = found.reshape(-1).astype(np.int64)
    unknown = ~np.isfinite(table).all(1)
    numbers[unknown] = len(table) + np.arange(int(unknown.sum()))
    return numbers


def replicate_partners(groups: np.ndarray) -> dict[int, np.ndarray]:
    """Number of every trajectory that has replicates to those of the others of its group, ascending.

    Args:
        groups: `ClipDataset.groups`.
    """
    found: dict[int, np.ndarray] = {}
    order = np.argsort(groups, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(members) > 1:
            found |= {int(member): np.sort(members[members != member]) for member in members}
    return dict(sorted(found.items()))


def assert_replicates_apart(root: str | Path | RemotePath) -> None:
    """Make sure that no group of replicates of train has a member in another split.

    A learner that is told which training trajectories share their parameters learns these groups by heart; scores on
    trajectories of the same groups would tell how well it remembers them.

    Args:
        root: of a data set in The Well's layout; a single file has no splits and passes.

    Raises:
        PhysrepError: one has; the sentence names both places.
    """
    folders = {split: as_path(root) / "data" / split for split in SPLITS}
    seen: dict[tuple[tuple[str, float], ...], tuple[str, str, int]] = {}
    for split, folder in folders.items():
        for path in hdf5_files(folder) if folder.is_dir() else []:
            with WellFile(path, glance=True) as file:
                columns = {name: np.asarray(file.parameters[name]) for name in sorted(file.parameters)}
                count = file.n_trajectories
            for index in range(count if columns else 0):
                key = tuple((name, float(values[index])) for name, values in columns.items())
                if split == "train":
                    seen.setdefault(key, (split, path.name, index))
                elif key in seen:
                    there, name, number = seen[key]
                    raise PhysrepError(
                        f"{root}: trajectory {index} of {split}/{path.name} has the parameters of trajectory {number} "
                        f"of {there}/{name}, and target: replicate tells the learner which share them; put all "
                        "trajectories of equal parameters into one split, or take another target."
                    )
