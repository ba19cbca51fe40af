"""Declared symmetries are symmetries: transforming the start and simulating is simulating and transforming.

For every system with two axes and every symmetry that it declares, with the same code that augments training clips.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from physrep.data import Symmetries
from physrep.data.augment import DataGrid, Draw, copy_symmetric, partners
from physrep.data.names import component_axes
from physrep.errors import PhysrepError
from physrep.systems import SYSTEMS, System
from physrep.training.symmetries import check_symmetries

GRID: dict[str, tuple[int, int]] = {
    "shear_flow": (16, 32),
    "rayleigh_benard": (32, 16),
    "rayleigh_benard_uniform": (32, 16),
}


def cases() -> list[Any]:
    found = []
    for name, system in SYSTEMS.items():
        # What cannot start from given fields obeys its symmetries in law only; its own tests say so.
        if len(system.axes) != 2 or not system.restartable:
            continue
        kinds = [f"mirror {axis}" for axis in system.mirrors]
        kinds += ["swap"] if system.isotropic else []
        kinds += [f"shift {axis}" for axis, periodic in zip(system.axes, system.periodic, strict=True) if periodic]
        found += [pytest.param(name, kind, id=f"{name}, {kind}") for kind in kinds]
    return found


def channels_of(system: System) -> tuple[list[str], list[tuple[int, ...]]]:
    names, components = [], []
    for field in system.fields:
        for index in component_axes(field.order, 2):
            names.append(field.name + ("_" + "".join(system.axes[i] for i in index) if index else ""))
            components.append(tuple(index))
    return names, components


def stacked(system: System, fields: dict[str, torch.Tensor]) -> np.ndarray:
    """Channels first, ``(C, T, H, W)``, of the only trajectory."""
    parts = []
    for field in system.fields:
        value = fields[field.name][0]
        parts += [value] if field.order == 0 else value.flatten(3).movedim(3, 0).unbind(0)
    return torch.stack(list(parts)).numpy()


def unstacked(system: System, array: np.ndarray) -> dict[str, torch.Tensor]:
    """The inverse for one frame: fields ``(1, H, W, ...)``."""
    fields, row = {}, 0
    for field in system.fields:
        count = 2**field.order
        part = torch.from_numpy(array[row : row + count, 0].copy())
        row += count
        fields[field.name] = part if field.order == 0 else part.movedim(0, 2).unflatten(2, (2,) * field.order)[None]
    return fields


@pytest.mark.parametrize(("name", "kind"), cases())
def test_declared_symmetries_map_solutions_to_solutions(name: str, kind: str) -> None:
    system = SYSTEMS[name]
    size = GRID.get(name, (16, 16))
    if kind == "swap":
        assert system.lengths[0] == system.lengths[1]
    ranges = system.resolved_ranges(size)
    values = {
        p.name: torch.tensor(
            [(ranges[p.name][0] * ranges[p.name][1]) ** 0.5 if p.scale == "log" else sum(ranges[p.name]) / 2],
            dtype=torch.float64,
        )
        for p in system.parameters
    }
    common: dict[str, Any] = {"resolution": size, "frames": 4, "save_dt": system.save_dt / 2, "dtype": torch.float64}
    first = system.simulate(values, [3], **common)
    source = stacked(system, first.fields).astype(np.float64)
    names, components = channels_of(system)
    what, _, axis = kind.partition(" ")
    shifts, mirrored = np.zeros((1, 2), dtype=np.int64), np.zeros((1, 2), dtype=bool)
    if what == "shift":
        shifts[0, system.axes.index(axis)] = 5
    if what == "mirror":
        mirrored[0, system.axes.index(axis)] = True
    ones, zeros = np.ones((1, len(names))), np.zeros((1, len(names)))
    grid = DataGrid(system.axes, size, system.periodic, (1.0, 1.0), 1.0, names, components, [1.0] * len(names))
    swap = kind == "swap"
    drawn = Draw(
        shifts,
        mirrored,
        np.zeros((1, 2), dtype=np.int64),
        ones,
        zeros,
        np.array([swap]),
        partners(grid) if swap else None,
    )
    expected = np.empty_like(source)
    copy_symmetric(source, expected, drawn, 0, components)
    if any(field not in first.fields for field in system.initial_fields):
        pytest.skip("its start is not among the stored fields")
    start = {k: v for k, v in unstacked(system, expected[:, :1]).items() if k in system.initial_fields}
    start = {k: (v if v.shape[0] == 1 else v[None]) for k, v in start.items()}
    second = system.simulate(values, [3], initial=start, **common)
    found = stacked(system, second.fields)
    for channel, row in enumerate(names):
        scale = max(float(np.abs(expected[channel]).max()), 1e-3)
        assert np.abs(found[channel] - expected[channel]).max() < 2e-5 * scale, row
    assert np.abs(expected[:, 0] - source[:, 0]).max() > 1e-3  # the transformation did something


def test_what_is_no_symmetry_is_refused() -> None:
    for symmetries, system, match in (
        (Symmetries(flip=("y",)), "rayleigh_benard", "flip: y is no symmetry"),
        (Symmetries(transpose=True), "shear_flow", "transpose is no symmetry of shear_flow"),
        (Symmetries(rescale=("buoyancy",)), "rayleigh_benard", "rescale: buoyancy"),
        (Symmetries(boost="velocity"), "active_matter", "boost: velocity"),
    ):
        with pytest.raises(PhysrepError, match=match):
            check_symmetries(symmetries, system)
    check_symmetries(Symmetries(transpose=True, flip=("x", "y")), "active_matter")
    check_symmetries(Symmetries(transpose=True, flip=("z",)), "somebody's data")
