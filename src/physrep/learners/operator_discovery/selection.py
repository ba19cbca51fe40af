r"""Choices without a label: how many parameters vary, and which terms the library needs.

Two windows of one trajectory have the same parameters and different starts. θ is read from one and asked to predict the
change in the others:

    r_c = Σ n_i |Y_j - X_j (W₀ + θ_i V)|² / Σ n_i |Y_j|²,   j ≠ i

n_i counts the rows of the window that θ is read from, fewer where its frames do not resolve its change.

The likelihood of the fit itself grows with every direction that is added; r does not, since what a direction took from
the start of a window fails in the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .gram import Grams, summed
from .low_rank import Fit, fit_low_rank, solve_theta, strongest, whitening

RESOLVED = 1e-5
"""Shares of the change that are left unexplained are told apart down to this."""
WORTH = 0.05
"""Each direction more, and a larger grade of the library, has to lower the mean logarithm of r by this much."""
EXPLAINED = 0.5
"""If every channel leaves more than this share unexplained, the library does not hold the dynamics."""


@dataclass
class Choice:
    """One candidate and its cross-window residual.

    Attributes:
        grade: of the library.
        directions: P.
        residual: r of every channel, ``(C,)``.
        fit: of the training trajectories, in whitened columns.
        basis: from whitened columns to the library's, ``(K, r)``.
        columns: of the complete library, indices ``(K,)``.
    """

    grade: int
    directions: int
    residual: Tensor
    fit: Fit
    basis: Tensor
    columns: Tensor


def cross_window(fit: Fit, windows: Grams, trajectory: Tensor) -> Tensor:
    """r of every channel, ``(C,)``, over windows with these trajectories ``(n,)``."""
    theta = solve_theta(windows, fit.operator)
    total = summed(windows, trajectory)
    own = total[trajectory]
    others = Grams(own.g - windows.g, own.b - windows.b, own.s - windows.s, own.rows - windows.rows)
    count = windows.rows / windows.rows.max()
    left = (count @ others.unexplained(fit.operator.at(theta))).clamp_min(0)
    return left / (count @ others.change).clamp_min(1e-300)


def candidates(
    train: Grams, windows: Grams, trajectory: Tensor, grade: int, columns: Tensor, largest: int
) -> list[Choice]:
    """P = 0 … largest for one grade of the library.

    Args:
        train: of the training trajectories, all columns.
        windows, trajectory: of the validation windows.
        grade: for the record.
        columns: indices of this grade's columns.
        largest: P.
    """
    held, shown = train.columns(columns), windows.columns(columns)
    basis = whitening(held.g.mean(0))
    held, shown = held.turned(basis), shown.turned(basis)

    def tried(first: Tensor | None, directions: int) -> Choice:
        fit = fit_low_rank(held, directions, first)
        return Choice(grade, directions, cross_window(fit, shown, trajectory), fit, basis, columns)

    found: list[Choice] = []
    for directions in range(largest, -1, -1):
        # Sweeps end in the optimum that is next to their start: what a larger fit found is tried as one, too.
        pair = [tried(None, directions)]
        if found and directions:
            pair.append(tried(strongest(held, found[-1].fit, directions), directions))
        value = scores(pair)
        found.append(pair[value.index(min(value))])
    return found[::-1]


def scores(choices: list[Choice]) -> list[float]:
    """Weighted mean of log r of each candidate: a channel counts by the share of it that the best one explains."""
    residual = torch.stack([choice.residual for choice in choices])
    weight = (1 - residual.min(0).values).clamp_min(0).square()
    weight = weight / weight.sum().clamp_min(1e-30)
    return ((residual + RESOLVED).log() @ weight).tolist()


def choose(choices: list[Choice]) -> Choice:
    """The simplest candidate (grade, then P) that none of the larger ones beats by `WORTH` for each direction more.

    Grades are compared by the best that each of them reaches; then P within the grade.
    """
    value = dict(zip(map(id, choices), scores(choices), strict=True))
    grades = sorted({choice.grade for choice in choices})
    best = {g: min(value[id(c)] for c in choices if c.grade == g) for g in grades}
    grade = next(g for g in grades if best[g] <= min(best.values()) + WORTH)
    within = sorted((c for c in choices if c.grade == grade), key=lambda c: c.directions)

    def worth(other: Choice, than: Choice) -> bool:
        more = other.directions - than.directions
        return more > 0 and value[id(other)] < value[id(than)] - WORTH * more

    return next(c for c in within if not any(worth(other, c) for other in within))
