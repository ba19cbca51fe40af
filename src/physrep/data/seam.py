"""The seam of a periodic axis: files of others often hold its first points a second time at its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SAME = 1e-5
"""Values are the same if they differ by less than this part of the spread of the field."""


def axes_stored_twice(fields: Sequence[np.ndarray], periodic: Sequence[bool]) -> list[int]:
    """Periodic axes whose last points hold the values of their first ones in all fields: ``x = 0`` and ``x = L``.

    Derivatives and Fourier modes of such an axis are wrong, by one cell in its length.

    Args:
        fields: one or more fields with shape ``(*S, ...)``, at one or several times.
        periodic: per axis of space.
    """
    found = []
    for axis, around in enumerate(periodic):
        varying = [field for field in fields if field.shape[axis] > 2 and np.ptp(field) > 0]
        # Fields that do not vary along the axis say nothing.
        telling = [field for field in varying if np.ptp(field, axis=axis).max() > SAME * np.ptp(field)]
        if around and telling and all(_closes(field, axis) for field in telling):
            found.append(axis)
    return found


def _closes(field: np.ndarray, axis: int) -> bool:
    first, last, inner = (np.take(field, place, axis) for place in (0, -1, 1))
    spread = SAME * np.ptp(field)
    # Neighbours that are as close as the ends say nothing: the field is smooth to rounding there.
    return bool(np.abs(first - last).max() <= spread < np.abs(first - inner).max())
