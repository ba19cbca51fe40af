"""A small convolutional right-hand side du/dt = f(u; m) whose hidden channels are scaled and shifted per sample.

With kernels K of 3 points along each axis, scales a and shifts b (one per hidden channel, from the modulation m),

    h_0 = gelu((1 + a_0) K_in [u, walls] + b_0),    h_l = gelu((1 + a_l) K_l pool(h_{l-1}) + b_l),    l = 1 ... L,
    f = K_out [h_0 + up(... h_{L-1} + up(h_L))],

so each sample has its own weights ``theta = theta_0 + diag(a) theta_0`` and biases b, while every convolution is one
dense call for the whole batch. Levels l > 0 see twice the distance each, for terms that are not local, such as the
pressure gradient of an incompressible flow.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .planes import pad_plane, wall_masks

LAYERS = {1: (nn.Conv1d, F.avg_pool1d), 2: (nn.Conv2d, F.avg_pool2d), 3: (nn.Conv3d, F.avg_pool3d)}
"""Convolution and pooling by the number of axes of space."""


class ModulatedOperator(nn.Module):
    """f(u; m) from ``(B, C, *S)`` and ``(B, modulation_dim)`` to ``(B, C, *S)``.

    Args:
        channels: number of field components C.
        width: hidden channels, the same at every level.
        levels: coarser levels L; each halves every axis of space, which 2^L must divide.
        axes: axes of space, 1 to 3.
    """

    def __init__(self, channels: int, width: int = 32, levels: int = 1, axes: int = 2) -> None:
        super().__init__()
        if width < 1 or levels < 0:
            raise PhysrepError(f"operator: width {width} and levels {levels}; give a positive width and levels >= 0.")
        self.channels, self.width, self.levels, self.axes = channels, width, levels, axes
        convolution, self.pool = LAYERS[axes]
        # A mask per axis tells where walls are; on periodic data they are zero.
        sizes = [channels + axes, *[width] * levels]
        self.convs = nn.ModuleList(convolution(size, width, 3, bias=False) for size in sizes)
        self.out = convolution(width, channels, 3)
        # A small start: f is near 0, the prediction near the last frame, and no solver diverges.
        with torch.no_grad():
            for parameter in self.out.parameters():
                parameter.mul_(0.1)
        self.modulation_dim = 2 * width * (levels + 1)

    def forward(self, u: Tensor, modulation: Tensor, periodic: Sequence[bool]) -> Tensor:
        """du/dt.

        Args:
            u: state with shape ``(B, C, *S)``.
            modulation: a and b of every level with shape ``(B, modulation_dim)``.
            periodic: whether each axis is periodic; else the edge value is repeated.

        Raises:
            PhysrepError: an axis cannot be halved ``levels`` times.
        """
        factor = 2**self.levels
        if any(n % factor for n in u.shape[2:]):
            raise PhysrepError(
                f"operator: {' x '.join(map(str, u.shape[2:]))} points cannot be halved {self.levels} times; set fewer "
                "levels."
            )
        walls = wall_masks(u.shape[2:], periodic, u).expand(len(u), *[-1] * (1 + self.axes))
        x, stages = torch.cat([u, walls], 1), []
        for conv, factors in zip(self.convs, modulation.chunk(self.levels + 1, dim=1), strict=True):
            if stages:
                x = self.pool(x, 2)
            scale, shift = factors.unflatten(1, (-1, *[1] * self.axes)).chunk(2, dim=1)
            x = F.gelu(conv(pad_plane(x, 1, periodic)) * (1 + scale) + shift)
            stages.append(x)
        for finer in reversed(stages[:-1]):
            x = finer + F.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.out(pad_plane(x, 1, periodic))
