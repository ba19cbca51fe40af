"""Miniature files in the layout of The Well's own: names, groups, attributes and shapes as published, tiny grids.

Nothing here uses the package's writer. What is imitated: the URL list and the metadata of the-well 1.2.0, the
formatting rules of its checker, and the listings in its visualisation notebooks:

- one parameter set per file, whose values are scalars ``()``; several trajectories per file;
- shear_flow: Reynolds stored as ``Rayleigh``; the same 28 file names in every split;
- rayleigh_benard: y on Chebyshev-Gauss nodes, boundary group ``y_wall_dirichlet`` with values; 35 files per split;
- active_matter: a third scalar L that never varies; D and E with all four entries, 11 channels; 45 files in train, but
  only 16 in valid and 21 in test.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

SPLITS = ("train", "valid", "test")

# (zeta, alpha) of the files of active_matter that exist in valid and in test, as the-well 1.2.0 lists them.
ACTIVE_VALID = (
    (11, -2), (7, -2), (9, -1), (1, -3), (7, -3), (11, -4), (17, -4), (13, -2), (5, -4), (3, -2), (1, -4), (15, -4),
    (5, -1), (15, -5), (13, -3), (15, -1),
)  # fmt: skip
ACTIVE_TEST = (
    (11, -2), (1, -2), (5, -5), (3, -4), (7, -2), (3, -3), (7, -5), (11, -1), (5, -2), (11, -4), (17, -4), (9, -3),
    (9, -4), (11, -3), (13, -5), (5, -3), (13, -1), (1, -1), (17, -3), (15, -2), (15, -5),
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """What is published of one data set."""

    name: str
    fields: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    """Field names of tensor order 0, 1 and 2, in the files' order."""
    parameters: tuple[str, ...]
    """Names of the stored scalars, in the files' order."""
    grid: tuple[int, int]
    lengths: tuple[tuple[float, float], tuple[float, float]]
    frames: int
    dt: float
    trajectories: dict[str, int]
    """Per split, in all its files together."""
    conditions: tuple[str, str] = ("x_periodic", "y_periodic")
    files: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Split to file name to stored scalars."""


def _shear_flow() -> dict[str, dict[str, float]]:
    reynolds = ("1e4", "5e4", "1e5", "5e5")
    schmidt = ("1e-1", "2e-1", "5e-1", "1e0", "2e0", "5e0", "1e1")
    return {
        f"shear_flow_Reynolds_{re}_Schmidt_{sc}.hdf5": {"Rayleigh": float(re), "Schmidt": float(sc)}
        for re, sc in itertools.product(reynolds, schmidt)
    }


def _rayleigh_benard() -> dict[str, dict[str, float]]:
    rayleigh = ("1e6", "1e7", "1e8", "1e9", "1e10")
    prandtl = ("1e-1", "2e-1", "5e-1", "1", "2", "5", "10")
    return {
        f"rayleigh_benard_Rayleigh_{ra}_Prandtl_{pr}.hdf5": {"Rayleigh": float(ra), "Prandtl": float(pr)}
        for ra, pr in itertools.product(rayleigh, prandtl)
    }


def _active_matter(sets: tuple[tuple[int, int], ...]) -> dict[str, dict[str, float]]:
    return {
        f"active_matter_L_10.0_zeta_{float(zeta)}_alpha_{float(alpha)}.hdf5": {
            "L": 10.0,
            "zeta": float(zeta),
            "alpha": float(alpha),
        }
        for zeta, alpha in sets
    }


LAYOUTS = {
    "shear_flow": Layout(
        name="shear_flow",
        fields=(("tracer", "pressure"), ("velocity",), ()),
        parameters=("Rayleigh", "Schmidt"),
        grid=(256, 512),
        lengths=((0.0, 1.0), (-1.0, 1.0)),
        frames=200,
        dt=0.1,
        trajectories={"train": 896, "valid": 112, "test": 112},
        files=dict.fromkeys(SPLITS, _shear_flow()),
    ),
    "rayleigh_benard": Layout(
        name="rayleigh_benard",
        fields=(("buoyancy", "pressure"), ("velocity",), ()),
        parameters=("Rayleigh", "Prandtl"),
        grid=(512, 128),
        lengths=((0.0, 4.0), (0.0, 1.0)),
        frames=200,
        dt=0.25,
        trajectories={"train": 1400, "valid": 175, "test": 175},
        conditions=("x_periodic", "y_wall_dirichlet"),
        files=dict.fromkeys(SPLITS, _rayleigh_benard()),
    ),
    "active_matter": Layout(
        name="active_matter",
        fields=(("concentration",), ("velocity",), ("D", "E")),
        parameters=("L", "zeta", "alpha"),
        grid=(256, 256),
        lengths=((0.0, 10.0), (0.0, 10.0)),
        frames=81,
        dt=0.25,
        trajectories={"train": 175, "valid": 24, "test": 26},
        files={
            "train": _active_matter(tuple(itertools.product(range(1, 18, 2), range(-1, -6, -1)))),
            "valid": _active_matter(ACTIVE_VALID),
            "test": _active_matter(ACTIVE_TEST),
        },
    ),
}


def write_layout(
    root: Path,
    name: str,
    grid: tuple[int, int] | None = None,
    frames: int = 33,
    per_file: tuple[int, int, int] = (2, 1, 1),
    only: int | None = None,
) -> Path:
    """Write ``root/NAME`` with all its parameter files and return that folder.

    Args:
        root: folder that holds data sets.
        name: key of `LAYOUTS`.
        grid: points per axis; default a sixteenth of the real ones.
        frames: frames per trajectory.
        per_file: trajectories per file of train, valid and test.
        only: write this many files per split, spread over the parameter sets.
    """
    layout = LAYOUTS[name]
    grid = grid or (layout.grid[0] // 16, layout.grid[1] // 16)
    generator = np.random.default_rng(0)
    for split, count in zip(SPLITS, per_file, strict=True):
        folder = root / name / "data" / split
        folder.mkdir(parents=True)
        chosen = list(layout.files[split].items())
        if only is not None:
            # From the first to the last: an even stride could meet one value of a parameter again and again.
            chosen = [chosen[k] for k in np.linspace(0, len(chosen) - 1, only).round().astype(int)]
        for file_name, scalars in chosen:
            with h5py.File(folder / file_name, "w") as file:
                _write(file, layout, scalars, grid, frames, count, generator)
    (root / name / "stats.yaml").write_text(_stats(layout))
    return root / name


def _stats(layout: Layout) -> str:
    """``stats.yaml`` as it is downloaded: six maps in alphabetical order, numbers in scientific notation."""
    lines = []
    for kind in ("mean", "mean_delta", "rms", "rms_delta", "std", "std_delta"):
        lines.append(f"{kind}:")
        names = {name: order for order, group in enumerate(layout.fields) for name in group}
        for name in sorted(names):
            row = "  - 5.0184E-01\n  - -6.2220E-03"
            text = {0: " 1.0000E+00", 1: f"\n{row}", 2: "\n" + "\n".join(["  - - 4.6E-13\n    - 1.7E-13"] * 2)}
            lines.append(f"  {name}:{text[names[name]]}")
    return "\n".join(lines) + "\n"


def _write(
    file: h5py.File,
    layout: Layout,
    scalars: dict[str, float],
    grid: tuple[int, int],
    frames: int,
    count: int,
    generator: np.random.Generator,
) -> None:
    file.attrs["dataset_name"] = layout.name
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = 2
    file.attrs["n_trajectories"] = count
    file.attrs["simulation_parameters"] = list(layout.parameters)
    group = file.create_group("scalars")
    group.attrs["field_names"] = list(layout.parameters)
    for name in layout.parameters:
        file.attrs[name] = scalars[name]
        _put(group, name, np.float32(scalars[name]), False, False)
    group = file.create_group("dimensions")
    group.attrs["spatial_dims"] = ["x", "y"]
    _put(group, "time", np.arange(frames, dtype=np.float32) * np.float32(layout.dt), False, True)
    for axis, n, (low, high), condition in zip("xy", grid, layout.lengths, layout.conditions, strict=True):
        if "wall" in condition:
            # Chebyshev-Gauss nodes, from the lower wall up; neither wall is a node.
            points = (low + high) / 2 - (high - low) / 2 * np.cos(math.pi * (np.arange(n) + 0.5) / n)
        else:
            points = low + (high - low) * np.arange(n) / n
        _put(group, axis, points.astype(np.float32), False, False)
    group = file.create_group("boundary_conditions")
    for axis, n, condition in zip("xy", grid, layout.conditions, strict=True):
        place = group.create_group(condition)
        place.attrs["associated_dims"] = [axis]
        place.attrs["associated_fields"] = []
        place.attrs["bc_type"] = "WALL" if "wall" in condition else "PERIODIC"
        place.attrs["sample_varying"] = False
        place.attrs["time_varying"] = False
        mask = np.zeros(n, dtype=bool)
        mask[[0, -1]] = True
        place["mask"] = mask
        if "wall" in condition:
            place["values"] = np.array([1.0, 0.0], dtype=np.float32)
    for order, names in enumerate(layout.fields):
        group = file.create_group(f"t{order}_fields")
        group.attrs["field_names"] = list(names)
        for name in names:
            shape = (count, frames, *grid, *(2,) * order)
            values = 0.3 * generator.standard_normal(shape, dtype=np.float32)
            if name == "concentration":
                values = 1 + 0.01 * values
            if order == 2:
                values = _symmetric(values, 1.0 if name == "D" else 0.0)
            _put(group, name, values, True, True)
            group[name].attrs["dim_varying"] = [True, True]
            if order == 2:
                group[name].attrs["symmetric"] = True
                group[name].attrs["antisymmetric"] = False


def _symmetric(values: np.ndarray, trace: float) -> np.ndarray:
    """All four entries of a symmetric tensor with this trace."""
    values[..., 1, 0] = values[..., 0, 1]
    values[..., 1, 1] = trace - values[..., 0, 0]
    return values


def _put(group: h5py.Group, name: str, values: np.ndarray, sample_varying: bool, time_varying: bool) -> None:
    group[name] = values
    group[name].attrs["sample_varying"] = sample_varying
    group[name].attrs["time_varying"] = time_varying
