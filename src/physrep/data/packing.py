"""Packed arrays: numbers in an HDF5 file that stand for ``stored * scale_factor + add_offset`` (CF conventions, 8.1).

Whoever reads such a file by its bytes takes the stored integers for the values. xarray unpacks them by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PhysrepError


@dataclass(frozen=True)
class Packing:
    """How an array is packed.

    Attributes:
        scale, offset: of ``stored * scale + offset``.
        missing: stored numbers that stand for a missing value.
    """

    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()

    @property
    def scaled(self) -> bool:
        """Whether the stored numbers are others than the values."""
        return (self.scale, self.offset) != (1.0, 0.0)

    def __str__(self) -> str:
        return f"scale_factor {self.scale:g}, add_offset {self.offset:g}"

    def unpack(self, stored: np.ndarray) -> np.ndarray:
        """The values, float64 where they are others than the stored numbers, with NaN for what is missing."""
        if not self.scaled and not self.missing:
            return stored
        values = stored.astype(np.float64) * self.scale + self.offset
        for number in self.missing:
            values[stored == number] = np.nan
        return values


def packing(dataset: Any, place: str) -> Packing:
    """The packing of an array of an HDF5 file.

    Args:
        dataset: with ``attrs`` and ``dtype``.
        place: of the array, for the message.

    Raises:
        PhysrepError: an attribute of it is no number.
    """
    if dataset.dtype.kind not in "iuf":
        return Packing()
    found = {}
    for name in ("scale_factor", "add_offset", "_FillValue", "missing_value"):
        if name in dataset.attrs:
            value = np.asarray(dataset.attrs[name])
            single = value.size == 1 or name == "missing_value"
            if value.dtype.kind not in "iuf" or not single or (name[0] in "sa" and not np.isfinite(value).all()):
                raise PhysrepError(f"{place}: its attribute {name} is not one number; mend it, or delete it.")
            found[name] = value.astype(np.float64).ravel().tolist()
    missing = [*found.get("_FillValue", ()), *found.get("missing_value", ())]
    return Packing(
        found.get("scale_factor", [1.0])[0],
        found.get("add_offset", [0.0])[0],
        tuple(dict.fromkeys(number for number in missing if np.isfinite(number))),
    )
