"""Windows that come straight from the files: the same numbers, no copy, and never those of other files."""

from __future__ import annotations

import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pytest
import torch

from physrep.data import ClipDataset, SplitRequest, Symmetries, check_cache_space, layout, open_clips
from physrep.data import cache_plan as plan_module
from physrep.data import frames as frames_module
from physrep.errors import PhysrepError
from tests.helpers.foreign_edit import foreign_edit

STORED = {
    "checksums": {"chunks": (1, 4, 8, 12), "fletcher32": True},
    "contiguous": {},
    "chunks across trajectories": {"chunks": (2, 5, 3, 12)},
    "float64": {"dtype": "f8"},
    "gzip": {"chunks": (1, 4, 8, 12), "compression": "gzip"},
    "other byte order": {"dtype": ">f4"},
}


def _store(path: Path, options: dict) -> None:
    """Store the fields of a file anew in another way."""
    with foreign_edit(path) as opened:
        file = cast(Any, opened)
        for group in ("t0_fields", "t1_fields"):
            for name, old in list(file[group].items()):
                values, attributes = old[()], dict(old.attrs)
                del file[group][name]
                own = options | (
                    {"chunks": (*options["chunks"], 2)} if group == "t1_fields" and "chunks" in options else {}
                )
                dtype = own.pop("dtype", "f4")
                new = file[group].create_dataset(name, data=values.astype(dtype), **own)
                new.attrs.update(attributes)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("part", [layout.PART, 1])
@pytest.mark.parametrize("stored", list(STORED))
def test_the_same_numbers_from_the_files_and_from_a_copy(stored, part, dataset, monkeypatch):
    monkeypatch.setattr(layout, "PART", part)
    root = dataset(periodic=(True, True))
    for path in (root / "data/train").glob("*.hdf5"):
        _store(path, STORED[stored])
    options: dict[str, Any] = {"fields": ["velocity", "tracer"]}
    clips, copy = open_clips(root, "train", **options), open_clips(root, "train", cache_dir=root / "copy", **options)
    assert clips.in_place == (stored not in ("gzip", "other byte order")) and not copy.in_place
    assert torch.equal(clips.mean, copy.mean) and torch.equal(clips.std, copy.std)
    for frames, step in ((2, 1), (3, 2), (6, 1)):
        windows = clips.windows(frames, frame_step=step)[::-1]
        assert torch.equal(clips.clip(windows, frames, step).fields, copy.clip(windows, frames, step).fields)
    seen = [
        c.clip(windows, 6, 1, Symmetries(shift=True, flip=("x",)), np.random.default_rng(0)).fields
        for c in (clips, copy)
    ]
    assert torch.equal(*seen) and torch.equal(clips.frames_of(3), copy.frames_of(3))
    if clips.in_place:
        assert check_cache_space(root, ["train"], SplitRequest(**options)) == 0
        assert _bytes(clips.folder) < 20_000 and not (clips.folder / "fields.npy").exists()


def test_files_are_listed_once_and_other_windows_open_nothing(dataset, monkeypatch):
    root = dataset()
    open_clips(root, "train")
    listed, opened = [], []
    whole, frames = plan_module.split_files, ClipDataset._open
    monkeypatch.setattr(plan_module, "split_files", lambda *at: listed.append(at) or whole(*at))
    monkeypatch.setattr(ClipDataset, "_open", lambda *at: opened.append(at) or frames(*at))
    clips = open_clips(root, "train")
    views = [clips.of_windows(2, stride) for stride in (1, 2)]
    assert len(listed) == 1 and len(opened) == 1
    assert torch.equal(views[1][1].fields, clips.clip(clips.windows(2, 2)[[1]], 2).fields)
    assert len(clips) == clips.n_trajectories, "the first keeps its own samples"


def test_few_files_are_open_and_threads_share_them(dataset, monkeypatch):
    root = dataset()
    monkeypatch.setattr(frames_module, "OPEN_FILES", 1)
    clips = open_clips(root, "train")
    windows = clips.windows(2)
    expected = clips.clip(windows, 2).fields
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(clips.clip, windows, 2) for _ in range(50)]
        assert all(torch.equal(job.result().fields, expected) for job in jobs)
    del jobs
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else set()
    again = pickle.loads(pickle.dumps(clips))
    assert torch.equal(again.clip(windows, 2).fields, expected)
    del clips, again
    if before:
        assert len(os.listdir("/proc/self/fd")) <= len(before)


def test_a_file_that_changed_or_went_is_an_error_and_not_another_number(dataset):
    root = dataset()
    clips = pickle.loads(pickle.dumps(open_clips(root, "train")))
    path = root / "data/train/b.hdf5"
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 100)
    with pytest.raises(PhysrepError, match=r"b.hdf5: has changed since its windows were indexed; run it again"):
        clips.clip(np.array([[2, 0]]), 2)
    assert clips.clip(np.array([[0, 0]]), 2).fields.shape[0] == 1
    path.unlink()
    with pytest.raises(PhysrepError, match=r"b.hdf5"):
        clips.clip(np.array([[2, 0]]), 2)


def test_data_that_move_take_their_index_along(dataset, tmp_path):
    root = dataset()
    clips = open_clips(root, "train")
    expected = clips.clip(clips.windows(2), 2).fields
    shutil.move(root, tmp_path / "moved")
    again = open_clips(tmp_path / "moved", "train")
    assert again.folder.name == clips.folder.name and torch.equal(again.clip(again.windows(2), 2).fields, expected)


def test_a_flipped_bit_is_found_before_a_window_is_read(dataset):
    root = dataset()
    path = root / "data/train/a.hdf5"
    with h5py.File(path) as file:
        offset = cast(Any, file["t0_fields/tracer"]).id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + 8] ^= 4
    path.write_bytes(data)
    with pytest.raises(PhysrepError, match="checksum does not match"):
        open_clips(root, "train")
    assert not list((root / "cache").glob("*/meta.json"))
