r"""Quantities of the two reacting species A and B of `gray_scott`: mean, variance and mean squared gradient of each."""

from __future__ import annotations

from functools import partial

from .base import Quantity
from .flow import scalar, scalar_mean

GRAY_SCOTT = tuple(
    quantity
    for name in ("A", "B")
    for quantity in (
        Quantity(f"{name}_mean", f"⟨{name}⟩", "1", "⟨s⟩", partial(scalar_mean, name=name), (name,)),
        *scalar(name),
    )
)
