"""A field as a file in The Well's format stores it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np


@dataclass(frozen=True)
class StoredField:
    """A field as a file stores it; `dim_varying` says which spatial axes it has, the others are constant."""

    name: str
    order: int
    sample_varying: bool
    time_varying: bool
    dim_varying: tuple[bool, ...]
    channels: tuple[str, ...]
    fill_values: tuple[float, ...] = ()
    """What the file declares to stand for a missing value: HDF5's fill value, ``_FillValue`` and ``missing_value``."""

    def index(self, trajectory: int, frames: slice, region: Sequence[slice]) -> list[int | slice]:
        """Where frames of a trajectory are in the stored array."""
        index: list[int | slice] = [trajectory] if self.sample_varying else []
        if self.time_varying:
            index.append(frames)
        return [*index, *(part for part, varies in zip(region, self.dim_varying, strict=True) if varies)]

    def spread(self, block: np.ndarray) -> np.ndarray:
        """What is stored at `index`, so that it broadcasts to ``(T, *S, components)``."""
        lengths = iter(block.shape)
        full = [next(lengths) if self.time_varying else 1]
        full += [next(lengths) if varies else 1 for varies in self.dim_varying]
        return block.reshape(*full, len(self.channels))


def fill_values(dataset: Any) -> tuple[float, ...]:
    found: list[float] = []
    for name in ("_FillValue", "missing_value"):
        if name in dataset.attrs:
            with contextlib.suppress(TypeError, ValueError):
                found += np.atleast_1d(np.asarray(dataset.attrs[name], dtype=np.float64)).ravel().tolist()
    plist = dataset.id.get_create_plist()
    if plist.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED:
        found.append(float(dataset.fillvalue))
    return tuple(dict.fromkeys(float(np.float32(value)) for value in found if np.isfinite(value)))
