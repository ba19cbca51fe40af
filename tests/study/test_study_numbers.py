"""Analyses on planted truths: probes, latent dynamics, the spatial head, splits."""

from __future__ import annotations

import numpy as np
import pytest
from study_settings import tiny_study

from physrep.study.analyse import signatures
from physrep.study.config import StudyConfig, read_config
from physrep.study.data import StudyData
from physrep.study.latent import koopman, spatial_head
from physrep.study.ridge import fit_ridge
from physrep.study.splits import split_rows


def test_ridge_finds_a_planted_map_and_says_nothing_of_noise() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 300)) * generator.uniform(0.01, 100, 300)
    weights = np.zeros((300, 1))
    weights[:3, 0] = 1 / x[:, :3].std(0)
    groups, test = np.arange(60), np.arange(60, 80)
    found = fit_ridge(np.concatenate([x[:60, :3], np.ones((60, 1))], 1), x[:60] @ weights, groups)
    planted = found.predict(np.concatenate([x[test, :3], np.ones((20, 1))], 1))
    assert np.abs(planted - x[test] @ weights).max() < 0.02
    # 300 features, 60 samples, no relation: tuned, it stays near the mean.
    noise = generator.normal(size=(60, 1))
    assert np.abs(fit_ridge(x[:60], noise, groups).predict(x[test])).max() < 1.0


def test_both_forms_of_ridge_agree() -> None:
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(30, 29)), generator.normal(size=(30, 2))
    for n in (28, 30):
        found = fit_ridge(x[:n], y[:n], np.arange(n))
        z = (x[:n] - x[:n].mean(0)) / x[:n].std(0)
        direct = np.linalg.solve(z.T @ z + found.penalty * n * np.eye(29), z.T @ (y[:n] - y[:n].mean(0)))
        assert np.allclose(found.weights, direct, atol=1e-8)


def oscillators(order: int, n: int = 40, steps: int = 14) -> np.ndarray:
    """Linear latent systems seen through a random map with a large mean."""
    generator = np.random.default_rng(order)
    embed = generator.normal(size=(3, 20))
    frequency = np.array([0.5, 0.8, 1.1])
    amplitude, phase = generator.normal(size=(n, 1, 3)), generator.uniform(0, 6, (n, 1, 3))
    t = np.arange(steps)[None, :, None]
    z = amplitude * (np.cos(frequency * t + phase) if order == 2 else np.exp(-0.2 * frequency * t))
    return z @ embed + 50


def test_latent_dynamics_of_the_right_order_are_exact_and_a_cosine_with_the_mean_says_nothing() -> None:
    train, test = np.arange(30), np.arange(30, 40)
    first = koopman(oscillators(1), train, test, 3)["order 1"]
    assert first["rollout_r2_mean_trajectory"] > 0.999 and first["rollout_r2_persistence"] > 0.999
    assert first["spectral_radius"] == pytest.approx(np.exp(-0.1), abs=1e-6)
    wave = koopman(oscillators(2), train, test, 3)
    assert wave["order 2"]["rollout_r2_mean_trajectory"] > 0.999
    assert wave["order 1"]["rollout_r2_mean_trajectory"] < 0.5
    assert wave["persistence_cosine"] > 0.98  # nothing moves, and yet
    shuffled = koopman(oscillators(1), train, test, 3, shuffle_time=0)["order 1"]
    assert shuffled["rollout_r2_mean_trajectory"] < 0.9


def test_the_spatial_head_knows_real_from_shuffled_diffusivities() -> None:
    generator = np.random.default_rng(3)
    alpha = generator.uniform(0.02, 0.2, 24)
    x = generator.normal(size=(24, 6, 8, 8, 2))
    for t in range(5):
        neighbours = sum(np.roll(x[:, t], s, a) for a in (1, 2) for s in (-1, 1))
        x[:, t + 1] = x[:, t] + alpha[:, None, None, None] * (neighbours - 4 * x[:, t])
    scores = spatial_head(x, alpha, np.arange(16), np.arange(16, 24))
    assert scores["real"] > 0.9999
    assert scores["shuffled"] < scores["none"] < 0.95


def study_of_pairs() -> tuple[StudyConfig, StudyData]:
    values = tiny_study()
    values["sets"] = {"wave": {"system": "damped_wave"}, "heat": {"system": "heat", "matched_to": "wave"}}
    config = read_config(values, "x")
    records = [
        {"set": name, "number": i, "parameters": {"p": float((7 * i) % 24)}} for name in config.sets for i in range(24)
    ]
    sets = {name: {"parameters": {"p": "linear"}} for name in config.sets}
    return config, StudyData(np.zeros((48, 1, 1, 1)), records, sets, "k")


def test_splits_keep_pairs_together_and_cover_the_range() -> None:
    config, data = study_of_pairs()
    seen = set()
    for seed in range(5):
        train, test = split_rows(config, data, seed)
        assert sorted([*train, *test]) == list(range(48)) and len(test) == 12
        numbers = [data.simulations[i]["number"] for i in test]
        assert sorted(numbers[:6]) == sorted(numbers[6:])
        # One of each block of four neighbouring values.
        values = sorted(data.simulations[i]["parameters"]["p"] // 4 for i in test[:6])
        assert values == [0, 1, 2, 3, 4, 5]
        seen.add(tuple(test))
    assert len(seen) > 1
    assert all(
        np.array_equal(a, b) for a, b in zip(split_rows(config, data, 3), split_rows(config, data, 3), strict=True)
    )


def test_signatures_do_not_change_with_unit_or_direction() -> None:
    frames = oscillators(1)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 20)))[0]
    assert np.allclose(signatures(frames), signatures(3 * frames @ rotation + 1), atol=1e-6)
    straight = np.arange(6.0)[None, :, None] * np.ones((4, 1, 3)) * np.arange(1, 5)[:, None, None]
    assert np.allclose(signatures(straight)[:, [0, 2, 3]], 1, atol=1e-6)
