"""Fields in unknown units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from ...clip import Clip
from ...data.observation.base import log_uniform
from ...errors import PhysrepError
from .shift import FieldShift
from .study import ShiftStudy


class GainShift(FieldShift):
    """``g field``, with one g for all channels and windows of a trajectory, whose logarithm is uniform in ±ln(factor).

    What an instrument that was never calibrated shows: shapes and ratios stay, amplitudes do not. A trajectory gets the
    same place between the limits at every level and for every learner.

    Args:
        factors: largest g of each level; the smallest is its inverse.
        shared: one g for all channels, or one for each.
    """

    def __init__(self, factors: Sequence[float] = (1.2, 2.0), shared: bool = True) -> None:
        if not factors or min(factors) <= 1:
            raise PhysrepError(f"generalisation: gain factors are {list(factors)}; give numbers above 1, e.g. 2.")
        self.factors, self.shared = tuple(factors), shared

    def variants(self, study: ShiftStudy, clip: Clip) -> Iterator[tuple[str, str, Clip]]:
        count = 1 if self.shared else len(clip.channels)
        for factor in self.factors:
            limits = (1 / factor, factor)
            draws = [np.random.default_rng([study.seed, number]) for number in clip.trajectory.tolist()]
            gains = torch.from_numpy(np.stack([log_uniform(draw, limits, count) for draw in draws]))
            scaled = clip.fields * gains.to(clip.fields).view(len(draws), count, *[1] * (clip.fields.dim() - 2))
            yield "", f"up to x {factor:g}", replace(clip, fields=scaled)
