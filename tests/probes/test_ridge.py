import numpy as np
import pytest
import torch

from physrep.errors import PhysrepError
from physrep.probes import RidgeProbe
from physrep.probes.moments import token_moments
from physrep.probes.ridge import PENALTIES, STRONG_PENALTIES, Ridge, RidgePath


def test_moments_by_hand():
    tokens = torch.tensor([[[1.0, 0.0], [3.0, 0.0]]])
    assert token_moments(tokens).tolist() == [[2.0, 0.0, 1.0, 0.0]]
    assert token_moments(tokens[:, :1]).tolist() == [[1.0, 0.0]]


def planted(windows, seed, count=9, width=5, noise=0.0):
    """Labels linear in the mean of one channel and in the spread of another."""
    generator = torch.Generator().manual_seed(seed)
    spread = 0.5 + torch.rand(windows, 1, width, generator=generator)
    tokens = spread * torch.randn(windows, count, width, generator=generator)
    labels = torch.stack([3 * tokens[..., 0].mean(1) - 1, tokens[..., 1].std(1, correction=0)], dim=1)
    return tokens, labels + noise * torch.randn(windows, 2, generator=generator)


@pytest.mark.parametrize("windows", [200, 8], ids=["more windows than features", "fewer"])
def test_planted_linear_parameters_are_recovered(windows):
    train, valid, test = planted(windows, 0), planted(50, 1), planted(50, 2)
    error = (RidgeProbe().fit(*train, *valid).predict(test[0]) - test[1]).abs().max()
    assert error < 1e-3 if windows == 200 else torch.isfinite(error)


def test_equals_scikit_learn():
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    train, test = planted(60, 0, noise=0.3), planted(20, 1)
    features, features_test = token_moments(train[0]).numpy(), token_moments(test[0]).numpy()
    scaler = StandardScaler().fit(features)
    for penalty in (1e-3, 0.3):
        probe = RidgeProbe(alphas=(penalty,)).fit(*train, *test)
        model = Ridge(alpha=penalty * len(features)).fit(scaler.transform(features), train[1].numpy())
        np.testing.assert_allclose(probe.predict(test[0]), model.predict(scaler.transform(features_test)), rtol=1e-5)


def test_penalty_is_chosen_on_valid_for_each_parameter():
    # Many noise features and few windows: the noisy label needs a large penalty, the clean one a small one.
    tokens, labels = planted(40, 0, width=15)
    labels[:, 1] = torch.randn(40, generator=torch.Generator().manual_seed(9))
    tokens_valid, labels_valid = planted(200, 1, width=15)
    labels_valid[:, 1] = torch.randn(200, generator=torch.Generator().manual_seed(10))
    probe = RidgeProbe().fit(tokens, labels, tokens_valid, labels_valid)
    clean, noisy = probe.best_params_["penalty"]
    assert clean < 1e-2 < 1 < noisy
    # It is the best of the grid on valid, and the reported error is that of predict.
    errors = (probe.predict(tokens_valid) - labels_valid).square().mean(0)
    assert errors.tolist() == pytest.approx(probe.best_params_["valid_mse"], rel=1e-4)
    for penalty in probe.alphas:
        one = RidgeProbe(alphas=(penalty,)).fit(tokens, labels, tokens_valid, labels_valid)
        assert all(
            a >= b - 1e-9 for a, b in zip(one.best_params_["valid_mse"], probe.best_params_["valid_mse"], strict=True)
        )


def test_a_feature_that_is_rounding_around_zero_is_no_feature():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(200, 1, 4)), rng.normal(size=(200, 1))
    x[..., 0] = y
    x[..., 3] = 3e-9 * rng.normal(size=(200, 1))
    probe = RidgeProbe().fit(torch.tensor(x), torch.tensor(y), torch.tensor(x), torch.tensor(y))
    # Other data may round otherwise, e.g. once noise is added: nothing must happen.
    moved = x.copy()
    moved[..., 3] = 1e-3
    torch.testing.assert_close(probe.predict(torch.tensor(moved)), probe.predict(torch.tensor(x)))


