"""Values that stand for nothing are found by `check` and refused by every reader, or replaced on request."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from physrep.data import WellSplit, check, compute_stats, exit_code, open_clips
from physrep.data.missing import suspects
from physrep.errors import PhysrepError
from tests.helpers.foreign_edit import foreign_edit

FIELD, VECTOR = "t0_fields/tracer", "t1_fields/velocity"


def _masked(path: Path, item: str, value: float, declare: str = "") -> np.ndarray:
    """Put ``value`` at a few points of all frames; returns the original values."""
    with foreign_edit(path) as file:
        original, attributes = file[item][()], dict(file[item].attrs)
        values = original.copy()
        values[:, :, 2:4, 3:6] = value
        del file[item]
        options = {"fillvalue": value} if declare == "hdf5" else {}
        file.create_dataset(item, data=values, **options)
        file[item].attrs.update(attributes)
        if declare and declare != "hdf5":
            file[item].attrs[declare] = np.float32(value)
    return original


def _refused(root: Path, path: Path, words: str, whole: bool = True) -> None:
    faults = check(path)
    assert exit_code(faults) == 1 and any(words in fault.problem for fault in faults), [str(f) for f in faults]
    readers = [lambda: WellSplit(root, "train", 6).clip([0]), lambda: open_clips(root, "train")]
    for reader in [*readers, lambda: compute_stats([path])] if whole else readers:
        with pytest.raises(PhysrepError, match=re.escape(words)) as caught:
            reader()
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("item", [FIELD, VECTOR])
@pytest.mark.parametrize("declare", ["_FillValue", "missing_value", "hdf5"])
def test_declared_fill_values(dataset, item, declare):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    # Within the range of the data, so that nothing but the declaration gives it away.
    _masked(path, item, 0.7, declare)
    _refused(root, path, "is 0.7, its declared fill value")


@pytest.mark.parametrize("item", [FIELD, VECTOR])
@pytest.mark.parametrize("value", [1e20, -9999.0, 9.969209968386869e36, -32768.0, 3e15])
def test_sentinels_that_nobody_declared(dataset, item, value):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    _masked(path, item, value)
    _refused(root, path, f"is {np.float32(value):.6g}, ")


def test_ordinary_extremes_are_data():
    generator = np.random.default_rng(0)
    noise = generator.normal(size=4096).astype(np.float32)
    for values in (
        noise,
        noise * 1e6,
        np.float32(101325) + np.float32(0.05) * noise,
        np.where(noise > 0, np.float32(1000), np.float32(1)),
        np.exp(5 * noise),
        np.where(noise > 3, np.float32(99), 30 * noise),
        np.where(noise > 0, np.float32(999), np.float32(1000) + noise),
        np.full(4096, -9999, np.float32),
        np.zeros(4096, np.float32),
    ):
        assert suspects(values, []) == []


@pytest.mark.parametrize(("first", "last", "found"), [(2, 3, True), (4, 6, True), (0, 2, True), (0, 1, False)])
@pytest.mark.parametrize("item", [FIELD, VECTOR])
def test_frames_that_were_never_written(dataset, item, first, last, found):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        file[item][1, first:last] = 0
    if found:
        frames = f"frame {first}" if last == first + 1 else f"frames {first} to {last - 1}"
        faults = check(path)
        assert [f.problem for f in faults] == [f"is 0 everywhere in {frames} of trajectory 1, as if never written"]
        for reader in (lambda: WellSplit(root, "train", 6).clip([1]), lambda: open_clips(root, "train")):
            with pytest.raises(PhysrepError, match=f"{frames} of trajectory 1, as if never written"):
                reader()
    else:
        assert check(path) == []
        open_clips(root, "train")


def test_a_trajectory_that_was_never_written(dataset):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        for item in (FIELD, VECTOR, "t0_fields/pressure"):
            file[item][1] = 0
    _refused_by_cache = "every field of trajectory 1 has one value everywhere and always"
    assert [f.problem for f in check(path) if f.severity == "error"] == [_refused_by_cache]
    with pytest.raises(PhysrepError, match=_refused_by_cache):
        open_clips(root, "train")


def test_a_field_may_fade(dataset):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        for frame in range(6):
            file[FIELD][:, frame] = file[FIELD][:, frame] * (1e-3**frame if frame < 5 else 0)
    assert check(path) == []


@pytest.mark.parametrize("value", [np.nan, -9999.0, 0.7])
def test_replaced_by_the_mean_of_the_frame_where_it_is_asked_for(dataset, capsys, value):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    original = _masked(path, FIELD, value, "_FillValue")
    clips = open_clips(root, "train", missing="mean")
    expected = original[1, 4].astype(np.float64)
    valid = np.ones_like(expected, dtype=bool)
    valid[2:4, 3:6] = False
    stored = clips.frames_of(1)[clips.channels.index("tracer"), 4].numpy()
    np.testing.assert_allclose(stored[~valid], expected[valid].mean(), rtol=1e-6)
    np.testing.assert_array_equal(stored[valid], original[1, 4][valid])
    assert clips.replaced == 2 * 6 * 6 and "cache train: 72 missing values" in capsys.readouterr().err
    streamed = WellSplit(root, "train", 6, missing="mean")
    np.testing.assert_array_equal(streamed.clip([1]).fields[0, clips.channels.index("tracer"), 4].numpy(), stored)
    # Other requests have caches of their own.
    with pytest.raises(PhysrepError, match="of trajectory 0 is"):
        open_clips(root, "train")


def test_a_frame_without_valid_points_is_refused_all_the_same(dataset):
    root = dataset()
    path = root / "data" / "train" / "a.hdf5"
    with foreign_edit(path) as file:
        file[FIELD][0, 3] = np.nan
    with pytest.raises(PhysrepError, match="frame 3 of trajectory 0 has no valid point of tracer"):
        open_clips(root, "train", missing="mean")
    with pytest.raises(PhysrepError, match="is 'median'; use 'refuse' or 'mean'"):
        open_clips(root, "train", missing="median")  # type: ignore[arg-type]


def test_a_small_variation_on_a_large_value_is_data(dataset, capsys):
    root = dataset()
    for split in ("train", "valid", "test"):
        for path in (root / "data" / split).iterdir():
            with foreign_edit(path) as file:
                attributes = dict(file["t0_fields/pressure"].attrs)
                values = 101325 + 0.05 * file["t0_fields/pressure"][()].astype(np.float64)
                del file["t0_fields/pressure"]
                file["t0_fields/pressure"] = values
                file["t0_fields/pressure"].attrs.update(attributes)
    stats = open_clips(root, "train").statistics
    assert 0.03 < float(stats.std[stats.channels.index("pressure")]) < 0.07
    told = capsys.readouterr().err
    assert "pressure varies between 10132" in told and "single precision keeps about" in told and "tracer" not in told
    warned = [fault for fault in check(root) if "single precision" in fault.problem]
    assert len(warned) == 4 and {fault.severity for fault in warned} == {"warning"}
