r"""Choices without a label: how many parameters vary, and which terms the library needs.

Two windows of one trajectory have the same parameters and different starts. θ is read from one and asked to predict the
change in the others:

    r_c = Σ n_i |Y_j - X_j (W₀ + θ_i V)|² / Σ n_i |Y_j|²,   j ≠ i

n_i counts the rows of the window that θ is read from, fewer where its frames do not resolve its change.

The likelihood of the fit itself grows with every direction that is added; r does not, since what a direction took from
the start of a window fails in the next.

r is a quotient of sums: under noise few trajectories may rule it, and a library that is larger than need be wins by
chance. So a larger grade has to win on the mean trajectory too, by more than one standard error of the paired contrast

    d = Σ_c v_c (l_c - l'_c) / (|l_c| + |l'_c|)

of what the two leave in a trajectory, l and l', which is bounded, with the weights v of the scores.

Source of the rule of one standard error: Breiman, Friedman, Olshen and Stone, Classification and Regression Trees
(1984), section 3.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .gram import Grams, summed
from .low_rank import NOISY_START, Fit, first_directions, fit_low_rank, solve_theta, standardised, strongest, whitening

RESOLVED = 1e-5
"""Shares of the change that are left unexplained are told apart down to this."""
WORTH = 0.05
"""Each direction more, and a larger grade of the library, has to lower the mean logarithm of r by this much."""
EXPLAINED = 0.5
"""If every channel leaves more than this share unexplained, the library does not hold the dynamics."""
PARTLY = 1e-2
"""A larger library is looked at if a channel leaves more than this share unexplained."""


@dataclass
class Choice:
    """One candidate and its cross-window residual.

    Attributes:
        grade: of the library.
        directions: P.
        left: what stays unexplained of every channel of the validation trajectories, ``(n, C)``.
        change: of the channels, ``(n, C)``.
        fit: of the training trajectories, in whitened columns.
        basis: from whitened columns to the library's, ``(K, r)``.
        columns: of the complete library, indices ``(K,)``.
    """

    grade: int
    directions: int
    left: Tensor
    change: Tensor
    fit: Fit
    basis: Tensor
    columns: Tensor

    @property
    def residual(self) -> Tensor:
        """r of every channel, ``(C,)``."""
        return self.left.sum(0).clamp_min(0) / self.change.sum(0).clamp_min(1e-300)


def cross_window(fit: Fit, windows: Grams, trajectory: Tensor) -> tuple[Tensor, Tensor]:
    """What one window of a trajectory leaves of the change in the others, and that change, ``(n, C)`` each.

    Args:
        fit: in the coordinates of the windows.
        windows: of n trajectories.
        trajectory: of every window, 0 … n - 1.
    """
    theta = solve_theta(windows, fit.operator)
    total = summed(windows, trajectory)
    own = total[trajectory]
    others = Grams(own.g - windows.g, own.b - windows.b, own.s - windows.s, own.rows - windows.rows)
    count = (windows.rows / windows.rows.max()).unsqueeze(1)
    sums = torch.zeros(2, len(total), total.s.shape[1], dtype=theta.dtype, device=theta.device)
    for row, value in zip(sums, (others.unexplained(fit.operator.at(theta)), others.change), strict=True):
        row.index_add_(0, trajectory, count * value)
    return sums[0], sums[1]


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
    basis = whitening(held.g.mean(0), None if held.noise is None else held.noise[: len(columns), : len(columns)])
    held, shown = held.turned(basis), shown.turned(basis)
    if held.noise is not None:
        held = held.positive()

    starts = [first_directions(held)]
    if held.noise is not None:
        # What a trajectory alone says of directions that it hardly moves in is noise.
        starts.append(first_directions(held, NOISY_START))

    def tried(first: Tensor, directions: int) -> Choice:
        fit = fit_low_rank(held, directions, first)
        return Choice(grade, directions, *cross_window(fit, shown, trajectory), fit, basis, columns)

    found: list[Choice] = []
    for directions in range(largest, -1, -1):
        # Sweeps end in the optimum that is next to their start: what a larger fit found is tried as one, too.
        pair = [tried(standardised(between[:, :directions]), directions) for between in starts[: directions + 1]]
        if found and directions:
            pair.append(tried(strongest(held, found[-1].fit, directions), directions))
        value = scores(pair)
        found.append(pair[value.index(min(value))])
    return found[::-1]


def channel_weights(choices: list[Choice]) -> Tensor:
    """``(C,)``, sum 1: a channel counts by the share of it that the best candidate explains."""
    residual = torch.stack([choice.residual for choice in choices])
    weight = (1 - residual.min(0).values).clamp_min(0).square()
    return weight / weight.sum().clamp_min(1e-30)


def scores(choices: list[Choice]) -> list[float]:
    """Weighted mean of log r of each candidate."""
    residual = torch.stack([choice.residual for choice in choices])
    return ((residual + RESOLVED).log() @ channel_weights(choices)).tolist()


def wins(larger: Choice, smaller: Choice, weight: Tensor) -> bool:
    """Whether ``larger`` leaves less on the mean trajectory, by more than one standard error.

    Args:
        larger, smaller: candidates on the same trajectories.
        weight: of the channels, ``(C,)``.
    """
    floor = RESOLVED * smaller.change.clamp_min(1e-300)
    left, other = smaller.left + floor, larger.left + floor
    contrast = ((left - other) / (left.abs() + other.abs()).clamp_min(1e-300)) @ weight
    return bool(contrast.mean() > (contrast.std() / len(contrast) ** 0.5 if len(contrast) > 1 else 0.0))


def choose(choices: list[Choice]) -> Choice:
    """The simplest candidate (grade, then P) that none of the larger ones beats by `WORTH` for each direction more.

    Grades are compared by the best that each of them reaches, and a larger one has to win on the mean trajectory as
    well (`wins`); then P within the grade.
    """
    value = dict(zip(map(id, choices), scores(choices), strict=True))
    weight = channel_weights(choices)
    best = {c.grade: c for c in sorted(choices, key=lambda c: (c.grade, -value[id(c)]))}
    top = min(best.values(), key=lambda c: value[id(c)])
    grade = next(g for g, c in best.items() if value[id(c)] <= value[id(top)] + WORTH or not wins(top, c, weight))
    within = sorted((c for c in choices if c.grade == grade), key=lambda c: c.directions)

    def worth(other: Choice, than: Choice) -> bool:
        more = other.directions - than.directions
        return more > 0 and value[id(other)] < value[id(than)] - WORTH * more

    return next(c for c in within if not any(worth(other, c) for other in within))


def partly(choices: list[Choice]) -> bool:
    """Whether any channel leaves more than `PARTLY` of its change in the best candidate; also without candidates."""
    return not choices or bool(choose(choices).residual.max() > PARTLY)
