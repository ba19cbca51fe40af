r"""Rounds of simulation for one observation: simulate where its posterior is, and learn anew from what lies there.

Each round cuts the box of the prior to where the draws of the last posterior lie (their range, widened by `SLACK`),
simulates at parameters that are uniform in it, and fits the flows to all pairs inside. The prior in the smaller box is
still uniform, so the posterior is that of the whole prior unless the truth was cut off.

Source: Deistler et al., "Truncated proposals for scalable and hassle-free simulation-based inference", 2022,
https://arxiv.org/abs/2210.04815 (with boxes as truncated regions).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PhysrepError
from .npe import FEWEST, NeuralPosterior

SLACK = 0.25
"""Share of the range of the draws by which the box is wider than it, on either side."""

VALID = 0.2


@dataclass
class Round:
    """One round.

    Attributes:
        low, high: its box ``(P,)``.
        pairs: parameters and summaries that the flows were fitted to.
        posterior: fitted.
        draws: of the observation, ``(L, P)``.
    """

    low: Tensor
    high: Tensor
    pairs: int
    posterior: NeuralPosterior
    draws: Tensor


def refine(
    simulate: Callable[[Tensor, int], Tensor],
    observed: Tensor,
    theta: Tensor,
    summary: Tensor,
    first: NeuralPosterior,
    rounds: int,
    count: int,
    make: Callable[[int], NeuralPosterior],
    draws: int = 500,
    seed: int = 0,
) -> list[Round]:
    """Posteriors of one observation, round after round; the first entry is that without further simulations.

    Args:
        simulate: parameters ``(n, P)``, z-scored, and the number of the round, to summaries ``(n, S)``.
        observed: summary ``(1, S)``.
        theta, summary: pairs that ``first`` was fitted to.
        first: fitted.
        rounds, count: how many, and simulations in each.
        make: an unfitted posterior for a round.
        draws: of every posterior.
        seed: of the proposals.

    Raises:
        PhysrepError: too few simulations for a fit.
    """
    # The share that is not held out has to carry a fit, even if all earlier pairs lie beyond the new box.
    fewest = math.ceil(FEWEST / (1 - VALID))
    if rounds < 1 or count < fewest:
        raise PhysrepError(
            f"posterior: {rounds} rounds of {count} simulations are too few; give at least 1 round of {fewest}."
        )
    found = [Round(first.box.low, first.box.high, len(theta), first, first.sample(observed, draws)[:, 0])]
    generator = torch.Generator().manual_seed(seed)
    for number in range(1, rounds + 1):
        before = found[-1]
        low, high = before.draws.amin(0), before.draws.amax(0)
        slack = SLACK * (high - low)
        low, high = torch.maximum(low - slack, before.low), torch.minimum(high + slack, before.high)
        proposed = low + (high - low) * torch.rand(count, theta.shape[1], generator=generator)
        theta, summary = torch.cat([theta, proposed]), torch.cat([summary, simulate(proposed, number)])
        inside = ((theta >= low) & (theta <= high)).all(1)
        theta, summary = theta[inside], summary[inside]
        order = torch.randperm(len(theta), generator=generator)
        valid, own = order.tensor_split([int(VALID * len(theta))])
        posterior = make(number).fit(theta[own], summary[own], theta[valid], summary[valid], low, high)
        found.append(Round(low, high, len(theta), posterior, posterior.sample(observed, draws)[:, 0]))
    return found
