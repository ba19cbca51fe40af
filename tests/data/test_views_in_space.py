"""Windows of fields on three axes of space: cropped, shifted, mirrored, coarsened; and what the page shows of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.benchmark.samples import save_samples
from physrep.data import ClipDataset, Symmetries
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.simulation import SimulationConfig, simulate

WINDOWS = np.array([[0, 0], [1, 1]])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = SimulationConfig(
        trajectories=4,
        resolution=[16, 8, 12],
        frames=4,
        save_dt=1.0,
        splits=[0.5, 0.25, 0.25],
        allow_underresolved=True,
    )
    return Path(simulate("gray_scott_3d", tmp_path_factory.mktemp("space"), config, workers=1))


def train(root: Path, **settings) -> ClipDataset:
    return DataConfig(path=str(root), **settings).open_splits()["train"]


def test_a_crop_is_a_part_and_no_longer_periodic(root: Path) -> None:
    whole, part = train(root), train(root, crop={"x": [2, 10], "z": [4, 10]})
    assert part.shape == (8, 8, 6) and part.periodic == (False, True, False)
    fields, inner = whole.clip(WINDOWS, 3).fields, part.clip(WINDOWS, 3).fields
    assert torch.equal(fields[..., 2:10, :, 4:10], inner)


def test_shifts_and_mirrors_move_all_frames_alike(root: Path) -> None:
    data = train(root)
    plain = data.clip(WINDOWS, 3).fields
    seen = data.clip(WINDOWS, 3, 1, Symmetries(shift=True, flip=("x", "y", "z")), np.random.default_rng(0)).fields
    for one, other in zip(plain, seen, strict=True):
        found = [
            (i, j, k, flips)
            for flips in ((), (-1,), (-2,), (-3,), (-1, -2), (-1, -3), (-2, -3), (-1, -2, -3))
            for i in range(16) for j in range(8) for k in range(12)
            if torch.equal(one.roll((i, j, k), (-3, -2, -1)).flip(flips)[0, 0, 0, 0], other[0, 0, 0, 0])
            and torch.equal(one.roll((i, j, k), (-3, -2, -1)).flip(flips), other)
        ]  # fmt: skip
        assert len(found) == 1, found
    with pytest.raises(PhysrepError, match="transpose"):
        data.clip(WINDOWS, 3, 1, Symmetries(transpose=True), np.random.default_rng(0))


def test_a_coarser_grid_holds_the_long_waves(root: Path) -> None:
    fine, coarse = (
        train(root, **s).clip(WINDOWS, 3).fields for s in ({}, {"resolution": [8, 8, 6], "resample": "spectral"})
    )
    assert coarse.shape[3:] == (8, 8, 6)
    torch.testing.assert_close(coarse.mean((3, 4, 5)), fine.mean((3, 4, 5)), rtol=1e-5, atol=1e-6)


def test_the_page_gets_the_middle_plane(root: Path, tmp_path: Path) -> None:
    data = train(root)
    save_samples(tmp_path / "samples.npz", data)
    shown = np.load(tmp_path / "samples.npz")["fields"]
    assert shown.shape[1:] == (2, 4, 16, 8)
    planes = data.clip(np.array([[0, 0], [1, 0]]), 4).fields[..., 6].numpy()
    assert any(np.array_equal(shown[0], plane) for plane in planes)
