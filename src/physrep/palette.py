"""Colours by how they look: the map of signed fields, shared by pictures for people and for video models, and OKLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

BAND = 8
"""Length over width of the picture of a field on one axis."""


def as_plane(fields: np.ndarray, axes: int) -> np.ndarray:
    """Fields ``(..., *S)`` as ``(..., H, W)`` to be drawn: of three axes of space the middle plane of the last, of one
    a band that does not vary across.

    Args:
        fields: of any leading shape.
        axes: axes of space, 1 to 3.
    """
    if axes == 1:
        return np.repeat(fields[..., None], max(1, fields.shape[-1] // BAND), axis=-1)
    return np.ascontiguousarray(fields[..., fields.shape[-1] // 2]) if axes == 3 else fields


if TYPE_CHECKING:
    from matplotlib.colors import ListedColormap


def diverging() -> ListedColormap:
    """Blue, near white, red: lightness falls linearly in OKLab from the middle to both ends.

    Source of the colour space: Ottosson, "A perceptual color space for image processing", 2020,
    https://bottosson.github.io/posts/oklab/.
    """
    from matplotlib.colors import ListedColormap

    t = np.linspace(-1.0, 1.0, 256)
    amount = np.abs(t)
    lightness = 0.97 - 0.60 * amount
    # Chroma grows, then falls a little, to stay inside sRGB at the dark ends.
    chroma = 0.30 * amount * (1 - 0.55 * amount)
    hue = np.deg2rad(np.where(t < 0, 255.0, 28.0))
    return ListedColormap(_srgb_of_oklch(lightness, chroma, hue).tolist(), name="physrep_diverging")


def hex_of_oklch(lightness: float, chroma: float, hue: float) -> str:
    """``#rrggbb`` of a colour of OKLab in polar coordinates, hue in degrees; clipped to sRGB."""
    srgb = _srgb_of_oklch(np.array([lightness]), np.array([chroma]), np.deg2rad([hue]))[0]
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in srgb)


def oklab_of_hex(colour: str) -> np.ndarray:
    """OKLab coordinates (lightness, a, b) of ``#rrggbb``; their distance says how different two colours look."""
    srgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    cone = np.cbrt(np.linalg.inv(_TO_LINEAR) @ linear)
    return np.linalg.inv(np.column_stack([np.ones(3), _TO_CONE])) @ cone


_TO_CONE = np.array([[0.3963377774, 0.2158037573], [-0.1055613458, -0.0638541728], [-0.0894841775, -1.2914855480]])
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def _srgb_of_oklch(lightness: np.ndarray, chroma: np.ndarray, hue: np.ndarray) -> np.ndarray:
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    cone = (lightness[:, None] + np.stack([a, b], axis=1) @ _TO_CONE.T) ** 3
    linear = np.clip(cone @ _TO_LINEAR.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
