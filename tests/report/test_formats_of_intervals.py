"""Numbers of an interval show their width, however narrow it is."""

from __future__ import annotations

import math

import pytest

from physrep.formats import interval_digits, quantity


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.0288381, 0.0288462, ("0.0288381", "0.0288462")),
        (1.2, 3.4, ("1.2", "3.4")),
        (1234.5678, 1234.5698, ("1234.5678", "1234.5698")),
        (2.00001e-5, 2.00004e-5, ("2.00001·10⁻⁵", "2.00004·10⁻⁵")),
        (-0.5, math.inf, ("−0.5", "∞")),
        (0.25, 0.25, ("0.25", "0.25")),
    ],
)
def test_two_digits_of_the_width(low: float, high: float, shown: tuple[str, str]) -> None:
    digits = interval_digits(low, high)
    assert (quantity(low, digits), quantity(high, digits)) == shown
