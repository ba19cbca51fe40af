"""Floors: encodings that need no training. A learned representation that does not beat them has learned nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.checks import triple
from ..quantities.grid import Grid
from .base import Learner
from .encoding import EncoderLearner


class Untrained(Learner):
    """A learner whose encoding is fixed."""

    kind = "floor"
    trainable = False

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Always an error: there is nothing to train.

        Raises:
            PhysrepError: always.
        """
        raise PhysrepError(f"{type(self).__name__} has nothing to train; embed and probe it directly.")


class RandomEncoder(Untrained, EncoderLearner):
    """An encoder with its initial weights, drawn from torch's global generator: seed that first.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module.
        encoder_options: keyword arguments of the encoder.
    """

    label = "Random encoder"
    colour = "#7a9a78"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(in_channels, num_frames, encoder, encoder_options)
        self.encoder.requires_grad_(False)


class FieldStatistics(Untrained):
    """Moments and mean squared derivatives of every channel over the window, as one token.

    Per channel: mean, skewness, kurtosis; and, as values and as logarithms, the standard deviation, the
    root-mean-square gradient along every axis of space, and the root-mean-square time derivative. Derivatives are
    differences of neighbours over their distance (around periodic axes) and over the time step. Means are integrals
    over the domain: on rows that are not equally spaced, points count with the quadrature of the grid, differences with
    their distance.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip, at least 2.
    """

    label = "Field statistics"
    colour = "#c98a1b"

    STATISTICS = ("mean", "skewness", "kurtosis", "std", "gradient_h", "gradient_w", "rate",
                  "log_std", "log_gradient_h", "log_gradient_w", "log_rate")  # fmt: skip

    def __init__(self, in_channels: int, num_frames: int = 16) -> None:
        super().__init__(in_channels, num_frames)
        if num_frames < 2:
            raise PhysrepError("FieldStatistics takes time derivatives: num_frames must be at least 2.")
        self.embed_dim = in_channels * len(self.STATISTICS)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, 11 C)``: channel by channel, in the order of `STATISTICS`.

        With three axes of space there are 13 per channel: the gradient along the third stands behind the second.
        """
        x = self.fields(clip, self.num_frames).float()
        mean_of = _Mean(clip, x)
        mean = mean_of(x)
        centred = x - mean
        std = mean_of(centred.square()).sqrt()
        # A field that is constant in this window has no shape: its skewness and kurtosis are 0.
        z = centred / torch.where(std > 0, std, 1.0)
        positive = [std.flatten(1)]
        for axis, (dx, periodic) in enumerate(zip(clip.dx, clip.periodic, strict=True), 3):
            edge = x.narrow(axis, 0, 1) if periodic else None
            distance = mean_of.distance(axis, dx)
            gradient = torch.diff(x, dim=axis, append=edge) / distance
            positive.append(mean_of(gradient.square(), axis, distance).sqrt().flatten(1))
        positive.append(mean_of((torch.diff(x, dim=2) / clip.dt).square()).sqrt().flatten(1))
        shape = [mean.flatten(1), mean_of(z.pow(3)).flatten(1), mean_of(z.pow(4)).flatten(1)]
        logarithms = [value.clamp_min(1e-12).log() for value in positive]
        token = torch.stack([*shape, *positive, *logarithms], dim=2).flatten(1).unsqueeze(1)
        self.embed_dim = token.shape[2]
        return token


class _Mean:
    """Average of ``(B, C, T, *S)`` over time and space, kept as axes of length 1, with the clip's quadrature."""

    def __init__(self, clip: Clip, like: Tensor) -> None:
        self.distances: dict[int, Tensor] = {}
        self.weights: dict[int, Tensor] = {}
        self.axes = tuple(range(2, like.dim()))
        if any(points is not None for points in clip.coordinates):
            grid = Grid.of_clip(clip)
            for axis, points, weights in zip((3, 4), clip.coordinates, grid.weights, strict=True):
                if points is not None:
                    self.weights[axis] = _along(weights.to(like), axis)
                    self.distances[axis] = _along(points.diff().to(like), axis)

    def distance(self, axis: int, dx: float) -> Tensor | float:
        """Distance of neighbours along an axis, for division by it."""
        return self.distances.get(axis, dx)

    def __call__(self, x: Tensor, between: int | None = None, distance: Tensor | float = 1.0) -> Tensor:
        """The average; along the axis ``between`` x holds differences, which count with their distance."""
        weights = self.weights
        if between is not None and isinstance(distance, Tensor):
            weights = {**weights, between: distance / distance.sum()}
        for axis, weight in weights.items():
            x = (x * weight).sum(axis, keepdim=True)
        return x.mean(self.axes, keepdim=True)


def _along(values: Tensor, axis: int) -> Tensor:
    return values.view(-1, 1) if axis == 3 else values


class PooledPixels(Untrained):
    """The fields themselves, averaged over blocks, as one token.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        grid: number of blocks along T, H and W; a third axis of space has as many as the second, a single one as H.
    """

    label = "Pooled pixels"
    colour = "#a88bb5"

    def __init__(self, in_channels: int, num_frames: int = 16, grid: Sequence[int] = (4, 8, 8)) -> None:
        super().__init__(in_channels, num_frames)
        self.grid = triple(grid, "PooledPixels: grid")
        self.embed_dim = in_channels * prod(self.grid)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, C t h w)``, or ``(B, 1, C t x y z)``."""
        x = self.fields(clip, self.num_frames)
        grid = (*self.grid, self.grid[2])[: x.dim() - 2]
        if any(n < blocks for n, blocks in zip(x.shape[2:], grid, strict=True)):
            raise PhysrepError(
                f"PooledPixels: clips of {tuple(x.shape[2:])} points (T, then space) are smaller than the grid {grid}; "
                "choose a smaller grid."
            )
        if x.dim() == 6:  # the library pools three axes at once: time after space
            own = F.adaptive_avg_pool3d(x.flatten(1, 2), grid[1:]).unflatten(1, x.shape[1:3])  # pyright: ignore[reportArgumentType]
            token = F.adaptive_avg_pool3d(own.flatten(3, 4), (grid[0], None, None)).flatten(1).unsqueeze(1)
        elif x.dim() == 4:
            token = F.adaptive_avg_pool2d(x, grid).flatten(1).unsqueeze(1)  # pyright: ignore[reportArgumentType]
        else:
            token = F.adaptive_avg_pool3d(x, self.grid).flatten(1).unsqueeze(1)
        self.embed_dim = token.shape[2]
        return token
