"""Names, order and colours that are the same in every table and figure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.colors import ListedColormap

KINDS = {
    "floor": "Floors",
    "learner": "Learners",
    "finetuned": "With labels, pretrained",
    "oracle": "Oracle (equation given)",
    "ceiling": "Ceiling",
}
"""Groups of learners in the order of tables, with their headings."""

KNOWN_KINDS = {
    "constant": "floor",
    "statistics": "floor",
    "pixels": "floor",
    "random": "floor",
    "spectra": "floor",
    "dynamic_modes": "floor",
    "pde_regression": "oracle",
    "supervised": "ceiling",
    "finetuned": "finetuned",
}
"""Kinds of learners whose run has no summary; every other learner is a ``"learner"``."""

NAMES = {
    "constant": "Constant",
    "statistics": "Field statistics",
    "pixels": "Pooled pixels",
    "random": "Random encoder",
    "spectra": "Power spectra",
    "dynamic_modes": "Dynamic modes",
    "pde_regression": "PDE regression",
    "supervised": "Supervised",
    "jepa": "JEPA",
    "videomae": "VideoMAE",
    "mpp": "MPP",
    "disco": "DISCO",
    "masked_pixels": "Masked pixels",
    "next_frame": "Next frame",
    "operator": "Operator",
    "masked_jepa": "Masked JEPA",
    "symmetry": "Symmetry views",
    "finetuned": "Fine-tuned",
    "frozen_video": "Frozen video model",
}
PROBES = {"head": "own head", "direct": "no label", "": "–"}

# Floors are muted, learners saturated, the ceiling is black; distinguishable with the common colour deficiencies.
COLOURS = {
    "constant": "#9a9a9a",
    "statistics": "#c98a1b",
    "pixels": "#a88bb5",
    "random": "#7a9a78",
    "spectra": "#b98f7e",
    "dynamic_modes": "#8296ab",
    "pde_regression": "#17a2c4",
    "supervised": "#222222",
    "jepa": "#1f63b4",
    "videomae": "#c8402f",
    "mpp": "#12866a",
    "disco": "#8a3fa0",
    "masked_pixels": "#c8402f",
    "next_frame": "#12866a",
    "operator": "#8a3fa0",
    "masked_jepa": "#3f8fa8",
    "symmetry": "#5757b8",
    "finetuned": "#555555",
    "frozen_video": "#d0568c",
}
SPARE = ("#d0568c", "#3f8fa8", "#7d6a1f", "#5757b8")
BAND, INK, MUTED = "#f6ead2", "#222222", "#6a6a6a"


def learner_name(learner: str) -> str:
    """Name of a learner in tables and figures."""
    return NAMES.get(learner, learner)


def probe_name(probe: str) -> str:
    """Name of a probe in tables and figures."""
    return PROBES.get(probe, probe)


def colour(learner: str) -> str:
    """Colour of a learner; one that has no fixed colour always gets the same spare one."""
    return COLOURS.get(learner) or SPARE[sum(learner.encode()) % len(SPARE)]


def number(value: float, digits: int = 3) -> str:
    """A score with fixed decimals; ``–`` if it is not finite, powers of ten from 100 on and where no digit is left."""
    if not math.isfinite(value):
        return "–"
    tiny = 0 < abs(value) < 0.5 * 10.0**-digits
    text = f"{value:.0e}" if tiny else f"{value:.{digits}f}" if abs(value) < 100 else f"{value:.1e}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


@contextmanager
def paper() -> Iterator[None]:
    """Matplotlib settings of all figures."""
    import matplotlib

    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9.5,
        "axes.labelsize": 9,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "axes.edgecolor": "#555555",
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": "#444444",
        "ytick.color": "#444444",
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "lines.linewidth": 1.5,
        "svg.fonttype": "path",
        "svg.hashsalt": "physrep",
    }
    with matplotlib.rc_context(settings):
        yield


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
