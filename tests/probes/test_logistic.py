"""Classes by cross-entropy: probabilities, classes that ridge on indicators masks, and the scores of labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from physrep.probes import LogisticProbe, RidgeProbe, evaluate
from physrep.probes.logistic import class_columns
from physrep.readout.state import pack, unpack
from physrep.tokens import LabelScaler, TokenStore

NAMES = ("regime=a", "regime=b", "regime=c", "Re")


def stores(n: int = 150, seed: int = 0) -> dict[str, TokenStore]:
    """Three classes on one line, a, b, c from left to right, and a number on another axis."""
    found = {}
    for k, split in enumerate(("train", "valid", "test")):
        draw = np.random.default_rng([seed, k])
        kind, number = draw.integers(0, 3, n), draw.normal(size=n)
        place = np.stack([kind - 1 + 0.15 * draw.normal(size=n), number, draw.normal(size=n)], 1)
        tokens = np.repeat(place, 2, 0)[:, None].astype(np.float32)
        labels = np.repeat(np.concatenate([np.eye(3)[kind], number[:, None]], 1), 2, 0)
        found[split] = TokenStore(tokens, labels, np.repeat(np.arange(n), 2), np.tile([0, 4], n), NAMES)
    return found


def scaler_of(train: TokenStore, names: tuple[str, ...] = NAMES) -> LabelScaler:
    columns = [NAMES.index(name) for name in names]
    return LabelScaler.fit(train.labels[:, columns], names, dict.fromkeys(names, "linear"))


def test_the_middle_class_is_found_where_ridge_masks_it() -> None:
    parts = stores()
    scaler = scaler_of(parts["train"])
    values = {}
    for name, probe in (("logistic", LogisticProbe()), ("ridge", RidgeProbe())):
        rows, predicted = evaluate(probe, parts, scaler, name=name, n_resamples=200)
        test = rows.query("split == 'test' and level == 'trajectory' and parameter == 'regime'").set_index("metric")
        values[name] = test["value"]
        inside = np.logical_and(test["ci_low"] <= test["value"], test["value"] <= test["ci_high"])
        assert bool(np.all(np.asarray(inside)))
        if name == "logistic":
            shown = predicted["test"].prediction_physical[:, :3]
            assert np.allclose(shown.sum(1), 1, atol=1e-4) and shown.min() >= -1e-4
            mean = rows.query(
                "split == 'test' and level == 'trajectory' and parameter == 'mean' and metric == 'accuracy'"
            )
            assert mean["value"].item() == test["value"]["accuracy"]
    assert values["logistic"]["accuracy"] > 0.97 and values["logistic"]["macro_f1"] > 0.97
    # Regressed on indicators the class between two others is never the largest.
    assert values["ridge"]["accuracy"] < 0.75


def test_numbers_are_read_by_ridge_and_a_fitted_probe_can_be_stored() -> None:
    parts = stores()
    scaler = scaler_of(parts["train"])
    labels = {s: scaler.transform(p.labels, p.parameter_names).float() for s, p in parts.items()}
    fit = (parts["train"].tokens, labels["train"], parts["valid"].tokens, labels["valid"])
    probe, ridge = LogisticProbe().fit(*fit), RidgeProbe().fit(*fit)
    assert probe.best_params_["numbers"] == [3]
    tokens = parts["test"].tokens
    assert torch.allclose(probe.predict(tokens)[:, 3], ridge.predict(tokens)[:, 3], atol=1e-3)
    tensors: dict[str, torch.Tensor] = {}
    again = unpack(pack(probe, tensors), tensors)
    assert torch.equal(again.predict(tokens), probe.predict(tokens))


def test_two_classes_have_one_indicator() -> None:
    parts = stores()
    own = {s: TokenStore(p.tokens, p.labels[:, [0]], p.trajectory, p.start, ("regime=a",)) for s, p in parts.items()}
    scaler = LabelScaler.fit(own["train"].labels, ("regime=a",), {"regime=a": "linear"})
    rows, predicted = evaluate(LogisticProbe(), own, scaler, name="logistic", n_resamples=100)
    p = predicted["test"].prediction_physical
    assert p.min() >= -1e-5 and p.max() <= 1 + 1e-5
    shares = rows.query("split == 'test' and metric == 'accuracy' and parameter == 'regime'")["value"]
    assert float(np.min(shares.to_numpy())) > 0.95


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [(0, 1, 2)]),
        ([[1, 0, 1], [0, 1, 1], [1, 0, 0]], [(0, 1), (2,)]),
        ([[0.1, 0], [0.2, 1], [0.3, 1]], [(1,)]),
        ([[0.1, 0.5], [0.2, 0.7], [0.3, 0.9]], []),
    ],
)
def test_columns_of_classes(columns: list[list[float]], expected: list[tuple[int, ...]]) -> None:
    assert class_columns(torch.tensor(columns, dtype=torch.float64)) == expected