def test_constant_channels_do_no_harm():
    train, valid, test = (planted(n, s) for n, s in ((100, 0), (40, 1), (40, 2)))
    for tokens, _ in (train, valid, test):
        tokens[..., 2] = 0.1
    # The same channel off by rounding at test time must not be divided by a spread of rounding.
    test[0][..., 2] += 1e-6
    assert (RidgeProbe().fit(*train, *valid).predict(test[0]) - test[1]).abs().max() < 1e-3


def test_half_precision_memory_map(tmp_path):
    tokens, labels = planted(100, 0)
    np.save(tmp_path / "tokens.npy", tokens.half().numpy())
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    probe = RidgeProbe().fit(mapped, labels, mapped, labels)
    assert (probe.predict(mapped) - labels).abs().max() < 2e-2


def test_faults_are_named():
    tokens, labels = planted(10, 0)
    with pytest.raises(PhysrepError, match=r"train tokens have the shape \(10, 9\)"):
        RidgeProbe().fit(tokens[..., 0], labels, tokens, labels)
    with pytest.raises(PhysrepError, match="do not match the 10 windows"):
        RidgeProbe().fit(tokens, labels[:5], tokens, labels)
    with pytest.raises(PhysrepError, match="valid labels hold NaN"):
        RidgeProbe().fit(tokens, labels, tokens, labels * torch.nan)
    with pytest.raises(PhysrepError, match="NaN"):
        RidgeProbe().fit(tokens * torch.nan, labels, tokens, labels)
    with pytest.raises(PhysrepError, match="fitted on"):
        RidgeProbe().fit(tokens, labels, tokens, labels).predict(tokens[..., :2])


def tuned(x, y, groups):
    """The inner loop of a nested cross-validation."""
    return Ridge(STRONG_PENALTIES).fit_grouped(x, y, groups)


def test_ridge_finds_a_planted_map_and_says_nothing_of_noise():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 300)) * generator.uniform(0.01, 100, 300)
    weights = np.zeros((300, 1))
    weights[:3, 0] = 1 / x[:, :3].std(0)
    groups, test = np.arange(60), np.arange(60, 80)
    found = tuned(np.concatenate([x[:60, :3], np.ones((60, 1))], 1), x[:60] @ weights, groups)
    planted = found.predict_array(np.concatenate([x[test, :3], np.ones((20, 1))], 1))
    assert np.abs(planted - x[test] @ weights).max() < 0.02
    # 300 features, 60 samples, no relation: tuned, it stays near the mean.
    noise = generator.normal(size=(60, 1))
    assert np.abs(tuned(x[:60], noise, groups).predict_array(x[test])).max() < 1.0


def test_both_forms_of_ridge_agree():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(30, 29)), generator.normal(size=(30, 2))
    for n in (28, 30):
        found = tuned(x[:n], y[:n], np.arange(n))
        z = (x[:n] - x[:n].mean(0)) / x[:n].std(0)
        for k, penalty in enumerate(found.penalty.tolist()):
            direct = np.linalg.solve(z.T @ z + penalty * n * np.eye(29), z.T @ (y[:n, k] - y[:n, k].mean()))
            assert np.allclose(found.weights[:, k], direct, atol=1e-8)
            assert np.allclose(found.coef_[k].numpy() * x[:n].std(0), direct, atol=1e-8)
        by_hand = x @ found.coef_.numpy().T + found.intercept_.numpy()
        assert np.allclose(found.predict_array(x), by_hand)


def test_each_target_gets_its_own_penalty():
    generator = np.random.default_rng(2)
    x = generator.normal(size=(60, 40))
    y = np.stack([x[:, 0], generator.normal(size=60)], 1)
    found = tuned(x, y, np.arange(60))
    assert found.penalty[0] < 0.1 < found.penalty[1]


@pytest.mark.parametrize(("rows", "features"), [(50, 8), (8, 50)])
def test_all_penalties_at_once_are_the_penalties_one_by_one(rows: int, features: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(rows, width, generator=generator, dtype=torch.float64) for width in (features, 3))
    path = RidgePath(x, y)
    single = torch.stack([path.weights(torch.tensor(a, dtype=torch.float64)) for a in PENALTIES])
    torch.testing.assert_close(path.along(PENALTIES), single, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(path.predict(x, PENALTIES), x @ single + y.mean(0), rtol=1e-8, atol=1e-9)
