"""Planted tokens: what is in them is read, what is not is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from physrep.analyses import Context, Rows
from physrep.analyses.encoded import Encoded
from physrep.analyses.frame_quantities import frame_quantities
from physrep.analyses.similarity import Similarity
from physrep.analyses.targets import targets
from physrep.quantities.flow import FLOW
from tests.helpers.planted_energy import energy, linear_in_energy, noise, planted_context

ROTATION = torch.linalg.qr(torch.randn(9, 9, generator=torch.Generator().manual_seed(3)))[0]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return planted_context(
        tmp_path_factory.mktemp("planted"),
        {
            "energy": linear_in_energy,
            "noise": noise,
            "turned": lambda clip: 5 * linear_in_energy(clip) @ ROTATION + 2,
        },
    )


@pytest.fixture(scope="module")
def rows(context: Context) -> Rows:
    return Encoded().rows(context)


def r2(rows: Rows, run: str, quantity: str) -> float:
    return next(r["value"] for r in rows if (r["run"], r["quantity"], r["metric"]) == (run, quantity, "r2"))


def test_energy_in_the_tokens_is_read_and_noise_reads_nothing(rows: Rows) -> None:
    assert r2(rows, "energy-s0", "kinetic_energy") > 0.999
    assert r2(rows, "noise-s0", "kinetic_energy") < 0.05
    assert r2(rows, "noise-s0", "enstrophy") < 0.05


def test_the_reference_sees_parameters_only(rows: Rows) -> None:
    """The energy of a decaying wave is exp(-2 rate t): parameters and time tell it, but for its curvature."""
    assert 0.8 < r2(rows, "parameters", "kinetic_energy") < 0.999
    assert r2(rows, "parameters", "tracer_gradient") > 0.8


def test_rows_hold_intervals_and_measures_of_the_tokens(rows: Rows) -> None:
    for row in rows:
        if row["metric"] == "r2":
            assert row["ci_low"] <= row["value"] <= row["ci_high"] or row["value"] < 0.05, row
    ranks = {r["run"]: r["value"] for r in rows if r["metric"] == "participation_ratio"}
    assert 4 < ranks["noise-s0"] <= 6
    assert all(set(row) == set(Encoded.columns) for row in rows)


def test_quantities_are_those_of_the_windows(context: Context) -> None:
    store = context.stores(context.runs[0])["test"]
    found = frame_quantities(context)["test"]
    k = [q.name for q in found.quantities].index("kinetic_energy")
    clip = context.splits["test"].clip(np.stack([store.trajectory, store.start], 1), context.num_frames)
    np.testing.assert_allclose(np.log10(found.of_store(store, context)[:, k]), energy(clip).numpy(), rtol=1e-9)


def test_measured_files_are_reused_and_a_broken_one_is_made_again(context: Context) -> None:
    folder = context.out / "analyses" / "quantities"
    before = frame_quantities(context)["test"].values
    time = (folder / "test.npz").stat().st_mtime_ns
    frame_quantities(context)
    assert (folder / "test.npz").stat().st_mtime_ns == time
    (folder / "test.npz").write_bytes(b"half a file")
    np.testing.assert_array_equal(frame_quantities(context)["test"].values, before)


def test_targets_are_not_ruled_by_fields_that_died_out() -> None:
    values = {split: np.full((50, len(FLOW)), 2.0) for split in ("train", "valid", "test")}
    values["train"][:, 0] = np.linspace(1, 2, 50)
    values["test"][0, 0] = 0.0
    scaled, kept = targets(FLOW, values)
    assert kept == [0], "constant quantities are no targets"
    assert float(scaled["test"][0, 0]) == -5.0 and torch.isfinite(scaled["test"]).all()


def test_similarity_of_a_turned_copy_and_of_noise(context: Context) -> None:
    rows = {(r["run_a"], r["run_b"]): r["value"] for r in Similarity().rows(context)}
    assert rows["energy-s0", "turned-s0"] == pytest.approx(1.0, abs=1e-5)
    assert rows["turned-s0", "energy-s0"] == rows["energy-s0", "turned-s0"]
    assert abs(rows["energy-s0", "noise-s0"]) < 0.12
    assert rows["noise-s0", "noise-s0"] == pytest.approx(1.0)
    assert len(Similarity(most=10).rows(context)) == 9
