"""What the boundary conditions of a file in The Well's format say of an axis."""

from __future__ import annotations

from typing import Any

import numpy as np


def boundary_types(conditions: Any, axis: str) -> tuple[str, ...]:
    """Types of the conditions on an axis, in alphabetical order."""
    found = set()
    for condition in conditions.values():
        if axis in [str(dim) for dim in np.atleast_1d(condition.attrs["associated_dims"])]:
            found.add(str(condition.attrs["bc_type"]).upper())
    return tuple(sorted(found))


def is_periodic(conditions: Any, axis: str) -> bool:
    for condition in conditions.values():
        dims = [str(dim) for dim in np.atleast_1d(condition.attrs["associated_dims"])]
        if axis in dims and str(condition.attrs["bc_type"]).upper() == "PERIODIC":
            leading = condition["mask"].ndim - len(dims)
            mask = np.moveaxis(condition["mask"][()], leading + dims.index(axis), 0)
            if mask[0].any() and mask[-1].any():
                return True
    return False
