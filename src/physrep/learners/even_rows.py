"""Fields on equally spaced points, for floors that take transforms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..clip import Clip
from ..data.resample import chebyshev_interval, chebyshev_matrix
from ..systems.grids.chebyshev import cell_centres


def on_even_rows(x: Tensor, clip: Clip) -> Tensor:
    """Fields ``(B, C, T, *S)`` of a clip, at the centres of equal cells along every axis.

    Rows that are not equally spaced (``clip.coordinates``) are interpolated: on Chebyshev rows by their polynomial,
    which is exact for what these rows hold, on others linearly. All else is returned as it is.
    """
    for axis, points in enumerate(clip.coordinates, 3):
        if points is not None:
            matrix = even_matrix(points.numpy()).to(x)
            x = (x.movedim(axis, -1) @ matrix.T).movedim(-1, axis)
    return x


def even_matrix(points: np.ndarray) -> Tensor:
    """``(n, n)``: from values at ascending points to values at the centres of n equal cells of their domain."""
    n = len(points)
    interval = chebyshev_interval(points)
    if interval is not None:
        kind, low, high = interval
        return chebyshev_matrix(points, cell_centres(n, low, high).numpy(), kind)
    middle = (points[1:] + points[:-1]) / 2
    low, high = 2 * points[0] - middle[0], 2 * points[-1] - middle[-1]
    wanted = cell_centres(n, low, high).numpy()
    return torch.from_numpy(np.stack([np.interp(wanted, points, row) for row in np.eye(n)], axis=1))
