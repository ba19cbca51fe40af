r"""The axial vision transformer of Multiple Physics Pretraining (MPP): from a window to the next frame.

Fields are standardised per sample and channel over the window; the channels present, named by columns of a vocabulary,
are mapped to one width ("field-name embedding"); a convolutional stem makes patches of every frame; blocks attend along
time, then along W and along H with shared queries, keys and values, with relative-position biases that know which axes
are periodic; a transposed stem turns the last frame's tokens into the next frame of the same channels.

.. math::
    e = \sqrt{n_{states} / n_{labels}}\,(W_{:, labels}\, \hat x + b)

Parameter names and shapes are those of the released weights. The biases of the root-mean-square norms exist there and
were never used; they are buffers here. A block, with RMS the norm :math:`x / (\mathrm{std}_{HW}\, x + 10^{-8})\, w`:

    x <- x + gamma W_o IN(attention over time of IN x)
    x <- x + gamma_att W_o RMS((attention along W + attention along H) / 2 of RMS x)
    x <- x + gamma_mlp RMS(MLP x)

Source: "Multiple Physics Pretraining for Physical Surrogate Models", McCabe et al., 2023,
https://arxiv.org/abs/2310.02994, code PolymathicAI/multiple_physics_pretraining.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from ..errors import PhysrepError
from .avit_blocks import SpaceTimeBlock
from .frame_norm import FrameRMSNorm
from .patches import patch_product

STEMS: dict[int, tuple[int, int, int]] = {16: (4, 2, 2), 8: (2, 2, 2), 4: (2, 2, 1)}
"""Patch size to the strides of the three convolutions; 16 is the released one, the others are for small grids."""


class FieldEmbedding(nn.Module):
    """A linear map of those channels of a vocabulary that are present."""

    def __init__(self, states: int, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(dim, states)), nn.Parameter(torch.empty(dim))
        bound = states**-0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Weight ``(dim, n_labels)`` and bias of those present; the scale also multiplies the bias, as released."""
        scale = (self.weight.shape[1] / len(labels)) ** 0.5
        return scale * self.weight[:, labels], scale * self.bias


class Stem(nn.Module):
    """Patches of frames by three convolutions whose kernels equal their strides."""

    def __init__(self, width: int, dim: int, strides: tuple[int, int, int]) -> None:
        super().__init__()
        a, b, c = strides
        self.in_proj = nn.Sequential(
            nn.Conv2d(width, width, a, a, bias=False), FrameRMSNorm(width), nn.GELU(),
            nn.Conv2d(width, width, b, b, bias=False), FrameRMSNorm(width), nn.GELU(),
            nn.Conv2d(width, dim, c, c, bias=False), FrameRMSNorm(dim),
        )  # fmt: skip

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Tokens with shape ``(N, h, w, dim)`` of frames ``(N, H, W, n)``.

        Args:
            x: frames of the present channels.
            weight, bias: of their embedding. Nothing bends between it and the first convolution, so both are one
                product, and the embedded frames, which are the largest tensor of all, need not be formed.
        """
        first, *rest = self.in_proj
        kernel = cast(nn.Conv2d, first).weight
        x = patch_product(x, torch.einsum("dchw,cn->dnhw", kernel, weight), torch.einsum("dchw,c->d", kernel, bias))
        for layer in rest:
            x = patch_product(x, layer.weight) if isinstance(layer, nn.Conv2d) else layer(x)
        return x


def _unpatch(x: Tensor, kernel: Tensor) -> Tensor:
    """``(N, H, W, C)`` by a transposed convolution whose kernel ``(D, C, k, k)`` equals its stride."""
    n, h, w, _ = x.shape
    c, k = kernel.shape[1:3]
    patches = (x @ kernel.permute(0, 2, 3, 1).flatten(1)).view(n, h, w, k, k, c)
    return patches.transpose(2, 3).reshape(n, h * k, w * k, c)


class Unstem(nn.Module):
    """Frames of the channels present from tokens ``(N, h, w, dim)``."""

    def __init__(self, states: int, width: int, dim: int, strides: tuple[int, int, int]) -> None:
        super().__init__()
        self.stride, b, c = strides
        self.out_proj = nn.Sequential(
            nn.ConvTranspose2d(dim, width, c, c, bias=False), FrameRMSNorm(width), nn.GELU(),
            nn.ConvTranspose2d(width, width, b, b, bias=False), FrameRMSNorm(width), nn.GELU(),
        )  # fmt: skip
        last = nn.ConvTranspose2d(width, states, self.stride, self.stride)
        self.out_kernel, self.out_bias = last.weight, cast(nn.Parameter, last.bias)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Frames with shape ``(N, n_labels, H, W)``."""
        for layer in self.out_proj:
            x = _unpatch(x, layer.weight) if isinstance(layer, nn.ConvTranspose2d) else layer(x)
        return (_unpatch(x, self.out_kernel[:, labels]) + self.out_bias[labels]).permute(0, 3, 1, 2)


