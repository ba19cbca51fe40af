r"""A generic library of terms: derivatives of products of channels, and of their nonlocal relatives, graded by order.

    φ_k(u) = ∂ₓ^a ∂_y^b (R₁u_c · R₂u_d · …),      a + b ≤ 2

(in space ∂ₓ^a ∂_y^b ∂_z^c, a + b + c ≤ 2) with R the identity or, on periodic grids of two axes, a multiplier of order
0 or -1: exp(inφ) |k|^-s, φ the direction of k. Those of order 0 (s = 0, n = 2, 4) turn a tensor into what pressure and
incompressibility make of it; those of order -1 (s = 1, n = 1, 3) turn a stress into the velocity of a slow viscous
flow. Nothing here knows a system, its equation or what a channel means: the library follows from the channels' names
and the kinds of the axes alone.

A factor may also stand under a first derivative of its own, which is a multiplier of order 1 on the modes of its view:
what turns and stretches a tensor is a product with the gradient of a velocity, and no derivative of a product is that.

Grades, each with the columns of those before:

    1  every channel, with the constant
    2  products of two channels
    3  products of three channels, without derivatives
    4  nonlocal relatives: order 0 alone and times a channel; order -1 times a channel under first derivatives; order 0
       times two channels
    5  products with the first derivative of a channel: times one channel, times two
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

GRADES = (1, 2, 3, 4, 5)
DEFAULT_GRADES = (1, 2, 3, 4)
"""Those that are fitted where none are given; where one of them is too large to be fitted whole, grade 5 is screened
with it (`screening`)."""
SPECTRAL = 4
"""From this grade on factors hold multipliers of Fourier modes, on periodic grids of two axes."""
LOCAL = ""
"""Name of the identity among the multipliers."""

MULTIPLIERS = {
    "C2": (0, 2, "cos"), "S2": (0, 2, "sin"), "C4": (0, 4, "cos"), "S4": (0, 4, "sin"),
    "C1": (1, 1, "cos"), "S1": (1, 1, "sin"), "C3": (1, 3, "cos"), "S3": (1, 3, "sin"),
    "d_x": (-1, 1, "cos"), "d_y": (-1, 1, "sin"), "C0": (2, 0, "cos"),
}  # fmt: skip
"""Name to order s, angular number n, and part of exp(inφ)."""
ORDER_0 = tuple(name for name, (s, _, _) in MULTIPLIERS.items() if s == 0)
ORDER_1 = tuple(name for name, (s, _, _) in MULTIPLIERS.items() if s == 1)
GRADIENT = tuple(name for name, (s, _, _) in MULTIPLIERS.items() if s == -1)
OUTER = (LOCAL, *ORDER_0, *ORDER_1, "C0")
"""What a whole product stands under in a relation; C0 is the inverse of -∇²."""

LARGEST_LIBRARY = 320
"""Columns; of a grade that would need more only some are fitted (`screening`), or none, which is said."""
LARGEST_SCREENED = 1200
"""Columns that some are taken from; a grade that would need more is left out."""

Factor = tuple[str, str]
"""Channel and multiplier."""


def factor_name(channel: str, multiplier: str) -> str:
    """For readers: ``D_xx``, ``C1[D_xx]``, ``d_y(D_xx)``."""
    if multiplier in GRADIENT:
        return f"{multiplier}({channel})"
    return f"{multiplier}[{channel}]" if multiplier else channel


@dataclass(frozen=True)
class Term:
    """One column: a derivative of a product.

    Attributes:
        factors: channels with their multipliers, in order; empty for the constant 1.
        order: derivatives along each axis.
        grade: from which grade on the library holds it.
        outer: multiplier of the whole product, on periodic grids of two axes.
        target: channel whose present value it explains (`relation_library`); else a change.
    """

    factors: tuple[Factor, ...]
    order: tuple[int, ...]
    grade: int
    outer: str = LOCAL
    target: str = ""

    def name(self, axes: Sequence[str] = ("x", "y", "z")) -> str:
        """For readers, e.g. ``d_xx(tracer velocity_x)``."""
        product = " ".join(factor_name(*factor) for factor in self.factors) or "1"
        product = f"{self.outer}[{product}]" if self.outer else product
        letters = "".join(axis * count for axis, count in zip(axes, self.order, strict=False))
        return f"d_{letters}({product})" if letters else product


def orders(axes: int) -> list[tuple[int, ...]]:
    """Derivatives up to second order along so many axes, lower orders first."""
    found = []
    for degree in range(3):
        for along in itertools.combinations_with_replacement(range(axes), degree):
            found.append(tuple(along.count(axis) for axis in range(axes)))
    return found


def library(
    channels: Sequence[str], nonlocal_columns: bool, grades: Sequence[int] = GRADES, axes: int = 2
) -> list[Term]:
    """All terms of these grades, lower grades first.

    Args:
        channels: names of the channels.
        nonlocal_columns: whether grades 4 and 5 exist here: the axes are two and periodic.
        grades: which to make.
        axes: number of axes of space.
    """
    local = [(channel, LOCAL) for channel in channels]
    plain, every = (0,) * axes, orders(axes)
    terms: list[Term] = []
    if 1 in grades:
        terms.append(Term((), plain, 1))
        terms += [Term((factor,), order, 1) for factor in local for order in every]
    if 2 in grades:
        pairs = itertools.combinations_with_replacement(local, 2)
        terms += [Term(pair, order, 2) for pair in pairs for order in every]
    if 3 in grades:
        terms += [Term(triple, plain, 3) for triple in itertools.combinations_with_replacement(local, 3)]
    if 4 in grades and nonlocal_columns:
        zero = [(channel, r) for channel in channels for r in ORDER_0]
        minus = [(channel, r) for channel in channels for r in ORDER_1]
        terms += [Term((factor,), (0, 0), 4) for factor in zero]
        terms += [Term((factor, other), (0, 0), 4) for factor in zero for other in local]
        terms += [Term((f, other), order, 4) for f in minus for other in local for order in ((1, 0), (0, 1))]
        pairs = list(itertools.combinations_with_replacement(local, 2))
        terms += [Term((factor, *pair), (0, 0), 4) for factor in zero for pair in pairs]
    if 5 in grades and nonlocal_columns:
        first = [(channel, r) for channel in channels for r in GRADIENT]
        terms += [Term((factor, other), (0, 0), 5) for factor in first for other in local]
        pairs = list(itertools.combinations_with_replacement(local, 2))
        terms += [Term((factor, *pair), (0, 0), 5) for factor in first for pair in pairs]
    return terms


def relation_library(of: Sequence[str], target: str, most: int = LARGEST_LIBRARY) -> list[Term]:
    """Products of up to three channels, each under every multiplier of `OUTER`: what may give a channel at once.

    A flow without inertia follows from its stress, a pressure from products of velocities, a potential from its charge.

    Args:
        of: channels that may stand in it.
        target: channel that is given.
        most: columns; products of three, then of two, are left out where there would be more.
    """
    local = [(channel, LOCAL) for channel in of]
    terms: list[Term] = []
    for degree in (1, 2, 3):
        products = list(itertools.combinations_with_replacement(local, degree))
        more = [Term(product, (0, 0), 1, outer, target) for product in products for outer in OUTER]
        if len(terms) + len(more) > most:
            break
        terms += more
    return terms


def relation_terms(target: str, of: Sequence[str], columns: Sequence[int]) -> list[Term]:
    """Columns of a relation, by what is stored of it."""
    terms = relation_library(of, target)
    return [terms[i] for i in columns]


def affordable(
    channels: Sequence[str],
    nonlocal_columns: bool,
    grades: Sequence[int],
    progress: Callable[[str], None],
    axes: int = 2,
) -> tuple[int, ...]:
    """Those of the grades that exist on these axes and are fitted; what is left out is said.

    Args:
        channels: names of the channels.
        nonlocal_columns: see `library`.
        grades: to choose from, ascending.
        progress: told of every grade that is left out.
        axes: number of axes of space.
    """
    kept: tuple[int, ...] = ()
    for grade in grades:
        if grade >= SPECTRAL and not nonlocal_columns:
            reason = "an axis has ends" if axes == 2 else f"it is made for two axes of space, these are {axes}"
            kind = "nonlocal columns" if grade == SPECTRAL else "products with derivatives"
            progress(f"grade {grade} of the library ({kind}) is left out: {reason}")
            continue
        size = len(library(channels, nonlocal_columns, (*kept, grade), axes))
        if size > LARGEST_LIBRARY:
            progress(f"grade {grade} of the library is not fitted whole: {size} columns, at most {LARGEST_LIBRARY} are")
            continue
        kept = (*kept, grade)
    return kept


def whole_library(
    channels: Sequence[str], nonlocal_columns: bool, grades: Sequence[int], fitted: Sequence[int], axes: int
) -> tuple[int, ...]:
    """Grades of the library to take columns from where not all of them are fitted whole; none if all are.

    Products with derivatives (grade 5) are added to the nonlocal columns: its size matters less here.

    Args:
        channels: names of the channels.
        nonlocal_columns: see `library`.
        grades: that were asked for.
        fitted: that are fitted whole, see `affordable`.
        axes: number of axes of space.
    """
    wanted = {grade for grade in grades if grade < SPECTRAL or nonlocal_columns}
    if wanted <= set(fitted):
        return ()
    if SPECTRAL in wanted:
        wanted.add(SPECTRAL + 1)
    found = tuple(sorted(wanted))
    while len(library(channels, nonlocal_columns, found, axes)) > LARGEST_SCREENED:
        found = found[:-1]
    return found if set(found) > set(fitted) else ()
