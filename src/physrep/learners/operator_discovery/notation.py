"""Names of terms as formulas; text, LaTeX and MathML are one walk over a name with other marks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_DERIVATIVE = re.compile(r"d_([a-z]+)\(([^()]*)\)")
_NONLOCAL = re.compile(r"(\w+)\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Notation:
    """Marks of one way to write a formula.

    Attributes:
        symbol: a channel from its name and, of a component, its axes (else empty).
        derivative: from letters of the axes, what is derived, and whether that is a product.
        operator: a nonlocal operator from its name and its argument.
        times: between factors.
        one: the constant term.
    """

    symbol: Callable[[str, str], str]
    derivative: Callable[[str, str, bool], str]
    operator: Callable[[str, str], str]
    times: str
    one: str = "1"


def write_channel(channel: str, notation: Notation) -> str:
    """A channel as a symbol: ``velocity_x`` is a component along x."""
    name, _, axes = channel.rpartition("_")
    return notation.symbol(name, axes) if name and len(axes) <= 2 else notation.symbol(channel, "")


def write_term(name: str, notation: Notation) -> str:
    """A term of the library from its name, such as ``d_xx(velocity_x)`` or ``velocity_x d_x(tracer)``."""
    if found := _DERIVATIVE.fullmatch(name):
        return notation.derivative(found[1], write_term(found[2], notation), " " in found[2])
    if (found := _NONLOCAL.fullmatch(name)) and " " in found[2]:
        return notation.operator(found[1], write_term(found[2], notation))
    factors = []
    for factor in name.split(" "):
        if found := _NONLOCAL.fullmatch(factor):
            factors.append(notation.operator(found[1], write_channel(found[2], notation)))
        elif found := _DERIVATIVE.fullmatch(factor):
            factors.append(notation.derivative(found[1], write_channel(found[2], notation), False))
        else:
            factors.append(notation.one if factor == "1" else write_channel(factor, notation))
    return notation.times.join(factors)


PLAIN = Notation(
    symbol=lambda name, axes: f"{name} {axes}".rstrip().replace("_", " "),
    derivative=lambda letters, inner, product: f"∂{letters} {f'({inner})' if product else inner}",
    operator=lambda name, argument: f"{name.replace('_', ' ')}[{argument}]",
    times=" · ",
)
"""One line of plain text: ``∂xx velocity x``."""

LATEX = Notation(
    symbol=lambda name, axes: rf"\mathrm{{{name}}}".replace("_", r"\_") + (f"_{{{axes}}}" if axes else ""),
    derivative=lambda letters, inner, product: " ".join(rf"\partial_{letter}" for letter in letters) + f" ({inner})",
    operator=lambda name, argument: rf"\mathcal{{{name[0]}}}_{name[1:]} {argument}",
    times=r"\, ",
)
