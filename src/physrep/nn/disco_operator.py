"""The operator of DISCO: a U-Net du/dt = f(u; θ) whose weights θ are an input, one set per sample.

    8 channels; four times half the points and twice the channels; a 1x1 bottleneck; and back with skips,

all without biases, with group norms of 4 groups without affine map. Where the domain is periodic it is padded around;
otherwise all edges are reflected and one more input channel marks them.

Source: Morel, Han, Oyallon, DISCO, 2025, https://arxiv.org/abs/2504.19496; weights in the order of RudyMorel/DISCO.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError
from .planes import pad_plane, wall_masks

NORM_GROUPS = 4


class DiscoOperator:
    """Shapes of the weights, and the network as a function of them.

    Args:
        channels: number of field components C.
        periodic: whether both axes are periodic.
        start: channels at full resolution; a multiple of 4.
        depth: halvings of the grid.

    Attributes:
        shapes: weight shapes by name, in the order of θ.
        size: number of weights.
    """

    def __init__(self, channels: int, periodic: bool, start: int = 8, depth: int = 4) -> None:
        if start < 1 or start % NORM_GROUPS or depth < 1:
            raise PhysrepError(f"disco: start {start} must be a multiple of {NORM_GROUPS}, and depth {depth} positive.")
        self.channels, self.periodic, self.start, self.depth = channels, periodic, start, depth
        widths = [start * 2**level for level in range(depth + 1)]
        wide = widths[-1]
        shapes: dict[str, tuple[int, ...]] = {
            "adapter_in": (start, channels + (not periodic), 3, 3),
            "conv_in.0": (start, start, 3, 3),
        }
        for i in range(depth):
            shapes[f"downs.{i}.conv1"] = (widths[i + 1], widths[i], 2, 2)
            shapes[f"downs.{i}.conv2"] = (widths[i + 1], 1, 3, 3)
        for i, width in enumerate(reversed(widths[:-1])):
            shapes[f"ups.{i}.up"] = (2 * width, width, 2, 2)
            shapes[f"ups.{i}.conv"] = (width, 2, 3, 3)
        shapes["bottleneck.0"], shapes["bottleneck.3"] = (2 * wide, wide, 1, 1), (wide, 2 * wide, 1, 1)
        shapes["convs_out.0"], shapes["adapter_out"] = (start, start, 3, 3), (channels, start, 3, 3)
        self.shapes = shapes
        self.size = sum(map(math.prod, shapes.values()))

    def scales(self) -> Tensor:
        """Largest value of the library's default initialisation, ``1 / sqrt(fan_in)``, for every weight."""
        return torch.cat([torch.full((math.prod(s),), math.prod(s[1:]) ** -0.5) for s in self.shapes.values()])

    def __call__(self, theta: Tensor, u: Tensor) -> Tensor:
        """du/dt with shape ``(B, C, H, W)``.

        Args:
            theta: weights with shape ``(B, size)``.
            u: states with shape ``(B, C, H, W)``.

        Raises:
            PhysrepError: the grid cannot be halved ``depth`` times, or is too small to be padded then.
        """
        factor = 2**self.depth
        smallest = min(u.shape[2:]) // factor
        if u.shape[2] % factor or u.shape[3] % factor or smallest < (1 if self.periodic else 2):
            raise PhysrepError(
                f"disco: {u.shape[2]} x {u.shape[3]} points cannot be halved {self.depth} times (and leave 2 points "
                "between walls); choose a smaller depth."
            )
        return self._forward(self.weights(theta), u)

    def weights(self, theta: Tensor) -> dict[str, Tensor]:
        """The weights by name, each with shape ``(B, *shape)``."""
        parts = theta.split([math.prod(s) for s in self.shapes.values()], dim=1)
        return {name: part.view(-1, *s) for (name, s), part in zip(self.shapes.items(), parts, strict=True)}

    def _forward(self, w: dict[str, Tensor], u: Tensor) -> Tensor:
        if not self.periodic:
            edges = wall_masks((u.shape[2], u.shape[3]), (False, False), u).amax(0)
            u = torch.cat([u, edges.expand(len(u), 1, -1, -1)], 1)
        x = _normed(self._conv3(self._conv3(u, w["adapter_in"]), w["conv_in.0"]))
        skips = [x]
        for i in range(self.depth):
            x = _normed(conv(x, w[f"downs.{i}.conv1"], stride=2))
            x = _normed(self._conv3(x, w[f"downs.{i}.conv2"]))
            skips.append(x)
        x = x + conv(_normed(conv(x, w["bottleneck.0"])), w["bottleneck.3"])
        for i, skip in enumerate(reversed(skips[:-1])):
            x = torch.cat([_up(x, w[f"ups.{i}.up"]), skip], 1)
            x = _normed(self._conv3(x, w[f"ups.{i}.conv"]))
        return self._conv3(_normed(self._conv3(x, w["convs_out.0"])), w["adapter_out"])

    def _conv3(self, x: Tensor, weight: Tensor) -> Tensor:
        return conv(pad_plane(x, 1, (self.periodic, self.periodic), "reflect"), weight)


def conv(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """Convolution of every sample with its own weights: one call, with a group (or several) per sample.

    Args:
        x: ``(B, C, H, W)``.
        weight: ``(B, O, I, k, k)``; C / I groups.
        stride: of both axes.
    """
    batch, channels = x.shape[:2]
    if weight.shape[-1] == 1:
        return torch.matmul(weight.flatten(2), x.flatten(2)).unflatten(2, x.shape[2:])
    outputs, inputs = weight.shape[1:3]
    if 1 < inputs < channels and outputs * inputs == channels:
        # One output per group: depthwise and summed it takes a quarter of the library's time for such small groups.
        y = conv(x, weight.reshape(batch, channels, 1, *weight.shape[3:]), stride)
        return y.unflatten(1, (outputs, inputs)).sum(2)
    groups = batch * (channels // inputs)
    y = F.conv2d(x.reshape(1, -1, *x.shape[2:]), weight.flatten(0, 1), stride=stride, groups=groups)
    return y.view(batch, -1, *y.shape[2:])


def _up(x: Tensor, weight: Tensor) -> Tensor:
    """Transposed convolution 2x2 with stride 2: every point becomes four, by a matrix."""
    batch, height, width = x.shape[0], *x.shape[2:]
    four = torch.matmul(weight.flatten(2).mT, x.flatten(2))
    return F.pixel_shuffle(four.view(batch, -1, height, width), 2)


def _normed(x: Tensor) -> Tensor:
    return F.gelu(F.group_norm(x, NORM_GROUPS))
