"""Holm's correction: by hand, and the chance of any false claim."""

from __future__ import annotations

import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.metrics.holm import holm


def test_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1.0, 1.0])
    assert holm([]).shape == (0,)


def test_false_claims_stay_rare_where_nothing_differs() -> None:
    p = np.random.default_rng(0).random((4000, 10))
    assert abs((np.array([holm(row) for row in p]) < 0.05).any(1).mean() - 0.049) < 0.012
    assert (p < 0.05).any(1).mean() > 0.35, "without the correction they are not"


def test_what_is_no_p_value_is_refused() -> None:
    for bad in ([-0.1], [1.2], [float("nan")]):
        with pytest.raises(PhysrepError, match="p-values"):
            holm(bad)
