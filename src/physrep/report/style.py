"""Colours and settings of figures that are the same in every table and figure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BAND, INK, MUTED = "#f6ead2", "#222222", "#6a6a6a"


def number(value: float, digits: int = 3) -> str:
    """A score with fixed decimals; ``–`` if it is not finite, powers of ten from 100 on and where no digit is left."""
    if not math.isfinite(value):
        return "–"
    tiny = 0 < abs(value) < 0.5 * 10.0**-digits
    text = f"{value:.0e}" if tiny else f"{value:.{digits}f}" if abs(value) < 100 else f"{value:.1e}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def power_text(value: float, digits: int = 2) -> str:
    """A tick as short as can be: 0.5, 20, 3·10¹²; ``digits`` before a power of ten."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.4g}".replace("-", "−")
    power = math.floor(math.log10(abs(value)) + 1e-9)
    digit = value / 10.0**power
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if abs(digit - 1) < 1e-6 else f"{digit:.{digits}g}·10{raised}"


def quantity(value: float) -> str:
    """A physical value with four digits; ``–`` if unknown, ``∞`` where an interval has no end."""
    if math.isnan(value):
        return "–"
    return power_text(value, 4) if math.isfinite(value) else "∞" if value > 0 else "−∞"


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
