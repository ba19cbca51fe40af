"""Predictors: from the tokens of one window to those of the next.

A predictor maps tokens with shape ``(B, N, D)`` and their grid ``(t, h, w)``, ``N = t h w``, to tokens of that shape;
of three axes of space the grid is ``(t, x, y, z)``, of one ``(t, x)``.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..errors import PhysrepError
from .convnext3d import ResidualBlock


class ConvPredictor(nn.Module):
    """The published predictor on maps ``(B, D, h, w)``: 2x2 convolution to 2 D, one 2D residual block, 2x2 convolution.

    The first convolution pads by one point on every side and the second not at all, so the grid grows by one and comes
    back. Parameter names and shapes are those of the published code; with D = 128 there are 801,664 parameters.

    Args:
        dim: channels D of the maps.
        layer_scale: initial gamma of the residual block.

    Source: helenqu/physical-representation-learning, see `physrep.nn.convnext3d`.
    """

    def __init__(self, dim: int, layer_scale: float = 1e-6) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(dim, 2 * dim, 2, padding=1),
            ResidualBlock(2 * dim, dimensions=2, layer_scale=layer_scale),
            nn.Conv2d(2 * dim, dim, 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the same shape ``(B, D, h, w)``."""
        expand, block, contract = self.conv
        hidden = block(expand(x).permute(0, 2, 3, 1))
        return contract(hidden.permute(0, 3, 1, 2))


class ConvTokenPredictor(ConvPredictor):
    """`ConvPredictor` on the tokens of a grid with one time slice."""

    def forward(self, x: Tensor, grid: Sequence[int] | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Tokens of the same shape ``(B, h w, D)``.

        Raises:
            PhysrepError: the encoder names no grid, or one with several time slices.
        """
        if grid is None or grid[0] != 1 or len(grid) != 3:
            raise PhysrepError(
                f"the conv predictor wants a token grid (1, h, w), this encoder has {grid}; choose predictor: tokens."
            )
        maps = x.unflatten(1, grid[1:]).permute(0, 3, 1, 2)
        return super().forward(maps).permute(0, 2, 3, 1).flatten(1, 2)


class TokenPredictor(nn.Module):
    """A light predictor for any encoder: ``x + W2 block(W1 x)`` with residual blocks of width ``ratio D``.

    Args:
        dim: token dimension D.
        depth: number of residual blocks.
        ratio: width of the blocks as a multiple of D.
        kernel_size: odd extent of the depthwise kernel that mixes neighbours on the token grid; 1 predicts each token
            from itself alone and needs no grid.
        layer_scale: initial gamma of the blocks.
    """

    def __init__(
        self, dim: int, depth: int = 1, ratio: int = 2, kernel_size: int = 3, layer_scale: float = 0.1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.expand = nn.Linear(dim, ratio * dim)
        blocks = (ResidualBlock(ratio * dim, 3, layer_scale, kernel_size) for _ in range(depth))
        self.blocks = nn.Sequential(*blocks)
        self.contract = nn.Linear(ratio * dim, dim)

    def forward(self, x: Tensor, grid: Sequence[int] | None = None) -> Tensor:
        """Tokens of the same shape ``(B, N, D)``; on grids of four axes neighbours are those in space.

        Raises:
            PhysrepError: neighbours are to be mixed, but the encoder names no grid.
        """
        if grid is None and self.kernel_size > 1:
            raise PhysrepError(
                "the tokens predictor mixes neighbours but this encoder has no method grid(T, H, W); "
                "give it one, or set kernel_size: 1 in predictor_options."
            )
        hidden = self.expand(x)
        if grid is not None and len(grid) == 4:
            # No kernel spans four axes: the three of space, in every time slice.
            mixed = self.blocks(hidden.unflatten(1, tuple(grid)).flatten(0, 1)).flatten(1, 3)
            return x + self.contract(mixed.unflatten(0, (len(x), grid[0])).flatten(1, 2))
        size = (x.shape[1],) if grid is None else tuple(grid)
        hidden = hidden.unflatten(1, (*size, *[1] * (3 - len(size))))
        return x + self.contract(self.blocks(hidden).flatten(1, 3))
