"""Probes and folds on planted truths."""

from __future__ import annotations

import numpy as np
from study_settings import tiny_study

from physrep.study.config import StudyConfig, read_config
from physrep.study.data import StudyData
from physrep.study.folds import fold_count, outer_folds
from physrep.study.ridge import fit_ridge


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
        for k, penalty in enumerate(found.penalty):
            direct = np.linalg.solve(z.T @ z + penalty * n * np.eye(29), z.T @ (y[:n, k] - y[:n, k].mean()))
            assert np.allclose(found.weights[:, k], direct, atol=1e-8)


def study_of_pairs() -> tuple[StudyConfig, StudyData]:
    values = tiny_study()
    values["sets"] = {"wave": {"system": "damped_wave"}, "heat": {"system": "heat", "matched_to": "wave"}}
    config = read_config(values, "x")
    records = [
        {"set": name, "number": i, "parameters": {"p": float((7 * i) % 24)}} for name in config.sets for i in range(24)
    ]
    sets = {name: {"parameters": {"p": "linear"}} for name in config.sets}
    return config, StudyData(np.zeros((48, 1, 1, 1)), records, sets, "k")


def test_folds_keep_pairs_together_and_cover_the_range() -> None:
    config, data = study_of_pairs()
    seen = set()
    for seed in range(5):
        folds = outer_folds(config, data, seed)
        assert np.array_equal(folds, outer_folds(config, data, seed))
        assert np.array_equal(folds[:24], folds[24:]), "a pair is divided"
        for fold in range(fold_count(config)):
            # One of each block of four neighbouring values.
            values = sorted(data.simulations[i]["parameters"]["p"] // 4 for i in np.flatnonzero(folds[:24] == fold))
            assert values == [0, 1, 2, 3, 4, 5]
        seen.add(tuple(folds))
    assert len(seen) > 1


def test_each_target_gets_its_own_penalty() -> None:
    generator = np.random.default_rng(2)
    x = generator.normal(size=(60, 40))
    y = np.stack([x[:, 0], generator.normal(size=60)], 1)
    found = fit_ridge(x, y, np.arange(60))
    assert found.penalty[0] < 0.1 < found.penalty[1]
