"""The training trajectories that are nearest to a new one, in the space of the tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from ..metrics import cluster_means
from ..palette import as_plane

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tokens import TokenStore
    from .novelty import Novelty

KEPT = 256
"""Training trajectories that are kept, at equal steps where there are more."""

PICTURE = 32
"""Points of the longer axis of the kept pictures, at most."""


@dataclass(frozen=True)
class Neighbour:
    """A training trajectory.

    Attributes:
        trajectory: its number in the training split.
        distance: Mahalanobis distance of the mean tokens, per square root of the number of features.
        parameters: its labels, by name, as far as they are known.
        picture: first channel of its first frame, coarsened, with shape ``(H, W)``.
    """

    trajectory: int
    distance: float
    parameters: dict[str, float]
    picture: np.ndarray


class Neighbours:
    """Mean features of training trajectories, with their labels and a small picture of each."""

    def fit(self, store: TokenStore, novelty: Novelty, first_frame: Callable[[int, int], Tensor]) -> Self:
        """Keep what is needed.

        Args:
            store: tokens of train.
            novelty: of the same tokens; its whitened features are compared.
            first_frame: from the trajectory and the start of a window to its first frame, channel 0.
        """
        numbers, first = np.unique(store.trajectory, return_index=True)
        chosen = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), KEPT), dtype=int))
        rows = np.isin(store.trajectory, numbers[chosen])
        features, kept = cluster_means(novelty.whitened(store.tokens[rows]).numpy(), store.trajectory[rows])
        self.features = torch.from_numpy(features).float()
        self.trajectories = [int(number) for number in kept]
        self.labels = torch.from_numpy(np.asarray(store.labels)[first[chosen]])
        self.names = tuple(store.parameter_names)
        frames = [first_frame(int(numbers[i]), int(store.start[first[i]])) for i in chosen]
        self.pictures = torch.stack([picture(frame) for frame in frames]).half()
        return self

    def nearest(self, whitened: Tensor, count: int = 3) -> list[Neighbour]:
        """The nearest training trajectories.

        Args:
            whitened: features of the windows of one trajectory, ``(windows, F)``.
            count: how many.
        """
        own = whitened.mean(dim=0).float()
        distance = (self.features - own).square().mean(dim=1).sqrt()
        return [
            Neighbour(
                self.trajectories[i],
                float(distance[i]),
                {name: v for name, v in zip(self.names, self.labels[i].tolist(), strict=True) if not math.isnan(v)},
                self.pictures[i].float().numpy(),
            )
            for i in torch.argsort(distance)[:count].tolist()
        ]


def picture(frame: Tensor) -> Tensor:
    """A frame on at most `PICTURE` points along its longer axis, largest value 1; see `as_plane`."""
    plane: Any = torch.from_numpy(as_plane(frame.float().numpy(), frame.ndim))
    coarser = min(1.0, PICTURE / max(plane.shape))
    size = (max(1, round(plane.shape[0] * coarser)), max(1, round(plane.shape[1] * coarser)))
    small = torch.nn.functional.adaptive_avg_pool2d(plane[None], size)[0]
    return small / small.abs().max().clamp_min(1e-30)
