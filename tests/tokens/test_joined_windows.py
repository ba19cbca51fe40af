"""Learners that join the windows of a trajectory: every window gets the token of all, whatever their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners.joined import encode_trajectories, joining, trajectory_batches
from physrep.tokens import LatentTrajectories, TokenStore, embed
from tests.helpers.joining_learner import Weighing


class Fields:
    """Windows of random fields that follow from trajectory and frame."""

    folder, channels, parameter_names, n_trajectories = Path("valid-0123456789abcdef"), ("a", "b"), ("Re",), 5

    def __init__(self, fails_at: int = 1000) -> None:
        self.fails_at, self.reads = fails_at, 0

    def clip(self, windows: np.ndarray, frames: int, frame_step: int = 1) -> Clip:
        self.reads += 1
        if self.reads > self.fails_at:
            raise OSError("the disk is gone")
        whole = torch.randn(5, 2, 12, 4, 4, generator=torch.Generator().manual_seed(0))
        fields = torch.stack([whole[i, :, s : s + frames] for i, s in windows.tolist()])
        trajectory, start = torch.from_numpy(windows.copy()).unbind(1)
        return Clip(fields, trajectory[:, None].double(), self.channels, self.parameter_names, 0.1, (1.0, 1.0),
                    (True, True), trajectory, start)  # fmt: skip


WINDOWS = np.array([(i, s) for i in range(5) for s in (0, 4, 8)])


def stored(out: Path, windows: np.ndarray = WINDOWS, joined: bool = True, **options: Any) -> TokenStore:
    learner = Weighing(2, join_windows=joined)
    options = {"dataset": Fields(), "batch_size": 4, **options}
    return embed(
        learner, options.pop("dataset"), windows, out, frames=4, encode=learner.encode, join=joining(learner), **options
    )


def test_every_window_gets_the_token_of_its_trajectory(tmp_path: Path) -> None:
    store = stored(tmp_path)
    each = Weighing(2).evidence(Fields().clip(WINDOWS, 4).blind()).unflatten(0, (5, 3))
    expected = torch.stack([each[..., 1].sum(1) / each[..., 0].sum(1), each[..., 0].sum(1)], 1)
    np.testing.assert_allclose(store.tokens[:, 0], expected.repeat_interleave(3, 0), rtol=1e-5)
    np.testing.assert_array_equal(store.labels[:, 0], WINDOWS[:, 0])
    assert store.joined and TokenStore.open(tmp_path).joined
    with pytest.raises(PhysrepError, match="joined to one token"):
        LatentTrajectories.of(store)


def test_neither_order_nor_batches_matter(tmp_path: Path) -> None:
    store = stored(tmp_path / "a")
    order = np.random.default_rng(0).permutation(len(WINDOWS))
    mixed = stored(tmp_path / "b", WINDOWS[order], batch_size=7)
    np.testing.assert_allclose(mixed.tokens, store.tokens[order], rtol=1e-6)
    np.testing.assert_array_equal(mixed.labels, store.labels[order])


def test_one_window_is_what_encode_gives_and_off_is_window_by_window(tmp_path: Path) -> None:
    alone = stored(tmp_path / "alone", WINDOWS[1::3])
    off = stored(tmp_path / "off", joined=False)
    assert off.meta["key"] != stored(tmp_path / "on").meta["key"] and not off.joined
    np.testing.assert_array_equal(off.tokens[1::3], alone.tokens)
    np.testing.assert_array_equal(off.tokens, Weighing(2).encode(Fields().clip(WINDOWS, 4)).numpy())


def test_what_was_interrupted_ends_the_same(tmp_path: Path) -> None:
    whole = np.array(stored(tmp_path / "whole").tokens)
    with pytest.raises(PhysrepError, match="disk is gone"):
        stored(tmp_path / "again", dataset=Fields(fails_at=3))
    np.testing.assert_array_equal(stored(tmp_path / "again").tokens, whole)


def test_a_clip_is_joined_by_its_trajectories_and_batches_hold_whole_ones(tmp_path: Path) -> None:
    learner, source = Weighing(2), Fields()
    whole = encode_trajectories(learner, source.clip(WINDOWS, 4))
    batches = list(trajectory_batches(learner, WINDOWS, 7))
    assert [len(rows) for rows in batches] == [6, 6, 3]
    torch.testing.assert_close(torch.cat([encode_trajectories(learner, source.clip(r, 4)) for r in batches]), whole)
    np.testing.assert_allclose(whole, stored(tmp_path).tokens, rtol=1e-6)
    assert [len(rows) for rows in trajectory_batches(learner, WINDOWS, 2)] == [3] * 5
    plain = Weighing(2, join_windows=False)
    assert [len(rows) for rows in trajectory_batches(plain, WINDOWS, 7)] == [7, 7, 1]
    torch.testing.assert_close(
        encode_trajectories(plain, source.clip(WINDOWS, 4)), plain.encode(source.clip(WINDOWS, 4))
    )
