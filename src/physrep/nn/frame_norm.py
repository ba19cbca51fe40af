r"""Norms of every frame and channel over the points of the frame, channels last.

With mean m and centred squares over the P points,

    RMS:       y = x w / (s + 1e-8),             s² = Σ (x - m)² / (P - 1)
    instance:  y = (x - m) w / s + b,            s² = Σ (x - m)² / P + 1e-5

Both have a backward pass of their own: composed of torch's operators each takes a dozen passes over small tensors,
which was a quarter of a training step of the axial transformer.

Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization" (2016); the RMS form is that of the code of Multiple
Physics Pretraining, which divides by the deviation but does not subtract the mean.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class _RMS(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        y = x.float()
        mean = y.mean(1, keepdim=True)
        deviation = ((y - mean).square_().sum(1, keepdim=True) / (x.shape[1] - 1)).sqrt_()
        inverse = 1 / (deviation + 1e-8)
        ctx.save_for_backward(x, weight, mean, deviation, inverse)
        return (y * (weight * inverse)).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        x, weight, mean, deviation, inverse = ctx.saved_tensors
        g, y = gradients[0].float(), x.float()
        along = (g * y).sum(1, keepdim=True)
        # Of a constant frame the deviation is 0 and so is x - m: its share is 0.
        share = along * weight * inverse.square() / ((x.shape[1] - 1) * deviation.clamp_min(1e-30))
        own = torch.addcmul(g * (weight * inverse), y - mean, share, value=-1)
        return own.to(x.dtype), (along * inverse).sum((0, 1)).to(weight.dtype)


class _Instance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y = x.float()
        centred = y - y.mean(1, keepdim=True)
        inverse = (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt_()
        ctx.save_for_backward(centred, weight, inverse)
        return torch.addcmul(bias, centred, weight * inverse).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        centred, weight, inverse = ctx.saved_tensors
        g, scale = gradients[0].float(), weight * inverse
        total, along = g.sum(1, keepdim=True), (g * centred).sum(1, keepdim=True)
        points = centred.shape[1]
        own = torch.addcmul((g - total / points) * scale, centred, along * scale * inverse.square() / points, value=-1)
        return own.to(gradients[0].dtype), (along * inverse).sum((0, 1)), total.sum((0, 1))


class FrameRMSNorm(nn.Module):
    """The RMS norm of the frames of ``(N, h, w, D)``.

    Args:
        dim: channels D.
    """

    bias: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        # Of the released weights, where nothing uses it.
        self.register_buffer("bias", torch.zeros(dim))

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        """Tensor of the same shape, times ``scale`` of every channel if that is given."""
        weight = self.weight if scale is None else self.weight * scale
        found: Any = _RMS.apply(x.flatten(1, 2), weight)
        return found.view(x.shape)


class FrameInstanceNorm(nn.Module):
    """The instance norm of the frames of ``(N, h, w, D)``, with weight and bias.

    Args:
        dim: channels D.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        found: Any = _Instance.apply(x.flatten(1, 2), self.weight, self.bias)
        return found.view(x.shape)
