"""Which rows of a long list stand for all of it."""

from __future__ import annotations

import numpy as np


def evenly_spaced(total: int, wanted: int) -> np.ndarray:
    """Indices of ``wanted`` of ``total`` rows, the first, the last and evenly between; all where there are fewer."""
    return np.unique(np.linspace(0, total - 1, min(wanted, total)).round().astype(int))
