"""What the learners share that put one objective onto any encoder."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.checks import encoders_of_axes
from ..nn.patches import block_size
from .base import Learner
from .build_encoder import build_encoder, check_encoding, embedding_dimension


class EncoderLearner(Learner):
    """A learner around an encoder of its own choice; `encode` gives the encoder's tokens.

    Args:
        in_channels: number of field components.
        num_frames: frames per window that the encoder reads.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module ``(B, C, T, H, W) -> (B, N, D)``.
        encoder_options: keyword arguments of the encoder.
        train_frames: frames of a training clip; default `num_frames`.
    """

    def __init__(
        self,
        in_channels: int,
        num_frames: int,
        encoder: str | nn.Module,
        encoder_options: Mapping[str, Any] | None,
        train_frames: int | None = None,
    ) -> None:
        super().__init__(in_channels, num_frames, train_frames)
        self.encoder = build_encoder(encoder, in_channels, num_frames, encoder_options)
        self.embed_dim = embedding_dimension(self.encoder, in_channels, num_frames)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of clips of `num_frames` frames."""
        return self.tokens(self.fields(clip, self.num_frames))

    def tokens(self, x: Tensor) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of normalised fields."""
        return check_encoding(self.encoder(x), self.encoder, x.shape[0])

    def grid(self, x: Tensor) -> tuple[int, ...]:
        """Token grid (t, h, w), or (t, x, y, z), of the encoder for fields of this size.

        Raises:
            PhysrepError: the encoder names no grid, or one of another number of axes.
        """
        grid = getattr(self.encoder, "grid", None)
        if grid is None:
            raise PhysrepError(
                f"{type(self).__name__} predicts the pixels that each token stands for, but encoder "
                f"{type(self.encoder).__name__} has no method grid(T, H, W) -> (t, h, w); give it one."
            )
        try:
            inspect.signature(grid).bind(self.num_frames, *x.shape[3:])
        except TypeError as error:
            raise PhysrepError(
                f"{type(self).__name__}: encoder {type(self.encoder).__name__} has tokens on another number of axes of "
                f"space; {encoders_of_axes(x.dim() - 3)}."
            ) from error
        return grid(self.num_frames, *x.shape[3:])

    def points_per_token(self) -> tuple[int, ...]:
        """Points along time and each axis of space that a token stands for, found from the grid for some usual sizes.

        Raises:
            PhysrepError: the encoder names no grid, or takes none of these sizes.
        """
        for size in (64, 96, 224, 256, 56, 100):
            try:
                sizes = (self.num_frames, *[size] * getattr(self.encoder, "space_axes", 2))
                return block_size(self.grid(torch.empty(0, self.in_channels, *sizes)), sizes)
            except PhysrepError:
                if getattr(self.encoder, "grid", None) is None:
                    raise
        raise PhysrepError(
            f"{type(self).__name__}: the token grid of {type(self.encoder).__name__} divides no clip of "
            f"{self.num_frames} frames of 64, 96, 224, 256, 56 or 100 points; choose patches that divide them."
        )

    def token_blocks(self, x: Tensor) -> tuple[int, ...]:
        """The token grid of fields ``(B, C, T, *S)``, after a check that its tokens stand for `points_per_token`.

        Raises:
            PhysrepError: the size of the fields is no multiple of a token's.
        """
        grid = self.grid(x)
        if block_size(grid, (self.num_frames, *x.shape[3:]), type(self).__name__) != self.points_per_token():
            raise PhysrepError(
                f"{type(self).__name__}: {'x'.join(map(str, x.shape[3:]))} points are no multiple of the "
                f"{'x'.join(map(str, self.points_per_token()))} points (T, then space) of a token; change the "
                "resolution."
            )
        return grid
