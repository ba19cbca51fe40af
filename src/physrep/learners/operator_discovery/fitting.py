"""From the rows of all windows to what the learner keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...errors import PhysrepError
from .equation import read_equation
from .gram import Grams, grams, joined, summed
from .library import Term
from .low_rank import solve_operator
from .noise import LEVELS, noise_gram
from .selection import candidates, choose, scores
from .tokens import influential
from .weak_form import Rows, WeakRows

NOISE_WINDOWS = 128
"""Training windows on which the columns' sensitivity to noise is measured."""


@dataclass
class Collected:
    """Gram matrices of trajectories (or of windows) that came by, and N of the first windows."""

    parts: list[Grams] = field(default_factory=list)
    trajectory: list[Tensor] = field(default_factory=list)
    noise: Tensor | None = None
    noise_windows: int = 0
    windows: int = 0

    def add(
        self,
        weak: WeakRows,
        rows: Rows,
        x: Tensor,
        trajectory: Tensor,
        generator: torch.Generator,
        keep: bool,
    ) -> None:
        """Take in one batch.

        Args:
            weak, rows, x: of the batch: its geometry, rows, and normalised fields.
            trajectory: of each window.
            generator: of the noise.
            keep: keep windows apart, and measure no noise; else sum them per trajectory.
        """
        found = grams(rows)
        names, group = trajectory.to(x.device).unique(return_inverse=True)
        self.windows += len(x)
        if keep:
            self.parts.append(found)
            self.trajectory.append(trajectory.to(x.device))
            return
        self.parts.append(summed(found, group))
        self.trajectory.append(names)
        if self.noise_windows < NOISE_WINDOWS:
            part = noise_gram(weak, x, rows.x_a, generator)
            self.noise = part if self.noise is None else self.noise + part
            self.noise_windows += len(x)

    def grams(self) -> tuple[Grams, Tensor]:
        """All of them, and the trajectory of each, numbered from 0."""
        return joined(self.parts), torch.cat(self.trajectory).unique(return_inverse=True)[1]


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


def fit_operators(
    train: Collected,
    valid: Collected,
    terms: Sequence[Term],
    grades: Sequence[int],
    directions: int | None,
    largest: int,
    statistics: Mapping[str, tuple[float, float]],
    seed: int,
) -> Result:
    """Choose grade and P on the validation windows, then fit an operator for every noise level.

    Args:
        train: of the training trajectories.
        valid: of the validation windows.
        terms: columns of the Gram matrices.
        grades: that may be chosen.
        directions: P, or None to choose it.
        largest: largest P that is tried.
        statistics: mean and standard deviation of each channel that is explained, in order.
        seed: of the halves behind the stability of terms.

    Raises:
        PhysrepError: too few trajectories.
    """
    whole, _ = train.grams()
    windows, trajectory = valid.grams()
    if len(whole) < 4 * (largest + 1):
        raise PhysrepError(
            f"operator_discovery: {len(whole)} training trajectories are too few for {largest} directions; give at "
            f"least {4 * (largest + 1)}, or a smaller `largest`."
        )
    channels = whole.s.shape[1]
    pool = []
    for grade in grades:
        columns = torch.tensor([i for i, term in enumerate(terms) if term.grade <= grade], device=whole.g.device)
        pool += candidates(whole, windows, trajectory, grade, columns, largest)
    allowed = [choice for choice in pool if directions is None or choice.directions == directions]
    best = choose(allowed)
    columns, basis, theta = best.columns, best.basis, best.fit.theta
    held = whole.columns(columns)
    turned = held.turned(basis)
    per_trajectory = train.windows / len(whole) / max(train.noise_windows, 1)
    noise = torch.zeros(len(columns), len(columns), dtype=basis.dtype, device=basis.device)
    if train.noise is not None:
        noise = train.noise[columns][:, columns] * per_trajectory
    operators = [best.fit.operator.lifted(basis)]
    for level in LEVELS[1:]:
        penalty = basis.T @ noise @ basis * level**2
        operators.append(solve_operator(turned, theta, penalty).lifted(basis))
    clean = operators[0]
    mean = held.g.mean(0)
    rows = held.rows.mean()
    signal = torch.einsum("pkc,kl,plc->c", clean.v, mean, clean.v) / rows / max(best.directions, 1)
    chosen = influential(clean, theta, mean.diagonal()) if best.directions else torch.zeros(0, dtype=torch.long)
    size = clean.at(theta).flatten(1)[:, chosen].abs()
    value = scores(pool)
    curve = [
        {
            "grade": c.grade,
            "directions": c.directions,
            "score": v,
            "residual": {str(i): float(c.residual[i]) for i in range(channels)},
        }
        for c, v in zip(pool, value, strict=True)
    ]
    return Result(
        best.grade,
        columns,
        curve,
        next(i for i, c in enumerate(pool) if c is best),
        {
            "w0": torch.stack([operator.w0 for operator in operators]),
            "v": torch.stack([operator.v for operator in operators]),
            "weights": clean.weights,
            "signal": signal,
            "chosen": chosen.double(),
            "low": size.amin(0) if len(chosen) else size.sum(0),
            "high": size.amax(0) if len(chosen) else size.sum(0),
            "theta": theta,
            "diagonal": mean.diagonal(),
        },
        read_equation(
            held,
            theta,
            [terms[i] for i in columns.tolist()],
            list(statistics),
            {name: value[0] for name, value in statistics.items()},
            {name: value[1] for name, value in statistics.items()},
            seed,
        ),
    )
