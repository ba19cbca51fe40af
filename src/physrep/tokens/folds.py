"""Folds of trajectories that cover the range of a parameter alike."""

from __future__ import annotations

import numpy as np


def stratified_folds(values: np.ndarray, folds: int, seed: list[int]) -> np.ndarray:
    """Fold of every trajectory, with shape ``(n,)``.

    Trajectories are sorted by the value and cut into blocks of as many as there are folds; each block sends one
    trajectory to each fold, at random.

    Args:
        values: one parameter of each trajectory.
        folds: number of folds.
        seed: of the draws.
    """
    order = np.argsort(values, kind="stable")
    generator = np.random.default_rng(seed)
    drawn = np.concatenate([generator.permutation(folds) for _ in range(0, len(order), folds)])
    found = np.empty(len(order), dtype=np.int64)
    found[order] = drawn[: len(order)]
    return found


def name_seed(name: str) -> int:
    """A number that stands for a name, to seed draws."""
    return sum(name.encode())
