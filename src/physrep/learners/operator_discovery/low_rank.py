r"""The fit: one operator for all trajectories, whose coefficients vary in P directions only.

    Y_i  ≈  X_i (W₀ + Σ_p θ_ip V_p)

Alternating least squares on the Gram matrices of the trajectories. Given θ, (W₀, V) is one linear system of size
K (P + 1) for all channels; given (W₀, V), θ_i is one of size P. Channels are weighted by the inverse of the
covariance of their residuals (maximum likelihood), so that a channel without an evolution equation, such as a pressure,
drops out by itself, and a sum of channels that is known better than each of them counts for what it is.
θ is centred and whitened after each sweep: mean 0, covariance 1 over the trajectories.

Source for affine families of models: Blanke and Lelarge, Interpretable meta-learning of physical systems, ICLR 2024,
https://arxiv.org/abs/2312.00477.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ... import linear_algebra
from .gram import Grams

SMALLEST = 1e-8
"""Residual variance of a channel is counted as this share of its change at least."""
DIRECTIONS = 1e-11
"""Directions of the library whose share of the mean Gram matrix is below this are dropped: the columns are dependent
there."""
SIGNAL = 0.5
"""Share of signal in the square of a combination of columns, the rest being noise, below which it is dropped: columns
that a constraint makes dependent differ by their noise alone."""
RIDGE = 1e-10
START, NOISY_START = 1e-3, 1.0
"""Ridges of the trajectories' own solutions that a fit begins with: of fields as they are, and of noisy ones, as a
share of the mean of what every whitened column holds."""


@dataclass
class Operator:
    """An affine family of operators.

    Attributes:
        w0: ``(K, C)``.
        v: ``(P, K, C)``.
        weights: inverse covariance of the residuals of a row, ``(C, C)``.
    """

    w0: Tensor
    v: Tensor
    weights: Tensor

    @property
    def directions(self) -> int:
        return len(self.v)

    def at(self, theta: Tensor) -> Tensor:
        """Coefficients ``(n, K, C)`` at θ ``(n, P)``."""
        return self.w0 + torch.einsum("np,pkc->nkc", theta, self.v)

    def lifted(self, basis: Tensor) -> Operator:
        """In the coordinates of the columns that ``basis`` ``(K, r)`` combines."""
        return Operator(basis @ self.w0, basis @ self.v, self.weights)


def whitening(mean: Tensor, noise: Tensor | None = None) -> Tensor:
    """``(K, r)``: combinations of the columns that are orthonormal under the mean Gram matrix.

    Args:
        mean: Gram matrix, ``(K, K)``.
        noise: that of the columns' noise, in the same weights; combinations in which it is larger are left out.
    """
    scale = mean.diagonal().clamp_min(0).sqrt()
    inverse = torch.where(scale > 0, 1 / scale, torch.zeros_like(scale))
    values, vectors = torch.linalg.eigh(mean * inverse[:, None] * inverse)
    keep = values > DIRECTIONS * values[-1]
    if noise is None or not bool(noise.any()):
        return inverse[:, None] * vectors[:, keep] / values[keep].sqrt()
    # Against the sum of both: shares of signal lie between 0 and 1, but for the luck of products of two views.
    unit = inverse[:, None] * inverse
    whole = (mean + noise) * unit
    values, vectors = torch.linalg.eigh(whole)
    keep = values > DIRECTIONS * values[-1]
    basis = inverse[:, None] * vectors[:, keep] / values[keep].sqrt()
    share, turn = torch.linalg.eigh(basis.T @ mean @ basis)
    keep = share > SIGNAL
    return basis @ turn[:, keep] / share[keep].sqrt()


def residual_weights(grams: Grams, w: Tensor, gw: Tensor) -> Tensor:
    """Inverse covariance of the residuals of a row, ``(C, C)``, at coefficients w ``(n, K, C)`` with G w at hand."""
    change = grams.change.sum(0).clamp_min(1e-300)
    unit = change.rsqrt()
    cross = w.transpose(1, 2) @ grams.b
    rest = grams.s - cross - cross.transpose(1, 2) + w.transpose(1, 2) @ gw
    share = rest.sum(0) * unit[:, None] * unit
    # Products of two noisy views need not be positive.
    values, vectors = torch.linalg.eigh((share + share.T) / 2)
    share = (vectors * values.clamp_min(0)) @ vectors.T
    share = share + SMALLEST * torch.eye(len(unit), dtype=unit.dtype, device=unit.device)
    # They are free of noise in the mean; the error of a row is not.
    share = share + len(grams) * grams.noisy(w.mean(0)) * unit[:, None] * unit
    inverse = torch.linalg.inv(share)
    return grams.rows.sum() * inverse * unit[:, None] * unit


def moved(grams: Grams, operator: Operator) -> Tensor:
    """``G_i (W₀, V)`` of every trajectory, ``(n, K, P + 1, C)``: the one walk through all G that an operator needs."""
    p, k, c = operator.v.shape
    joint = torch.cat([operator.w0.unsqueeze(0), operator.v]).permute(1, 0, 2).reshape(k, (p + 1) * c)
    return (grams.g @ joint).view(len(grams), k, p + 1, c)


def normal_equations(grams: Grams, operator: Operator, gw: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """``A`` ``(n, P, P)`` and ``b`` ``(n, P)`` of θ for every trajectory; ``gw`` as `moved` gives it."""
    gw = moved(grams, operator) if gw is None else gw
    weighted = operator.v @ operator.weights
    a = torch.einsum("pkc,nkqc->npq", weighted, gw[:, :, 1:])
    rest = grams.b - gw[:, :, 0]
    return (a + a.transpose(1, 2)) / 2, torch.einsum("pkc,nkc->np", weighted, rest)


def solve_theta(grams: Grams, operator: Operator, gw: Tensor | None = None) -> Tensor:
    """Posterior mean of θ under N(0, 1), ``(n, P)``; ``gw`` as `moved` gives it."""
    a, b = normal_equations(grams, operator, gw)
    values, vectors = torch.linalg.eigh(a)
    # A Gram matrix of two noisy views need not be positive.
    values = values.clamp_min(0) + 1
    return torch.einsum("npq,nq,nrq,nr->np", vectors, 1 / values, vectors, b)


def solve_operator(grams: Grams, theta: Tensor) -> tuple[Operator, Tensor]:
    """(W₀, V) and the channels' weights, given θ ``(n, P)`` with mean 0 and covariance 1; and what `moved` gives of it.

    Args:
        grams: of the trajectories.
        theta: of the trajectories.
    """
    n, k, c = grams.b.shape
    matrix, right = grams.moments(theta)
    matrix = matrix + RIDGE * n * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    w = torch.linalg.solve(matrix, right).view(-1, k, c)
    operator = Operator(w[0], w[1:], torch.eye(c, dtype=w.dtype, device=w.device))
    gw = moved(grams, operator)
    at_theta = gw[:, :, 0] + torch.einsum("np,nkpc->nkc", theta, gw[:, :, 1:])
    weights = residual_weights(grams, operator.at(theta), at_theta)
    return Operator(operator.w0, operator.v, weights), gw


def standardised(theta: Tensor) -> Tensor:
    """θ with mean 0 and covariance 1 over the trajectories; a direction that does not vary becomes 0."""
    centred = theta - theta.mean(0)
    if centred.shape[1] == 0:
        return centred
    u, s, vh = torch.linalg.svd(centred, full_matrices=False)
    whole = math.sqrt(len(theta)) * u @ vh
    return torch.where((s > 1e-12 * s[:1].clamp_min(1e-300)).all(), whole, centred)


def first_directions(grams: Grams, ridge: float = START) -> Tensor:
    """What the trajectories' own ridge solutions differ in, in units of their residuals, most first: ``(n, ≤ n)``.

    The first P columns are what a fit of P directions begins with.
    """
    n, k, _ = grams.b.shape
    nobody = torch.zeros(n, 0, dtype=grams.b.dtype, device=grams.b.device)
    pooled, _ = solve_operator(grams, nobody)
    eye = torch.eye(k, dtype=grams.b.dtype, device=grams.b.device)
    delta = linear_algebra.solve(grams.g + ridge * eye, grams.b - grams.g @ pooled.w0)
    features = (delta @ torch.linalg.cholesky(pooled.weights)).flatten(1)
    features = features - features.mean(0)
    return torch.linalg.svd(features, full_matrices=False)[0]


@dataclass
class Fit:
    """A fitted family in the coordinates of the Gram matrices that it was fitted to.

    Attributes:
        operator: W₀, V and weights.
        theta: of the trajectories, ``(n, P)``.
        likelihood: log likelihood per trajectory (up to a constant) after each sweep.
    """

    operator: Operator
    theta: Tensor
    likelihood: list[float]


def strongest(grams: Grams, fit: Fit, directions: int) -> Tensor:
    """θ ``(n, P)`` along the P directions of a fit that move the change most, in units of its residuals."""
    held = grams.g.mean(0)
    moved = torch.einsum("pkc,kl,qld,cd->pq", fit.operator.v, held, fit.operator.v, fit.operator.weights)
    _, vectors = torch.linalg.eigh((moved + moved.T) / 2)
    return standardised(fit.theta @ vectors.flip(1)[:, :directions])


def fit_low_rank(
    grams: Grams, directions: int, first: Tensor | None = None, sweeps: int = 40, tolerance: float = 1e-5
) -> Fit:
    """Alternating least squares until the likelihood stands.

    Args:
        grams: of the trajectories, best in whitened columns.
        directions: P; 0 fits one operator to all.
        first: θ to begin with ``(n, P)``; default from `first_directions`.
        sweeps: at most.
        tolerance: relative change of the log likelihood at which it stands.
    """
    theta = standardised(first_directions(grams)[:, :directions]) if first is None else first
    likelihood: list[float] = []
    operator, gw = solve_operator(grams, theta)
    for _ in range(sweeps if directions else 0):
        theta = standardised(solve_theta(grams, operator, gw))
        operator, gw = solve_operator(grams, theta)
        likelihood.append(float(0.5 * torch.linalg.slogdet(operator.weights).logabsdet * grams.rows.mean()))
        if len(likelihood) > 1 and abs(likelihood[-1] - likelihood[-2]) < tolerance * abs(likelihood[-1]):
            break
    return Fit(operator, theta, likelihood)
