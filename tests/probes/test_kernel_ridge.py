"""Kernel ridge: what ridge cannot read, exactness, choices per parameter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from physrep.errors import PhysrepError
from physrep.probes import KernelRidgeProbe, RidgeProbe


def curved(windows: int, seed: int) -> tuple[Tensor, Tensor]:
    """A label that bends with two features, among two that say nothing, and a linear one."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(windows, 1, 4, generator=generator)
    x = tokens[:, 0]
    labels = torch.stack([(2 * x[:, 0]).sin() + x[:, 1].square() - 1, x[:, 2]], 1)
    return tokens, labels + 0.05 * torch.randn(windows, 2, generator=generator)


def test_reads_a_curved_label_that_ridge_does_not():
    train, valid, test = curved(600, 0), curved(200, 1), curved(200, 2)
    errors = {}
    for probe in (RidgeProbe(), KernelRidgeProbe()):
        error = probe.fit(*train, *valid).predict(test[0]) - test[1]
        errors[type(probe)] = error.square().mean(0) / test[1].var(0)
    assert errors[RidgeProbe][0] > 0.7 and errors[KernelRidgeProbe][0] < 0.15
    assert errors[KernelRidgeProbe][1] < 0.05


def test_all_windows_as_centres_equal_scikit_learn():
    from sklearn.kernel_ridge import KernelRidge

    train, valid = curved(80, 0), curved(40, 1)
    probe = KernelRidgeProbe(bandwidths=(1.0,), alphas=(1e-3,)).fit(*train, *valid)
    x, y = probe._features(train[0]).numpy(), probe._features(valid[0]).numpy()
    offset = train[1].mean(0).numpy()
    other = KernelRidge(alpha=80 * 1e-3, kernel="rbf", gamma=0.5 / probe._unit**2)
    expected = other.fit(x, train[1].numpy() - offset).predict(y) + offset
    np.testing.assert_allclose(probe.predict(valid[0]).numpy(), expected, atol=1e-5)


def test_a_part_of_the_windows_as_centres_is_nearly_as_good():
    train, valid, test = curved(800, 0), curved(200, 1), curved(200, 2)
    errors = [
        float((KernelRidgeProbe(centres=n).fit(*train, *valid).predict(test[0]) - test[1]).square().mean())
        for n in (800, 200)
    ]
    assert errors[1] < 1.5 * errors[0]


def test_choices_are_made_per_parameter_on_valid():
    train, valid = curved(300, 0), curved(150, 1)
    # The second label is noise on train and valid alike: the smoothest function is best.
    generator = torch.Generator().manual_seed(0)
    noise = [torch.randn(len(part[1]), generator=generator) for part in (train, valid)]
    labels = [torch.stack([part[1][:, 0], own], 1) for part, own in zip((train, valid), noise, strict=True)]
    probe = KernelRidgeProbe().fit(train[0], labels[0], valid[0], labels[1])
    assert probe.best_params_["penalty"][1] > 100 * probe.best_params_["penalty"][0]
    assert len(probe.best_params_["bandwidth"]) == 2 and probe.best_params_["centres"] == 300
    shown = (probe.predict(valid[0]) - labels[1]).square().mean(0)
    torch.testing.assert_close(shown, torch.tensor(probe.best_params_["valid_mse"]), rtol=1e-4, atol=1e-5)


def test_equal_windows_and_faults():
    tokens, labels = torch.ones(20, 1, 3), torch.zeros(20, 1)
    assert KernelRidgeProbe().fit(tokens, labels, tokens, labels).predict(tokens).abs().max() < 1e-6
    for options in ({"bandwidths": (0.0,)}, {"alphas": ()}, {"centres": 1}):
        with pytest.raises(PhysrepError, match="kernel_ridge"):
            KernelRidgeProbe(**options)
