"""Predictions of TRAJECTORIES that a probe did not see, without fitting it again for each, are those of a new fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from physrep.probes import (
    AttentiveProbeFit,
    KernelRidgeProbe,
    LogisticProbe,
    MLPProbe,
    NearestProbe,
    Probe,
    RidgeProbe,
)
from physrep.probes.valid_grid import ValidGrid, chosen_without

TRAJECTORIES = np.repeat(np.arange(60), 2)


def planted(windows: int, seed: int, width: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of two parameters, one of them not linear, with noise that the windows of a trajectory share."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randn(windows // 2, 2, generator=generator)
    hidden = torch.cat([labels, labels[:, :1] ** 2], 1) @ torch.randn(
        3, width, generator=torch.Generator().manual_seed(0)
    )
    tokens = (hidden + 0.5 * torch.randn(hidden.shape, generator=generator)).repeat_interleave(2, 0)
    tokens += 0.1 * torch.randn(tokens.shape, generator=generator)
    return tokens[:, None], labels.repeat_interleave(2, 0)


@pytest.mark.parametrize("width", [6, 150], ids=["few features", "more features than windows"])
@pytest.mark.parametrize("kind", [RidgeProbe, KernelRidgeProbe])
def test_left_out_predictions_are_those_of_a_fit_without_the_trajectory(kind: Any, width: int) -> None:
    (tokens, labels), valid = planted(120, 1, width), planted(60, 2, width)
    probe = kind().fit(tokens, labels, *valid)
    found, chosen = probe.predict_left_out(tokens, labels, TRAJECTORIES), probe.best_params_
    settings = [[part[p : p + 1] for name, part in chosen.items() if name in ("bandwidth", "penalty")] for p in (0, 1)]
    again = torch.empty_like(found)
    for number in range(60):
        own, rest = np.arange(2 * number, 2 * number + 2), np.r_[0 : 2 * number, 2 * number + 2 : 120]
        for p in (0, 1):
            one = kind(*settings[p]).fit(tokens[rest], labels[rest], *valid)
            again[own, p] = one.predict(tokens[own])[:, p].double()
    fitted = (probe.predict(tokens) - labels).abs().mean()
    assert (found - again).abs().mean() < 0.2 * (again - labels).abs().mean()
    errors = [float(((part - labels) ** 2).mean()) for part in (found, again)]
    assert 0.75 < errors[0] / errors[1] < 1.1 and (found - labels).abs().mean() > 1.1 * fitted


def test_nearest_neighbours_do_not_count_the_trajectory_itself() -> None:
    """Each window has a twin in its trajectory, whose label is its own."""
    tokens, labels = planted(120, 1)
    probe = NearestProbe([1]).fit(tokens, labels, *planted(60, 2))
    assert torch.equal(probe.predict(tokens), labels)
    found = probe.predict_left_out(tokens, labels, TRAJECTORIES)
    for window in (0, 31, 119):
        others = np.setdiff1d(np.arange(120), [window // 2 * 2, window // 2 * 2 + 1])
        again = NearestProbe([1]).fit(tokens, labels, *planted(60, 2))
        again._train, again._labels = again._train[others], again._labels[others]
        torch.testing.assert_close(found[[window]].float(), again.predict(tokens[[window]]))


@pytest.mark.parametrize(
    "probe",
    [RidgeProbe(), KernelRidgeProbe(), NearestProbe(), MLPProbe(epochs=3), AttentiveProbeFit(epochs=2)],
    ids=lambda probe: type(probe).__name__,
)
def test_folds_of_valid_are_predicted_by_what_is_best_on_the_others(probe: Probe) -> None:
    train, (tokens, labels) = planted(120, 1), planted(120, 2)
    probe.fit(*train, tokens, labels)
    assert probe.valid_grid_ is not None
    one = chosen_without(probe.valid_grid_, np.zeros(120, dtype=int))
    torch.testing.assert_close(one.float(), probe.predict(tokens), rtol=1e-3, atol=1e-4)
    apart = chosen_without(probe.valid_grid_, TRAJECTORIES % 10)
    assert ((apart - labels) ** 2).mean() >= ((one - labels) ** 2).mean() - 1e-9, "what was chosen on it is best on it"


def test_a_choice_among_many_settings_of_noise_is_seen_through() -> None:
    """Settings that say nothing: the best of 200 looks better than it is on what it was chosen on, and only there."""
    generator = torch.Generator().manual_seed(0)
    seen, honest = [], []
    for _ in range(40):
        target = torch.randn(60, 1, generator=generator, dtype=torch.float64)
        grids = ValidGrid.of_each(torch.randn(200, 60, 1, generator=generator, dtype=torch.float64), target)
        seen.append(float(((chosen_without(grids, np.zeros(60, dtype=int)) - target) ** 2).mean()))
        honest.append(float(((chosen_without(grids, np.arange(60) % 10) - target) ** 2).mean()))
    assert np.mean(seen) < 1.4
    assert np.mean(honest) == pytest.approx(2, abs=0.15), "the error of a guess that has nothing to do with the truth"


def test_classes_are_chosen_by_their_log_loss() -> None:
    tokens, labels = planted(200, 1)
    classes = (labels[:, :1] > 0).float()
    both = torch.cat([classes, labels[:, 1:]], 1)
    probe = LogisticProbe().fit(tokens[:120], both[:120], tokens[120:], both[120:])
    assert probe.valid_grid_ is not None and probe.predict_left_out(tokens, both, TRAJECTORIES) is None
    one = chosen_without(probe.valid_grid_, np.zeros(80, dtype=int))
    torch.testing.assert_close(one.float(), probe.predict(tokens[120:]), rtol=1e-4, atol=1e-5)
