"""Cutting clips into the blocks that the tokens of a grid stand for, and putting them together again.

A block of ``(a, b, c)`` points in T, H and W is a vector in the order (time, H, W, channel), channel fastest, as in
VideoMAE.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import PhysrepError


def block_size(
    grid: tuple[int, int, int], frames: int, height: int, width: int, what: str = "the encoder"
) -> tuple[int, int, int]:
    """Points (a, b, c) of a clip of this size per token of the grid.

    Raises:
        PhysrepError: a size is not a multiple of the grid.
    """
    sizes = (frames, height, width)
    if any(g < 1 or n % g for n, g in zip(sizes, grid, strict=True)):
        raise PhysrepError(
            f"{what}: a clip of {frames}x{height}x{width} (T, H, W) is no multiple of its token grid "
            f"{grid[0]}x{grid[1]}x{grid[2]}, so its pixels cannot be shared out among tokens; change frames or points."
        )
    return frames // grid[0], height // grid[1], width // grid[2]


def to_blocks(x: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """Blocks with shape ``(B, t h w, a b c C)`` of clips with shape ``(B, C, T, H, W)``."""
    (t, h, w), (a, b, c) = grid, block_size(grid, x.shape[2], x.shape[3], x.shape[4])
    blocks = x.reshape(x.shape[0], -1, t, a, h, b, w, c).permute(0, 2, 4, 6, 3, 5, 7, 1)
    return blocks.reshape(x.shape[0], t * h * w, -1)


def from_blocks(blocks: Tensor, grid: tuple[int, int, int], block: tuple[int, int, int]) -> Tensor:
    """Clips with shape ``(B, C, T, H, W)``: the inverse of `to_blocks`."""
    (t, h, w), (a, b, c) = grid, block
    x = blocks.reshape(len(blocks), t, h, w, a, b, c, -1).permute(0, 7, 1, 4, 2, 5, 3, 6)
    return x.reshape(len(blocks), x.shape[1], t * a, h * b, w * c)


def tube_mask(batch: int, grid: tuple[int, int, int], ratio: float, device: torch.device | str = "cpu") -> Tensor:
    """A random mask of the spatial grid, the same at all times, with shape ``(B, t h w)``; True is masked.

    ``floor(ratio h w)`` positions are masked in every clip, drawn from torch's global generator.

    Raises:
        PhysrepError: the ratio masks nothing or everything.
    """
    positions = grid[1] * grid[2]
    masked = int(ratio * positions)
    if not 0 < masked < positions:
        raise PhysrepError(
            f"mask_ratio {ratio} masks {masked} of {positions} positions; choose it so that some are masked, not all."
        )
    order = torch.rand(batch, positions).argsort(1).to(device)
    mask = torch.zeros(batch, positions, dtype=torch.bool, device=device)
    mask.scatter_(1, order[:, :masked], True)
    return mask.repeat(1, grid[0])
