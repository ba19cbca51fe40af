"""Fields that vary little about a large value, as an absolute pressure does: single precision keeps few steps of it."""

from __future__ import annotations

import numpy as np

from ..errors import PhysrepError
from ..streams import say_once

SPACING = 2.0**-23
"""Between neighbouring numbers of single precision, at most this share of their size."""
SMALLEST = 2.0**-149
"""Above zero; no two numbers of single precision are nearer to each other."""
FEW = 4000
"""Steps; with fewer, rounding is above a thousandth of the standard deviation."""
REMEDY = "store it less that constant, in the files or the array, and its variation is kept whole"


def coarse(lowest: float, highest: float) -> str:
    """What single precision leaves of values between two ends; empty where that is enough, or where they are equal."""
    size = max(abs(lowest), abs(highest))
    steps = (highest - lowest) / max(SPACING * size, SMALLEST)
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


def in_single(values: np.ndarray, what: str) -> np.ndarray:
    """Values in single precision.

    Args:
        values: real numbers.
        what: their name, for the sentence.

    Raises:
        PhysrepError: a finite one is too large for it.
    """
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    lost = np.isinf(single) & np.isfinite(values)
    if lost.any():
        raise PhysrepError(
            f"{what} reaches {np.abs(values[lost]).max():.3g}, which single precision does not hold (it ends at "
            "3.4e38); give it in larger units."
        )
    return single


def holds(values: np.ndarray, spread: float, tolerance: float) -> bool:
    """Whether single precision keeps these numbers to a share of their spread.

    Args:
        values: finite ones or NaN.
        spread: what differences between them matter.
        tolerance: share of it by which a number may be rounded.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    with np.errstate(over="ignore"):
        moved = np.abs(known.astype(np.float32).astype(np.float64) - known)
    return not len(known) or bool(moved.max() <= tolerance * spread)
