"""MATLAB: ``.mat`` up to version 7 through scipy (a variable at a time in memory), version 7.3 (HDF5) piece by piece.

MATLAB stores the first index fastest; version 7.3 files show their axes reversed to others, which is undone here, so
that the axes are those that MATLAB shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...errors import PhysrepError
from ..check_storage import refuse_elsewhere
from .arrays import RawArray, part_of_arrays
from .source import Handles, Part, open_file


class _Variables:
    """Variables of an older ``.mat`` file; the one read last stays in memory."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._last: tuple[str, np.ndarray] | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        from scipy.io import loadmat

        if self._last is None or self._last[0] != name:
            self._last = (name, loadmat(self.path, variable_names=[name])[name])
        return self._last[1]


_older = Handles(_Variables)


def read_matlab(path: Path, axes: Sequence[str] | None = None, frame: bool = False) -> Part:
    """A ``.mat`` file of any version as a part of a source."""
    with open(path, "rb") as file:
        new = file.read(10) == b"MATLAB 7.3" or h5py.is_hdf5(path)
    try:
        arrays = _from_hdf5(path) if new else _from_older(path)
    except PhysrepError:
        raise
    except (OSError, ValueError, NotImplementedError) as error:
        raise PhysrepError(f"{path}: cannot be read as a MATLAB file ({error}); save it again.") from error
    return part_of_arrays(path, arrays, axes, frame=frame)


def _from_older(path: Path) -> dict[str, RawArray]:
    from scipy.io import whosmat

    kinds = {"double": "f", "single": "f", "logical": "b"}
    found = {}
    for name, shape, kind in whosmat(path):
        letter = kinds.get(kind, "i" if kind.startswith("int") else "u" if kind.startswith("uint") else "O")
        squeezed = _vector(shape)
        found[name] = RawArray(
            squeezed,
            letter,
            lambda index, name=name, s=squeezed: (
                _older(path)[name].reshape(s)[index] if len(s) < 2 else _older(path)[name][index]
            ),
        )
    return found


def _from_hdf5(path: Path) -> dict[str, RawArray]:
    found = {}
    for name, item in open_file(path).items():
        if not isinstance(item, h5py.Dataset) or name.startswith("#"):
            continue
        shape = tuple(reversed(item.shape))
        squeezed = _vector(shape)
        found[name] = RawArray(squeezed, item.dtype.kind, _reversed(path, name, len(shape), squeezed))
    return found


def _reversed(path: Path, name: str, ndim: int, shape: tuple[int, ...]) -> Any:
    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        dataset = open_file(path)[name]
        refuse_elsewhere(path, name, dataset)
        if len(shape) < ndim:
            return np.asarray(dataset[()]).reshape(shape)[index]
        return np.asarray(dataset[tuple(reversed(index))]).T

    return read


def _vector(shape: Sequence[int]) -> tuple[int, ...]:
    """MATLAB has no vectors and no numbers: a row or a column is a vector, 1 x 1 a number."""
    shape = tuple(int(n) for n in shape)
    if len(shape) == 2 and 1 in shape:
        return tuple(n for n in shape if n > 1)
    return shape
