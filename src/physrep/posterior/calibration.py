r"""Is a posterior right about how sure it is? Simulation-based calibration and TARP, on test.

- **SBC**: the rank of the true parameter among L draws is uniform on 0..L if the posterior is calibrated in that
  parameter; a Kolmogorov-Smirnov test gives a p-value. Too narrow posteriors give ranks at both ends.
- **TARP**: with a random reference point r per trajectory, the share f of draws nearer to r than the truth is uniform
  if the posterior is calibrated jointly; ``coverage(c) = P(f < c)`` should be c.

Source: Talts et al., "Validating Bayesian inference algorithms with simulation-based calibration", 2018,
https://arxiv.org/abs/1804.06788; Lemos et al., "Sampling-based accuracy testing of posterior estimators for general
inference", 2023, https://arxiv.org/abs/2302.03026.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """What test said.

    Attributes:
        ranks: share of draws below the truth, in [0, 1], with shape ``(n, P)``.
        p_values: of uniform ranks, per parameter; below 0.05 / P the posterior is not calibrated.
        levels, coverage: of TARP; ``coverage[i]`` should be ``levels[i]``.
        tarp_p: p-value of TARP's shares being uniform.
        width: mean standard deviation of the draws, per parameter (z-scored: the prior has about 1).
    """

    ranks: np.ndarray
    p_values: np.ndarray
    levels: np.ndarray
    coverage: np.ndarray
    tarp_p: float
    width: np.ndarray


def calibrate(draws: np.ndarray, truth: np.ndarray, seed: int = 0) -> Calibration:
    """Both tests.

    Args:
        draws: of the posterior of every test trajectory, ``(L, n, P)``.
        truth: ``(n, P)``.
        seed: of ties and of the reference points, which are uniform in the box of the truths.
    """
    from scipy.stats import kstest

    generator = np.random.default_rng(seed)
    count = len(draws)
    # A rank r of L + 1 possible ones, spread evenly over its cell, is continuous and can be tested as such.
    ranks = ((draws < truth).sum(0) + generator.random(truth.shape)) / (count + 1)
    p_values = np.array([kstest(column, "uniform").pvalue for column in ranks.T])
    low, high = truth.min(0), truth.max(0)
    reference = low + (high - low) * generator.random(truth.shape)
    nearer = np.linalg.norm(draws - reference, axis=2) < np.linalg.norm(truth - reference, axis=1)
    shares = (nearer.sum(0) + generator.random(len(truth))) / (count + 1)
    levels = np.linspace(0.05, 0.95, 19)
    coverage = np.array([(shares < level).mean() for level in levels])
    return Calibration(ranks, p_values, levels, coverage, float(kstest(shares, "uniform").pvalue), draws.std(0).mean(0))
