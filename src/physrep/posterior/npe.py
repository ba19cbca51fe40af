r"""Neural posterior estimation: the posterior of parameters given a summary, calibrated on valid.

An ensemble of flows q(φ | s) is fitted to pairs of parameters and summaries of train (`flows`), in coordinates in which
the box of the prior has no edges (`box`). `HELD` of train is kept apart to stop it early; there and on valid its draws
are widened, narrowed or shifted until the truths lie among them as they should (`tempering`). The distribution of the
parameters in train is the prior.

Source: Papamakarios and Murray, "Fast ε-free inference of simulation models with Bayesian conditional density
estimation", 2016, https://arxiv.org/abs/1605.06376.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from ..errors import PhysrepError
from .box import Box
from .flows import DENSITIES, Flows
from .tempering import Tempering, moments

FEWEST = 40
"""Training trajectories without which no flow is fitted."""

HELD = 0.15
"""Share of train on which the flows stop."""

REFERENCE = 300
"""Draws from which the mean and the spread of a posterior are taken."""


class NeuralPosterior:
    """Posterior of z-scored parameters given the summary of a trajectory.

    Args:
        density: ``maf`` (masked autoregressive flow), ``nsf`` (splines), or ``mdn`` (Gaussian mixture).
        hidden: width of the networks.
        members: flows of the ensemble.
        epochs: at most; a member keeps its best epoch on what is held out of train.
        seed: of weights, batches and samples.

    Raises:
        PhysrepError: another density; `sbi` is not installed, when it is fitted.
    """

    def __init__(
        self, density: str = "maf", hidden: int = 32, members: int = 4, epochs: int = 200, seed: int = 0
    ) -> None:
        if density not in DENSITIES:
            raise PhysrepError(f"posterior: the density {density!r} is unknown; give {', '.join(DENSITIES)}.")
        if members < 1:
            raise PhysrepError(f"posterior: members is {members}; give at least 1.")
        self._flows = Flows(density, hidden, members, epochs, seed=seed)
        self.seed = seed

    def fit(
        self,
        theta: Tensor,
        summary: Tensor,
        theta_valid: Tensor,
        summary_valid: Tensor,
        low: Tensor | None = None,
        high: Tensor | None = None,
    ) -> Self:
        """Fit the flows on train, and calibrate them on what is held out of it and on valid.

        Args:
            theta, theta_valid: parameters with shape ``(n, P)``, z-scored.
            summary, summary_valid: with shape ``(n, S)``.
            low, high: box of the prior, ``(P,)``; default the range of ``theta``.

        Raises:
            PhysrepError: fewer than `FEWEST` trajectories in train, or a quarter of it in valid.
        """
        require_enough(len(theta), len(theta_valid))
        self.box = Box.around(theta.amin(0) if low is None else low, theta.amax(0) if high is None else high)
        self._centre, self._scale = summary.float().mean(0), summary.float().std(0).clamp_min(1e-6)
        phi = self.box.open(theta)
        self._phi_centre, self._phi_scale = phi.mean(0), phi.std(0).clamp_min(1e-6)
        narrow, known = self._narrow(phi), self._scaled(summary)
        order = torch.randperm(len(theta), generator=torch.Generator().manual_seed(self.seed))
        held, own = order.tensor_split([max(10, int(HELD * len(theta)))])
        self._flows.fit(narrow[own], known[own], narrow[held], known[held])
        tested = torch.cat([known[held], self._scaled(summary_valid)])
        truth = torch.cat([narrow[held], self._narrow(self.box.open(theta_valid))])
        self.tempering = Tempering.fit(self._flows.sample(tested, REFERENCE, self.seed + 1), truth)
        return self

    def sample(self, summary: Tensor, count: int) -> Tensor:
        """Draws ``(count, n, P)`` for summaries ``(n, S)``, inside the prior's box; seeded."""
        scaled = self._scaled(summary)
        mean, std = self._moments(scaled)
        draws = self.tempering.apply(self._flows.sample(scaled, count, self.seed + 2), mean, std)
        return self.box.close(self._phi_centre + self._phi_scale * draws)

    def log_prob(self, theta: Tensor, summary: Tensor) -> Tensor:
        """Log density of z-scored parameters ``(n, P)`` given ``(n, S)``, with shape ``(n,)``; -inf beyond the box."""
        scaled, phi = self._scaled(summary), self.box.open(theta)
        before = self.tempering.undo(self._narrow(phi), *self._moments(scaled))
        change = (self.tempering.factor.log() + self._phi_scale.log()).sum()
        density = self._flows.log_prob(before, scaled) - change + self.box.log_slope(phi)
        return torch.where(self.box.holds(theta), density, -torch.inf)

    def _moments(self, scaled: Tensor) -> tuple[Tensor, Tensor]:
        rows, place = torch.unique(scaled, dim=0, return_inverse=True)
        mean, std = moments(self._flows.sample(rows, REFERENCE, self.seed + 1))
        return mean[place], std[place]

    def _narrow(self, phi: Tensor) -> Tensor:
        return (phi - self._phi_centre) / self._phi_scale

    def _scaled(self, summary: Tensor) -> Tensor:
        return (summary.float() - self._centre) / self._scale


def require_enough(train: int, valid: int) -> None:
    """Refuse before anything is computed.

    Args:
        train: number of training trajectories.
        valid: of valid ones.

    Raises:
        PhysrepError: fewer than `FEWEST` trajectories in train, or a quarter of it in valid.
    """
    if train < FEWEST or valid < FEWEST // 4:
        raise PhysrepError(
            f"posterior: {train} training and {valid} valid trajectories are too few; give at least {FEWEST} and "
            f"{FEWEST // 4}."
        )
