import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch

from physrep.errors import PhysrepError
from physrep.metrics import mse
from physrep.probes import (
    PROBES,
    AttentiveProbeFit,
    KernelRidgeProbe,
    MLPProbe,
    NearestProbe,
    Probe,
    RidgeProbe,
    evaluate,
    load_predictions,
    save_predictions,
)
from physrep.tokens import LabelScaler, TokenStore

NAMES = ("Re", "Sc")
QUICK = {
    "ridge": RidgeProbe,
    "logistic": PROBES["logistic"],
    "attentive": lambda: AttentiveProbeFit(
        learning_rates=(3e-3,), weight_decays=(0.1,), epochs=3, batch_size=32, mlp_ratio=1.0
    ),
    "kernel_ridge": lambda: KernelRidgeProbe(bandwidths=(1.0, 4.0)),
    "knn": lambda: NearestProbe(neighbours=(1, 4)),
    "mlp": lambda: MLPProbe(learning_rates=(1e-2,), weight_decays=(0.1, 1.0), hidden=16, epochs=5),
}


def store(trajectories, seed, windows=4, shuffle=False):
    """Tokens that carry log10 Re and Sc linearly, with noise per window; labels in physical units."""
    rng = np.random.default_rng(seed)
    values = np.stack([rng.uniform(3, 5, trajectories), rng.uniform(0.1, 10, trajectories)], 1)
    trajectory = np.repeat(np.arange(trajectories), windows)
    tokens = rng.normal(size=(len(trajectory), 6, 8)).astype(np.float32)
    tokens[:, :, :2] = values[trajectory][:, None] + 0.1 * tokens[:, :, :2]
    if shuffle:
        values = rng.permutation(values)
    labels = np.stack([10 ** values[:, 0], values[:, 1]], 1)[trajectory]
    return TokenStore(tokens, labels, trajectory, np.tile(np.arange(windows), trajectories), NAMES)


def splits(**options):
    return {"train": store(60, 0, **options), "valid": store(20, 1, **options), "test": store(25, 2, **options)}


def scaler(stores):
    return LabelScaler.fit(stores["train"].labels, NAMES, {"Re": "log", "Sc": "linear"})


def table(rows):
    return {(row["level"], row["split"], row["parameter"], row["metric"]): row for row in rows.to_dict("records")}


@pytest.mark.parametrize("name", PROBES)
def test_contract_of_every_probe(name):
    stores = splits()
    probe = QUICK[name]()
    assert isinstance(probe, PROBES[name]) and isinstance(probe, Probe)
    assert list(inspect.signature(probe.fit).parameters) == ["tokens", "labels", "tokens_valid", "labels_valid"]
    rows, predictions = evaluate(probe, stores, scaler(stores), name=name, n_resamples=50)
    assert len(rows) == 2 * 2 * 3 * 2  # levels, splits, two parameters and their mean, mse and r2
    assert set(rows.columns) == {
        "probe", "level", "parameter", "split", "metric", "value", "ci_low", "ci_high",
        "n_trajectories", "n_train_trajectories",
    }  # fmt: skip
    assert ((rows["ci_low"] <= rows["value"]) & (rows["value"] <= rows["ci_high"])).all()
    assert set(rows["n_train_trajectories"]) == {60}
    assert predictions["test"].prediction.shape == (100, 2)
    assert probe.best_params_
    again, _ = evaluate(QUICK[name](), stores, scaler(stores), name=name, n_resamples=50)
    assert again.equals(rows)


def test_scores_of_a_planted_parameter():
    stores = splits()
    rows = table(evaluate(RidgeProbe(), stores, scaler(stores), name="ridge")[0])
    window, trajectory = (rows[level, "test", "mean", "mse"] for level in ("window", "trajectory"))
    assert trajectory["value"] < window["value"] < 0.02
    assert rows["window", "test", "Re", "r2"]["value"] > 0.98
    assert window["n_trajectories"] == 25
    mean = np.mean([rows["window", "test", name, "mse"]["value"] for name in NAMES])
    assert window["value"] == pytest.approx(mean)


@pytest.mark.parametrize("probe", [RidgeProbe, KernelRidgeProbe], ids=["ridge", "kernel_ridge"])
def test_shuffled_labels_score_one(probe):
    stores = splits(shuffle=True)
    scores, predictions = evaluate(probe(), stores, scaler(stores), name="p")
    rows = table(scores)
    # A constant scores 1 on the drawn labels; 25 test trajectories have a variance of their own.
    constant = float(np.mean(predictions["test"].target ** 2))
    for level in ("window", "trajectory"):
        row = rows[level, "test", "mean", "mse"]
        assert row["ci_low"] < constant < row["ci_high"] and row["value"] > 0.97 * constant
        assert rows[level, "test", "mean", "r2"]["value"] < 0.2


