r"""Quantities of one scalar field u that obeys a linear equation.

amplitude            a = ⟨(u - ⟨u⟩)²⟩^½                                         [u]
amplitude decay      -d ln a / dt by least squares over the window's frames      1/T
sharpness            ⟨|∇u|²⟩ / ⟨(u - ⟨u⟩)²⟩, a mean squared wavenumber           1/L²
"""

from __future__ import annotations

from functools import partial

from torch import Tensor

from ..clip import Clip
from .base import Quantity
from .flow import scalar_gradient, scalar_variance
from .grid import Grid


def amplitude(clip: Clip, grid: Grid, *, name: str) -> Tensor:
    """``⟨(u - ⟨u⟩)²⟩^½`` per frame, in the unit of the field, with shape ``(B, T)``."""
    return scalar_variance(clip, grid, name=name).sqrt()


def sharpness(clip: Clip, grid: Grid, *, name: str) -> Tensor:
    """``⟨|∇u|²⟩ / ⟨(u - ⟨u⟩)²⟩`` per frame, in 1/L², with shape ``(B, T)``."""
    return scalar_gradient(clip, grid, name=name) / scalar_variance(clip, grid, name=name).clamp_min(1e-24)


def linear(name: str) -> tuple[Quantity, ...]:
    """Quantities of the field ``name``."""
    size = partial(amplitude, name=name)
    return (
        Quantity("amplitude", "a", "u", "⟨(u-⟨u⟩)²⟩^½", size, (name,), scale="log"),
        Quantity("amplitude_decay", "-d ln a/dt", "1/T", "slope of -ln a over time", size, (name,), window="decay"),
        Quantity("sharpness", "k²", "1/L²", "⟨|∇u|²⟩/⟨(u-⟨u⟩)²⟩", partial(sharpness, name=name), (name,), scale="log"),
    )


HEAT = linear("temperature")
ADVECTION_DIFFUSION = linear("concentration")
DAMPED_WAVE = linear("displacement")
