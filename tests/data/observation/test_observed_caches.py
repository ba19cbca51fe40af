"""Observed data on the way to learners: caches, windows, splits, leaks, settings."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from physrep.data import SplitRequest, assert_no_leaks, cached, open_clips
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError

SPEC = [{"fields": ["tracer"]}, {"blur": [0, 0.5]}, {"noise": [0.05, 0.2]}, {"crop": {"x": 6}}]


def _folder(root, observation=None, seed=0):
    return cached(root, "train", SplitRequest(), observation, seed).folder


def test_all_windows_see_the_same_noise(dataset):
    clips = open_clips(dataset(periodic=(True, True)), "train", observation=SPEC)
    assert clips.channels == ("tracer",) and clips.shape == (6, 12) and clips.periodic == (False, True)
    early, late = (clips.clip(np.array([[2, start]]), 3).fields for start in (1, 2))
    assert torch.equal(early[:, :, 1:], late[:, :, :-1])
    whole = clips.clip(np.array([[2, 0]]), 6).fields
    assert torch.equal(whole[:, :, 1:4], early)


def test_the_section_is_in_the_key_and_the_cache_says_what_it_holds(dataset):
    root = dataset()
    plain = _folder(root)
    folders = [
        _folder(root, SPEC),
        _folder(root, SPEC, 1),
        _folder(root, [*SPEC[:3]]),
    ]
    assert len({plain, *folders}) == 4 and _folder(root, []) == plain
    before = (folders[0] / "fields.npy").read_bytes()
    assert (folders[1] / "fields.npy").read_bytes() != before
    shutil.rmtree(folders[0])
    assert (_folder(root, SPEC) / "fields.npy").read_bytes() == before
    assert open_clips(root, "train", observation=SPEC).observation[0] == ["fields", {"names": ["tracer"]}]


def test_instrument_written_out_is_the_same_cache(dataset):
    root = dataset()
    short = _folder(root, [{"noise": 0.1}])
    assert _folder(root, [{"noise": {"level": 0.1}}]) == short


def test_fewer_frames_fewer_windows(dataset):
    clips = open_clips(dataset(), "train", observation=[{"frame_step": 2}])
    assert clips.lengths.tolist() == [3] * 4 and clips.dt == pytest.approx(1.0) and clips.stored_step == 2
    plain = open_clips(dataset(), "train")
    assert torch.equal(clips.frames_of(1), plain.frames_of(1)[:, ::2])
    with pytest.raises(PhysrepError, match="at most 3 frames"):
        clips.windows(4)


def test_noise_hides_no_leak(dataset):
    root = dataset()
    shutil.copy(root / "data" / "train" / "a.hdf5", root / "data" / "test" / "a.hdf5")
    config = DataConfig(path=str(root), observation=SPEC)
    with pytest.raises(PhysrepError, match="of test is frame"):
        assert_no_leaks(config.open_splits())


def test_disjoint_splits_pass_with_fewer_frames(dataset):
    assert_no_leaks(DataConfig(path=str(dataset()), observation=[{"frame_step": 2}, *SPEC]).open_splits())


def test_other_settings_for_test_are_allowed_where_the_grid_is_the_same(dataset):
    root = str(dataset())
    other = [{"noise": 0.5}]
    config = DataConfig(path=root, observation={"train": [{"noise": 0.1}], "test": other})
    splits = config.open_splits()
    assert splits["test"].observation != splits["train"].observation == splits["valid"].observation
    assert config.as_dict()["observation"]["test"] == other
    assert "observation" not in DataConfig(path=root).as_dict()
    with pytest.raises(PhysrepError, match="test has shape"):
        DataConfig(path=root, observation={"train": [], "test": [{"coarsen": 2}]}).open_splits()
    with pytest.raises(PhysrepError, match="tst is not"):
        DataConfig(path=root, observation={"train": [], "tst": []}).open_splits()
