"""From the rows of all windows to what the learner keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...errors import PhysrepError
from .equation import read_equation
from .gram import Grams, grams, joined, noise_products, summed
from .library import Term
from .low_rank import Operator
from .noise import LEVELS
from .row_errors import RowErrors, row_errors
from .row_weights import RowScale, trust
from .selection import Choice, candidates, choose, scores
from .tokens import influential
from .weak_form import Rows, WeakRows

ERROR_WINDOWS = 64
"""Training windows on which the errors of rows are measured."""


@dataclass
class Collected:
    """Gram matrices of trajectories (or of windows) that came by, and the first windows themselves.

    Attributes:
        scale: what rows count.
        shown: normalised fields of the first windows, and the trajectory of each.
        noise: of batches in two views, see `noise_products`.
    """

    scale: RowScale
    shown: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    parts: list[Grams] = field(default_factory=list)
    trajectory: list[Tensor] = field(default_factory=list)
    windows: int = 0
    noise: list[Tensor] = field(default_factory=list)

    def add(
        self,
        weak: WeakRows,
        rows: Rows,
        x: Tensor,
        trajectory: Tensor,
        keep: bool,
    ) -> None:
        """Take in one batch.

        Args:
            weak, rows, x: of the batch: its geometry, rows, and normalised fields.
            trajectory: of each window.
            keep: keep windows apart; else sum them per trajectory.
        """
        spectrum = self.scale.rows(weak.modes, weak.halves, weak.count)
        if self.scale.present:
            # What holds at every moment loses nothing between frames.
            counted, gain = x.new_ones(len(x)), weak.present_gain
        else:
            counted, gain = trust(weak.unresolved(x, spectrum), self.scale.resolved), weak.gain
        weight = self.scale.weight(rows, spectrum, gain) * counted.unsqueeze(1)
        found = grams(rows, weight)
        found.rows = found.rows * counted
        names, group = trajectory.to(x.device).unique(return_inverse=True)
        self.windows += len(x)
        if rows.x_a is not rows.x_b and rows.noise is not None and self.scale.noise and not keep:
            self.noise.append(noise_products(rows, weight * self.scale.share(rows.noise).unsqueeze(1)))
        if keep:
            self.parts.append(found)
            self.trajectory.append(trajectory.to(x.device))
            return
        self.parts.append(summed(found, group))
        self.trajectory.append(names)
        if sum(len(x) for x, _ in self.shown) < ERROR_WINDOWS:
            self.shown.append((x.float(), trajectory.to(x.device)))

    def grams(self) -> tuple[Grams, Tensor]:
        """All of them, and the trajectory of each, numbered from 0."""
        whole = joined(self.parts)
        if self.noise:
            whole.noise = torch.stack(self.noise).sum(0) / len(whole)
        return whole, torch.cat(self.trajectory).unique(return_inverse=True)[1]

    def first_windows(self) -> tuple[Tensor, Tensor]:
        """Fields of `ERROR_WINDOWS` windows, float64, and the row of `grams` that holds the trajectory of each."""
        x = torch.cat([x for x, _ in self.shown])[:ERROR_WINDOWS].double()
        names = torch.cat([name for _, name in self.shown])[:ERROR_WINDOWS]
        return x, (names.unsqueeze(1) == torch.cat(self.trajectory)).int().argmax(1)


@dataclass
class Result:
    """What the learner keeps.

    Attributes:
        grade, columns: of the library.
        curve: one record per candidate.
        best: index of the chosen one.
        tensors: buffers of the learner.
        equation: see `equation.read_equation`.
    """

    grade: int
    columns: Tensor
    curve: list[dict[str, Any]]
    best: int
    tensors: dict[str, Tensor]
    equation: list[dict[str, Any]]


def measured_errors(
    train: Collected,
    weak: WeakRows,
    split: Callable[[Tensor], tuple[Tensor, Tensor]],
    operator: Operator,
    theta: Tensor,
    generator: torch.Generator,
) -> RowErrors:
    """Residuals of the operator on some training windows as they are, and with noise added.

    Args:
        train: of the training trajectories.
        weak: rows of the windows in the library's kept columns.
        split: noise level of windows, and which of them go in half views.
        operator: in those columns.
        theta: of the training trajectories, ``(n, P)``.
        generator: of the noise.
    """
    x, place = train.first_windows()
    coefficients = operator.at(theta[place])
    noisy = []
    for level in LEVELS[1:]:
        shaken = x + level * torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.device)
        noisy.append(weak.mixed(shaken, split(shaken)[1]))
    spectrum = train.scale.rows(weak.modes, weak.halves, weak.count)
    return row_errors(weak.mixed(x, split(x)[1]), noisy, coefficients, operator.v, train.scale, spectrum)


def all_candidates(
    train: Collected, valid: Collected, terms: Sequence[Term], grades: Sequence[int], largest: int
) -> list[Choice]:
    """Every grade with P = 0 … ``largest``, and how well it predicts from one validation window to the others.

    Args:
        train: of the training trajectories.
        valid: of the validation windows.
        terms: columns of the Gram matrices.
        grades: that may be chosen.
        largest: largest P that is tried.

    Raises:
        PhysrepError: too few trajectories.
    """
    whole, _ = train.grams()
    windows, trajectory = valid.grams()
    if not bool((trajectory.bincount() > 1).any()):
        raise PhysrepError(
            "operator_discovery: no trajectory of valid holds two windows, but how many parameters vary is chosen by "
            "what one window of a trajectory says of the others; set num_frames below the frames of a trajectory."
        )
    if len(whole) < 4 * (largest + 1):
        raise PhysrepError(
            f"operator_discovery: {len(whole)} training trajectories are too few for {largest} directions; give at "
            f"least {4 * (largest + 1)}, or a smaller `largest`."
        )
    pool = []
    for grade in grades:
        columns = torch.tensor([i for i, term in enumerate(terms) if term.grade <= grade], device=whole.g.device)
        pool += candidates(whole, windows, trajectory, grade, columns, largest)
    return pool


def chosen_operator(
    train: Collected,
    pool: list[Choice],
    terms: Sequence[Term],
    directions: int | None,
    statistics: Mapping[str, tuple[float, float]],
    others: Sequence[str],
    seed: int,
) -> Result:
    """The choice among these candidates, and all that the learner keeps of it.

    Args:
        train: of the training trajectories.
        pool: see `all_candidates`.
        terms: columns of the Gram matrices.
        directions: P, or None to choose it.
        statistics: mean and standard deviation of each channel that is explained, in order.
        others: names of maps of a trained basis, which have no unit.
        seed: of the halves behind the stability of terms.
    """
    best = choose([choice for choice in pool if directions is None or choice.directions == directions])
    columns, basis, theta = best.columns, best.basis, best.fit.theta
    held = train.grams()[0].columns(columns)
    clean = best.fit.operator.lifted(basis)
    mean = held.g.mean(0)
    # Where columns differ by their noise alone they are taken as the dependent columns that they are without it.
    seen = held if held.noise is None else held.turned(basis @ (basis.T @ mean))
    chosen = influential(clean, theta, mean.diagonal()) if best.directions else torch.zeros(0, dtype=torch.long)
    size = clean.at(theta).flatten(1)[:, chosen].abs()
    curve = [
        {
            "grade": c.grade,
            "directions": c.directions,
            "score": v,
            "residual": {str(i): float(r) for i, r in enumerate(c.residual)},
        }
        for c, v in zip(pool, scores(pool), strict=True)
    ]
    units = dict(statistics) | dict.fromkeys(others, (0.0, 1.0))
    return Result(
        best.grade,
        columns,
        curve,
        next(i for i, c in enumerate(pool) if c is best),
        {
            "w0": clean.w0,
            "v": clean.v,
            "chosen": chosen.double(),
            "low": size.amin(0) if len(chosen) else size.sum(0),
            "high": size.amax(0) if len(chosen) else size.sum(0),
            "theta": theta,
            "diagonal": mean.diagonal(),
        },
        written(seen, theta, [terms[i] for i in columns.tolist()], list(statistics), units, seed),
    )


def written(
    held: Grams,
    theta: Tensor,
    terms: Sequence[Term],
    channels: Sequence[str],
    units: Mapping[str, tuple[float, float]],
    seed: int,
) -> list[dict[str, Any]]:
    """The equations of change, then the relations of one moment, which say so by ``relation``.

    Args:
        held: of the training trajectories.
        theta: of them.
        terms: columns.
        channels: that change.
        units: mean and standard deviation of every name.
        seed: of the halves behind the stability of terms.
    """
    mean, std = ({name: value[i] for name, value in units.items()} for i in (0, 1))
    found: list[dict[str, Any]] = []
    first = 0
    for target in dict.fromkeys(term.target for term in terms):
        own = [i for i, term in enumerate(terms) if term.target == target]
        names = [target] if target else list(channels)
        part = held.part(torch.tensor(own).to(held.g.device), torch.arange(first, first + len(names)).to(held.g.device))
        equations = read_equation(part, theta, [terms[i] for i in own], names, mean, std, seed)
        found += [equation | ({"relation": True} if target else {}) for equation in equations]
        first += len(names)
    return found
