"""Two views of one trajectory through exact symmetries, embedded alike: VICReg after Mialon et al.

With encoder f, an expander h (an MLP on the mean and standard deviation of the tokens, thrown away after training) and
two windows x, y from anywhere in one trajectory, each seen through its own random symmetry,

    loss = VICReg(h(f(x)), h(f(y))),    weights 25, 25, 1.

What two such views share is what neither time nor the symmetries change: the parameters. The symmetries are those of
``training`` (`shift`, `flip`, `transpose`, `boost`, `rescale`), checked against what the system's equations allow: a
scaling that changes the Reynolds or Rayleigh number would teach that it does not matter.

This is `JEPA` with whole clips as rows, windows from anywhere and no predictor; views of the same window, as in the
source, are those of a trajectory that is as long as a window.

Source: Mialon et al., Self-supervised learning with Lie symmetries for partial differential equations, 2023,
https://arxiv.org/abs/2307.05432.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from .jepa import JEPA


class SymmetryViews(JEPA):
    """Encoder, expander and VICReg on two views.

    Args:
        in_channels: number of field components.
        num_frames: frames per window; training clips hold two windows.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module ``(B, C, T, H, W) -> (B, N, D)``.
        encoder_options: keyword arguments of the encoder.
        projector: widths of the expander's layers.
        regulariser: as for `JEPA`.
    """

    label = "Symmetry views"
    colour = "#5757b8"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
        projector: Sequence[int] = (512, 512, 512),
        regulariser: nn.Module | str | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            num_frames,
            encoder,
            encoder_options,
            predictor="none",
            regulariser={"sim": 25.0, "std": 25.0, "cov": 1.0} if regulariser is None else regulariser,
            level="clip",
            projector=projector,
            target="random",
        )
