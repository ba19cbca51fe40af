"""A light ConvNeXt in space and time: patches first, then a few residual blocks per stage.

The published encoder spends two thirds of its arithmetic at full resolution (see `physrep.nn.convnext3d`). This one
embeds small space-time patches first, and works on a grid some dozens of times smaller from there on.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..errors import PhysrepError
from .checks import check_clips, spatial_edges, triple
from .convnext3d import NORM_EPSILON, ResidualBlock, downsample


class PatchConvNeXt3D(nn.Module):
    """Encoder from ``(B, C, T, H, W)`` to ``(B, N, D)``.

    ``patch embedding -> LN -> stage 0 -> [LN, strided convolution, stage i]... -> LN``; remainders of sizes that are no
    multiple of the strides are cut off. With the defaults 16 frames of 64x64 become 2x4x4 = 32 tokens.

    Args:
        in_channels: number of field components C.
        patch: extent (t, h, w) of the first patches.
        dims: channels per stage; the last is the token dimension D.
        num_res_blocks: residual blocks per stage.
        strides: division (t, h, w) before every stage but the first.
        kernel_size: odd extent of the depthwise kernels.
        layer_scale: initial gamma of the blocks.
        periodic: whether the spatial axes are periodic, for both or per axis; the depthwise kernels then reach around
            them. Other axes are padded by zeros.
    """

    def __init__(
        self,
        in_channels: int,
        patch: Sequence[int] = (2, 4, 4),
        dims: Sequence[int] = (48, 96, 128),
        num_res_blocks: Sequence[int] = (2, 2, 2),
        strides: Sequence[Sequence[int]] = ((2, 2, 2), (2, 2, 2)),
        kernel_size: int = 5,
        layer_scale: float = 0.1,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__()
        if not len(dims) == len(num_res_blocks) == len(strides) + 1:
            raise PhysrepError(
                f"patch_convnext3d: {len(dims)} dims, {len(num_res_blocks)} num_res_blocks and {len(strides)} strides; "
                "give one of the first two per stage and one stride fewer."
            )
        if kernel_size % 2 == 0:
            raise PhysrepError(f"patch_convnext3d: kernel_size is {kernel_size}; give an odd number.")
        steps = [triple(patch, "patch_convnext3d: patch")]
        steps += [triple(stride, "patch_convnext3d: a stride") for stride in strides]
        self.in_channels, self.embed_dim, self.steps = in_channels, dims[-1], steps
        edges = spatial_edges(periodic)
        widths = [in_channels, *dims]
        self.reductions = nn.ModuleList(nn.Conv3d(widths[i], widths[i + 1], step, step) for i, step in enumerate(steps))
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=NORM_EPSILON) for dim in dims)
        self.stages = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(dim, 3, layer_scale, kernel_size, edges) for _ in range(blocks)))
            for dim, blocks in zip(dims, num_res_blocks, strict=True)
        )
        self.final_norm = nn.LayerNorm(dims[-1], eps=NORM_EPSILON)

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Token grid (t, h, w) of a clip of this size.

        Args:
            frames, height, width: size of a window of fields.

        Raises:
            PhysrepError: the clip is smaller than one token.
        """
        t, h, w = frames, height, width
        for step in self.steps:
            t, h, w = (n // s for n, s in zip((t, h, w), step, strict=True))
        if min(t, h, w) < 1:
            raise PhysrepError(
                f"patch_convnext3d: a clip of {frames}x{height}x{width} (T, H, W) is smaller than one token; "
                "use a smaller patch or strides, or larger clips."
            )
        return t, h, w

    def forward(self, x: Tensor) -> Tensor:
        """Tokens with shape ``(B, t h w, D)``, row-major, of clips with shape ``(B, C, T, H, W)``."""
        check_clips(x, self.in_channels, "patch_convnext3d")
        self.grid(x.shape[2], x.shape[3], x.shape[4])
        x = x.permute(0, 2, 3, 4, 1)
        for reduction, norm, stage in zip(self.reductions, self.norms, self.stages, strict=True):
            x = stage(norm(downsample(x, reduction)))
        return self.final_norm(x).flatten(1, 3)
