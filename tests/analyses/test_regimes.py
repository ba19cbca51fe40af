"""Regimes: thresholds cut where they say, separable tokens are classified, shuffled labels are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from physrep.analyses import Context, Rows
from physrep.analyses.classifier import fit_classes
from physrep.analyses.regime_rules import REGIMES, Frames, Regimes
from physrep.analyses.regimes import RegimeClassification, choose_regimes, classifier_rows
from tests.helpers.planted_energy import linear_in_energy, noise, planted_context

BORDERS = (0.02, 0.1)
"""Kinetic energies between the planted regimes of the decaying waves."""


def by_energy(frames: Frames) -> np.ndarray:
    return np.digitize(np.exp(np.log(frames["kinetic_energy"]).mean(1)), BORDERS)


RULES = Regimes(("weak", "middle", "strong"), ("kinetic_energy",), by_energy, "by energy")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return planted_context(tmp_path_factory.mktemp("planted"), {"energy": linear_in_energy, "noise": noise}, n=90)


@pytest.fixture(scope="module")
def rows(context: Context) -> Rows:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(REGIMES, "waves", RULES)
        return RegimeClassification().rows(context)


def value(rows: Rows, run: str, metric: str) -> float:
    return next(row["value"] for row in rows if (row["run"], row["metric"]) == (run, metric))


def test_separable_tokens_are_classified_and_noise_is_not(rows: Rows) -> None:
    assert value(rows, "energy-s0", "macro_f1") > 0.9
    assert value(rows, "energy-s0", "log_loss") < 0.3
    assert value(rows, "noise-s0", "macro_f1") < 0.5
    assert value(rows, "majority", "balanced_accuracy") == pytest.approx(1 / 3)
    # Noise cannot be better than the shares of the classes, and may not claim to be.
    assert value(rows, "noise-s0", "log_loss") > value(rows, "majority", "log_loss") - 0.05


def test_confusion_counts_are_all_windows(rows: Rows) -> None:
    for run in ("energy-s0", "noise-s0", "majority"):
        counts = [row["value"] for row in rows if row["run"] == run and row["metric"] == "confusion"]
        assert len(counts) == 9 and sum(counts) == rows[0]["n_windows"]
    assert all(set(row) == set(RegimeClassification.columns) for row in rows)


def separable(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    target = draw.integers(0, 3, count)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return np.hstack([centres[target] + draw.standard_normal((count, 2)), draw.standard_normal((count, 5))]), target


def test_separable_classes_give_one_and_shuffled_labels_chance() -> None:
    parts = {split: separable(600, k) for k, split in enumerate(("train", "valid", "test"))}
    features, target = ({split: part[i] for split, part in parts.items()} for i in (0, 1))
    probability, _ = fit_classes(features, target, 3)
    rows = classifier_rows({"run": "x"}, probability, target["test"], np.arange(600) // 3, ("a", "b", "c"), 200)
    assert value(rows, "x", "macro_f1") > 0.995 and value(rows, "x", "calibration_error") < 0.02
    shuffled = {split: np.random.default_rng(k).permutation(part) for k, (split, part) in enumerate(target.items())}
    probability, strength = fit_classes(features, shuffled, 3)
    rows = classifier_rows({"run": "x"}, probability, shuffled["test"], np.arange(600) // 3, ("a", "b", "c"), 200)
    assert value(rows, "x", "balanced_accuracy") == pytest.approx(1 / 3, abs=0.06)
    assert value(rows, "x", "calibration_error") < 0.08 and strength < 1


def test_probabilities_of_overlapping_classes_are_calibrated() -> None:
    draw = np.random.default_rng(5)
    parts = {}
    for split in ("train", "valid", "test"):
        x = draw.standard_normal((3000, 2))
        parts[split] = (x, (draw.random(3000) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(int))
    features, target = ({split: part[i] for split, part in parts.items()} for i in (0, 1))
    probability, _ = fit_classes(features, target, 2)
    rows = classifier_rows({"run": "x"}, probability, target["test"], np.arange(3000), ("a", "b"), 50)
    assert value(rows, "x", "calibration_error") < 0.03


def test_rare_regimes_are_dropped_and_said_so() -> None:
    raw = {"train": np.array([0] * 9 + [1] * 9 + [2] * 2), "valid": np.array([0, 2]), "test": np.array([1, 2, 0])}
    trajectories = {split: np.arange(len(part)) for split, part in raw.items()}
    labels, names, notes = choose_regimes(raw, trajectories, RULES, 5)
    assert names == ("weak", "middle") and labels["test"].tolist() == [1, -1, 0]
    assert notes == ["The regime strong has 2 trajectories in train, fewer than 5: its windows were left out."]
    # Many windows of few trajectories are few.
    _, names, _ = choose_regimes(raw, {**trajectories, "train": np.zeros(20)}, RULES, 2)
    assert names == ()


def test_one_regime_gives_no_rows_but_a_sentence(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    only = Regimes(RULES.names, RULES.needs, lambda frames: np.zeros(len(frames["kinetic_energy"]), int), "one")
    monkeypatch.setitem(REGIMES, "waves", only)
    assert RegimeClassification().rows(context) == []
    sentences = json.loads((context.out / "analyses" / "regimes_note.json").read_text())["sentences"]
    assert sentences[-1].startswith("Of the regimes weak, middle, strong, only weak is left")


def test_a_system_without_rule_gives_a_sentence(context: Context) -> None:
    assert RegimeClassification().rows(context) == []
    note = Path(context.out / "analyses" / "regimes_note.json").read_text()
    assert "No rule says which regimes waves has" in note


def frames(**values: list[float]) -> dict[str, np.ndarray]:
    """Windows of 4 equal frames."""
    return {name: np.repeat(np.array(own)[:, None], 4, axis=1) for name, own in values.items()}


def test_thresholds_cut_where_they_say() -> None:
    flow = frames(
        perturbation_energy=[0.009, 0.02, 0.02, 0.02], layer_energy=[1.0, 1.0, 1.0, 1.0], layer_shear=[2.0] * 4,
        production=[1.0, 0.051 * 0.04, 0.049 * 0.04, -1.0],
    )  # fmt: skip
    assert [REGIMES["shear_flow"].names[k] for k in REGIMES["shear_flow"].rule(flow)] == [
        "laminar", "rolling_up", "decaying", "decaying",
    ]  # fmt: skip
    nusselt = {"nusselt": np.array([[1.05] * 4, [0.8] * 4, [2.0, 2.1, 2.0, 2.1], [2.0, 3.0, 2.0, 3.0]])}
    assert [REGIMES["rayleigh_benard"].names[k] for k in REGIMES["rayleigh_benard"].rule(nusselt)] == [
        "conductive", "steady", "steady", "unsteady",
    ]  # fmt: skip
    rods = frames(order=[0.19, 0.5, 0.5], enstrophy=[5.0, 0.079, 0.081])
    assert [REGIMES["active_matter"].names[k] for k in REGIMES["active_matter"].rule(rods)] == [
        "isotropic", "nematic", "turbulent",
    ]  # fmt: skip
