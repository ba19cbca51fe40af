"""A vision transformer on space-time patches ("tubelets") of a clip.

    tokens = LN(blocks(W patches + positions)),   block: x + SDPA(LN x), then x + MLP(LN x).

The positions are fixed sines and cosines of the patch indices (t, h, w), so any grid size can be encoded.

Source: "An Image is Worth 16x16 Words", Dosovitskiy et al., 2021; "ViViT", Arnab et al., 2021.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .checks import check_clips, triple
from .patches import patch_tokens


def sincos_positions(grid: Sequence[int], dim: int, device: torch.device | str = "cpu") -> Tensor:
    """Sine-cosine code of the points of a grid.

    An equal share of the channels (a third; in pairs; the rest goes to t) codes each of t, h and w: ``sin(i f)`` and
    ``cos(i f)`` of the index i with frequencies ``f`` in a geometric sequence from 1 to 1e-4.

    Args:
        grid: numbers of points (t, h, w), or (t, x, y, z).
        dim: number of channels D, even and at least two per axis.
        device: where to put it.

    Returns:
        Tensor with shape ``(N, D)``, float32, N points in row-major order.
    """
    pairs = dim // 2
    axes = len(grid)
    counts = (pairs - (axes - 1) * (pairs // axes), *[pairs // axes] * (axes - 1))
    codes = []
    for axis, (n, count) in enumerate(zip(grid, counts, strict=True)):
        frequency = 1e-4 ** (torch.arange(count, dtype=torch.float64, device=device) / count)
        phase = torch.arange(n, dtype=torch.float64, device=device)[:, None] * frequency
        code = torch.cat([phase.sin(), phase.cos()], dim=1)
        shape = [1] * axes + [2 * count]
        shape[axis] = n
        codes.append(code.view(shape).expand(*grid, -1))
    return torch.cat(codes, dim=-1).flatten(0, -2).float()


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and MLP on ``(B, N, D)``."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        hidden = int(mlp_ratio * dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        qkv = self.qkv(self.norm1(x)).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*qkv.unbind(0))
        x = x + self.proj(attended.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class ViT3D(nn.Module):
    """Encoder from ``(B, C, T, H, W)`` to ``(B, N, D)``, one token per patch.

    Args:
        in_channels: number of field components C.
        patch: extent (t, h, w) of a patch; the sizes of the clip must be multiples of it.
        embed_dim: token dimension D; a multiple of ``num_heads``.
        depth: number of blocks.
        num_heads: attention heads.
        mlp_ratio: hidden width of the MLPs as a multiple of D.
    """

    def __init__(
        self,
        in_channels: int,
        patch: Sequence[int] = (4, 8, 8),
        embed_dim: int = 128,
        depth: int = 4,
        num_heads: int = 4,
        mlp_ratio: float = 4.0,
    ) -> None:
        super().__init__()
        if embed_dim % num_heads or embed_dim % 2 or embed_dim < 6:
            raise PhysrepError(f"vit3d: embed_dim {embed_dim} must be even and a multiple of num_heads {num_heads}.")
        self.in_channels, self.embed_dim = in_channels, embed_dim
        self.patch = triple(patch, "vit3d: patch")
        self.embed = nn.Linear(in_channels * self.patch[0] * self.patch[1] * self.patch[2], embed_dim)
        self.blocks = nn.Sequential(*(TransformerBlock(embed_dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim)

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Token grid (t, h, w) of a clip of this size.

        Args:
            frames, height, width: size of a window of fields.

        Raises:
            PhysrepError: a size is no multiple of the patch.
        """
        sizes, (a, b, c) = (frames, height, width), self.patch
        if any(n < p or n % p for n, p in zip(sizes, self.patch, strict=True)):
            raise PhysrepError(
                f"vit3d: a clip of {frames}x{height}x{width} (T, H, W) is not a multiple of the patch {a}x{b}x{c}; "
                "change patch, or the number of frames and points."
            )
        return frames // a, height // b, width // c

    def forward(self, x: Tensor, visible: Tensor | None = None) -> Tensor:
        """Tokens with shape ``(B, t h w, D)``, row-major, of clips with shape ``(B, C, T, H, W)``.

        Args:
            x: the clips.
            visible: indices with shape ``(B, n)`` of the patches to look at; the others are left out before the first
                block, and the result has the shape ``(B, n, D)``.
        """
        check_clips(x, self.in_channels, "vit3d")
        grid = self.grid(x.shape[2], x.shape[3], x.shape[4])
        positions = sincos_positions(grid, self.embed_dim, x.device)
        return self.norm(self.blocks(patch_tokens(x, grid, self.embed, positions, visible)))