class AViT(nn.Module):
    """The axial vision transformer.

    Args:
        states: columns of the vocabulary (the released weights: 12).
        embed_dim: token dimension D, a multiple of 4 and of `num_heads`.
        depth: number of blocks.
        num_heads: attention heads.
        patch: 16 as released, 8 or 4.
        drop_path: probability, in training, with which the last block's changes are left out for a sample; earlier
            blocks in proportion.
        layer_scale: initial gamma.
    """

    def __init__(
        self,
        states: int,
        embed_dim: int = 192,
        depth: int = 12,
        num_heads: int = 3,
        patch: int = 16,
        drop_path: float = 0.0,
        layer_scale: float = 1e-6,
    ) -> None:
        super().__init__()
        if embed_dim % num_heads or embed_dim % 4:
            raise PhysrepError(f"avit: embed_dim {embed_dim} must be a multiple of 4 and of num_heads {num_heads}.")
        if patch not in STEMS:
            raise PhysrepError(f"avit: patch is {patch}; give one of {', '.join(map(str, STEMS))}.")
        self.patch, self.embed_dim = patch, embed_dim
        width = embed_dim // 4
        self.space_bag = FieldEmbedding(states, width)
        self.embed = Stem(width, embed_dim, STEMS[patch])
        self.blocks = nn.ModuleList(
            SpaceTimeBlock(embed_dim, num_heads, drop_path * i / max(1, depth - 1), layer_scale) for i in range(depth)
        )
        self.debed = Unstem(states, width, embed_dim, STEMS[patch])

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Token grid (t, h, w) of a window of this size.

        Raises:
            PhysrepError: a size is no multiple of the patch, or a frame would be a single token, whose norms divide by
                nothing.
        """
        h, w = height // self.patch, width // self.patch
        if (h * self.patch, w * self.patch) != (height, width) or h * w < 2:
            raise PhysrepError(
                f"avit: frames of {height}x{width} points are no multiple of the patch {self.patch}, or too small "
                f"(at least 2 patches); choose another of the patches {', '.join(map(str, STEMS))}, or another grid."
            )
        return frames, h, w

    def tokens(self, x: Tensor, labels: Tensor, periodic: Sequence[bool], last: bool = False) -> Tensor:
        """Tokens after all blocks with shape ``(B, T, h, w, D)``.

        Args:
            x: standardised fields with shape ``(B, C, T, H, W)``.
            labels: column of each channel with shape ``(C,)``.
            periodic: for H and W.
            last: of the last frame alone, T = 1: the last block then leaves out what only the others need.
        """
        self.grid(*x.shape[2:])
        frames = x.permute(0, 2, 3, 4, 1)
        z = self.embed(frames.flatten(0, 1), *self.space_bag(labels)).unflatten(0, frames.shape[:2])
        for number, block in enumerate(self.blocks, 1):
            z = block(z, periodic, last and number == len(self.blocks))
        return z

    def forward(self, x: Tensor, labels: Tensor, periodic: Sequence[bool]) -> Tensor:
        """The next frame with shape ``(B, C, H, W)`` of fields ``(B, C, T, H, W)``; arguments as in `tokens`."""
        x, mean, std = standardise(x)
        predicted = self.debed(self.tokens(x, labels, periodic, last=True)[:, 0], labels)
        return predicted * std.squeeze(2) + mean.squeeze(2)

    @torch.no_grad()
    def expand(self, count: int) -> None:
        """Append ``count`` fresh columns to the vocabulary; the others stay as they are.

        The scale of the embedding, ``sqrt(states / n_labels)``, grows with the vocabulary, as in the released code.
        """
        dim, states = self.space_bag.weight.shape
        fresh = FieldEmbedding(states + count, dim).to(self.space_bag.weight.device)
        self.space_bag.weight = nn.Parameter(torch.cat([self.space_bag.weight, fresh.weight[:, states:]], 1))
        kernel = self.debed.out_kernel
        more = nn.ConvTranspose2d(kernel.shape[0], count, kernel.shape[2]).to(kernel.device)
        self.debed.out_kernel = nn.Parameter(torch.cat([kernel, more.weight], 1))
        self.debed.out_bias = nn.Parameter(torch.cat([self.debed.out_bias, cast(Tensor, more.bias)]))


def standardise(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fields ``(B, C, T, H, W)`` with zero mean and unit variance per sample and channel, the mean, and the divisor."""
    std, mean = torch.std_mean(x, dim=(2, 3, 4), keepdim=True)
    std = std + 1e-7
    return (x - mean) / std, mean, std
