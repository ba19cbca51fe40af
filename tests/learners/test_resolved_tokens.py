"""Logarithms are tokens only of coefficients that windows tell from 0 where they are smallest."""

from __future__ import annotations

import torch

from physrep.learners.operator_discovery.posterior import WindowPosterior
from physrep.learners.operator_discovery.tokens import resolved


def windows(scatter: float, error: float, drowned: int = 0) -> tuple[WindowPosterior, torch.Tensor]:
    """Three windows of each of 200 trajectories: θ that scatter, with a posterior error; of some, nothing is told."""
    draw = torch.Generator().manual_seed(0)
    theta = torch.randn(200, 1, 1, generator=draw, dtype=torch.float64)
    mean = (theta + scatter * torch.randn(200, 3, 1, generator=draw, dtype=torch.float64)).flatten(0, 1)
    covariance = torch.full((600, 1, 1), error**2, dtype=torch.float64)
    mean[:drowned], covariance[:drowned] = 5.0, 1.0
    return WindowPosterior(mean, covariance, torch.zeros(600, 1)), torch.arange(200).repeat_interleave(3)


def mask(found: WindowPosterior, trajectory: torch.Tensor, low: list[float]) -> list[bool]:
    smallest = torch.tensor(low, dtype=torch.float64)
    halves = [slice(0, 300), slice(300, 600)]
    parts = [WindowPosterior(found.mean[h], found.covariance[h], found.residual[h]) for h in halves]
    return resolved(parts, [trajectory[h] for h in halves], torch.ones(1, len(low)).double(), smallest).tolist()


def test_scatter_and_posterior_error_count_against_the_smallest_size() -> None:
    # Together an error of 0.05, against a tenth of the smallest size.
    assert mask(*windows(0.04, 0.03), [1.0, 0.6, 0.4, 0.05]) == [True, True, False, False]
    assert mask(*windows(0.0, 0.05), [0.6, 0.4]) == [True, False]
    assert mask(*windows(0.05, 0.0), [0.6, 0.4]) == [True, False]


def test_windows_that_tell_nothing_do_not_count() -> None:
    assert mask(*windows(0.04, 0.03, drowned=150), [0.6, 0.4]) == [True, False]
    assert mask(*windows(0.04, 0.03, drowned=600), [0.6]) == [False]


def test_few_windows_that_err_by_far_do_not_decide() -> None:
    found, trajectory = windows(0.04, 0.03)
    found.mean[::100] += 3.0
    assert mask(found, trajectory, [1.0, 0.6, 0.4]) == [True, True, False]
