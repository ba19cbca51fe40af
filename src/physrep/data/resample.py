r"""Changing the grid of fields: bilinear as image models do it, or spectral where the grid allows it.

Bilinear takes points as centres of pixels (``align_corners=False``, no antialiasing), as Qu et al. do. Spectral is
exact for what both grids represent. A periodic axis keeps its first point and its modes below the Nyquist mode of the
coarser grid. A Chebyshev axis on ``[a, b]`` is evaluated at the centres of ``n`` equal cells,
``y_j = a + (b-a)(j + 1/2)/n``, by barycentric interpolation (Berrut and Trefethen, Barycentric Lagrange Interpolation,
2004):

    f(y) = \sum_k \frac{w_k f_k}{y - y_k} / \sum_k \frac{w_k}{y - y_k}
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..systems.grids.chebyshev import cell_centres
from ..systems.grids.fourier_grid import resample_axis

Method = Literal["bilinear", "spectral"]


def bilinear(fields: Tensor, shape: Sequence[int]) -> Tensor:
    """Linear interpolation of ``(A, B, *S)`` to ``(A, B, *shape)`` in 1, 2 or 3 dimensions; no change if equal."""
    if tuple(fields.shape[2:]) == tuple(shape):
        return fields
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(shape)]
    return torch.nn.functional.interpolate(fields, size=tuple(shape), mode=mode, align_corners=False)


def chebyshev_interval(nodes: np.ndarray) -> tuple[str, float, float] | None:
    """Kind ("gauss" or "lobatto") and interval of Chebyshev nodes, in either direction, or None for other grids.

    Gauss nodes are ``cos(pi (k + 1/2) / n)`` and leave out the ends, Lobatto nodes are ``cos(pi k / (n - 1))``.
    """
    n = len(nodes)
    if n < 4:
        return None
    for kind, angle in (
        ("gauss", math.pi * (np.arange(n) + 0.5) / n),
        ("lobatto", math.pi * np.arange(n) / (n - 1)),
    ):
        reference = np.cos(angle)
        half = (nodes[0] - nodes[-1]) / (reference[0] - reference[-1])
        centre = (nodes[0] + nodes[-1]) / 2
        # Stored coordinates are float32; the nodes nearest to a wall are closest to one another.
        if np.abs(nodes - centre - half * reference).max() < 2e-6 * max(abs(half), abs(centre)):
            return kind, centre - abs(half), centre + abs(half)
    return None


def chebyshev_matrix(nodes: np.ndarray, points: np.ndarray, kind: str) -> Tensor:
    """Matrix with shape ``(len(points), len(nodes))`` that evaluates the interpolating polynomial, float64."""
    n = len(nodes)
    k = np.arange(n)
    weights = (-1.0) ** k
    if kind == "gauss":
        weights = weights * np.sin(math.pi * (k + 0.5) / n)
    else:
        weights[[0, -1]] *= 0.5
    difference = points[:, None] - nodes[None, :]
    hit = difference == 0
    ratio = weights / np.where(hit, 1.0, difference)
    matrix = ratio / ratio.sum(1, keepdims=True)
    rows = hit.any(1)
    matrix[rows] = hit[rows]
    return torch.from_numpy(matrix)


class Resampler:
    """Maps fields ``(C, T, *S)`` on one grid to another.

    Args:
        coordinates: grid coordinates per axis, in storage order.
        periodic: per axis, whether it is periodic (a cropped axis is not).
        resolution: wanted points per axis; None keeps the grid.
        method: "bilinear" or "spectral".
        source: what to name in error messages.

    Attributes:
        shape: points per axis of the result.
        dx: grid spacing per axis of the result, ``L / n``.
        coordinates: per axis the points of the result, ascending, float64; None where they are equally spaced.
        unchanged: whether fields come out as they went in.

    Raises:
        PhysrepError: unknown method, wrong number of axes, or an axis that spectral resampling cannot treat.
    """

    def __init__(
        self,
        coordinates: Sequence[np.ndarray],
        periodic: Sequence[bool],
        resolution: Sequence[int] | None,
        method: Method | None,
        source: object = "resample",
    ) -> None:
        old = tuple(len(c) for c in coordinates)
        for axis, nodes in enumerate(coordinates):
            if nodes[0] > nodes[-1]:
                raise PhysrepError(
                    f"{source}: coordinates of axis {axis} decrease, from {nodes[0]:.6g} to {nodes[-1]:.6g}; reverse "
                    "them and the values along that axis."
                )
        if resolution is not None and (len(resolution) != len(old) or min(resolution) < 1):
            raise PhysrepError(f"{source}: resolution {list(resolution)} does not fit {len(old)} spatial axes.")
        if method not in (None, "bilinear", "spectral"):
            raise PhysrepError(f"{source}: unknown resample {method!r}; use 'bilinear' or 'spectral'.")
        self.shape = old if resolution is None else tuple(int(n) for n in resolution)
        self.method = method
        if method is None and self.shape != old:
            raise PhysrepError(f"{source}: resolution is {list(old)}, not {list(self.shape)}; name a resample method.")
        self.periodic = tuple(periodic)
        self.matrices: dict[int, Tensor] = {}
        lengths = []
        self.coordinates: tuple[np.ndarray | None, ...] = tuple(
            None if self.periodic[axis] else _uneven(nodes, n, method)
            for axis, (nodes, n) in enumerate(zip(coordinates, self.shape, strict=True))
        )
        for axis, (nodes, n) in enumerate(zip(coordinates, self.shape, strict=True)):
            interval = None if self.periodic[axis] else chebyshev_interval(nodes)
            if interval is not None:
                kind, low, high = interval
                lengths.append(high - low)
                if method == "spectral":
                    points = cell_centres(n, low, high).numpy()
                    self.matrices[axis] = chebyshev_matrix(exact_nodes(len(nodes), *interval), points, kind)
                continue
            spacing = (nodes[-1] - nodes[0]) / max(len(nodes) - 1, 1)
            lengths.append(spacing * len(nodes))
            if method == "spectral" and not self.periodic[axis] and n != len(nodes):
                raise PhysrepError(
                    f"{source}: axis {axis} is neither periodic nor on Chebyshev nodes, so it has no spectral "
                    "resampling; use 'bilinear' or leave its resolution."
                )
        self.unchanged = self.shape == old and not self.matrices
        self.dx = tuple(float(length / n) for length, n in zip(lengths, self.shape, strict=True))

    def __call__(self, fields: Tensor) -> Tensor:
        if self.method == "bilinear":
            return bilinear(fields, self.shape)
        if self.method == "spectral":
            for axis, n in enumerate(self.shape):
                if self.periodic[axis]:
                    fields = resample_axis(fields, axis + 2, n)
                elif axis in self.matrices:
                    matrix = self.matrices[axis].to(fields.dtype)
                    fields = (fields.movedim(axis + 2, -1) @ matrix.T).movedim(-1, axis + 2)
        return fields.contiguous()


def _uneven(nodes: np.ndarray, n: int, method: Method | None) -> np.ndarray | None:
    """Where ``n`` resampled points lie, ascending; None if equally spaced."""
    nodes = np.asarray(nodes, dtype=np.float64)
    spacing = np.diff(nodes)
    # Stored coordinates are float32. Spectral resampling ends on equal cells.
    if len(nodes) < 3 or method == "spectral" or np.ptp(spacing) < 1e-3 * spacing.mean():
        return None
    if n == len(nodes):
        interval = chebyshev_interval(nodes)
        return nodes if interval is None else exact_nodes(len(nodes), *interval)
    index = (np.arange(n) + 0.5) * len(nodes) / n - 0.5
    left = np.clip(np.floor(index).astype(int), 0, len(nodes) - 2)
    # Beyond the centres of the outer rows, positions go on as before; only the values stay those of the outer rows.
    return nodes[left] + (index - left) * spacing[left]


def exact_nodes(n: int, kind: str, low: float, high: float) -> np.ndarray:
    """n ascending Chebyshev nodes in float64, where stored ones are float32."""
    angle = math.pi * (np.arange(n) + 0.5) / n if kind == "gauss" else math.pi * np.arange(n) / (n - 1)
    return (low + high) / 2 - (high - low) / 2 * np.cos(angle)
