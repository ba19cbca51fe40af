"""Latent dynamics on planted truths: eigenvalues, order, baselines, an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest

from physrep.analyses.latent.dynamics import dmd_eigenvalues, fit_operator, shuffled_time, spectral_distance
from physrep.analyses.latent.rollout_scores import Scores, rollout_scores
from physrep.analyses.principal import principal

DECAY, TURN = (0.95, 0.8), 0.9 * np.exp(0.4j)
TRUTH = np.array([0.95, TURN, TURN.conjugate(), 0.8])


def planted(n: int = 40, steps: int = 14, noise: float = 0.0) -> np.ndarray:
    """Two decays and one damped rotation, seen through a random map into 20 numbers with a large mean."""
    generator = np.random.default_rng(0)
    a = np.zeros((4, 4))
    a[0, 0], a[1, 1] = DECAY
    a[2:, 2:] = [[TURN.real, -TURN.imag], [TURN.imag, TURN.real]]
    z = [generator.normal(size=(n, 4))]
    for _ in range(steps - 1):
        z.append(z[-1] @ a.T)
    x = np.stack(z, 1) @ generator.normal(size=(4, 20)) + 50
    return x + noise * generator.normal(size=x.shape)


def oscillators(n: int = 40, steps: int = 14) -> np.ndarray:
    """Standing waves: every mode one number that swings, its rate hidden. Eigenvalues exp(±iω)."""
    generator = np.random.default_rng(1)
    amplitude, phase = generator.normal(size=(n, 1, 3)), generator.uniform(0, 6, (n, 1, 3))
    t = np.arange(steps)[None, :, None]
    return amplitude * np.cos(np.array([0.5, 0.8, 1.1]) * t + phase) @ generator.normal(size=(3, 20)) + 50


def scores(x: np.ndarray, order: int, shuffle: bool = False, components: int = 8) -> Scores:
    axes = principal(x[:30], components)
    z, test = axes.project(x[:30]), axes.project(x[30:])
    operator = fit_operator(shuffled_time(z, 0) if shuffle else z, order)
    return rollout_scores(operator, test, z.mean(0), axes.mean @ axes.axes)


def skill(found: Scores) -> float:
    return 1 - found.error.sum() / found.best.sum()


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_known_eigenvalues_come_back(noise: float) -> None:
    x = planted(noise=noise)
    z = principal(x, 4).project(x)
    found = fit_operator(z, 1).eigenvalues
    assert spectral_distance(found, TRUTH) < (1e-6 if noise == 0 else 0.02)
    assert np.abs(found).max() == pytest.approx(0.95, abs=0.01)
    # The distance is not blind: another spectrum is far.
    assert spectral_distance(found, TRUTH * np.exp(0.2j)) > 0.1


def test_known_frequencies_of_a_second_order_system_come_back() -> None:
    x = oscillators()
    found = fit_operator(principal(x, 3).project(x), 2).eigenvalues
    assert np.allclose(np.sort(np.abs(np.angle(found))), np.repeat([0.5, 0.8, 1.1], 2), atol=1e-6)
    assert np.allclose(np.abs(found), 1, atol=1e-6)


@pytest.mark.parametrize("order", [1, 2])
def test_an_independent_implementation_finds_the_same_spectrum(order: int) -> None:
    z = principal(x := planted(noise=0.5), 6).project(x)
    assert spectral_distance(fit_operator(z, order).eigenvalues, dmd_eigenvalues(z, order)) < 1e-6


def test_only_a_second_order_system_gains_from_the_second_order() -> None:
    first, wave = planted(noise=0.05), oscillators()
    assert skill(scores(wave, 2)) - skill(scores(wave, 1)) > 0.5
    assert skill(scores(first, 1)) > 0.95
    assert abs(skill(scores(first, 2)) - skill(scores(first, 1))) < 0.02


def test_a_cosine_with_the_mean_left_in_says_nothing_and_shuffled_time_predicts_nothing() -> None:
    wave = scores(oscillators(), 1)
    assert wave.cosine.mean() > 0.98 and wave.still_cosine.mean() > 0.98
    assert skill(wave) < 0.5 and wave.centred.mean() < 0.8
    assert skill(scores(planted(), 1, shuffle=True)) < 0.3


def test_baselines_are_those_they_say() -> None:
    x = planted()
    found = scores(x, 1)
    still = np.square(x[30:, 2:] - x[30:, 1:2]).sum(-1)
    common = np.square(x[30:, 2:] - x[:30, 2:].mean(0)).sum(-1)
    assert np.allclose(found.still, still) and np.allclose(found.common, common)
    assert np.allclose(found.step_still, np.square(np.diff(x[30:, 1:], axis=1)).sum(-1))


def test_principal_components_agree_in_both_forms_and_drop_what_is_empty() -> None:
    x = np.random.default_rng(0).normal(size=(12, 3)) @ np.random.default_rng(1).normal(size=(3, 30))
    for frames in (x, np.concatenate([x] * 5)):
        axes = principal(frames, 10)
        assert axes.axes.shape == (30, 3)
        assert np.allclose(axes.project(frames) @ axes.axes.T + axes.mean, frames)
