r"""What an instrument may do to a window, drawn anew for every view, so that an encoder learns to look past it.

    x'_c = g_c (G_s * x_c) + σ n,      log g_c ~ U(-log g, log g),   s ~ U(0, blur),   σ ~ U(0, noise),   n ~ N(0, 1)

G_s is a Gaussian point spread, around periodic axes and cut and renormalised at open ends; all frames of a window have
the same. Unlike the symmetries in `physrep.data.augment` these are no symmetries of the equations: a gain changes what
amplitudes tell, a blur what small scales tell.

Source for noise and blur as augmentations of views: Chen et al., A simple framework for contrastive learning of visual
representations, 2020, https://arxiv.org/abs/2002.05709.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError


@dataclass(frozen=True)
class Disturbances:
    """Largest disturbances of a view.

    Attributes:
        noise: standard deviation of white noise, in those of the channels.
        blur: width s of the point spread, in points.
        gain: g, a factor of at least 1 per channel.
    """

    noise: float = 0.0
    blur: float = 0.0
    gain: float = 1.0

    @classmethod
    def of(cls, given: Mapping[str, Any], learner: str) -> Disturbances:
        """From plain options.

        Raises:
            PhysrepError: an unknown name, or a number out of range.
        """
        known = cls.__dataclass_fields__
        unknown = next((name for name in given if name not in known), None)
        if unknown is not None:
            raise PhysrepError(f"{learner}: views has no option {unknown!r}; it has {', '.join(known)}.")
        made = cls(**given)
        if not made.noise >= 0 or not made.blur >= 0 or not made.gain >= 1:
            raise PhysrepError(
                f"{learner}: views is {dict(given)}; give noise and blur of at least 0, a gain of at least 1."
            )
        return made

    def __call__(self, x: Tensor, periodic: Sequence[bool]) -> Tensor:
        """Disturbed windows.

        Args:
            x: normalised fields ``(B, C, T, H, W)``; every sample gets draws of its own.
            periodic: whether H and W are periodic.
        """
        b, c = x.shape[:2]
        if self.blur > 0:
            width = self.blur * torch.rand(b, device=x.device)
            down, along = (_spread(n, width, around).to(x) for n, around in zip(x.shape[3:], periodic, strict=True))
            x = torch.einsum("bij,bctjk,blk->bctil", down, x, along)
        if self.gain > 1:
            x = x * torch.exp(math.log(self.gain) * (2 * torch.rand(b, c, 1, 1, 1, device=x.device) - 1)).to(x)
        if self.noise > 0:
            x = x + self.noise * torch.rand(b, 1, 1, 1, 1, device=x.device).to(x) * torch.randn_like(x)
        return x


def _spread(points: int, width: Tensor, periodic: bool) -> Tensor:
    """Point spreads ``(B, points, points)`` of these widths ``(B,)``; rows sum to 1."""
    place = torch.arange(points, device=width.device)
    distance = (place[:, None] - place).abs()
    if periodic:
        distance = torch.minimum(distance, points - distance)
    # A width of next to nothing leaves the point itself.
    exponent = -distance.float().square() / (2 * width.clamp_min(1e-3).square().view(-1, 1, 1))
    return exponent.softmax(2)
