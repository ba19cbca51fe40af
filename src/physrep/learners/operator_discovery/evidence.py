r"""Windows of a trajectory together: what each says of θ, and the posterior of all.

With mean m_i and covariance S_i of window i, both under the prior N(0, 1), its own data say

    t_i = (1 - S_i)⁻¹ m_i      with the error      E_i = S_i (1 - S_i)⁻¹,

and together, T what windows of one trajectory differ in besides (`Scatter`),

    S = (1 + Σ_i (E_i + T)⁻¹)⁻¹,      m = S Σ_i (E_i + T)⁻¹ t_i.

The prior counts once. The mean of the m_i would be drawn to 0 by each of them, and count windows that tell nothing.

T depends on θ: what the library lacks may move an estimate much at one end of a parameter and little at the other. With
one T for all, trajectories that are known well are drawn to 0 for the sake of those that are not, and a line through
all of them is too flat. So m is found with the mean of T, and once more with T(m).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .posterior import KNOWN, WindowPosterior, rests


@dataclass
class Scatter:
    """By how much more windows of training trajectories differ than their errors say.

    Attributes:
        centres: joint mean of θ of n trajectories, ``(n, P)``.
        excess: of each the covariance between its windows, less the mean of their errors, ``(n, P, P)``.
    """

    centres: Tensor
    excess: Tensor

    def mean(self) -> Tensor:
        """T of all trajectories, ``(P, P)``; 0 if there are none.

        The moment estimate of random-effects models: DerSimonian and Laird, Meta-analysis in clinical trials,
        Controlled Clinical Trials 7 (1986) 177.
        """
        return _positive(self.excess.sum(0) / max(len(self.excess), 1))

    def at(self, theta: Tensor) -> Tensor:
        """T near these θ ``(m, P)``, ``(m, P, P)``: means with normal weights of Scott's width n^(-1/(P + 4)).

        Source: Scott, Multivariate Density Estimation, Wiley (1992), section 6.3; θ has variance 1.
        """
        n, p = self.centres.shape
        if not n:
            return self.mean().expand(len(theta), p, p)
        distance = torch.cdist(theta, self.centres) / n ** (-1 / (p + 4))
        share = torch.softmax(-distance.square() / 2, 1)
        return _positive((share @ self.excess.flatten(1)).unflatten(1, (p, p)))

    def table(self) -> Tensor:
        """As one tensor, ``(n, P + P²)``."""
        return torch.cat([self.centres, self.excess.flatten(1)], 1)

    @classmethod
    def of_table(cls, table: Tensor, directions: int) -> Scatter:
        """Read `table`; ``(0, 0)`` is none."""
        table = table if table.shape[1] else table.new_zeros(0, directions + directions**2)
        return cls(table[:, :directions], table[:, directions:].unflatten(1, (directions, directions)))


def evidence_of(found: WindowPosterior) -> Tensor:
    """What the data of every window say without the prior, ``(B, P² + P)``: E_i row by row, then t_i.

    Args:
        found: of B windows.
    """
    eye = torch.eye(found.mean.shape[1]).to(found.mean)
    # Nothing is known for sure, and nothing is told by what leaves the prior as it is.
    left = eye - found.covariance + 1e-9 * eye
    error = torch.linalg.solve(left, found.covariance + 1e-14 * eye)
    own = torch.linalg.solve(left, found.mean.unsqueeze(2)).squeeze(2)
    return torch.cat([((error + error.transpose(1, 2)) / 2).flatten(1), own], 1)


def joint_posterior(evidence: Tensor, place: Tensor, scatter: Scatter) -> tuple[Tensor, Tensor]:
    """Mean ``(n, P)`` and covariance ``(n, P, P)`` of θ of n trajectories.

    Args:
        evidence: of B windows, ``(B, P² + P)``.
        place: number of the trajectory, 0 … n - 1, that each is of, ``(B,)``.
        scatter: T.
    """
    error, own = _apart(evidence)
    between = scatter.mean().to(evidence).expand_as(error)
    mean, _ = _together(error + between, own, place)
    return _together(error + scatter.at(mean)[place], own, place)


def scatter_of(found: Sequence[WindowPosterior], trajectory: Sequence[Tensor], directions: int) -> Scatter:
    """What windows of the same trajectory say of T, without any label, of windows that tell θ well (S below `KNOWN`).

    Args:
        found: of batches of windows, several per trajectory.
        trajectory: that each window is of.
        directions: P.
    """
    nothing = torch.zeros(0, 0, dtype=torch.float64)
    if not found or not directions:
        return Scatter.of_table(nothing, directions)
    evidence = torch.cat([evidence_of(one) for one in found])
    known = torch.linalg.eigvalsh(torch.cat([one.covariance for one in found])).amax(1) < KNOWN
    names = torch.cat(list(trajectory)).to(evidence.device)
    rest, windows = rests(evidence[:, -directions:], torch.where(known, names, -1 - torch.arange(len(names)).to(names)))
    several = windows > 1
    if not several.any():
        return Scatter.of_table(nothing.to(evidence), directions)
    evidence, rest, windows = evidence[several], rest[several], windows[several]
    _, place = names[several].unique(return_inverse=True)
    error, _ = _apart(evidence)
    count = windows.to(evidence).view(-1, 1, 1)
    part = rest.unsqueeze(2) * rest.unsqueeze(1) / (count - 1) - error / count
    excess = evidence.new_zeros(int(place.max()) + 1, directions, directions).index_add(0, place, part)
    found_so = Scatter(evidence.new_zeros(len(excess), directions), excess)
    mean, _ = _together(error + found_so.mean(), evidence[:, -directions:], place)
    return Scatter(mean, excess)


def _together(error: Tensor, own: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Posterior of n trajectories by errors ``(B, P, P)`` and estimates ``(B, P)`` of their windows."""
    n, p = int(place.max()) + 1, own.shape[1]
    precision = torch.linalg.inv(error)
    told = torch.einsum("bpq,bq->bp", precision, own)
    total = torch.eye(p).to(own) + own.new_zeros(n, p, p).index_add(0, place, precision)
    spread = torch.linalg.inv(total)
    mean = torch.einsum("npq,nq->np", spread, own.new_zeros(n, p).index_add(0, place, told))
    return mean, (spread + spread.transpose(1, 2)) / 2


def _apart(evidence: Tensor) -> tuple[Tensor, Tensor]:
    """E ``(B, P, P)`` and t ``(B, P)``."""
    p = (math.isqrt(1 + 4 * evidence.shape[1]) - 1) // 2
    return evidence[:, : p * p].unflatten(1, (p, p)), evidence[:, p * p :]


def _positive(matrix: Tensor) -> Tensor:
    """The same without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).unsqueeze(-2)) @ vectors.transpose(-1, -2)
