"""The convolutional encoder of the physics JEPA: ConvNeXt blocks in space and time, halved until one frame is left.

``x -> stem -> stage 0 -> ... -> stage S-1 -> tokens``: the stem is a 4x4 convolution per frame at full resolution and a
layer norm; every later stage begins with a layer norm and a convolution whose kernel equals its stride, which halves
H and W (odd sizes are floored) and, until one frame is left, T. Each stage then applies residual blocks

    x + gamma * W2 GELU(W1 LN(depthwise 7x7x7 x)),

of 7x7 once one frame is left. Parameter names and shapes are those of the published code, so its checkpoints load.

Source: "Representation Learning for Spatiotemporal Physical Systems", 2026, https://arxiv.org/abs/2603.13227, and its
code helenqu/physical-representation-learning; blocks: "A ConvNet for the 2020s", Liu et al., 2022.

Inside, tensors are ``(B, T, H, W, D)``: layer norms and linear maps act on the last axis, and the depthwise
convolution reads the same memory as a channels-last tensor. A convolution whose kernel equals its stride is one matrix
product on patches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..errors import PhysrepError
from .checks import check_clips
from .depthwise import depthwise_conv2d, depthwise_conv3d
from .fused_pointwise import fits, fused_pointwise
from .layer_norm import layer_norm
from .padding import Edge, pad_edges

NORM_EPSILON = 1e-6


class ResidualBlock(nn.Module):
    """ConvNeXt block on ``(B, T, H, W, D)`` (``dimensions=3``) or ``(B, H, W, D)`` (``dimensions=2``).

    Args:
        dim: number of channels D.
        dimensions: 3 for space and time, 2 for space only.
        layer_scale: initial value of gamma; at the published 1e-6 an untrained block is the identity.
        kernel_size: odd extent of the depthwise kernel along every axis.
        edges: padding of H and W in three dimensions; ``("circular", ...)`` reaches around a periodic axis.
    """

    def __init__(
        self,
        dim: int,
        dimensions: int = 3,
        layer_scale: float = 1e-6,
        kernel_size: int = 7,
        edges: tuple[Edge, Edge] = ("zeros", "zeros"),
    ) -> None:
        super().__init__()
        self.dimensions, self.edges = dimensions, edges
        convolution = nn.Conv3d if dimensions == 3 else nn.Conv2d
        self.conv = convolution(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPSILON)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        weight, bias, p = self.conv.weight, self.conv.bias, self.conv.kernel_size[0] // 2
        if self.dimensions == 3:
            # Zeros are added inside the convolution; a periodic axis is extended by its other end before.
            wrap = [(p if e == "circular" else 0) for e in self.edges]
            widths = [(0, 0), *((q, q) for q in wrap)]
            padded = pad_edges(x, widths, ("zeros", *self.edges)) if any(wrap) else x
            inner = (p, p - wrap[0], p - wrap[1])
            y = depthwise_conv3d(padded.permute(0, 4, 1, 2, 3), weight, bias, inner).permute(0, 2, 3, 4, 1)
        else:
            y = depthwise_conv2d(x.permute(0, 3, 1, 2), weight, bias, (p, p)).permute(0, 2, 3, 1)
        if fits(x, y):
            norm, first, second = ((layer.weight, layer.bias) for layer in (self.norm, self.pwconv1, self.pwconv2))
            return fused_pointwise(x, y, norm, first, second, self.gamma, NORM_EPSILON)
        if torch.is_grad_enabled():
            # The hidden layer is four times as wide as the block: computing it again costs less than keeping it.
            return cast(Tensor, checkpoint(self._pointwise, x, y, use_reentrant=False, preserve_rng_state=False))
        return self._pointwise(x, y)

    def _pointwise(self, x: Tensor, y: Tensor) -> Tensor:
        y = self.pwconv2(F.gelu(self.pwconv1(layer_norm(y, self.norm))))
        return torch.addcmul(x, self.gamma, y.to(x.dtype))


def downsample(x: Tensor, convolution: nn.Module) -> Tensor:
    """Convolution whose stride is its kernel, without padding, as one matrix product; a remainder is cut off.

    Args:
        x: input with shape ``(B, T, H, W, D)``.
        convolution: holds ``weight`` with shape ``(E, D, k_t, k_h, k_w)``, or ``(E, D, k_h, k_w)`` for k_t = 1, and
            ``bias`` with shape ``(E,)``.

    Returns:
        Tensor with shape ``(B, T // k_t, H // k_h, W // k_w, E)``.
    """
    batch, channels = x.shape[0], x.shape[-1]
    weight, bias = cast(Tensor, convolution.weight), cast(Tensor, convolution.bias)
    weight = weight if weight.dim() == 5 else weight.unsqueeze(2)
    kernel = weight.shape[2:]
    t, h, w = (n // k for n, k in zip(x.shape[1:4], kernel, strict=True))
    x = x[:, : t * kernel[0], : h * kernel[1], : w * kernel[2]]
    x = x.reshape(batch, t, kernel[0], h, kernel[1], w, kernel[2], channels).permute(0, 1, 3, 5, 2, 4, 6, 7)
    patches = x.reshape(batch, t, h, w, math.prod(kernel) * channels)
    return F.linear(patches, weight.permute(0, 2, 3, 4, 1).flatten(1), bias)


def halvings(num_frames: int, stages: int) -> tuple[int, ...]:
    """Factor by which each stage after the first divides the number of frames, until one is left.

    16 frames take one halving per stage. For 4 frames the published encoder halves in its stages 1 and 3.

    Raises:
        PhysrepError: ``num_frames`` is not a power of two, or there are too few stages to get to one frame.
    """
    factors = (2, 1, 2) if num_frames == 4 else (2,) * max(num_frames.bit_length() - 1, 0)
    if num_frames < 1 or num_frames & (num_frames - 1):
        raise PhysrepError(f"convnext3d: num_frames is {num_frames}; it halves time, give a power of two (16).")
    if len(factors) > stages - 1:
        raise PhysrepError(
            f"convnext3d: {num_frames} frames need {len(factors) + 1} stages, dims names {stages}; "
            "give more dims and num_res_blocks, or fewer frames."
        )
    return factors + (1,) * (stages - 1 - len(factors))


class ConvNeXt3D(nn.Module):
    """Encoder from ``(B, C, num_frames, H, W)`` to ``(B, (H / 2^(S-1)) (W / 2^(S-1)), D)`` with S stages.

    The defaults are the published encoder: 2,466,928 parameters for 4 channels, 2,468,720 for 11.

    Args:
        in_channels: number of field components C.
        dims: channels per stage; the last is the embedding dimension D.
        num_res_blocks: residual blocks per stage.
        num_frames: frames per clip; a power of two.
        layer_scale: initial gamma of every block (1e-6 as published; try 0.1 for short trainings).
    """

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int] = (16, 32, 64, 128, 128),
        num_res_blocks: Sequence[int] = (3, 3, 3, 9, 3),
        num_frames: int = 16,
        layer_scale: float = 1e-6,
    ) -> None:
        super().__init__()
        if len(dims) != len(num_res_blocks) or not dims:
            raise PhysrepError(
                f"convnext3d: dims names {len(dims)} stages and num_res_blocks {len(num_res_blocks)}; give one of each."
            )
        self.in_channels, self.num_frames, self.embed_dim = in_channels, num_frames, dims[-1]
        factors = halvings(num_frames, len(dims))
        stem = nn.Sequential(nn.Conv3d(in_channels, dims[0], (1, 4, 4)), nn.LayerNorm(dims[0], eps=NORM_EPSILON))
        self.downsample_layers = nn.ModuleList([stem])
        self.res_blocks = nn.ModuleList()
        frames = num_frames
        for stage, (dim, blocks) in enumerate(zip(dims, num_res_blocks, strict=True)):
            if stage > 0:
                # Time is reduced as long as there is more than one frame; from then on the stages are flat.
                factor = factors[stage - 1]
                if frames > 1:
                    convolution = nn.Conv3d(dims[stage - 1], dim, (factor, 2, 2), (factor, 2, 2))
                else:
                    convolution = nn.Conv2d(dims[stage - 1], dim, 2, 2)
                norm = nn.LayerNorm(dims[stage - 1], eps=NORM_EPSILON)
                self.downsample_layers.append(nn.Sequential(norm, convolution))
                frames //= factor
            dimensions = 3 if frames > 1 else 2
            self.res_blocks.append(nn.Sequential(*(ResidualBlock(dim, dimensions, layer_scale) for _ in range(blocks))))

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Token grid (1, h, w) of a clip of this size.

        Args:
            frames, height, width: size of a window of fields.
        """
        reduction = 2 ** (len(self.res_blocks) - 1)
        return 1, height // reduction, width // reduction

    def forward(self, x: Tensor) -> Tensor:
        """Tokens with shape ``(B, h w, D)``, row by row, of clips with shape ``(B, C, num_frames, H, W)``."""
        return self._features(x).flatten(1, 2)

    def _features(self, x: Tensor) -> Tensor:
        self._check(x)
        x = self._stem(x)
        for stage, (layers, blocks) in enumerate(zip(self.downsample_layers, self.res_blocks, strict=True)):
            if stage > 0:
                norm, convolution = cast(nn.Sequential, layers)
                x = downsample(layer_norm(x if x.dim() == 5 else x.unsqueeze(1), cast(nn.LayerNorm, norm)), convolution)
            if x.dim() == 5 and x.shape[1] == 1:
                x = x.squeeze(1)
            x = blocks(x)
        return x

    def _stem(self, x: Tensor) -> Tensor:
        convolution, norm = cast(nn.Sequential, self.downsample_layers[0])
        batch, _, frames, height, width = x.shape
        # 'same' padding of an even kernel is asymmetric: one point before, two after.
        x = F.pad(x.permute(0, 2, 3, 4, 1), (0, 0, 1, 2, 1, 2)).flatten(0, 1).permute(0, 3, 1, 2)
        weight, bias = cast(Tensor, convolution.weight), cast(Tensor, convolution.bias)
        x = F.conv2d(x, weight.squeeze(2), bias).permute(0, 2, 3, 1)
        return layer_norm(x.reshape(batch, frames, height, width, -1), cast(nn.LayerNorm, norm))

    def _check(self, x: Tensor) -> None:
        smallest = 2 ** (len(self.res_blocks) - 1)
        check_clips(x, self.in_channels, "convnext3d")
        if x.shape[2] != self.num_frames:
            raise PhysrepError(
                f"convnext3d wants clips of {self.num_frames} frames, got {x.shape[2]}; set num_frames to that of the "
                "data."
            )
        if min(x.shape[3:]) < smallest:
            raise PhysrepError(
                f"convnext3d: frames of {x.shape[3]}x{x.shape[4]} points are too small, "
                f"{len(self.res_blocks)} stages need at least {smallest}x{smallest}; use fewer stages or larger frames."
            )


def encoder_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of `ConvNeXt3D` that give an encoder these weights, read off their shapes.

    Args:
        state: state dict of the published encoder, without the prefix ``module.``.

    Raises:
        KeyError, ValueError: these are not the weights of such an encoder.
    """
    stem = state["downsample_layers.0.0.weight"]
    stages = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("downsample_layers."))
    blocks = [{int(key.split(".")[2]) for key in state if key.startswith(f"res_blocks.{i}.")} for i in range(stages)]
    convolutions = [state[f"downsample_layers.{i}.1.weight"] for i in range(1, stages)]
    return {
        "in_channels": stem.shape[1],
        "dims": [stem.shape[0], *(weight.shape[0] for weight in convolutions)],
        "num_res_blocks": [len(names) for names in blocks],
        "num_frames": math.prod(weight.shape[2] for weight in convolutions if weight.dim() == 5),
    }
