"""A fresh test: with ``test_seed`` the test trajectories are others, train and valid are bit for bit the same."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.simulation import SimulationConfig, simulate


def _fields(root: Path, split: str) -> np.ndarray:
    with h5py.File(next((root / "data" / split).glob("*.hdf5"))) as file:
        group = file["t0_fields"]
        assert isinstance(group, h5py.Group)
        return np.asarray(group[next(iter(group))])


def test_only_test_changes(tmp_path: Path) -> None:
    common = {"trajectories": 10, "resolution": [16, 16], "frames": 2, "splits": [0.6, 0.2, 0.2]}
    old = simulate("heat", tmp_path / "old", SimulationConfig(**common), workers=1)
    new = simulate("heat", tmp_path / "new", SimulationConfig(**common, test_seed=5), workers=1)
    for split in ("train", "valid"):
        assert np.array_equal(_fields(old, split), _fields(new, split))
    assert _fields(old, "test").shape == _fields(new, "test").shape
    assert not np.isclose(_fields(old, "test")[:, 0], _fields(new, "test")[:, 0]).all(axis=(1, 2)).any()
    with pytest.raises(PhysrepError, match="test_seed is 0, as seed"):
        simulate("heat", tmp_path / "same", SimulationConfig(**common, test_seed=0))
