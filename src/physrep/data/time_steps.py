"""Time steps that are not all the same, although a clip knows one ``dt``.

Times t_0, ..., t_n have the steps ``d_i = t_(i+1) - t_i``; their spread is ``(max d - min d) / mean d``. What the
storage of times as float32 may have rounded does not count. Rates, frequencies and equations that are read from frames
are wrong by about the spread, so it is said; `VERY_UNEVEN` steps are refused. An observation with ``jitter``
(`frame_step`) resamples on purpose, and is no matter of the files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..streams import say_once

UNEVEN, VERY_UNEVEN = 1e-3, 5e-2
"""Spreads above which time steps are told to vary, and above which they are no series of frames."""

MEAN = "their mean counts for all; interpolate the frames to one step"


def time_step_spread(times: ArrayLike) -> float:
    """The spread of the time steps, of the worst row where there are several; 0 for fewer than three times.

    Args:
        times: increasing along the last axis.
    """
    values = np.atleast_2d(np.asarray(times, dtype=np.float64))
    steps = np.diff(values, axis=-1)
    if steps.shape[-1] < 2:
        return 0.0
    rounded = 2 * np.finfo(np.float32).eps * np.abs(values).max(axis=-1)
    varies = np.maximum(np.ptp(steps, axis=-1) - rounded, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(varies / np.abs(steps.mean(axis=-1))))


def uneven(times: ArrayLike) -> str:
    """Part of a sentence on time steps that vary, with their size; empty where they do not."""
    if not time_step_spread(times) > UNEVEN:
        return ""
    steps = np.diff(np.asarray(times, dtype=np.float64), axis=-1)
    return (
        f"time steps vary by {time_step_spread(times):.2g} of their mean (from {steps.min():.6g} to {steps.max():.6g})"
    )


def say_uneven(where: Any, what: str) -> None:
    """One line, once, on a file or array whose time steps vary.

    Args:
        where: the file, or a name.
        what: as `uneven` says it; nothing is printed where it is empty.
    """
    if what:
        say_once(f"{where}: {what}; {MEAN}.")
