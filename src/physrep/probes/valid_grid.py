"""What every setting of a probe predicted of valid: errors of a choice that did not see what it is judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass
class ValidGrid:
    """Predictions of valid by every setting of a grid, for columns that share one.

    The error of the chosen setting on valid is too small, as it was chosen for it. Chosen on all other trajectories
    instead, a setting has an honest error on those that are left, and no weight has to be fitted again.

    Attributes:
        columns: of the parameters, Q of them.
        prediction: z-scored, with shape ``(settings, windows, Q)``.
        loss: by whose mean the setting is chosen, with shape ``(settings, windows)``.
    """

    columns: tuple[int, ...]
    prediction: Tensor
    loss: Tensor

    @classmethod
    def of_each(cls, prediction: Tensor, target: Tensor, columns: Sequence[int] | None = None) -> list[ValidGrid]:
        """One grid per parameter, chosen by its squared error.

        Args:
            prediction: with shape ``(settings, windows, Q)``.
            target: with shape ``(windows, Q)``.
            columns: numbers of the Q parameters; default all from 0.
        """
        squares = (prediction - target).square()
        numbers = range(prediction.shape[2]) if columns is None else columns
        return [cls((p,), prediction[..., k : k + 1], squares[..., k]) for k, p in enumerate(numbers)]

    @classmethod
    def of_all(cls, prediction: Tensor, target: Tensor) -> list[ValidGrid]:
        """One grid for all parameters, chosen by their mean squared error; shapes as of `of_each`."""
        loss = (prediction - target).double().square().mean(2).nan_to_num(nan=torch.inf, posinf=torch.inf)
        return [cls(tuple(range(prediction.shape[2])), prediction, loss)]


def chosen_without(grids: Sequence[ValidGrid], fold: np.ndarray) -> Tensor:
    """Predictions of valid with shape ``(windows, P)``, those of a fold by what is best on all others.

    Args:
        grids: of all P parameters.
        fold: of every window.
    """
    count = sum(len(grid.columns) for grid in grids)
    found = torch.empty(len(fold), count, dtype=torch.float64)
    for grid in grids:
        for number in np.unique(fold).tolist():
            own, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            best = int(grid.loss[:, rest if len(rest) else own].mean(1).argmin())
            found[np.ix_(own, np.array(grid.columns))] = grid.prediction[best, own].double()
    return found
