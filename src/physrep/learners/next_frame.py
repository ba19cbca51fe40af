"""Autoregression on any encoder: predict the next frame from the window before it, with the encoder left open.

The tokens of a window, grid (t, h, w), are joined over time at every position, and an MLP gives the pixels of that
position's block of the next frame, as a change of the last frame:

    y = u + d(f(x)),    loss = mean over samples and channels of |y - y*|² / scale      (see `frame_error`).

MPP ("Multiple Physics Pretraining") predicts this with its own axial transformer: `physrep.learners.MPP` is faithful to
it. Here the encoder is that of the other learners of a comparison, so that only the objective differs, and reads the
same fields, z-scored by the training split; MPP standardises every sample, which hides the amplitude.

Source: "Multiple Physics Pretraining for Physical Surrogate Models", McCabe et al., 2023,
https://arxiv.org/abs/2310.02994.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..nn.patches import from_blocks
from .encoding import EncoderLearner
from .frame_error import Scale, check_scale, frame_error


class NextFrame(EncoderLearner):
    """Next-frame prediction.

    Args:
        in_channels: number of field components.
        num_frames: frames per window; training clips hold one more.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module; it must state its token grid.
        encoder_options: keyword arguments of the encoder.
        hidden: width of the decoder's hidden layer.
        residual: predict the change of the last frame rather than the frame.
        error_scale: ``change`` (1 is persistence), ``variance`` or ``square``.
    """

    label = "Next frame"
    colour = "#5fae3a"
    search_space: ClassVar[dict[str, Any]] = {
        "error_scale": ["change", "variance", "square"],
        "hidden": [128, 256, 512],
    }

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "vit3d",
        encoder_options: Mapping[str, Any] | None = None,
        hidden: int = 256,
        residual: bool = True,
        error_scale: Scale = "change",
    ) -> None:
        super().__init__(in_channels, num_frames, encoder, encoder_options, train_frames=num_frames + 1)
        check_scale(error_scale, "next_frame")
        self.residual, self.error_scale = residual, error_scale
        frames, *points = self.points_per_token()
        slices = num_frames // frames
        self.decoder = nn.Sequential(
            nn.LayerNorm(slices * self.embed_dim),
            nn.Linear(slices * self.embed_dim, hidden),
            nn.GELU(),
            nn.Linear(hidden, math.prod(points) * in_channels),
        )

    def next_frame(self, x: Tensor) -> Tensor:
        """The next frame with shape ``(B, C, *S)`` of normalised fields ``(B, C, num_frames, *S)``."""
        (t, *places), (_, *points) = self.token_blocks(x), self.points_per_token()
        tokens = self.tokens(x).unflatten(1, (t, math.prod(places))).transpose(1, 2).flatten(2)
        change = from_blocks(self.decoder(tokens), (1, *places), (1, *points)).squeeze(2)
        return x[:, :, -1] + change if self.residual else change

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Relative error of the next frame, ``loss``, and that of persistence, for ``num_frames + 1`` frames."""
        x = self.fields(clip, self.train_frames)
        window, target = x[:, :, :-1], x[:, :, -1]
        last = window[:, :, -1]
        with torch.no_grad():
            persistence = frame_error(last, target, last, self.error_scale)
        return {
            "loss": frame_error(self.next_frame(window), target, last, self.error_scale),
            "persistence": persistence,
        }