class GuardedStore(TokenStore):
    """Labels are NaN until the predictions are made."""

    predicted = False

    def __getattribute__(self, name):
        value = super().__getattribute__(name)
        return value * np.nan if name == "labels" and not super().__getattribute__("predicted") else value


class GuardedProbe(RidgeProbe):
    def __init__(self, guarded):
        super().__init__()
        self.guarded = guarded

    def predict(self, tokens):
        prediction = super().predict(tokens)
        self.guarded.predicted = tokens is self.guarded.tokens
        return prediction


def test_test_labels_are_read_after_all_predictions():
    stores = splits()
    guarded = GuardedStore(**vars(stores["test"]))
    label_scaler = scaler(stores)
    rows, _ = evaluate(GuardedProbe(guarded), {**stores, "test": guarded}, label_scaler, name="ridge", n_resamples=50)
    assert rows.equals(evaluate(RidgeProbe(), stores, label_scaler, name="ridge", n_resamples=50)[0])


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_shuffled_trajectory_ids_are_found(split):
    stores = splits()
    order = np.random.default_rng(0).permutation(len(stores[split]))
    shuffled = replace(stores[split], trajectory=stores[split].trajectory[order])
    with pytest.raises(PhysrepError, match=f"{split} tokens: windows of trajectory .* have different labels"):
        evaluate(RidgeProbe(), {**stores, split: shuffled}, scaler(stores), name="ridge", n_resamples=50)


def test_labels_are_found_by_name():
    stores = splits()
    expected = evaluate(RidgeProbe(), stores, scaler(stores), name="ridge", n_resamples=50)[0]
    test = stores["test"]
    swapped = TokenStore(test.tokens, test.labels[:, ::-1].copy(), test.trajectory, test.start, NAMES[::-1])
    found = evaluate(RidgeProbe(), {**stores, "test": swapped}, scaler(stores), name="ridge", n_resamples=50)[0]
    assert found.equals(expected)


def test_predictions_round_trip(tmp_path):
    stores = splits()
    rows, predictions = evaluate(RidgeProbe(), stores, scaler(stores), name="ridge", n_resamples=50)
    save_predictions(tmp_path / "predictions.npz", predictions)
    loaded = load_predictions(tmp_path / "predictions.npz")
    assert set(loaded) == {"valid", "test"} and loaded["test"].parameter_names == NAMES
    part = loaded["test"]
    np.testing.assert_allclose(part.target_physical, stores["test"].labels, rtol=1e-9)
    assert (part.trajectory == stores["test"].trajectory).all()
    assert mse(part.prediction, part.target)[0] == table(rows)["window", "test", "Re", "mse"]["value"]
    np.testing.assert_allclose(np.log10(part.prediction_physical[:, 0]), np.log10(part.target_physical[:, 0]), atol=0.2)
    (tmp_path / "broken.npz").write_bytes(b"PK broken")
    for name in ("broken.npz", "missing.npz"):
        with pytest.raises(PhysrepError, match="holds no predictions"):
            load_predictions(tmp_path / name)


def test_faults_are_named():
    stores = splits()
    label_scaler = scaler(stores)

    def fails(message, probe=None, **changed):
        with pytest.raises(PhysrepError, match=message):
            evaluate(probe or RidgeProbe(), {**stores, **changed}, label_scaler, name="ridge", n_resamples=10)

    with pytest.raises(PhysrepError, match="split 'test'"):
        evaluate(RidgeProbe(), {k: stores[k] for k in ("train", "valid")}, label_scaler, name="ridge")
    test = stores["test"]

    def with_tokens(tokens):
        return TokenStore(tokens, test.labels, test.trajectory, test.start, NAMES)

    fails("test tokens have the shape", test=with_tokens(test.tokens[:, 0]))
    fails("differ in shape", test=with_tokens(test.tokens[:, :3]))
    fails("NaN", test=with_tokens(test.tokens * np.nan))

    class Faulty(RidgeProbe):
        def predict(self, tokens):
            return super().predict(tokens) * torch.nan

    fails("it is faulty", probe=Faulty())
    with pytest.raises(PhysrepError, match="same number of rows"):
        TokenStore(test.tokens, test.labels[:3], test.trajectory, test.start, NAMES)
