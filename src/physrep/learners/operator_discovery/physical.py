r"""Columns in the units of the fields: from products of normalised channels to products of the channels themselves.

With u = μ + σ ũ a product of the fields is a sum of normalised products of the same and of lower degree,

    ∂(u v) = σ_u σ_v ∂(ũ ṽ) + σ_u μ_v ∂ũ + σ_v μ_u ∂ṽ,

all of them columns of the library. Nonlocal columns know no mean, so where they are used fields stay measured from
their mean, in their own unit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .library import Term


def to_physical(terms: Sequence[Term], mean: Mapping[str, float], std: Mapping[str, float], centred: bool) -> Tensor:
    """``(K, K)``: column j holds the physical column of term j as a combination of the normalised columns.

    Args:
        terms: of the library; with every product it holds the products of its parts under the same derivative
            (`closed`), but where fields stay centred.
        mean, std: of each channel.
        centred: leave the fields measured from their mean: only units change.
    """
    place = {(term.factors, term.order, term.outer): i for i, term in enumerate(terms)}
    matrix = torch.zeros(len(terms), len(terms), dtype=torch.float64)
    for j, term in enumerate(terms):
        for kept in itertools.product((True, False), repeat=len(term.factors)):
            parts = [f for f, keep in zip(term.factors, kept, strict=True) if keep]
            value = math.prod(
                std[c] if keep else (0.0 if centred else mean[c])
                for (c, _), keep in zip(term.factors, kept, strict=True)
            )
            # A derivative of a constant is no column.
            if value and (parts or not any(term.order)):
                matrix[place[tuple(parts), term.order, term.outer], j] += value
    return matrix


def closed(terms: Sequence[Term]) -> bool:
    """Whether with every product the library holds the products of its parts under the same derivative."""
    place = {(term.factors, term.order, term.outer) for term in terms}
    return all(
        (parts, term.order, term.outer) in place or not (parts or not any(term.order))
        for term in terms
        for count in range(len(term.factors))
        for parts in itertools.combinations(term.factors, count)
    )
