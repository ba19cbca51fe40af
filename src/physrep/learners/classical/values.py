"""Distributions of values, and how many directions the frames of a window span."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...quantities.grid import Grid
from .window import Feature, Window, logarithm

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def _ascending(x: Tensor) -> Tensor:
    """Sorted along the last axis; on a CPU by NumPy, whose sort of floats is 20 times as fast as torch's."""
    if x.device.type == "cpu" and not x.requires_grad:
        return torch.from_numpy(np.sort(x.numpy(), axis=-1))
    return x.sort(dim=-1).values


class Quantiles(Feature):
    """Quantiles of the values of each channel over the window, at 1, 5, 25, 50, 75, 95 and 99 %."""

    def width(self, channels: int, frames: int, bins: int) -> int:
        return channels * len(LEVELS)

    def compute(self, window: Window) -> Tensor:
        ordered = _ascending(window.x.flatten(2))
        place = torch.tensor(LEVELS, device=ordered.device) * (ordered.shape[2] - 1)
        low = place.floor().long()
        share = place - low
        return (ordered[..., low] * (1 - share) + ordered[..., low + 1] * share).flatten(1)


class ModeEnergies(Feature):
    r"""Proper orthogonal decomposition of the frames: ``ln λ_j`` of each channel and of all channels together.

    λ are the eigenvalues, largest first, of the T x T matrix of products of frames, averaged over the domain, divided
    by T; their sum is the mean square of the window. They are the energies of the directions that the frames span.
    """

    def width(self, channels: int, frames: int, bins: int) -> int:
        return (channels + 1) * frames

    def compute(self, window: Window) -> Tensor:
        x = window.raw.double()
        if any(points is not None for points in window.clip.coordinates):
            first, second = Grid.of_clip(window.clip).weights
            x = x * (torch.outer(first, second) * len(first) * len(second)).sqrt().to(x)
        x = x.flatten(3)
        gram = x @ x.mT / (x.shape[2] * x.shape[3])
        gram = torch.cat([gram, gram.mean(1, keepdim=True)], 1)
        # Differences below float32's rounding of the fields are no energies.
        return logarithm(torch.linalg.eigvalsh(gram).flip(-1).clamp_min(1e-10)).float().flatten(1)
