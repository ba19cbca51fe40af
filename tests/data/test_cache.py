"""The cache holds what the reader reads, notices changes, and survives being killed."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch

from physrep.data import ChannelStats, ClipDataset, SplitRequest, WellSplit, cached, open_clips, write_well
from physrep.data import cache as cache_module
from physrep.data import cache_plan as plan_module
from physrep.errors import PhysrepError

OPTIONS = [
    {},
    {"resolution": (4, 6)},
    {"resolution": (16, 9), "resample": "spectral"},
    {"fields": ["velocity", "tracer"], "parameters": ["Schmidt"], "crop": {"x": (1, 5)}},
    {"max_trajectories": 3},
]


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_cache_equals_reader(options, copy, dataset):
    root = dataset(periodic=(True, True))
    reader = WellSplit(root, "train", frames=3, stride=2, **options)
    clips = open_clips(root, "train", **options, cache_dir=root / "cache" if copy else None)
    assert clips.in_place == ("resolution" not in options and not copy)
    windows = clips.windows(3, 2)
    assert np.array_equal(windows, reader.windows)
    order = np.random.default_rng(0).permutation(len(windows))
    ours, reference = clips.clip(windows[order], 3), reader.clip(order)
    for name in ("fields", "parameters", "trajectory", "start"):
        assert torch.equal(getattr(ours, name), getattr(reference, name)), name
    for name in ("channels", "parameter_names", "dt", "dx", "periodic"):
        assert getattr(ours, name) == getattr(reference, name), name


def test_frame_step_and_names(dataset):
    root = dataset(fields={"c": 0, "u": 1, "D": 2})
    clips = open_clips(root, "train")
    reader = WellSplit(root, "train", frames=3, frame_step=2)
    clip = clips.clip(clips.windows(3, frame_step=2), 3, frame_step=2)
    assert torch.equal(clip.fields, reader.clip(range(len(reader))).fields) and clip.dt == reader.dt
    assert clips.components == ((), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1))
    assert len(clips) == clips.n_trajectories == 4 and clips.lengths.tolist() == [6] * 4


def test_half_precision_and_its_limit(dataset, trajectories):
    root = dataset()
    full, half = open_clips(root, "train", cache_dir=root), open_clips(root, "train", dtype="float16")
    assert (half.folder / "fields.npy").stat().st_size < 0.6 * (full.folder / "fields.npy").stat().st_size
    a, b = (clips.clip(clips.windows(2), 2).fields for clips in (full, half))
    assert b.dtype == torch.float32 and torch.equal(b, a.half().float())
    data = trajectories()
    data.fields["tracer"][0, 0, 0, 0] = 1e6
    write_well(root / "data/train/a.hdf5", data)
    with pytest.raises(PhysrepError, match="too large for float16"):
        open_clips(root, "train", dtype="float16")


def test_trajectories_of_different_length(dataset, trajectories):
    root = dataset()
    write_well(root / "data/train/c.hdf5", trajectories(frames=9, n=1, seed=7))
    clips, reader = open_clips(root, "train"), WellSplit(root, "train", frames=5, stride=2)
    assert clips.lengths.tolist() == [6, 6, 6, 6, 9]
    assert torch.equal(clips.clip(clips.windows(5, 2), 5).fields, reader.clip(range(len(reader))).fields)
    with pytest.raises(PhysrepError, match="reaches beyond its trajectory"):
        clips.clip(np.array([[4, 3], [0, 3]]), 5)


def _count_builds(monkeypatch):
    builds = []
    real = cache_module._build
    monkeypatch.setattr(cache_module, "_build", lambda *a: (builds.append(a[0]), real(*a))[1])
    return builds


def test_built_once_and_again_when_a_file_or_a_request_changes(dataset, trajectories, monkeypatch):
    root = dataset()
    builds = _count_builds(monkeypatch)
    first = open_clips(root, "train")
    open_clips(root, "train", parameters=["Schmidt"], max_trajectories=2)
    assert len(builds) == 1
    open_clips(root, "train", resolution=(4, 4))
    open_clips(root, "train", fields=["tracer"])
    open_clips(root, "train", dtype="float16")
    open_clips(root, "valid")
    assert len(builds) == 5
    os.utime(root / "data/train/b.hdf5", ns=(1, 1))
    assert open_clips(root, "train").folder != first.folder and len(builds) == 6
    changed = trajectories(seed=11)
    write_well(root / "data/train/b.hdf5", changed)
    clip = (clips := open_clips(root, "train")).clip(np.array([[2, 0]]), 2)
    assert len(builds) == 7 and torch.equal(clip.fields[0, 0], changed.fields["tracer"][0, :2])
    assert not np.array_equal(clips.parameters, first.parameters)
    (root / "data/train/b.hdf5").unlink()
    assert len(open_clips(root, "train")) == 2 and len(builds) == 8
    monkeypatch.setattr(plan_module, "CACHE_VERSION", 99)
    open_clips(root, "train")
    assert len(builds) == 9


@pytest.mark.parametrize("damage", ["no mark", "no data", "short data", "broken mark"])
def test_a_partial_cache_is_never_used(damage, dataset, monkeypatch):
    root = dataset()
    clips = open_clips(root, "train", cache_dir=root / "cache")
    expected = clips.clip(clips.windows(2), 2).fields
    data, mark = clips.folder / "fields.npy", clips.folder / "meta.json"
    if damage == "no mark":
        mark.unlink()
        data.write_bytes(b"\0" * data.stat().st_size)
    elif damage == "no data":
        data.unlink()
    elif damage == "short data":
        os.truncate(data, data.stat().st_size - 4)
    else:
        mark.write_text("{")
    builds = _count_builds(monkeypatch)
    clips = open_clips(root, "train", cache_dir=root / "cache")
    assert len(builds) == 1 and torch.equal(clips.clip(clips.windows(2), 2).fields, expected)


def test_killed_while_building(dataset):
    root = dataset()
    script = (
        "import os, signal\n"
        "from physrep.data import cache_copy, open_clips\n"
        "real, calls = cache_copy._write_trajectory, []\n"
        "def write(*a):\n"
        "    calls.append(a)\n"
        "    if len(calls) == 3: a[0].flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(*a)\n"
        "cache_copy._write_trajectory = write\n"
        f"open_clips({str(root)!r}, 'train', cache_dir={str(root / 'cache')!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    left = next(entry for entry in (root / "cache").iterdir() if entry.is_dir())
    assert (left / "fields.npy").is_file() and not (left / "meta.json").exists()
    clips, reader = open_clips(root, "train", cache_dir=root / "cache"), WellSplit(root, "train", frames=6)
    assert clips.folder == left
    assert torch.equal(clips.clip(clips.windows(6), 6).fields, reader.clip(range(4)).fields)


def test_another_file_of_the_same_size_and_time_is_noticed(dataset, trajectories):
    """As after unpacking another version of an archive whose files all have one time."""
    root = dataset()
    path, new = root / "data" / "train" / "b.hdf5", trajectories(seed=11)
    status = path.stat()
    before = [open_clips(root, "train"), open_clips(root, "train", cache_dir=root / "copies")]
    write_well(path, new)
    assert path.stat().st_size == status.st_size
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = [open_clips(root, "train"), open_clips(root, "train", cache_dir=root / "copies")]
    for old, clips in zip(before, after, strict=True):
        assert not np.array_equal(clips.parameters, old.parameters)
        assert torch.equal(clips.clip(np.array([[2, 0]]), 2).fields[0, 0], new.fields["tracer"][0, :2])


def test_a_file_that_changes_while_it_is_read(dataset, monkeypatch):
    root = dataset()
    real = cache_module._build

    def build(*arguments):
        real(*arguments)
        os.utime(root / "data/train/a.hdf5")

    monkeypatch.setattr(cache_module, "_build", build)
    with pytest.raises(PhysrepError, match="changed while they were read"):
        open_clips(root, "train")
    assert not list((root / "cache").glob("*/meta.json"))


def test_faulty_values_are_located_and_leave_nothing(dataset):
    root = dataset()
    with h5py.File(root / "data/train/b.hdf5", "r+") as file:
        file["t1_fields/velocity"][1, 4, 0, 0, 1] = np.nan
    with pytest.raises(PhysrepError, match=r"b.hdf5: field velocity_y of trajectory 1 .* frame 4"):
        open_clips(root, "train")
    assert not [entry for entry in (root / "cache").iterdir() if entry.is_dir()]


def test_too_small_a_disk(dataset, monkeypatch):
    root = dataset()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(PhysrepError, match="the cache needs"):
        open_clips(root, "train", cache_dir=root / "cache")
    assert not [entry for entry in (root / "cache").iterdir() if entry.is_dir()]


def test_cache_dir_that_cannot_be_written(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PhysrepError, match="cannot be written"):
        cached(dataset(), "train", SplitRequest(cache_dir=tmp_path / "file" / "cache"))


def test_another_folder_for_the_cache(dataset, tmp_path):
    root = dataset()
    assert open_clips(root, "train", cache_dir=tmp_path / "elsewhere").folder.parent == tmp_path / "elsewhere"
    assert not (root / "cache").exists()


def test_statistics_come_from_train_and_from_the_chosen_trajectories(dataset):
    root = dataset(n=3)
    train = open_clips(root, "train", max_trajectories=4)
    every = train.clip(train.windows(6), 6).fields.double().transpose(0, 1).reshape(4, -1)
    torch.testing.assert_close(train.mean, every.mean(1).float(), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(train.std, every.std(1, correction=0).float())
    valid = open_clips(root, "valid")
    with pytest.raises(PhysrepError, match=r"pass stats=train.stats"):
        _ = valid.mean
    valid = open_clips(root, "valid", stats=train.stats)
    assert torch.equal(valid.mean, train.mean) and torch.equal(valid.std, train.std)
    with pytest.raises(PhysrepError, match="the same fields"):
        open_clips(root, "valid", fields=["tracer"], stats=train.stats)
    again = ChannelStats.from_dict(train.stats.as_dict())
    assert again.channels == train.channels and torch.equal(again.mean, train.mean)


def test_constant_field_cannot_be_normalised(dataset):
    root = dataset()
    for name in "ab":
        with h5py.File(root / f"data/train/{name}.hdf5", "r+") as file:
            file["t0_fields/pressure"][...] = 0.1
    with pytest.raises(PhysrepError, match=r"field pressure is constant \(0.1\)"):
        _ = open_clips(root, "train").std
    assert open_clips(root, "train", fields=["tracer", "velocity"]).std.shape == (3,)


def test_a_dataset_sent_to_a_worker_maps_the_file_again(dataset):
    clips = open_clips(dataset(), "train")
    sent = pickle.dumps(clips)
    assert len(sent) < 5000 + 8 * clips.parameters.numel()
    copy = pickle.loads(sent)
    assert isinstance(copy, ClipDataset)
    assert torch.equal(copy.clip(copy.windows(2), 2).fields, clips.clip(clips.windows(2), 2).fields)


def test_two_processes_build_one_cache(dataset):
    root = dataset()
    script = f"from physrep.data import open_clips; print(open_clips({str(root)!r}, 'train').folder)"
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    folders = {process.communicate()[0].strip() for process in both}
    assert len(folders) == 1 and all(process.returncode == 0 for process in both)
