"""Summary statistics of a trajectory: what neural posterior estimation conditions on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..metrics import cluster_means
from ..probes.base import Tokens
from ..probes.kernel_ridge import KernelRidgeProbe
from ..probes.moments import token_moments

FOLDS = 10
CENTRES = 768
"""Training trajectories that carry a kernel."""


class Summary:
    """One estimate per parameter, by kernel ridge regression on the mean moments of the tokens of a trajectory.

    Of all statistics with as many numbers as parameters, the posterior mean loses least in mean squared error. Training
    trajectories get estimates of a regression that was fitted without them, in folds: estimates of what was fitted
    are too good, and a flow that learns from them is too sure of itself. Valid is not looked at: what is chosen on it
    cannot calibrate on it.

    Source: Fearnhead and Prangle, "Constructing summary statistics for approximate Bayesian computation:
    semi-automatic approximate Bayesian computation", 2012, https://doi.org/10.1111/j.1467-9868.2011.01010.x.

    Args:
        seed: of the folds and of the centres.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, tokens: Tokens, trajectory: np.ndarray, theta: Tensor) -> Tensor:
        """Fit the regressions, and return the summaries of train ``(trajectories, P)``.

        Args:
            tokens: of the windows of train, ``(windows, N, D)``.
            trajectory: of every window.
            theta: z-scored parameters ``(trajectories, P)``, sorted by the number of the trajectory.
        """
        x = _features(tokens, trajectory)
        fold = np.random.default_rng(self.seed).permutation(len(x)) % FOLDS
        held = fold == 0
        choice = KernelRidgeProbe(centres=CENTRES, seed=self.seed).fit(
            x[~held], theta[~held], x[held], theta[held]
        ).best_params_  # fmt: skip
        self._probes: list[KernelRidgeProbe] = []
        out = torch.empty(theta.shape)
        for k, (bandwidth, penalty) in enumerate(zip(choice["bandwidth"], choice["penalty"], strict=True)):

            def fitted(rows: np.ndarray, k: int = k, h: float = bandwidth, a: float = penalty) -> KernelRidgeProbe:
                probe = KernelRidgeProbe((h,), (a,), CENTRES, self.seed)
                # With one setting there is nothing to choose, so the second pair only has to be there.
                return probe.fit(x[rows], theta[rows, k : k + 1], x[rows][:2], theta[rows, k : k + 1][:2])

            for number in range(FOLDS):
                out[fold == number, k] = fitted(fold != number).predict(x[fold == number])[:, 0]
            self._probes.append(fitted(np.ones(len(x), dtype=bool)))
        return out

    def __call__(self, tokens: Tokens, trajectory: np.ndarray) -> Tensor:
        """With shape ``(trajectories, P)``, float32, sorted by the number of the trajectory."""
        x = _features(tokens, trajectory)
        return torch.cat([probe.predict(x) for probe in self._probes], dim=1)


def _features(tokens: Tokens, trajectory: np.ndarray) -> Tensor:
    """Mean over its windows of the moments of the tokens, as one token ``(trajectories, 1, F)``."""
    means, _ = cluster_means(token_moments(tokens).numpy(), np.asarray(trajectory))
    return torch.from_numpy(means)[:, None]
