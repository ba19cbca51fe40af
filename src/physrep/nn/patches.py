"""Cutting clips into the blocks that the tokens of a grid stand for, and putting them together again.

A block of ``(a, b, c)`` points in T, H and W is a vector in the order (time, H, W, channel), channel fastest, as in
VideoMAE; with three axes of space, of ``(a, b, c, d)`` points in T, X, Y and Z, in the order (time, X, Y, Z, channel).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError


def block_size(grid: Sequence[int], sizes: Sequence[int], what: str = "the encoder") -> tuple[int, ...]:
    """Points of a clip per token of the grid, along time and every axis of space.

    Args:
        grid: tokens along each axis, (t, h, w) or (t, x, y, z).
        sizes: points of the clip along each of them.
        what: the subject of the sentence.

    Raises:
        PhysrepError: a size is not a multiple of the grid.
    """
    if len(grid) != len(sizes) or any(g < 1 or n % g for n, g in zip(sizes, grid, strict=True)):
        raise PhysrepError(
            f"{what}: a clip of {'x'.join(map(str, sizes))} points (time, then space) is no multiple of its token grid "
            f"{'x'.join(map(str, grid))}, so its pixels cannot be shared out among tokens; change frames or points."
        )
    return tuple(n // g for n, g in zip(sizes, grid, strict=True))


def patch_tokens(
    x: Tensor, grid: Sequence[int], embed: Callable[[Tensor], Tensor], positions: Tensor, visible: Tensor | None
) -> Tensor:
    """Embedded patches of clips ``(B, C, T, H, W)`` plus their positions: ``(B, t h w, D)``, or ``(B, n, D)``.

    Args:
        x: the clips.
        grid: tokens along T, H and W.
        embed: from patches ``(B, n, C a b c)``, the channel slowest as in the weights of a convolution, to tokens.
        positions: of all tokens, ``(t h w, D)``.
        visible: indices ``(B, n)`` of the patches to look at; None takes all.
    """
    (t, h, w), (a, b, c) = grid, block_size(grid, x.shape[2:])
    patches = x.reshape(x.shape[0], -1, t, a, h, b, w, c).permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4).flatten(1, 3)
    if visible is not None:
        patches = patches.gather(1, visible.unsqueeze(2).expand(-1, -1, patches.shape[2]))
        positions = positions[visible]
    tokens = embed(patches)
    return tokens + positions.to(tokens.dtype)


def to_blocks(x: Tensor, grid: Sequence[int]) -> Tensor:
    """Blocks with shape ``(B, N, p C)``, N tokens of p points each, of clips with shape ``(B, C, T, *S)``."""
    split = [n for pair in zip(grid, block_size(grid, x.shape[2:]), strict=True) for n in pair]
    axes = len(grid)
    order = (0, *range(2, 2 + 2 * axes, 2), *range(3, 3 + 2 * axes, 2), 1)
    return x.reshape(x.shape[0], x.shape[1], *split).permute(order).reshape(x.shape[0], math.prod(grid), -1)


def from_blocks(blocks: Tensor, grid: Sequence[int], block: Sequence[int]) -> Tensor:
    """Clips with shape ``(B, C, T, *S)``: the inverse of `to_blocks`."""
    axes = len(grid)
    x = blocks.reshape(len(blocks), *grid, *block, -1)
    order = (0, 1 + 2 * axes, *(place for axis in range(axes) for place in (1 + axis, 1 + axes + axis)))
    return x.permute(order).reshape(len(x), -1, *(g * b for g, b in zip(grid, block, strict=True)))


def tube_mask(batch: int, grid: Sequence[int], ratio: float, device: torch.device | str = "cpu") -> Tensor:
    """A random mask of the spatial grid, the same at all times, with shape ``(B, N)``; True is masked.

    ``floor(ratio h w)`` positions (of three axes x y z) are masked in every clip, drawn from torch's global generator.

    Raises:
        PhysrepError: the ratio masks nothing or everything.
    """
    positions = math.prod(grid[1:])
    masked = int(ratio * positions)
    if not 0 < masked < positions:
        raise PhysrepError(
            f"mask_ratio {ratio} masks {masked} of {positions} positions; choose it so that some are masked, not all."
        )
    order = torch.rand(batch, positions).argsort(1).to(device)
    mask = torch.zeros(batch, positions, dtype=torch.bool, device=device)
    mask.scatter_(1, order[:, :masked], True)
    return mask.repeat(1, grid[0])


def patch_product(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution of planes ``(N, H, W, C)`` whose kernel equals its stride, as one matrix product on patches.

    Args:
        x: planes, channels last.
        kernel: weight of the convolution, ``(D, C, k, k)``.
        bias: ``(D,)``.

    Returns:
        Tensor with shape ``(N, H / k, W / k, D)``.
    """
    k = kernel.shape[-1]
    n, h, w, c = x.shape
    patches = x.reshape(n, h // k, k, w // k, k, c).transpose(2, 3).reshape(n, h // k, w // k, -1)
    return F.linear(patches, kernel.permute(0, 2, 3, 1).flatten(1), bias)
