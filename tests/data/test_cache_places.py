"""Caches where the data cannot be written, or where the file system has no locks; and what small hints say."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import h5py
import pytest
import torch

from physrep.data import cache as cache_module
from physrep.data import check, exit_code, open_clips
from physrep.data.space import size_text
from physrep.errors import PhysrepError
from physrep.learners.build_encoder import embedding_dimension
from physrep.registry import resolve
from physrep.run_directory import load_run
from physrep.streams import say_once


@pytest.fixture
def no_locks(monkeypatch):
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    say_once.cache_clear()


def test_without_locks_caches_are_built_and_a_line_says_so(dataset, no_locks, capfd):
    root = dataset()
    clips = open_clips(root, "train")
    assert clips.n_trajectories == 4 and "its file system has no locks" in capfd.readouterr().err
    assert [entry.name for entry in (root / "cache").iterdir() if entry.is_dir()] == [clips.folder.name]
    assert open_clips(root, "train").folder == clips.folder


def test_without_locks_the_slower_of_two_builders_keeps_what_the_faster_made(dataset, no_locks, monkeypatch):
    root = dataset()
    describe, made = cache_module._describe, []

    def overtaken(*args):
        if not made:
            made.append(None)
            made.append(open_clips(root, "train").folder)
        return describe(*args)

    monkeypatch.setattr(cache_module, "_describe", overtaken)
    assert open_clips(root, "train").folder == made[1]
    assert len([entry for entry in (root / "cache").iterdir() if entry.is_dir()]) == 1


def test_a_file_is_read_where_hdf5_gets_no_lock(dataset, monkeypatch):
    path = dataset() / "data" / "train" / "a.hdf5"
    opened = h5py.File

    def refuse(name, mode="r", **options):
        if "locking" not in options:
            raise OSError(errno.ENOLCK, "Unable to synchronously open file (unable to lock file, errno = 37)")
        return opened(name, mode, **options)

    monkeypatch.setattr("physrep.data.open_hdf5.h5py.File", refuse)
    assert exit_code(check(path, time_limit=0)) == 0


def test_read_only_data_have_their_cache_elsewhere(dataset, tmp_path, monkeypatch, capfd):
    root = dataset()
    monkeypatch.setenv("PHYSREP_CACHE", str(tmp_path / "elsewhere"))
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: root not in (Path(path), *Path(path).parents) and access(path, mode)
    )
    clips = open_clips(root, "train")
    assert clips.folder.is_relative_to(tmp_path / "elsewhere") and not (root / "cache").exists()
    assert f"{root}: cannot be written, so its cache is in {tmp_path / 'elsewhere'}" in capfd.readouterr().err
    monkeypatch.undo()
    beside = open_clips(root, "train")
    assert beside.folder.is_relative_to(root)
    # A cache that lies beside the data is used there, though nothing can be written.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert open_clips(root, "train").folder == beside.folder


def test_sizes_are_never_zero():
    assert [size_text(n) for n in (800, 5.3e3, 2.5e6, 3.456e9)] == ["0.8 kB", "5.3 kB", "2.50 MB", "3.46 GB"]


class TimeFirst(torch.nn.Module):
    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        assert clips.shape[2] == 3, "three channels, please"
        return clips.flatten(2).mean(2)[:, None]


def test_causes_decide_the_sentence(tmp_path):
    with pytest.raises(PhysrepError, match=r"takes clips \(B, T, C, H, W\).*transpose\(1, 2\)"):
        embedding_dimension(TimeFirst(), 3, 8)
    with pytest.raises(PhysrepError, match="there is no module not_there; pip install it"):
        resolve("not_there.models:Encoder", {}, "encoder")
    for suffix in (".pth", ".safetensors"):
        (tmp_path / f"weights{suffix}").write_bytes(b"x")
        with pytest.raises(PhysrepError, match="physrep import-checkpoint"):
            load_run(tmp_path / f"weights{suffix}")
