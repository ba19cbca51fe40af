"""Fields that vary little about a large value, as an absolute pressure does: single precision keeps few steps of it."""

from __future__ import annotations

from ..streams import say_once

SPACING = 2.0**-23
"""Between neighbouring numbers of single precision, at most this share of their size."""
FEW = 4000
"""Steps; with fewer, rounding is above a thousandth of the standard deviation."""
REMEDY = "store it less that constant, in the files or the array, and its variation is kept whole"


def coarse(lowest: float, highest: float) -> str:
    """What single precision leaves of values between two ends; empty where that is enough, or where they are equal."""
    size = max(abs(lowest), abs(highest))
    steps = (highest - lowest) / (SPACING * size) if size > 0 else 0.0
    if not 0 < steps < FEW:
        return ""
    return f"varies between {lowest:.9g} and {highest:.9g}, of which single precision keeps about {steps:.0f} steps"


def say_coarse(where: str, channel: str, mean: float, std: float) -> None:
    """One line, once, on a channel that loses its variation to rounding.

    Args:
        where: the data set.
        channel: its name.
        mean, std: of its values.
    """
    if problem := coarse(mean - 2 * std, mean + 2 * std):
        say_once(f"{where}: {channel} {problem}; {REMEDY}.")
