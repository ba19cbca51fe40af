"""Pixels as embeddings: what any claim about a video model has to beat.

Every frame becomes one vector: ``rgb16`` the mean colours of a 16 x 16 grid (768 numbers), ``gray16`` their luma (256),
``rgb32`` the same of 32 x 32 (3072), ``centre16`` the middle 16 x 16 pixels as they are (768).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError

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


def frame_vectors(tokens: Tensor) -> Tensor:
    """The whole small picture of each frame as one vector, ``(B, T, h w C)``."""
    return tokens.flatten(2)
