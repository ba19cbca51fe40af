"""Quantities of windows as targets of a regression: logarithm where they span decades, then z-score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..quantities import Quantity


def targets(quantities: Sequence[Quantity], values: Mapping[str, np.ndarray]) -> tuple[dict[str, Tensor], list[int]]:
    """Z-scored quantities with the statistics of train.

    A positive quantity on a log scale is raised to at least 1e-6 of its median in train, so that a field that has died
    out does not dominate; all are clipped to 5 standard deviations.

    Args:
        quantities: of the Q columns.
        values: by split, raw quantities of windows ``(windows, Q)``, among them ``train``.

    Returns:
        By split, float64 ``(windows, Q')``, and which of the Q columns they are: those that vary in train and are
        finite everywhere.
    """
    scaled = {split: part.astype(np.float64).copy() for split, part in values.items()}
    for k, quantity in enumerate(quantities):
        if quantity.scale == "log":
            floor = 1e-6 * max(float(np.nanmedian(values["train"][:, k])), 1e-300)
            for part in scaled.values():
                part[:, k] = np.log10(np.maximum(part[:, k], floor))
    mean, std = scaled["train"].mean(0), scaled["train"].std(0)
    finite = np.all([np.isfinite(part).all(0) for part in scaled.values()], axis=0)
    keep = [k for k in range(len(quantities)) if finite[k] and std[k] > 1e-9 * max(abs(mean[k]), 1e-300)]
    result = {
        split: torch.from_numpy(np.clip((part[:, keep] - mean[keep]) / std[keep], -5, 5))
        for split, part in scaled.items()
    }
    return result, keep
