"""The colour map of signed fields, shared by pictures for people and pictures for video models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    to_cone = np.array([[0.3963377774, 0.2158037573], [-0.1055613458, -0.0638541728], [-0.0894841775, -1.2914855480]])
    cone = (lightness[:, None] + np.stack([a, b], axis=1) @ to_cone.T) ** 3
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(cone @ to_linear.T, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ListedColormap(srgb.tolist(), name="physrep_diverging")
