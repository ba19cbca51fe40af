"""Multiple Physics Pretraining: predict the next frame with an axial vision transformer.

Window -> tokens of every frame -> tokens after 12 blocks of attention in time and along both axes -> next frame, with
the loss of the paper, the mean over samples and channels of ``|prediction - target|² / |target|²`` (see `frame_error`,
``square``). Fields are standardised per sample and channel inside, so the tokens do not hold a window's amplitude.

Channels are read by name. A model trained from scratch has a column of the vocabulary for each of its channels; with
released weights, ``columns`` says which column each channel takes, and channels that the weights have never seen get
columns of their own (`AViT.expand`). Axes are periodic or open as the clip says, each by itself.

Source: McCabe et al., 2023, https://arxiv.org/abs/2310.02994.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError, nearest
from ..nn.avit import AViT, standardise
from .base import Learner
from .frame_error import Scale, check_scale, frame_error

SIZES: dict[str, dict[str, int]] = {
    "tiny": {"embed_dim": 192, "depth": 12, "num_heads": 3},
    "small": {"embed_dim": 384, "depth": 12, "num_heads": 6},
    "base": {"embed_dim": 768, "depth": 12, "num_heads": 12},
    "large": {"embed_dim": 1024, "depth": 24, "num_heads": 16},
}
"""Released sizes; the paper's comparison uses ``tiny``."""


class MPP(Learner):
    """Axial vision transformer trained on the next frame.

    Args:
        in_channels: number of field components.
        num_frames: frames per window; training clips hold one more.
        size: ``tiny``, ``small``, ``base`` or ``large``: what the three sizes below are if they are not given.
        patch: 16 as released; 8 or 4 for small grids.
        embed_dim, depth, num_heads: of the transformer.
        columns: column of the vocabulary for each channel by name; default one per channel in order.
        states: columns of the vocabulary; default as many as are needed.
        tokens: what `encode` gives: those of the ``last`` frame, as the paper pools, or ``all``.
        error_scale: ``square`` as published, ``variance``, or ``change`` (1 is persistence).
        drop_path: stochastic depth in training.
        layer_scale: initial gamma of the blocks.
    """

    label = "MPP"
    space_axes = (2,)
    colour = "#12866a"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        size: str = "tiny",
        patch: int = 16,
        embed_dim: int | None = None,
        depth: int | None = None,
        num_heads: int | None = None,
        columns: Mapping[str, int] | None = None,
        states: int | None = None,
        tokens: Literal["last", "all"] = "last",
        error_scale: Scale = "square",
        drop_path: float = 0.0,
        layer_scale: float = 1e-6,
    ) -> None:
        super().__init__(in_channels, num_frames, train_frames=num_frames + 1)
        check_scale(error_scale, "mpp")
        if size not in SIZES:
            raise PhysrepError(f"mpp: there is no size {size!r}; {nearest(size, list(SIZES))}")
        if tokens not in ("last", "all"):
            raise PhysrepError(f"mpp: tokens is {tokens!r}; give 'last' or 'all'.")
        given: dict[str, Any] = {"embed_dim": embed_dim, "depth": depth, "num_heads": num_heads}
        sizes = SIZES[size] | {key: value for key, value in given.items() if value is not None}
        self.columns = dict(columns) if columns is not None else None
        needed = 1 + max(self.columns.values()) if self.columns else in_channels
        if self.columns and len(self.columns) < in_channels:
            raise PhysrepError(
                f"mpp: {in_channels} channels, but columns names {len(self.columns)}; give one for each."
            )
        if states is not None and states < needed:
            raise PhysrepError(f"mpp: {states} states are too few, the columns reach {needed - 1}; give {needed}.")
        self.token_kind, self.error_scale = tokens, error_scale
        self.embed_dim = sizes["embed_dim"]
        self.encoder = AViT(
            states or needed, self.embed_dim, sizes["depth"], sizes["num_heads"], patch, drop_path, layer_scale
        )

    def labels(self) -> Tensor:
        """Column of each channel, in the order of `channels`.

        Raises:
            PhysrepError: a channel has no column.
        """
        device = self.field_mean.device
        if self.columns is None:
            return torch.arange(self.in_channels, device=device)
        names = self.channels or tuple(self.columns)[: self.in_channels]
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise PhysrepError(
                f"mpp: channel {missing[0]!r} has no column of the vocabulary; name one in columns "
                f"(known: {', '.join(self.columns)})."
            )
        return torch.tensor([self.columns[name] for name in names], device=device)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens after all blocks: ``(B, h w, D)`` of the last frame, or ``(B, T h w, D)``."""
        x, _, _ = standardise(self.fields(clip, self.num_frames))
        return self.encoder.tokens(x, self.labels(), clip.periodic, last=self.token_kind == "last").flatten(1, 3)

    def predict_frame(self, clip: Clip, x: Tensor) -> Tensor:
        """The next frame with shape ``(B, C, H, W)`` of normalised fields ``(B, C, num_frames, H, W)``.

        Args:
            clip: windows; it says which axes are periodic.
            x: their normalised fields.
        """
        return self.encoder(x, self.labels(), clip.periodic)

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Relative error of the next frame, ``loss``, for clips of ``num_frames + 1`` frames."""
        x = self.fields(clip, self.train_frames)
        window, target = x[:, :, :-1], x[:, :, -1]
        predicted = self.predict_frame(clip, window)
        return {"loss": frame_error(predicted, target, window[:, :, -1], self.error_scale, floor=1e-7)}
