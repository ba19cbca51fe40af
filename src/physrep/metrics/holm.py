"""Several comparisons at once: Holm's correction of p-values.

Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979) 65.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import PhysrepError


def holm(p_values: ArrayLike) -> np.ndarray:
    """Adjusted p-values, with shape ``(M,)``: ``p̃_(k) = max_{j ≤ k} min(1, (M - j + 1) p_(j))`` of the sorted ones.

    Rejecting where ``p̃ < α`` keeps the chance of any false rejection below α, whatever depends on what.

    Args:
        p_values: of M tests, in [0, 1].

    Raises:
        PhysrepError: a value is outside of [0, 1] or not finite.
    """
    p = np.asarray(p_values, np.float64).reshape(-1)
    if not ((p >= 0) & (p <= 1)).all():
        raise PhysrepError("p-values must be finite and in [0, 1].")
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(np.minimum(1.0, (len(p) - np.arange(len(p))) * p[order]))
    adjusted = np.empty_like(p)
    adjusted[order] = raised
    return adjusted
