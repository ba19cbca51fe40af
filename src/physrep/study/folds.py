"""Outer folds of the nested cross-validation: by simulation, pairs kept together, parameters stratified.

Frames of one simulation are never on both sides, and neither are two simulations that start from the same field. Every
set is sorted by its first parameter and cut into blocks of as many simulations as there are folds; each block sends one
simulation to each fold, at random, so that all folds cover the range of the parameter evenly. Every simulation is in
test once per seed.
"""

from __future__ import annotations

import numpy as np

from .config import StudyConfig
from .data import StudyData


def fold_count(config: StudyConfig) -> int:
    """Number of outer folds, so that about the share ``test`` of the simulations is in test."""
    return max(2, round(1 / config.test))


def outer_folds(config: StudyConfig, data: StudyData, seed: int) -> np.ndarray:
    """Fold of every simulation, with shape ``(S,)``.

    Args:
        config: its ``test`` is the share of test.
        data: the simulations.
        seed: of the division.
    """
    folds = fold_count(config)
    of_number: dict[str, dict[int, int]] = {}
    for name, own in config.sets.items():
        if own.matched_to is None:
            rows = data.rows(name)
            first = next(iter(data.sets[name]["parameters"]))
            order = rows[np.argsort(data.parameter(first, rows), kind="stable")]
            generator = np.random.default_rng([seed, len(rows), sum(name.encode())])
            drawn = np.concatenate([generator.permutation(folds) for _ in range(0, len(order), folds)])
            numbers = [data.simulations[i]["number"] for i in order]
            of_number[name] = dict(zip(numbers, drawn.tolist(), strict=False))
    root = [config.sets[record["set"]].matched_to or record["set"] for record in data.simulations]
    return np.array([of_number[r][record["number"]] for r, record in zip(root, data.simulations, strict=True)])
