"""What of a trajectory is worth looking at: scalars, vorticity, nematic order with its director."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..data import WellFile
from ..data.resample import Resampler, chebyshev_interval


@dataclass
class View:
    """One picture per frame of a trajectory.

    Attributes:
        label: what is shown.
        values: with shape ``(T, nx, ny)``, on a uniform grid; of a field in space, the middle plane of the last axis.
        angle: direction of a headless line per point, radians from the first axis, same shape; or None.
        extent: side lengths of the picture.
    """

    label: str
    values: np.ndarray
    angle: np.ndarray | None
    extent: tuple[float, float]


def views(file: WellFile, trajectory: int) -> list[View]:
    """The views of one trajectory: every scalar, the vorticity of every plane vector, the order of the first tensor.

    The order of a symmetric tensor D is ``√((D_xx - D_yy)² + 4 D_xy²) / tr D``, its director has the angle
    ``½ atan2(2 D_xy, D_xx - D_yy)``.
    """
    coordinates = [file.coordinates[axis] for axis in file.axes]
    # Rows between walls lie closer to one another there: pictures want them evenly spaced.
    uneven = any(chebyshev_interval(nodes) is not None for nodes in coordinates)
    resampler = Resampler(coordinates, file.periodic, file.shape, "spectral" if uneven else None, file.path)
    extent = (resampler.dx[0] * file.shape[0], resampler.dx[1] * file.shape[1])
    found: list[View] = []
    tensors = 0
    for name, field in file.fields.items():
        if not field.time_varying:
            continue
        values = resampler(torch.from_numpy(file.read(trajectory, 0, file.n_frames, channels=field.channels))).numpy()
        if values.ndim == 5:
            values = values[..., values.shape[-1] // 2]
        plane = f"{name} (middle plane)" if len(file.axes) == 3 else name
        if field.order == 0:
            found.append(View(plane, values[0], None, extent))
        elif field.order == 1 and len(file.axes) == 2:
            curl = _slope(values[1], 1, resampler.dx[0], file.periodic[0])
            curl -= _slope(values[0], 2, resampler.dx[1], file.periodic[1])
            label = "vorticity" if name == "velocity" else f"curl of {name}"
            found.append(View(label, curl, None, extent))
        elif field.order == 2 and len(file.axes) == 2 and not tensors:
            tensors += 1
            difference, shear = values[0] - values[3], values[1] + values[2]
            order = np.hypot(difference, shear) / np.maximum(values[0] + values[3], 1e-6)
            found.append(View("nematic order", order, 0.5 * np.arctan2(shear, difference), extent))
    return found


def _slope(values: np.ndarray, axis: int, dx: float, periodic: bool) -> np.ndarray:
    if periodic:
        return (np.roll(values, -1, axis) - np.roll(values, 1, axis)) / (2 * dx)
    return np.gradient(values, dx, axis=axis)
