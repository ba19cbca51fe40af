"""Masks made of rectangles on the spatial token grid, the same at all times, as V-JEPA draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import PhysrepError

ASPECT = (0.75, 1.5)
"""Range of height over width of a rectangle, drawn log-uniformly."""


def block_masks(
    batch: int,
    grid: Sequence[int],
    blocks: int,
    scale: float,
    device: torch.device | str = "cpu",
) -> tuple[Tensor, Tensor]:
    """Indices of visible and of hidden tokens.

    The union of ``blocks`` rectangles, each of about the fraction ``scale`` of the h x w positions, is hidden at all
    times. All rectangles of a call have one size, drawn once, and lie anywhere. At least one position stays visible in
    every clip and at least one is hidden. Clips hide different numbers of positions; to form a batch, all keep
    as many visible and hidden ones as the clip with the fewest, the others are neither seen nor predicted.

    Args:
        batch: number of clips.
        grid: token grid (t, h, w).
        blocks, scale: number of rectangles and fraction of the area of each.
        device: of the result.

    Returns:
        Row-major indices into ``t h w`` tokens with shapes ``(B, t v)`` and ``(B, t m)``.

    Raises:
        PhysrepError: the grid has a single position or three axes of space, or the fraction is not between 0 and 1.
    """
    if len(grid) != 3:
        raise PhysrepError("block masks are rectangles on two axes of space, the fields have three; use masked_pixels.")
    t, h, w = grid
    if h * w < 2 or not 0 < scale < 1 or blocks < 1:
        raise PhysrepError(
            f"block masks: {blocks} blocks of the fraction {scale} of {h}x{w} positions; give at least one block, a "
            "fraction between 0 and 1, and at least 2 positions."
        )
    low, high = (math.log(value) for value in ASPECT)
    ratio = math.exp(low + (high - low) * float(torch.rand(())))
    area = scale * h * w
    height = min(max(round(math.sqrt(area * ratio)), 1), h)
    width = min(max(round(area / height), 1), w)
    top = (torch.rand(batch, blocks) * (h - height + 1)).long()
    left = (torch.rand(batch, blocks) * (w - width + 1)).long()
    rows, columns = torch.arange(h).view(1, 1, h, 1), torch.arange(w).view(1, 1, 1, w)
    top, left = top[..., None, None], left[..., None, None]
    inside = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
    mask = inside.any(1).flatten(1)
    full = mask.all(1)
    if full.any():
        open_ = torch.randint(h * w, (int(full.sum()),))
        mask[full.nonzero()[:, 0], open_] = False
    # Which positions of a clip are left over is random, not those at the end of the grid.
    order = (mask.float() + torch.rand(batch, h * w) * 0.5).argsort(1)
    visible = order[:, : int((~mask).sum(1).min())].sort(1).values
    hidden = order[:, h * w - int(mask.sum(1).min()) :].sort(1).values
    times = torch.arange(t).view(1, t, 1) * h * w
    return tuple((times + part.unsqueeze(1)).flatten(1).to(device) for part in (visible, hidden))  # pyright: ignore[reportReturnType]
