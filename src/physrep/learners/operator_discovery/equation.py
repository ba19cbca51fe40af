r"""The equation that was found: sparse, in physical units, with what varies between trajectories marked.

    ∂ₜu_c = Σ_k [W₀_kc + Σ_p θ_p V_pkc] φ_k(u)

Read from the Gram matrices of the fit. A term's ``stability`` is the share of random halves of the trajectories whose
own elimination keeps it. Terms that the constraints of the fields make equal (incompressibility, a pressure that solves
a Poisson equation) can stand for one another: they are listed as equivalents of the term that is shown, not as
discoveries of their own.

Source for stability: Meinshausen and Bühlmann, Stability selection, J. R. Stat. Soc. B 72 (2010) 417.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .gram import Grams
from .library import SPECTRAL, Term
from .physical import closed, to_physical
from .sparse import designs, eliminate, equivalents, flat

HALVES = 6
"""Random halves of the trajectories for the stability of terms."""
MOST_EQUIVALENTS = 4


def read_equation(
    grams: Grams,
    theta: Tensor,
    terms: Sequence[Term],
    channels: Sequence[str],
    mean: Mapping[str, float],
    std: Mapping[str, float],
    seed: int,
) -> list[dict[str, Any]]:
    """One record per channel: ``channel``, ``residual`` and ``terms``.

    A term has ``name``, ``constant`` (at the mean of θ), ``directions`` (P numbers, 0 where θ leaves it alone), ``low``
    and ``high`` (over the training trajectories), ``stability``, ``equivalents``.

    Args:
        grams: of the trajectories, in normalised columns.
        theta: of the trajectories, ``(n, P)``.
        terms: columns.
        channels: names of the targets.
        mean, std: of each channel.
        seed: of the halves.
    """
    centred = any(term.grade == SPECTRAL or term.grade == SPECTRAL + 1 for term in terms) or not closed(terms)
    physical = grams.turned(to_physical(terms, mean, std, centred).to(grams.g))
    unit = torch.tensor([std[channel] for channel in channels], dtype=torch.float64).to(grams.g)
    physical = physical.measured_in(unit)
    generator = torch.Generator().manual_seed(seed)
    n, p = theta.shape
    halves = [torch.randperm(n, generator=generator)[: max(n // 2, 1)] for _ in range(HALVES)]
    parts = [designs(physical[half], theta[half]) for half in halves]
    whole = designs(physical, theta)
    equations = []
    for c, channel in enumerate(channels):
        system = whole[c]
        constant, varying = eliminate(system, p)
        columns = flat(constant, varying, system.terms, p)
        value = system.coefficients(columns) if len(columns) else torch.zeros(0)
        held = [set(eliminate(part[c], p)[0]) for part in parts]
        same = equivalents(system, constant, varying, p)
        found = []
        for row, k in enumerate(constant):
            moved = [float(value[len(constant) + d * len(varying) + varying.index(k)]) if k in varying else 0.0
                     for d in range(p)]  # fmt: skip
            over = value[row] + theta @ torch.tensor(moved, dtype=theta.dtype)
            found.append(
                {
                    "name": terms[k].name(),
                    "constant": float(value[row]),
                    "directions": moved,
                    "low": float(over.min()),
                    "high": float(over.max()),
                    "stability": sum(k in one for one in held) / HALVES,
                    "equivalents": [terms[i].name() for i in same.get(k, [])[:MOST_EQUIVALENTS]],
                }
            )
        equations.append({"channel": channel, "residual": max(system.residual(columns), 0.0), "terms": found,
                          "centred": centred})  # fmt: skip
    return equations
