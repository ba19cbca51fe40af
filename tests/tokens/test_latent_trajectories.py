"""Windows put together along their trajectories: places and times kept, whatever the order on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.tokens import LatentTrajectories, TokenStore, joined_stores


def store(starts: list[int], frames: int, grid: list[int] | None, count: int = 3) -> TokenStore:
    """Token i of a window that starts at s of trajectory n holds (n, s, i)."""
    windows = np.stack([np.repeat(np.arange(count), len(starts)), np.tile(starts, count)], 1)
    tokens = 8
    values = np.zeros((len(windows), tokens, 3), np.float32)
    values[..., :2] = windows[:, None]
    values[..., 2] = np.arange(tokens)
    meta: dict[str, Any] = {"request": {"frames": frames, "frame_step": 1}, "grid": grid}
    return TokenStore(values, windows[:, :1].astype(float), windows[:, 0], windows[:, 1], ("p",), meta)


def test_windows_apart_give_as_many_times_as_their_tokens() -> None:
    found = LatentTrajectories.of(store([0, 4], 4, [2, 2, 2]))
    assert found.frames.shape == (3, 4, 3) and found.times.tolist() == [0.5, 2.5, 4.5, 6.5]
    assert found.frames[1].tolist() == [[1, 0, 1.5], [1, 0, 5.5], [1, 4, 1.5], [1, 4, 5.5]]
    assert found.grid is not None and found.grid.shape == (3, 4, 2, 2, 3)
    assert found.grid[2, 1, 1, 0].tolist() == [2, 0, 6]
    flat = LatentTrajectories.of(store([0, 4], 4, [2, 2, 2]), flat=True)
    assert flat.frames.shape == (3, 4, 12) and flat.frames[2, 1, 6:9].tolist() == [2, 0, 6]


@pytest.mark.parametrize("grid", [[2, 2, 2], None])
def test_windows_that_overlap_are_one_time_each(grid: list[int] | None) -> None:
    found = LatentTrajectories.of(store([0, 2], 4, grid))
    assert found.frames.shape == (3, 2, 3) and found.times.tolist() == [1.5, 3.5]
    assert found.frames[0].tolist() == [[0, 0, 3.5], [0, 2, 3.5]]
    assert (found.grid is None) == (grid is None)
    if found.grid is not None:
        assert found.grid.shape == (3, 2, 2, 2, 3) and found.grid[1, 0, 0, 1].tolist() == [1, 0, 3]


def test_the_order_on_disk_does_not_matter() -> None:
    whole = store([0, 4], 4, [2, 2, 2])
    order = np.random.default_rng(0).permutation(len(whole))
    mixed = TokenStore(
        whole.tokens[order], whole.labels[order], whole.trajectory[order], whole.start[order], ("p",), whole.meta
    )
    assert np.array_equal(LatentTrajectories.of(mixed).frames, LatentTrajectories.of(whole).frames)


def test_splits_are_joined_and_unequal_lengths_are_refused() -> None:
    part = LatentTrajectories.of(store([0, 4], 4, [2, 2, 2]))
    assert joined_stores([part, part]).frames.shape == (6, 4, 3)
    with pytest.raises(PhysrepError, match="different lengths"):
        joined_stores([part, LatentTrajectories.of(store([0], 4, [2, 2, 2]))])
    uneven = store([0, 4], 4, None)
    shorter = TokenStore(
        uneven.tokens[:-1], uneven.labels[:-1], uneven.trajectory[:-1], uneven.start[:-1], ("p",), uneven.meta
    )
    with pytest.raises(PhysrepError, match="different lengths"):
        LatentTrajectories.of(shorter)
