r"""The vision transformers of VideoMAE: an encoder that sees few tokens, and a light decoder that sees all positions.

Encoder: tubelets of ``(tubelet, patch, patch)`` points become tokens by a linear map; a fixed table of sines and
cosines of the flattened token index is added; tokens that are hidden are then left out; blocks

    x + W_o SDPA(LN x), then x + MLP(LN x),

whose keys have no bias, and a final layer norm. The table, for index p and channel j of D, in double precision:

.. math:: \sin(p / 10000^{2 \lfloor j/2 \rfloor / D}) \text{ for even } j, \quad \cos(\ldots) \text{ for odd } j.

Parameter names and shapes are those of the original code (MCG-NJU/VideoMAE), so its checkpoints load.

Source: "VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video Pre-Training", Tong et al.,
2022, https://arxiv.org/abs/2203.12602.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .checks import check_clips
from .fused_pointwise import residual_mlp
from .patches import patch_tokens


@functools.lru_cache(maxsize=8)
@torch.inference_mode(False)
def sinusoid_table(positions: int, dim: int, device: torch.device | str = "cpu") -> Tensor:
    """The table of the module's docstring with shape ``(positions, dim)``, float32; made once, so not to be changed."""
    p = torch.arange(positions, dtype=torch.float64)[:, None]
    j = torch.arange(dim)
    angle = p / 10000 ** (2 * (j // 2).double() / dim)
    return torch.where(j % 2 == 0, angle.sin(), angle.cos()).float().to(device)


class SelfAttention(nn.Module):
    """Self-attention whose queries and values have a bias and whose keys have none."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(dim)), nn.Parameter(torch.zeros(dim))
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape ``(B, N, D)``."""
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = F.linear(x, self.qkv.weight, bias).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Two linear maps, between which a GELU belongs: see `residual_mlp`."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)


class VideoMAEBlock(nn.Module):
    """Pre-norm attention and MLP."""

    def __init__(self, dim: int, num_heads: int, hidden: int, eps: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=eps), nn.LayerNorm(dim, eps=eps)
        self.attn = SelfAttention(dim, num_heads)
        self.mlp = MLP(dim, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape ``(B, N, D)``."""
        x = x + self.attn(self.norm1(x))
        return residual_mlp(x, self.norm2, self.mlp.fc1, self.mlp.fc2)


class PatchEmbedding(nn.Module):
    """The linear map of tubelets, kept as the convolution of the published weights."""

    def __init__(self, in_channels: int, embed_dim: int, size: tuple[int, int, int]) -> None:
        super().__init__()
        self.proj = nn.Conv3d(in_channels, embed_dim, size, size)

    def forward(self, patches: Tensor) -> Tensor:
        """Tokens with shape ``(B, n, D)`` of patches ``(B, n, C a b c)``: they do not overlap, so it is one product."""
        return F.linear(patches, self.proj.weight.flatten(1), self.proj.bias)


class VideoMAEEncoder(nn.Module):
    """Encoder from ``(B, C, T, H, W)`` to ``(B, N, D)``, one token per tubelet.

    Args:
        in_channels: number of field components C.
        patch: points of a tubelet along H and W.
        tubelet: frames of a tubelet.
        embed_dim: token dimension D; a multiple of ``num_heads``. The defaults are those of VideoMAE-Small.
        depth: number of blocks.
        num_heads: attention heads.
        hidden: width of the MLPs; default 4 D.
        eps: of the layer norms.
        final_norm: a layer norm behind the blocks; fine-tuned checkpoints have none, as they normalise the mean token.
    """

    def __init__(
        self,
        in_channels: int,
        patch: int = 16,
        tubelet: int = 2,
        embed_dim: int = 384,
        depth: int = 12,
        num_heads: int = 6,
        hidden: int | None = None,
        eps: float = 1e-6,
        final_norm: bool = True,
    ) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise PhysrepError(f"videomae: embed_dim {embed_dim} is not a multiple of num_heads {num_heads}.")
        if min(patch, tubelet, depth) < 1:
            raise PhysrepError(f"videomae: patch {patch}, tubelet {tubelet} and depth {depth} must be at least 1.")
        self.in_channels, self.embed_dim = in_channels, embed_dim
        self.patch, self.tubelet = patch, tubelet
        self.patch_embed = PatchEmbedding(in_channels, embed_dim, (tubelet, patch, patch))
        self.blocks = nn.ModuleList(
            VideoMAEBlock(embed_dim, num_heads, hidden or 4 * embed_dim, eps) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dim, eps=eps) if final_norm else nn.Identity()
        self.apply(_initialise)

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Token grid (t, h, w) of a clip of this size.

        Args:
            frames, height, width: size of a window of fields.

        Raises:
            PhysrepError: a size is no multiple of the tubelet.
        """
        t, h, w = frames // self.tubelet, height // self.patch, width // self.patch
        if 0 in (t, h, w) or (t * self.tubelet, h * self.patch, w * self.patch) != (frames, height, width):
            raise PhysrepError(
                f"videomae: a clip of {frames}x{height}x{width} (T, H, W) is not a multiple of the tubelet "
                f"{self.tubelet}x{self.patch}x{self.patch}; change patch or tubelet, or the frames and points."
            )
        return t, h, w

    def forward(self, x: Tensor, visible: Tensor | None = None) -> Tensor:
        """Tokens with shape ``(B, t h w, D)``, or ``(B, n, D)`` of the n patches whose indices ``visible`` holds.

        Args:
            x: fields ``(B, C, T, H, W)``.
            visible: indices ``(B, n)`` of the patches to encode; None encodes all.
        """
        check_clips(x, self.in_channels, "videomae")
        grid = self.grid(x.shape[2], x.shape[3], x.shape[4])
        positions = sinusoid_table(math.prod(grid), self.embed_dim, x.device)
        tokens = patch_tokens(x, grid, self.patch_embed, positions, visible)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)


class VideoMAEDecoder(nn.Module):
    """Transformer on visible tokens followed by mask tokens, that gives pixels for the last ones.

    Args:
        outputs: numbers per token, ``tubelet patch patch C``.
        dim: width.
        depth, num_heads, hidden: of the blocks; ``hidden`` is 4 times the width by default.
        eps: of the blocks' layer norms.
        final_eps: of the last one.
    """

    def __init__(
        self,
        outputs: int,
        dim: int,
        depth: int,
        num_heads: int,
        hidden: int | None = None,
        eps: float = 1e-6,
        final_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        if dim % num_heads:
            raise PhysrepError(f"videomae: decoder_dim {dim} is not a multiple of decoder_heads {num_heads}.")
        self.blocks = nn.ModuleList(VideoMAEBlock(dim, num_heads, hidden or 4 * dim, eps) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=final_eps)
        self.head = nn.Linear(dim, outputs)
        self.apply(_initialise)

    def forward(self, x: Tensor, last: int) -> Tensor:
        """Pixels with shape ``(B, last, outputs)`` of the ``last`` tokens of ``(B, N, D)``."""
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, -last:]))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
