"""Tokens of many windows on disk, with the labels of the windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PhysrepError
from ..files import read_json, read_record

META = "meta.json"
ARRAYS = ("tokens", "labels", "trajectory", "start")


@dataclass
class TokenStore:
    """Frozen tokens of the windows of one split; row i of every array belongs to window i.

    Attributes:
        tokens: shape ``(windows, N, D)``, memory-mapped when opened from disk.
        labels: raw physical parameters with shape ``(windows, P)``, float64.
        trajectory: index of the trajectory inside the split, with shape ``(windows,)``.
        start: first frame, with shape ``(windows,)``.
        parameter_names: names of the P columns of ``labels``.
        meta: what was embedded, as plain data; empty for a store made in memory.
    """

    tokens: np.ndarray
    labels: np.ndarray
    trajectory: np.ndarray
    start: np.ndarray
    parameter_names: tuple[str, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = [len(getattr(self, name)) for name in ARRAYS]
        if len(set(rows)) != 1 or rows[0] == 0:
            raise PhysrepError(f"a token store needs the same number of rows, at least 1, in every array, not {rows}.")

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def n_trajectories(self) -> int:
        """Number of different trajectories among the windows."""
        return len(np.unique(self.trajectory))

    @property
    def joined(self) -> bool:
        """Whether every window holds the token of all windows of its trajectory (`physrep.tokens.embed`)."""
        return bool(self.meta.get("request", {}).get("joined", False))

    def of_trajectories(self, numbers: np.ndarray) -> TokenStore:
        """The windows of some trajectories, numbered anew by their place in ``numbers``; the store itself if all are.

        Args:
            numbers: increasing.
        """
        rows = np.isin(self.trajectory, numbers)
        if rows.all() and np.array_equal(numbers, np.arange(len(numbers))):
            return self
        trajectory = np.searchsorted(numbers, self.trajectory[rows])
        return TokenStore(
            self.tokens[rows], self.labels[rows], trajectory, self.start[rows], self.parameter_names, self.meta
        )

    @classmethod
    def open(cls, folder: str | Path) -> TokenStore:
        """Open a complete store; its tokens stay on disk.

        Raises:
            PhysrepError: there is no complete store in the folder.
        """
        folder = Path(folder)
        if not is_complete(folder):
            raise PhysrepError(f"{folder}: holds no complete tokens; run `physrep embed` again.")
        meta = read_record(folder / META, "parameter_names")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r" if name == "tokens" else None) for name in ARRAYS}
        return cls(**arrays, parameter_names=tuple(meta["parameter_names"]), meta=meta)


def is_complete(folder: str | Path, key: str | None = None) -> bool:
    """Whether the folder holds a finished store (of this content key) whose files all have their full size."""
    folder = Path(folder)
    try:
        meta = read_json(folder / META)
        if key is not None and meta["key"] != key:
            return False
        return all((folder / f"{name}.npy").stat().st_size == meta["bytes"][name] for name in ARRAYS)
    except (PhysrepError, OSError, KeyError, TypeError):
        return False
