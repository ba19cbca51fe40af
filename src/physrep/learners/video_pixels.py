"""Small pictures as tokens: what any claim about a video model has to beat.

They are made from the very pictures that the model sees: ``rgb16`` the mean colours of a 16 x 16 grid (768 numbers),
``gray16`` their luma (256), ``rgb32`` the same of 32 x 32 (3072), ``centre16`` the middle 16 x 16 pixels as they are
(768).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError, nearest
from .rendered import Rendered

PIXELS = ["rgb16", "gray16", "rgb32", "centre16"]
"""Names of the pixel embeddings."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a gray value (ITU-R BT.601)."""


def pixel_tokens(video: Tensor, name: str) -> Tensor:
    """Per frame a small picture, with shape ``(B, T, h, w, C)``.

    Args:
        video: with shape ``(B, T, 3, H, W)`` in [0, 1].
        name: one of `PIXELS`.

    Raises:
        PhysrepError: unknown name, or the frames are smaller than the picture.
    """
    if name not in PIXELS:
        raise PhysrepError(f"there are no pixels {name!r}; known: {', '.join(PIXELS)}.")
    side = 32 if name == "rgb32" else 16
    height, width = video.shape[-2:]
    if min(height, width) < side:
        raise PhysrepError(f"pixels {name!r} need frames of at least {side} x {side} pixels, not {height} x {width}.")
    batch, frames = video.shape[:2]
    if name == "centre16":
        top, left = (height - side) // 2, (width - side) // 2
        small = video[..., top : top + side, left : left + side]
    else:
        # The area mean, so that no pixel is left out, whatever the size of the frame.
        small = F.adaptive_avg_pool2d(video.flatten(0, 1), side).unflatten(0, (batch, frames))
    if name == "gray16":
        small = (small * small.new_tensor(LUMA).view(3, 1, 1)).sum(2, keepdim=True)
    return small.permute(0, 1, 3, 4, 2).contiguous()


class VideoPixels(Rendered):
    """`pixel_tokens` of the pictures that video models see, averaged over the frames of a tubelet.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        source: one of `PIXELS`.
        tubelet: frames per token; V-JEPA 2 has 2, so that all see the same moments.
        groups, colour_map, limit, colour_range, size: of the pictures, see `physrep.learners.rendered.Rendered`.

    Raises:
        PhysrepError: unknown source, or a tubelet longer than the clip.
    """

    label = "Pixels of the pictures"
    space_axes = (2,)
    colour = "#8d6aa0"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        source: str = "rgb16",
        tubelet: int = 2,
        groups: Sequence[Sequence[str]] | None = None,
        colour_map: str = "gray",
        limit: float = 3.0,
        colour_range: Sequence[float] | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(in_channels, num_frames, groups, colour_map, limit, colour_range, size)
        if source not in PIXELS:
            raise PhysrepError(f"video_pixels: there are no pixels {source!r}; {nearest(source, PIXELS)}")
        if not 1 <= tubelet <= num_frames:
            raise PhysrepError(f"video_pixels: tubelet is {tubelet}; give 1 to {num_frames}, the frames of a clip.")
        self.source, self.tubelet = source, tubelet
        self.embed_dim = 1 if source == "gray16" else 3

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Tokens of one group along time, H and W.

        Args:
            frames, height, width: size of a window of fields.
        """
        side = 32 if self.source == "rgb32" else 16
        return (frames // self.tubelet, side, side)

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, C)``, one per pixel of a small picture: of the groups one after the other."""
        parts = []
        for video in self.videos(clip):
            tokens = pixel_tokens(video, self.source)
            steps = tokens.shape[1] // self.tubelet
            tokens = tokens[:, : steps * self.tubelet].unflatten(1, (steps, self.tubelet)).mean(2)
            parts.append(tokens.flatten(1, 3))
        return torch.cat(parts, 1)
