r"""Masked reconstruction of pixels on any encoder: VideoMAE's objective, with the encoder left open.

Of the token grid (t, h, w) a random set of spatial positions is hidden at all times ("tubes"), and a light decoder
predicts the pixels x of the hidden blocks from what the encoder says of the rest:

.. math:: L = \overline{(d(f(x_{visible})) - x_{hidden})^2}

over hidden pixels. An encoder that can leave tokens out (`ViT3D`) sees the visible blocks only, as in VideoMAE; any
other one sees the hidden blocks filled with a learned value per channel (at first 0, the mean).

Targets are the z-scored fields as they are. VideoMAE normalises every block to zero mean and unit variance; in physics
the amplitude of a block is part of the state, so that is an option here (``normalise_targets``), and the default of the
faithful `physrep.learners.VideoMAE`.

Source: "VideoMAE", Tong et al., 2022, https://arxiv.org/abs/2203.12602.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..nn.patches import from_blocks, to_blocks, tube_mask
from ..nn.precision import full_precision
from ..nn.vit3d import TransformerBlock, sincos_positions
from .encoding import EncoderLearner


def normalised(blocks: Tensor, channels: int) -> Tensor:
    """Blocks ``(B, N, p C)`` with zero mean and unit variance over the p points of each block and channel."""
    points = blocks.unflatten(2, (-1, channels))
    centred = points - points.mean(2, keepdim=True)
    # The library's variance along an axis that is not the last takes five times as long.
    std = (centred.square().sum(2, keepdim=True) / (points.shape[2] - 1)).sqrt() + 1e-6
    return (centred / std).flatten(2)


def visible_positions(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the visible and of the hidden positions, each in order, with shapes ``(B, n)`` and ``(B, N - n)``.

    Args:
        mask: with shape ``(B, N)``, True where hidden, the same number in every row.
    """
    # Stable, so that positions keep their order.
    order = mask.to(torch.uint8).argsort(dim=1, stable=True)
    count = int((~mask[0]).sum())
    return order[:, :count], order[:, count:]


class MaskedPixels(EncoderLearner):
    """Masked reconstruction.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module; it must state its token grid.
        encoder_options: keyword arguments of the encoder.
        mask_ratio: fraction of the spatial positions that are hidden. VideoMAE hides 0.9 of 196; on grids of a few
            dozen positions 0.75 leaves enough to see.
        normalise_targets: whether the pixels of each block and channel are normalised.
        decoder_dim, decoder_depth, decoder_heads: sizes of the decoder, a transformer on all positions.
    """

    label = "Masked pixels"
    colour = "#8c1c3c"
    search_space: ClassVar[dict[str, Any]] = {"mask_ratio": [0.5, 0.75, 0.9], "normalise_targets": [False, True]}

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "vit3d",
        encoder_options: Mapping[str, Any] | None = None,
        mask_ratio: float = 0.75,
        normalise_targets: bool = False,
        decoder_dim: int = 64,
        decoder_depth: int = 2,
        decoder_heads: int = 2,
    ) -> None:
        super().__init__(in_channels, num_frames, encoder, encoder_options)
        self.mask_ratio, self.normalise_targets = mask_ratio, normalise_targets
        self.drops_tokens = "visible" in inspect.signature(self.encoder.forward).parameters
        self.to_decoder = nn.Linear(self.embed_dim, decoder_dim)
        self.blocks = nn.Sequential(*(TransformerBlock(decoder_dim, decoder_heads, 4.0) for _ in range(decoder_depth)))
        self.norm = nn.LayerNorm(decoder_dim)
        self.block = self.points_per_token()
        self.to_pixels = nn.Linear(decoder_dim, math.prod(self.block) * in_channels)
        if self.drops_tokens:
            self.hidden_token = nn.Parameter(torch.zeros(decoder_dim))
        else:
            self.hidden_value = nn.Parameter(torch.zeros(in_channels))

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Mean squared error over hidden pixels, with a new random mask: ``loss``."""
        x = self.fields(clip, self.num_frames)
        return self.masked_loss(x, tube_mask(len(x), self.grid(x), self.mask_ratio, x.device))

    def masked_loss(self, x: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The loss for normalised fields ``(B, C, T, *S)`` and a mask ``(B, N)``, True where hidden.

        Every row of the mask hides the same number of positions.

        Args:
            x: normalised fields.
            mask: which tokens are hidden.
        """
        grid = self.token_blocks(x)
        predicted = self._decode(x, mask, grid)
        target = to_blocks(x, grid)
        if self.normalise_targets:
            target = normalised(target, self.in_channels)
        with full_precision(x.device):
            error = (predicted.float() - target.float()).square().mean(2)
            return {"loss": error[mask].mean()}

    def _decode(self, x: Tensor, mask: Tensor, grid: Sequence[int]) -> Tensor:
        """Predicted blocks at all positions, with shape ``(B, N, p C)``."""
        positions = sincos_positions(grid, self.norm.normalized_shape[0], x.device)
        if self.drops_tokens:
            visible, _ = visible_positions(mask)
            seen = self.to_decoder(self.encoder(x, visible=visible))
            index = visible.unsqueeze(2).expand(-1, -1, seen.shape[2])
            full = self.hidden_token.to(seen.dtype).expand(len(x), mask.shape[1], -1).scatter(1, index, seen)
        else:
            points = from_blocks(mask.unsqueeze(2).expand(-1, -1, math.prod(self.block)), grid, self.block)
            full = self.to_decoder(
                self.tokens(torch.where(points, self.hidden_value.view(1, -1, *[1] * (x.dim() - 2)), x))
            )
        return self.to_pixels(self.norm(self.blocks(full + positions.to(full.dtype))))
