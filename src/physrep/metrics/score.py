"""A number and its interval: what every score, skill and difference is in tables, figures and sentences."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Score(NamedTuple):
    """A number with the ends of its interval, of 95 % unless told otherwise; NaN where nothing is known."""

    value: float
    low: float
    high: float

    @classmethod
    def of_first(cls, found: Any) -> Score:
        """The first parameter of an `Interval` or `Difference`."""
        return cls(float(found.value[0]), float(found.low[0]), float(found.high[0]))


UNKNOWN = Score(math.nan, math.nan, math.nan)
