import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.probes import (
    AttentiveProbeFit,
    KernelRidgeProbe,
    MLPProbe,
    NearestProbe,
    RidgeProbe,
    code_length,
    control_task,
    evaluate,
    shuffled_labels,
)
from physrep.tokens import TokenStore
from tests.probes.test_fit import NAMES, scaler, splits

MLP = {"learning_rates": (1e-2,), "weight_decays": (0.3,), "hidden": 16, "epochs": 10}
ATTENTIVE = {"learning_rates": (3e-3,), "weight_decays": (0.3,), "epochs": 5, "mlp_ratio": 1.0}


def test_labels_are_exchanged_between_whole_trajectories():
    store = splits()["train"]
    mixed = shuffled_labels(store, seed=3)
    assert mixed.tokens is store.tokens and (mixed.labels != store.labels).any()
    for name in np.unique(store.trajectory):
        assert len(np.unique(mixed.labels[store.trajectory == name], axis=0)) == 1
    # The same sets of labels, columns together.
    assert sorted(map(tuple, mixed.labels)) == sorted(map(tuple, store.labels))
    assert (shuffled_labels(store, seed=3).labels == mixed.labels).all()


@pytest.mark.parametrize(
    "probe",
    [RidgeProbe(), KernelRidgeProbe(), NearestProbe(), MLPProbe(**MLP), AttentiveProbeFit(**ATTENTIVE)],
    ids=["ridge", "kernel_ridge", "knn", "mlp", "attentive"],
)
def test_control_scores_one_and_the_planted_parameter_is_selective(probe):
    stores = splits()
    control = control_task(probe, stores, scaler(stores), name="p", n_resamples=300)
    (row,) = (r for r in control.rows.to_dict("records") if (r["level"], r["split"], r["parameter"], r["metric"])
              == ("trajectory", "test", "mean", "mse"))  # fmt: skip
    # A constant scores 1 but for the few test trajectories, whose variance is not that of train.
    constant = float(np.mean(control.predictions["test"].target ** 2))
    assert row["value"] == pytest.approx(constant, rel=0.15)
    assert control.selectivity.low[-1] > (0.0 if isinstance(probe, AttentiveProbeFit) else 0.3)
    assert control.real.equals(evaluate(probe, stores, scaler(stores), name="p", n_resamples=300)[0])


def test_tokens_without_information_are_not_selective():
    stores = splits(shuffle=True)
    difference = control_task(RidgeProbe(), stores, scaler(stores), name="ridge", n_resamples=300).selectivity
    assert difference.low[-1] < 0 < difference.high[-1]


def test_code_length_of_a_known_channel():
    """Labels that tokens give up to noise of variance v take log2(1/v)/2 bits less than the prior's, block by block."""
    rng = np.random.default_rng(0)

    def store(n):
        z = rng.normal(size=(n, 1))
        tokens = np.concatenate([z + 0.1 * rng.normal(size=(n, 1)), rng.normal(size=(n, 1))], 1)[:, None]
        labels = np.concatenate([z, rng.normal(size=(n, 1))], 1)
        return TokenStore(tokens.astype(np.float32), labels, np.arange(n), np.zeros(n, int), NAMES)

    from physrep.tokens import LabelScaler

    stores = {"train": store(1600), "valid": store(400)}
    label_scaler = LabelScaler(NAMES, ("linear", "linear"), (0.0, 0.0), (1.0, 1.0))
    code = code_length(RidgeProbe(), stores, label_scaler)
    assert code.blocks == (0, 100, 200, 400, 800)
    later = code.prior_bits - code.block_bits[1:]
    np.testing.assert_allclose(later[:, 0], np.log2(101) / 2, atol=0.2)
    np.testing.assert_allclose(later[:, 1], 0.0, atol=0.1)
    # The first block is sent with the prior, so one sixteenth of the saving is lost.
    assert code.saved[0] == pytest.approx(15 / 16 * np.log2(101) / 2, abs=0.1)
    assert code.prior_bits == pytest.approx(np.log2(2 * np.pi * np.e) / 2, abs=0.05)


def test_code_length_needs_blocks():
    stores = splits()
    for fractions in ((0.5,), (0.5, 0.5, 1.0), (0.001, 1.0)):
        with pytest.raises(PhysrepError, match="give other fractions"):
            code_length(RidgeProbe(), stores, scaler(stores), fractions=fractions)
