"""Splits are exact, reproducible and disjoint; statistics are those of the whole training split."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pytest

from physrep.data import assert_disjoint, assign_splits, compute_stats, split_counts, write_well
from physrep.data import stats as stats_module
from physrep.errors import PhysrepError


@pytest.mark.parametrize(
    ("n", "fractions", "counts"),
    [
        (240, (0.8, 0.1, 0.1), (192, 24, 24)),
        (10, (0.8, 0.1, 0.1), (8, 1, 1)),
        (3, (0.8, 0.1, 0.1), (1, 1, 1)),
        (5, (0.8, 0.1, 0.1), (3, 1, 1)),
        (1300, (0.6, 0.2, 0.2), (780, 260, 260)),
        (7, (0.5, 0.5, 0.0), (4, 3, 0)),
        (1, (0.0, 0.0, 1.0), (0, 0, 1)),
    ],
)
def test_counts_are_exact(n, fractions, counts):
    assert split_counts(n, fractions) == counts
    assigned = assign_splits(n, 3, fractions)
    assert tuple(assigned.count(name) for name in ("train", "valid", "test")) == counts


def test_assignment_depends_on_the_seed_only():
    assert assign_splits(50, 0) == assign_splits(50, 0) != assign_splits(50, 1)


@pytest.mark.parametrize(("n", "fractions"), [(2, (0.8, 0.1, 0.1)), (9, (0.8, 0.1, 0.2)), (9, (1.2, -0.1, -0.1))])
def test_bad_fractions(n, fractions):
    with pytest.raises(PhysrepError):
        split_counts(n, fractions)


def test_leak_is_loud(dataset, trajectories):
    root = dataset()
    assert_disjoint(root)
    write_well(root / "data/valid/b.hdf5", trajectories(seed=1))
    with pytest.raises(PhysrepError, match=r"trajectory 0 of train/b.hdf5 is also trajectory 0 of valid/b.hdf5"):
        assert_disjoint(root)


def test_stats_equal_numpy_whatever_the_blocks(trajectories, tmp_path, monkeypatch):
    files, everything = [], []
    for seed in range(2):
        data = trajectories(seed=seed, frames=5 + seed, fields={"c": 0, "u": 1, "D": 2})
        data.fields["c"] += 1000.0
        files.append(tmp_path / f"{seed}.hdf5")
        write_well(files[-1], data)
        everything.append(data.fields)
    results = []
    for block in (1, 1 << 12, 1 << 30):
        monkeypatch.setattr(stats_module, "BLOCK_BYTES", block)
        results.append(compute_stats(files))
    for name, order in (("c", 0), ("u", 1), ("D", 2)):
        values = [part[name].double().numpy() for part in everything]
        tail = values[0].shape[values[0].ndim - order :]
        flat = np.concatenate([v.reshape(-1, *tail) for v in values])
        delta = np.concatenate([np.diff(v, axis=1).reshape(-1, *tail) for v in values])
        for result in results:
            for suffix, numbers in (("", flat), ("_delta", delta)):
                np.testing.assert_allclose(result["mean" + suffix][name], numbers.mean(0), atol=1e-9)
                np.testing.assert_allclose(result["std" + suffix][name], numbers.std(0), rtol=1e-9)
                np.testing.assert_allclose(result["rms" + suffix][name], np.sqrt((numbers**2).mean(0)), rtol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_the_well_normalises_with_our_stats(dataset):
    from the_well.data import WellDataset
    from the_well.data.normalization import ZScoreNormalization

    from physrep.data import write_stats

    root = dataset(fields={"c": 0, "u": 1, "D": 2}, frames=8)
    write_stats(root)
    well = WellDataset(
        path=str(root),
        well_split_name="train",
        use_normalization=True,
        normalization_type=ZScoreNormalization,
        n_steps_input=8,
        n_steps_output=0,
    )
    values = np.concatenate([well[i]["input_fields"].numpy().reshape(-1, 7) for i in range(len(well))])
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-5)


def test_stats_refuse_values_that_are_not_finite(trajectories, tmp_path):
    write_well(tmp_path / "a.hdf5", trajectories())
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        file["t0_fields/tracer"][1, 2, 0, 0] = math.inf
    with pytest.raises(PhysrepError, match="field tracer of trajectory 1 is NaN or infinite in frame 2"):
        compute_stats([tmp_path / "a.hdf5"])
