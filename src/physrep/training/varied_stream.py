"""Training windows at several time steps and on several grids, one pair of steps and one grid per micro-batch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ..data.observation.base import Draws, Scene
from ..data.observation.views import Coarsen
from .stream import Stream, WindowStream

if TYPE_CHECKING:
    from ..clip import Clip
    from ..data import ClipDataset


class VariedStream(Stream):
    """Takes its micro-batches in turn from streams of other time steps and spacings; clips say theirs.

    Args:
        streams: one per time step (or pair of time steps), each a function of its own numbers.
        coarsen: points per pixel, along all axes; every stream comes once per entry.
    """

    def __init__(self, streams: Sequence[WindowStream], coarsen: Sequence[int]) -> None:
        super().__init__()
        self.turns = list(itertools.product(streams, coarsen or [1]))

    def batch(self, number: int) -> Clip:
        """See `Stream.batch`."""
        stream, factor = self.turns[number % len(self.turns)]
        stream.rank, stream.world = self.rank, self.world
        # Every turn of a stream is a batch of its own: its windows do not come twice on two grids in a row.
        clip = stream.batch(number)
        return clip if factor == 1 else coarsened(clip, stream.dataset, factor)


def coarsened(clip: Clip, dataset: ClipDataset, factor: int) -> Clip:
    """Averages over blocks of points, as the observer's step ``coarsen`` makes them.

    Args:
        clip: batch of windows.
        dataset: that it is of.
        factor: points per pixel, along all axes.

    Raises:
        PhysrepError: the points of an axis are no multiple of it.
    """
    points = tuple(None if c is None else c.numpy() for c in dataset.coordinates)
    scene = Scene(
        dataset.channels, dataset.components, dataset.axes, dataset.shape, dataset.dx, points, dataset.periodic,
        clip.dt, source="training.coarsen",
    )  # fmt: skip
    step = Coarsen(factor)
    after = step.scene(scene)
    fields = clip.fields
    flat = step.apply(fields.flatten(0, 1).numpy(), scene, Draws(0, "train", "", 0, 0))
    return replace(
        clip,
        fields=torch.from_numpy(flat).unflatten(0, fields.shape[:2]),
        dx=after.dx,
        coordinates=tuple(None if c is None else torch.from_numpy(c) for c in after.coordinates),
    )
