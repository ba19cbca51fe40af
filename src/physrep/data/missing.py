"""Values that stand for "nothing here": NaN, declared fill values, sentinels, and frames that were never written.

Readers refuse them. The option ``missing="mean"`` replaces them instead, by the mean of the valid points of the same
frame and channel, which is neutral after normalisation; a frame without valid points is refused all the same.

Found are, per channel,

- NaN and infinite values;
- values equal to a fill value that the file declares (``_FillValue``, ``missing_value``, HDF5's own, unless it is 0);
- usual sentinels (-9999, 1e20, 9.96921e36, ...) that lie five times as far from all other values as these are wide, and
  any value ten decades above all others;
- frames of a field that are the fill value (0 included) everywhere, between frames that vary, or after or before them
  where the field does not fade in or out but jumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Missing = Literal["refuse", "mean", "raw"]
"""What a reader does with missing values; ``raw`` returns them and is for those who look for them themselves."""

SENTINELS = np.array(
    [99, 999, 9999, 99999, 999999, 99.9, 999.9, 9999.9, 999.99, 9999.99, 32767, 32768, 2147483647, 2147483648,
     1e15, 1e20, 1e30, 1e34, 1e35, 1e36, 1e37, 1e38, 9.969209968386869e36, 3.4028234663852886e38], dtype=np.float32,
)  # fmt: skip
"""Magnitudes that programs write for "no value"."""

DECADES = 1e10
JUMP = 1e-2
"""A field fades where its last frame is below this part of its largest; above, it jumps."""


def suspects(values: np.ndarray, declared: Sequence[float]) -> list[tuple[float, str]]:
    """Values of one channel that stand for nothing, with what they are; NaN and infinite values are not asked for.

    Args:
        values: of one channel, finite, any shape.
        declared: fill values that the file declares, without 0.
    """
    low, high = float(values.min()), float(values.max())
    inside = [fill for fill in declared if low <= fill <= high]
    found = [(fill, "its declared fill value") for fill in inside if (values == np.float32(fill)).any()]
    for extreme in {low, high} - {fill for fill, _ in found}:
        usual = bool((np.abs(extreme) == SENTINELS).any())
        if not usual and abs(extreme) < DECADES * _typical(values):
            continue
        rest = values[values != np.float32(extreme)]
        if not rest.size:
            continue
        least, most = float(rest.min()), float(rest.max())
        gap, largest = max(least - extreme, extreme - most), max(abs(least), abs(most))
        if usual and gap > 5 * (most - least) and abs(extreme) > 2 * largest:
            found.append((extreme, "a usual sign for a missing value, far from all others"))
        elif not usual and largest > 0 and abs(extreme) > DECADES * largest:
            found.append((extreme, "ten decades above all other values"))
    return found


def _typical(values: np.ndarray) -> float:
    """Magnitude of the middle one of a few values."""
    flat = values.reshape(-1)
    return float(np.median(np.abs(flat[:: max(1, flat.size // 512)])))


def find(block: np.ndarray, declared: Sequence[Sequence[float]]) -> tuple[int, np.ndarray, str] | None:
    """The first channel with missing values, where they are (a mask), and what they are; None if there are none.

    Args:
        block: values with shape ``(C, ...)``.
        declared: per channel, the declared fill values without 0.
    """
    for channel, values in enumerate(block):
        # NaN and infinities come through as an extreme, so that the usual block costs two passes.
        if not (np.isfinite(values.min()) and np.isfinite(values.max())):
            return channel, ~np.isfinite(values), "NaN or infinite"
        for value, what in suspects(values, declared[channel]):
            return channel, values == np.float32(value), f"{value:.6g}, {what},"
    return None


def replace_by_mean(block: np.ndarray, declared: Sequence[Sequence[float]]) -> tuple[int, tuple[int, int] | None]:
    """Replace all missing values of ``block`` ``(C, T, *S)`` in place by the mean of the valid points of the frame.

    Returns:
        How many there were, and channel and frame of the first frame without a valid point, if there is one.
    """
    count, axes = 0, tuple(range(1, block.ndim - 1))
    for channel, values in enumerate(block):
        gone = ~np.isfinite(values)
        while True:
            valid = values[~gone]
            more = suspects(valid, declared[channel]) if valid.size else []
            if not more:
                break
            for value, _ in more:
                gone |= values == np.float32(value)
        if not gone.any():
            continue
        count += int(gone.sum())
        empty = gone.all(axes)
        if empty.any():
            return count, (channel, int(np.flatnonzero(empty)[0]))
        means = np.mean(values, axis=axes, where=~gone, dtype=np.float64, keepdims=True)
        np.copyto(values, means.astype(np.float32), where=gone)
    return count, None


def unwritten_frames(low: np.ndarray, high: np.ndarray, fills: Sequence[float]) -> tuple[int, int, float] | None:
    """First and last of the frames of a field that look as if they had never been written, and their value.

    Args:
        low, high: least and largest value per component and frame, with shape ``(components, T)``.
        fills: values that unwritten frames would have: 0 and the declared ones.
    """
    for fill in fills:
        empty = ((low == fill) & (high == fill)).all(0)
        if not empty.any() or empty.all():
            continue
        size = np.maximum(np.abs(low - fill), np.abs(high - fill)).max(0)
        there = np.flatnonzero(~empty)
        first, last = int(there[0]), int(there[-1])
        gaps = np.flatnonzero(empty[first:last])
        if len(gaps):
            start = first + int(gaps[0])
            return start, start + int(np.flatnonzero(~empty[start:])[0]) - 1, fill
        if last + 1 < len(empty) and size[last] >= JUMP * size.max():
            return last + 1, len(empty) - 1, fill
        # One frame of rest is a usual start.
        if first > 1 and size[first] >= JUMP * size.max():
            return 0, first - 1, fill
    return None
