"""A discovered equation as MathML: every term is a formula of its own, so that a narrow page can break lines."""

from __future__ import annotations

import html
import re
from typing import Any

from ..learners.operator_discovery.selection import EXPLAINED

_DERIVATIVE = re.compile(r"d_([a-z]+)\((.*)\)")
_OPEN, _CLOSE = ("<mo stretchy='false'>" + bracket + "</mo>" for bracket in "()")
_NONLOCAL = re.compile(r"(\w+)\[(.*)\]")


def equation_markup(record: dict[str, Any]) -> str:
    """The equations of a fit, channel by channel; a coefficient that varies is an interval in colour.

    Args:
        record: `OperatorDiscovery.record`.
    """
    parts = []
    for own in record["equation"]:
        if own["residual"] > EXPLAINED:
            continue
        terms = [f"<math>{_derivative('t')}{_symbol(own['channel'])}<mo>=</mo></math>"]
        for k, term in enumerate(own["terms"]):
            varies = any(term["directions"])
            value, sign = term["constant"], "" if k == 0 else "<mo>+</mo>"
            if varies:
                number = f"<mrow><mo>[</mo>{_number(term['low'])}<mo>,</mo>{_number(term['high'])}<mo>]</mo></mrow>"
            else:
                sign = "<mo>−</mo>" if value < 0 else sign
                # A coefficient that is one to the digits shown is not written.
                one = f"{abs(value):.3g}" == "1" and term["name"] != "1"
                number = "" if one else _number(abs(value))
            kind = ' class="varies"' if varies else ""
            terms.append(f"<math{kind}>{sign}{number}<mspace width='.2em'></mspace>{_term(term['name'])}</math>")
        if len(terms) == 1:
            terms.append("<math><mn>0</mn></math>")
        parts.append(f"<p>{' '.join(terms)}</p>")
    return f'<div class="equation">{"".join(parts)}</div>' if parts else ""


def term_text(name: str) -> str:
    """A term in one line of plain text: ``∂xx velocity x``."""
    if found := _DERIVATIVE.fullmatch(name):
        inner = term_text(found[2])
        return f"∂{found[1]} {f'({inner})' if ' ' in found[2] else inner}"
    return " · ".join(factor.replace("_", " ") for factor in name.split(" "))


def _number(value: float) -> str:
    mantissa, _, power = f"{value:.3g}".replace("-", "−").partition("e")
    if not power:
        return f"<mn>{mantissa}</mn>"
    raised = str(int(power.replace("−", "-"))).replace("-", "−")
    return f"<mn>{mantissa}</mn><mo>·</mo><msup><mn>10</mn><mn>{raised}</mn></msup>"


def _derivative(letters: str) -> str:
    return f"<msub><mo>∂</mo><mi>{html.escape(letters)}</mi></msub>"


def _symbol(channel: str) -> str:
    name, _, axes = channel.rpartition("_")
    if name and len(axes) <= 2:
        return f"<msub><mi>{html.escape(name)}</mi><mi>{html.escape(axes)}</mi></msub>"
    return f"<mi>{html.escape(channel)}</mi>"


def _term(name: str) -> str:
    if found := _DERIVATIVE.fullmatch(name):
        inner = _term(found[2])
        return _derivative(found[1]) + (
            f"<mo stretchy='false'>(</mo>{inner}<mo stretchy='false'>)</mo>" if " " in found[2] else inner
        )
    factors = []
    for factor in name.split(" "):
        if found := _NONLOCAL.fullmatch(factor):
            factors.append(f"<mi>{html.escape(found[1])}</mi><mo>[</mo>{_symbol(found[2])}<mo>]</mo>")
        else:
            factors.append("<mn>1</mn>" if factor == "1" else _symbol(factor))
    return "<mspace width='.15em'></mspace>".join(factors)
