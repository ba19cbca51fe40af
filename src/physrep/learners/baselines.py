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
from .base import Learner
from .build_encoder import build_encoder, check_encoding, embedding_dimension


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


class RandomEncoder(Untrained):
    """An encoder with its initial weights, drawn from torch's global generator: seed that first.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module.
        encoder_options: keyword arguments of the encoder.
    """

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(in_channels, num_frames)
        self.encoder = build_encoder(encoder, in_channels, num_frames, encoder_options).requires_grad_(False)
        self.embed_dim = embedding_dimension(self.encoder, in_channels, num_frames)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)``."""
        x = self.fields(clip, self.num_frames)
        return check_encoding(self.encoder(x), self.encoder, len(x))


class FieldStatistics(Untrained):
    """Moments and mean squared derivatives of every channel over the window, as one token.

    Per channel: mean, skewness, kurtosis; and, as values and as logarithms, the standard deviation, the
    root-mean-square gradient along H and along W, and the root-mean-square time derivative. Derivatives are differences
    of neighbours over the grid spacing (around periodic axes) and over the time step.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip, at least 2.
    """

    STATISTICS = ("mean", "skewness", "kurtosis", "std", "gradient_h", "gradient_w", "rate",
                  "log_std", "log_gradient_h", "log_gradient_w", "log_rate")  # fmt: skip

    def __init__(self, in_channels: int, num_frames: int = 16) -> None:
        super().__init__(in_channels, num_frames)
        if num_frames < 2:
            raise PhysrepError("FieldStatistics takes time derivatives: num_frames must be at least 2.")
        self.embed_dim = in_channels * len(self.STATISTICS)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, 11 C)``: channel by channel, in the order of `STATISTICS`."""
        x = self.fields(clip, self.num_frames).float()
        axes = (2, 3, 4)
        mean = x.mean(axes, keepdim=True)
        centred = x - mean
        std = centred.square().mean(axes, keepdim=True).sqrt()
        # A field that is constant in this window has no shape: its skewness and kurtosis are 0.
        z = centred / torch.where(std > 0, std, 1.0)
        positive = [std.flatten(1)]
        for axis, dx, periodic in zip((3, 4), clip.dx, clip.periodic, strict=True):
            edge = x.narrow(axis, 0, 1) if periodic else None
            positive.append(_rms(torch.diff(x, dim=axis, append=edge) / dx))
        positive.append(_rms(torch.diff(x, dim=2) / clip.dt))
        shape = [mean.flatten(1), z.pow(3).mean(axes), z.pow(4).mean(axes)]
        logarithms = [value.clamp_min(1e-12).log() for value in positive]
        return torch.stack([*shape, *positive, *logarithms], dim=2).flatten(1).unsqueeze(1)


def _rms(x: Tensor) -> Tensor:
    return x.square().mean((2, 3, 4)).sqrt()


class PooledPixels(Untrained):
    """The fields themselves, averaged over blocks, as one token.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        grid: number of blocks along T, H and W.
    """

    def __init__(self, in_channels: int, num_frames: int = 16, grid: Sequence[int] = (4, 8, 8)) -> None:
        super().__init__(in_channels, num_frames)
        self.grid = triple(grid, "PooledPixels: grid")
        self.embed_dim = in_channels * prod(self.grid)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, C t h w)``."""
        x = self.fields(clip, self.num_frames)
        if any(n < blocks for n, blocks in zip(x.shape[2:], self.grid, strict=True)):
            raise PhysrepError(
                f"PooledPixels: clips of {tuple(x.shape[2:])} (T, H, W) are smaller than the grid {self.grid}; "
                "choose a smaller grid."
            )
        return F.adaptive_avg_pool3d(x, self.grid).flatten(1).unsqueeze(1)
