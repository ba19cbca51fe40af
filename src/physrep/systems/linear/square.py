"""What the linear systems share: the unit square, all modes exact, starts that follow from the seed alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..base import System
from ..grids.fourier_grid import resample
from ..solver import Setup
from .initial import FAMILIES, periodic_start


class LinearSystem(System):
    """A linear equation with constant coefficients on the periodic unit square."""

    axes = ("x", "y")
    lengths = (1.0, 1.0)
    origin = (0.0, 0.0)
    periodic = (True, True)
    resolution = (64, 64)
    frames = 101
    save_dt = 0.01
    initial_conditions = tuple(FAMILIES)
    method = "physrep exact, Fourier modes"

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """The whole prior on every grid: modes are integrated exactly."""
        return self.priors()


def periodic_fields(initial: dict[str, Tensor] | None, name: str, seeds: Sequence[int], setup: Setup) -> Tensor:
    """The starts of a batch on the periodic unit square: given, or drawn from the seeds; float64 (B, nx, ny)."""
    if initial is not None:
        return resample(initial[name].to(setup.device, torch.float64), setup.resolution)
    # Drawn on the CPU one seed at a time: the same start on every device, in every batch.
    starts = [periodic_start(setup.initial_condition, seed, setup.resolution) for seed in seeds]
    return torch.stack(starts).to(setup.device)
