"""The hypernetwork of DISCO: from a short trajectory to space-time tokens, whose mean names an operator.

Every channel has its column of a linear map (`labels` say which), so one network reads data of different fields. A
strided convolutional stem makes patches of each frame, and space-time attention mixes them.

Source: Morel, Han, Oyallon, DISCO, 2025, https://arxiv.org/abs/2504.19496; parameters as in RudyMorel/DISCO.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from ..errors import PhysrepError
from .disco_attention import TIME_GROUPS, DISCOBlock
from .patches import patch_product


def standardise_over(x: Tensor, axes: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """``(x - mean) / std`` over ``axes``, the mean and the std, which is unbiased and 1e-7 larger than measured."""
    axes = tuple(axes)
    mean, std = x.mean(axes, keepdim=True), x.std(axes, keepdim=True) + 1e-7
    return (x - mean) / std, mean, std


class StateMap(nn.Module):
    """A linear map of the channels by label: ``sqrt(S / C) (W[:, labels] x + b)`` for C of S states."""

    def __init__(self, states: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(states, dim)

    def forward(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Weight ``(dim, C)`` and bias ``(dim,)`` of the map of the channels present."""
        scale = (self.linear.in_features / len(labels)) ** 0.5
        return scale * self.linear.weight[:, labels], scale * self.linear.bias


class PatchStem(nn.Module):
    """Three convolutions without overlap, with group norms (no bias) and GELUs between them."""

    def __init__(self, dim: int, patch: int, groups: int) -> None:
        super().__init__()
        narrow, first = dim // 4, patch // 4
        layers: list[nn.Module] = []
        for size, before, after in ((first, narrow, narrow), (2, narrow, narrow), (2, narrow, dim)):
            norm = nn.GroupNorm(groups, after)
            norm.register_parameter("bias", None)
            layers += [nn.Conv2d(before, after, size, size, bias=False), norm, nn.GELU()]
        self.encoder = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Tokens with shape ``(N, H / patch, W / patch, dim)`` of frames ``(N, H, W, C)``.

        Args:
            x: frames of the channels present.
            weight, bias: of their map to ``dim / 4``. Nothing bends between it and the first convolution, so both are
                one product, and the mapped frames, which are the largest tensor of all, need not be formed.
        """
        first, *rest = self.encoder
        kernel = cast(nn.Conv2d, first).weight
        x = patch_product(x, torch.einsum("dchw,cn->dnhw", kernel, weight), torch.einsum("dchw,c->d", kernel, bias))
        for layer in rest:
            if isinstance(layer, nn.Conv2d):
                x = patch_product(x, layer.weight)
            elif isinstance(layer, nn.GroupNorm):
                x = layer(x.movedim(-1, 1)).movedim(1, -1)
            else:
                x = layer(x)
        return x


class DiscoHypernetwork(nn.Module):
    """Tokens of clips with any of the known states.

    Args:
        states: number of known states S.
        dim: token dimension D; ``4 groups``, ``2 heads`` and 12 divide it.
        blocks: space-time blocks.
        heads: attention heads.
        patch: points per token along H and W: 4, 8 or 16.
        groups: groups of the norms of the stem.
        layer_scale: initial scale of every residual branch.
        drop_path: largest rate at which branches are dropped in training, for the last block; the first drops none.
    """

    def __init__(
        self,
        states: int,
        dim: int = 384,
        blocks: int = 12,
        heads: int = 6,
        patch: int = 16,
        groups: int = 12,
        layer_scale: float = 1e-6,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        if patch not in (4, 8, 16):
            raise PhysrepError(f"disco: patch is {patch}; give 4, 8 or 16.")
        if dim % (4 * groups) or dim % (2 * heads) or dim % TIME_GROUPS or blocks < 1:
            raise PhysrepError(
                f"disco: dim {dim} must be a multiple of 4 groups ({4 * groups}), of 2 heads ({2 * heads}) and of "
                f"{TIME_GROUPS}, and there must be a block (blocks {blocks})."
            )
        self.patch = patch
        self.adapter = StateMap(states, dim // 4)
        self.encoder = nn.ModuleDict({"2": PatchStem(dim, patch, groups)})
        rates = [drop_path * i / max(1, blocks - 1) for i in range(blocks)]
        self.blocks = nn.ModuleList(
            DISCOBlock(dim, heads, layer_scale, rate, third_axis=i > 0) for i, rate in enumerate(rates)
        )

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Tokens with shape ``(B, T, h, w, D)``.

        Args:
            x: fields with shape ``(B, C, T, H, W)``, standardised here per clip and channel.
            labels: state of each channel with shape ``(C,)``.

        Raises:
            PhysrepError: H or W is no multiple of the patch.
        """
        height, width = x.shape[3:]
        if height % self.patch or width % self.patch:
            raise PhysrepError(
                f"disco: {height} x {width} points are no whole number of patches of {self.patch}; choose patch 4 or "
                "8, or resample the data."
            )
        x = standardise_over(x, (2, 3, 4))[0].permute(0, 2, 3, 4, 1)
        tokens = self.encoder["2"](x.flatten(0, 1), *self.adapter(labels)).unflatten(0, x.shape[:2])
        for block in self.blocks:
            tokens = block(tokens)
        return tokens
