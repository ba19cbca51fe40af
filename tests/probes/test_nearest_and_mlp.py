import numpy as np
import pytest
import torch

from physrep.errors import PhysrepError
from physrep.probes import MLPProbe, NearestProbe


def curved(windows, seed, noise=0.0):
    """One label that is the square of a token channel: no linear function of the tokens' mean."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(windows, 1, 3, generator=generator)
    label = tokens[:, 0, :1].square() - 1
    return tokens, label + noise * torch.randn(windows, 1, generator=generator)


def test_neighbours_by_hand():
    tokens = torch.tensor([0.0, 1.0, 2.0, 10.0]).view(4, 1, 1)
    labels = torch.tensor([[0.0], [2.0], [4.0], [100.0]])
    probe = NearestProbe(neighbours=(1, 2), metrics=("euclidean",))
    # Between the first two windows both neighbours together are right.
    probe.fit(tokens, labels, torch.tensor([0.4]).view(1, 1, 1), torch.tensor([[1.0]]))
    assert probe.best_params_["neighbours"] == [2] and probe.best_params_["valid_mse"] == [0.0]
    assert probe.predict(torch.tensor([1.6, 9.0]).view(2, 1, 1)).tolist() == [[3.0], [52.0]]


def test_neighbours_equal_scikit_learn():
    from sklearn.neighbors import KNeighborsRegressor

    generator = torch.Generator().manual_seed(0)
    tokens, labels = torch.randn(50, 4, 3, generator=generator), torch.randn(50, 2, generator=generator)
    other = torch.randn(20, 4, 3, generator=generator)
    for metric in ("euclidean", "cosine"):
        probe = NearestProbe(neighbours=(5,), metrics=(metric,)).fit(tokens, labels, other, labels[:20])
        x, y = probe._features(tokens).numpy(), probe._features(other).numpy()
        expected = KNeighborsRegressor(5, metric=metric).fit(x, labels.numpy()).predict(y)
        np.testing.assert_allclose(probe.predict(other).numpy(), expected, atol=1e-6)


def test_each_parameter_has_its_own_k_and_metric():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(300, 1, 4, generator=generator)
    length = tokens[:, 0].norm(dim=1)
    noisy = tokens[:, 0, 0] + 2 * torch.randn(300, generator=generator)
    labels = torch.stack([length, noisy], 1)
    probe = NearestProbe().fit(tokens[:200], labels[:200], tokens[200:], labels[200:])
    assert probe.best_params_["metric"][0] == "euclidean"  # the cosine does not see a length
    assert probe.best_params_["neighbours"][1] > probe.best_params_["neighbours"][0]


def test_faults_of_neighbours():
    for options, message in (
        ({"metrics": ("manhattan",)}, "choose from euclidean, cosine"),
        ({"neighbours": (0,)}, "at least 1"),
    ):
        with pytest.raises(PhysrepError, match=message):
            NearestProbe(**options)
    tokens, labels = curved(4, 0)
    with pytest.raises(PhysrepError, match="only 4 training windows"):
        NearestProbe(neighbours=(8,)).fit(tokens, labels, tokens, labels)


def test_mlp_learns_what_a_line_cannot():
    from physrep.probes import RidgeProbe

    train, valid, test = curved(400, 0), curved(100, 1), curved(200, 2)
    probe = MLPProbe(learning_rates=(1e-2,), weight_decays=(0.01,), hidden=32, epochs=40).fit(*train, *valid)
    error = {}
    for name, fitted in (("mlp", probe), ("ridge", RidgeProbe().fit(*train, *valid))):
        error[name] = float((fitted.predict(test[0]) - test[1]).square().mean() / test[1].var())
    assert error["mlp"] < 0.1 and error["ridge"] > 0.8


def test_settings_trained_together_are_those_trained_alone():
    train, valid = curved(100, 0, 0.2), curved(40, 1, 0.2)
    options = {"hidden": 8, "epochs": 4, "weight_decays": (0.1,), "seed": 3}
    together = MLPProbe(learning_rates=(1e-3, 1e-2), **options).fit(*train, *valid)
    for entry in together.best_params_["grid"]:
        alone = MLPProbe(learning_rates=(entry["learning_rate"],), **options).fit(*train, *valid)
        assert alone.best_params_["valid_mse"] == pytest.approx(entry["valid_mse"], rel=1e-4)


def test_gaussian_head_finds_where_the_noise_is():
    """The noise is 0.2 on one side and 1 on the other."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1500, 1, 2, generator=generator)
    sigma = torch.where(x[:, 0, 0] > 0, 1.0, 0.2)
    y = (x[:, 0, 1] + sigma * torch.randn(1500, generator=generator))[:, None]
    options = {"learning_rates": (1e-2,), "weight_decays": (0.01,), "hidden": 32, "epochs": 40}
    probe = MLPProbe(head="gaussian", **options).fit(x[:1000], y[:1000], x[1000:1200], y[1000:1200])
    found, clear = probe.predict_std(x[1200:])[:, 0], x[1200:, 0, 0].abs() > 0.3
    for side, truth in ((x[1200:, 0, 0] > 0, 1.0), (x[1200:, 0, 0] <= 0, 0.2)):
        assert float(found[side & clear].median()) == pytest.approx(truth, rel=0.4)
    with pytest.raises(PhysrepError, match="head='gaussian'"):
        MLPProbe(**options).predict_std(x)
