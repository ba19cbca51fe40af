"""Windows of a trajectory together: the posterior is that of all their data, and no mean of shrunken estimates."""

from __future__ import annotations

import torch

from physrep.learners.operator_discovery.evidence import Scatter, evidence_of, joint_posterior, scatter_of
from physrep.learners.operator_discovery.posterior import WindowPosterior


def none(directions: int = 2) -> Scatter:
    """Windows that differ by their errors alone."""
    return Scatter.of_table(torch.zeros(0, 0, dtype=torch.float64), directions)


def together(
    found: WindowPosterior, trajectory: torch.Tensor, scatter: Scatter | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of the joint posterior of every trajectory."""
    _, place = trajectory.unique(return_inverse=True)
    return joint_posterior(evidence_of(found), place, scatter or none(found.mean.shape[1]))


def windows(
    theta: torch.Tensor, each: int, generator: torch.Generator
) -> tuple[WindowPosterior, torch.Tensor, torch.Tensor]:
    """Noisy readings of θ with known covariances: posteriors under N(0, 1), trajectories, and the exact joint means."""
    n, p = theta.shape
    eye = torch.eye(p, dtype=torch.float64)
    root = torch.randn(n, each, p, p, dtype=torch.float64, generator=generator)
    error = root @ root.transpose(2, 3) + 0.3 * eye
    noise = torch.linalg.cholesky(error) @ torch.randn(n, each, p, 1, dtype=torch.float64, generator=generator)
    reading = theta.unsqueeze(1) + noise.squeeze(3)
    inverse = torch.linalg.inv(error)
    spread = torch.linalg.inv(inverse + eye)
    mean = (spread @ inverse @ reading.unsqueeze(3)).squeeze(3)
    exact = torch.linalg.solve(inverse.sum(1) + eye, (inverse @ reading.unsqueeze(3)).sum(1)).squeeze(2)
    trajectory = torch.arange(n).repeat_interleave(each)
    residual = torch.rand(n * each, 2, dtype=torch.float64, generator=generator)
    return WindowPosterior(mean.flatten(0, 1), spread.flatten(0, 1), residual), trajectory, exact


def test_it_is_the_posterior_of_all_data_and_better_than_the_mean() -> None:
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(400, 2, dtype=torch.float64, generator=generator)
    found, trajectory, exact = windows(theta, 3, generator)
    order = torch.randperm(len(trajectory), generator=generator)
    mixed = WindowPosterior(found.mean[order], found.covariance[order], found.residual[order])
    joint, covariance = together(mixed, trajectory[order])
    torch.testing.assert_close(joint, exact)
    mean = found.mean.unflatten(0, (-1, 3)).mean(1)
    assert float((joint - theta).square().mean()) < 0.9 * float((mean - theta).square().mean())
    inside = torch.einsum("np,npq,nq->n", joint - theta, torch.linalg.inv(covariance), joint - theta)
    assert 0.85 < float((inside < 4.605).double().mean()) < 0.95  # 90 % of a chi-square of two


def test_one_window_stays_as_it_is_and_a_certain_one_decides() -> None:
    generator = torch.Generator().manual_seed(1)
    found, trajectory, _ = windows(torch.randn(5, 2, dtype=torch.float64, generator=generator), 1, generator)
    mean, covariance = together(found, trajectory)
    torch.testing.assert_close(mean, found.mean)
    torch.testing.assert_close(covariance, found.covariance)
    certain = WindowPosterior(
        torch.tensor([[0.7], [-1.0]]).double(), torch.tensor([[[0.0]], [[0.9]]]).double(), torch.zeros(2, 1).double()
    )
    mean, _ = together(certain, torch.tensor([4, 4]))
    assert abs(float(mean) - 0.7) < 1e-6


def test_scatter_between_windows_is_found_and_evens_out_their_weights() -> None:
    generator = torch.Generator().manual_seed(2)
    theta = torch.randn(400, 1, 2, dtype=torch.float64, generator=generator)
    planted = torch.tensor([[0.04, 0.01], [0.01, 0.02]], dtype=torch.float64)
    sizes = 10 ** (4 * torch.rand(400, 3, 1, 1, dtype=torch.float64, generator=generator) - 7)
    error = sizes * torch.eye(2, dtype=torch.float64)
    root = torch.linalg.cholesky(error + planted)
    reading = theta + (root @ torch.randn(400, 3, 2, 1, dtype=torch.float64, generator=generator)).squeeze(3)
    spread = torch.linalg.inv(torch.linalg.inv(error) + torch.eye(2, dtype=torch.float64))
    mean = (spread @ torch.linalg.inv(error) @ reading.unsqueeze(3)).squeeze(3)
    found = WindowPosterior(mean.flatten(0, 1), spread.flatten(0, 1), torch.zeros(1200, 1, dtype=torch.float64))
    trajectory = torch.arange(400).repeat_interleave(3)
    scatter = scatter_of([found], [trajectory], 2)
    torch.testing.assert_close(scatter.mean(), planted, rtol=0.15, atol=3e-3)
    truth = theta.squeeze(1)
    blind, told = (float((together(found, trajectory, t)[0] - truth).square().mean()) for t in (none(), scatter))
    assert told < 0.6 * blind
    alone = WindowPosterior(mean[:, 0], spread[:, 0], torch.zeros(400, 1))
    assert not scatter_of([alone], [torch.arange(400)], 2).mean().any()


def test_a_scatter_that_grows_with_theta_leaves_the_line_through_all_trajectories() -> None:
    generator = torch.Generator().manual_seed(3)
    theta = torch.randn(1000, 1, 1, dtype=torch.float64, generator=generator)
    width = (0.4 + 0.4 * theta.squeeze(2)).clamp(0.02)  # well told at one end alone
    reading = theta + width.unsqueeze(2) * torch.randn(1000, 3, 1, dtype=torch.float64, generator=generator)
    spread = torch.full((3000, 1, 1), 1e-6, dtype=torch.float64)
    mean = reading.flatten(0, 1) * (1 - 1e-6)
    found = WindowPosterior(mean, spread, torch.zeros(3000, 1, dtype=torch.float64))
    trajectory, truth = torch.arange(1000).repeat_interleave(3), theta.flatten()
    told = scatter_of([found], [trajectory], 1)
    near = told.at(torch.tensor([[-1.5], [1.0]], dtype=torch.float64)).flatten()
    assert near[0] < 0.05 and abs(float(near[1]) - 0.64) < 0.15
    kept = truth > -0.5
    errors = []
    for scatter in (Scatter(torch.zeros(1, 1).double(), told.mean().unsqueeze(0)), told):
        x = together(found, trajectory, scatter)[0].flatten()
        slope = ((x[kept] - x[kept].mean()) * (truth[kept] - truth[kept].mean())).sum()
        slope = slope / (x[kept] - x[kept].mean()).square().sum()
        guess = truth[kept].mean() + slope * (x[~kept] - x[kept].mean())
        errors.append(float((guess - truth[~kept]).square().mean()))
    assert errors[1] < 0.5 * errors[0]
