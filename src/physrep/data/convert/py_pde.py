"""Output of py-pde (``FileStorage``): ``data`` (T, components..., x, y), ``times``, and fields and grid as attributes.

What ``pde/storage/file.py`` writes (https://github.com/zwicker-group/py-pde): the attribute ``field_attributes`` is
JSON whose values are JSON again: class, label and grid of the field, or a list of them for a collection, whose
components follow each other along the second axis. Points lie at the centres of cells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PhysrepError
from ...systems.grids.chebyshev import cell_centres
from ..check_storage import refuse_elsewhere
from .axes import CHANNEL, COMPONENT, TIME, say_curvilinear
from .source import LazyArray, Part, open_file

RANKS = {"ScalarField": 0, "VectorField": 1, "Tensor2Field": 2}


def is_py_pde(file: Any) -> bool:
    """Whether an open HDF5 file is a storage of py-pde."""
    return "data" in file and "times" in file and "field_attributes" in file.attrs


@dataclass(frozen=True)
class _Grid:
    axes: tuple[str, ...]
    points: tuple[np.ndarray, ...]
    periodic: tuple[bool, ...]
    directions: tuple[str, ...]
    """Names of the components of a vector; a symmetric grid has more than axes."""


def read_py_pde(path: Path) -> Part:
    """A storage of py-pde as a part of a source: one trajectory.

    Raises:
        PhysrepError: its attributes describe a field or grid that is not known.
    """
    file = open_file(path)
    try:
        described = _unpacked(file.attrs["field_attributes"])
        fields = described.get("fields") or [described]
        grid = _grid(fields[0]["grid"])
        ranks = [RANKS[field["class"]] for field in fields]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        problem = f"its attribute field_attributes is none that is known of py-pde ({error!r})"
        raise PhysrepError(f"{path}: {problem}; save the arrays as .npz.") from error
    shape, frames = tuple(map(len, grid.points)), len(file["times"])
    part = Part(path, {}, coordinates=dict(zip(grid.axes, grid.points, strict=True)))
    part.coordinates[TIME] = np.asarray(file["times"][:], dtype=np.float64)
    part.periodic = dict(zip(grid.axes, grid.periodic, strict=True))
    if grid.directions != grid.axes:
        say_curvilinear(grid.axes, part.notes)
    first, size = 0, len(grid.directions)
    for number, (field, rank) in enumerate(zip(fields, ranks, strict=True)):
        name = field.get("label") or ("field" if len(fields) == 1 else f"field_{number}")
        where = slice(first, first + size**rank) if "fields" in described else None
        part.arrays[name] = _array(path, name, rank, where, (frames, *shape), grid)
        first += size**rank
    return part


def _unpacked(text: Any) -> Any:
    """JSON whose values are JSON again, as plain data; a text that is none is kept."""
    if isinstance(text, str | bytes):
        try:
            return _unpacked(json.loads(text))
        except ValueError:
            return text
    if isinstance(text, Mapping):
        return {key: _unpacked(value) for key, value in text.items()}
    return [_unpacked(value) for value in text] if isinstance(text, list) else text


def _grid(described: Mapping[str, Any]) -> _Grid:
    kind, shape = described["class"], [int(n) for n in described["shape"]]
    if kind in ("CartesianGrid", "UnitGrid"):
        axes = ("x", "y", "z")[: len(shape)]
        bounds = described.get("bounds") or [[0, n] for n in shape]
        return _Grid(axes, _centres(bounds, shape), tuple(map(bool, described["periodic"])), axes)
    if kind not in ("CylindricalSymGrid", "PolarSymGrid", "SphericalSymGrid"):
        raise ValueError(f"grid {kind}")
    radius = described["radius"] if isinstance(described["radius"], list) else [0, described["radius"]]
    if kind == "CylindricalSymGrid":
        points = _centres([radius, described["bounds_z"]], shape)
        return _Grid(("r", "z"), points, (False, bool(described["periodic_z"])), ("r", "z", "phi"))
    directions = ("r", "phi") if kind == "PolarSymGrid" else ("r", "theta", "phi")
    return _Grid(("r",), _centres([radius], shape), (False,), directions)


def _centres(bounds: Sequence[Sequence[float]], shape: Sequence[int]) -> tuple[np.ndarray, ...]:
    return tuple(cell_centres(n, low, high).numpy() for (low, high), n in zip(bounds, shape, strict=True))


def _array(path: Path, name: str, rank: int, where: slice | None, shape: tuple[int, ...], grid: _Grid) -> LazyArray:
    """A field; ``where`` its components lie in a collection."""
    frames, *space = shape
    size = len(grid.directions)

    def stored(which: int | slice, component: int | slice | None, rest: Sequence[int | slice]) -> np.ndarray:
        data = open_file(path)["data"]
        refuse_elsewhere(path, "data", data)
        if where is None:  # a field alone keeps its axes of components
            if component is None:
                return np.asarray(data[(which, *rest)])
            if isinstance(component, slice):
                return np.asarray(data[(which, component, *rest)])
            return np.asarray(data[(which, *np.unravel_index(component, (size,) * rank), *rest)])
        begin = where.start
        if isinstance(component, slice):
            return np.asarray(data[(which, where, *rest)])
        return np.asarray(data[(which, begin + (component or 0), *rest)])

    if rank == 0:
        axes = (TIME, *grid.axes)
        return LazyArray(axes, shape, lambda index: stored(index[0], None, index[1:]))
    if rank == 1 and size == len(grid.axes):
        axes = (TIME, COMPONENT, *grid.axes)
        return LazyArray(axes, (frames, size, *space), lambda index: stored(index[0], slice(None), index[2:]))
    names = tuple(f"{name}_{''.join(grid.directions[i] for i in at)}" for at in np.ndindex(*(size,) * rank))
    axes = (TIME, CHANNEL, *grid.axes)
    return LazyArray(axes, (frames, len(names), *space), lambda index: stored(index[0], index[1], index[2:]), names)


__all__ = ["is_py_pde", "read_py_pde"]
