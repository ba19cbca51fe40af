"""A discovered equation as MathML: every term is a formula of its own, so that a narrow page can break lines."""

from __future__ import annotations

import html
from typing import Any

from .notation import Notation, write_channel, write_term
from .selection import EXPLAINED


def equation_markup(record: dict[str, Any]) -> str:
    """The equations of a fit, channel by channel; a coefficient that varies is an interval in colour.

    Args:
        record: `OperatorDiscovery.record`.
    """
    parts = []
    for own in record["equation"]:
        if own["residual"] > EXPLAINED:
            continue
        time = "" if own.get("relation") else _derivative("t")
        terms = [f"<math>{time}{write_channel(own['channel'], MATHML)}<mo>=</mo></math>"]
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
            terms.append(
                f"<math{kind}>{sign}{number}<mspace width='.2em'></mspace>{write_term(term['name'], MATHML)}</math>"
            )
        if len(terms) == 1:
            terms.append("<math><mn>0</mn></math>")
        parts.append(f"<p>{' '.join(terms)}</p>")
    return f'<div class="equation">{"".join(parts)}</div>' if parts else ""


def _number(value: float) -> str:
    mantissa, _, power = f"{value:.3g}".replace("-", "−").partition("e")
    if not power:
        return f"<mn>{mantissa}</mn>"
    raised = str(int(power.replace("−", "-"))).replace("-", "−")
    return f"<mn>{mantissa}</mn><mo>·</mo><msup><mn>10</mn><mn>{raised}</mn></msup>"


def _derivative(letters: str) -> str:
    return f"<msub><mo>∂</mo><mi>{html.escape(letters)}</mi></msub>"


def _symbol(name: str, axes: str) -> str:
    known, along = (f"<mi>{html.escape(part)}</mi>" for part in (name, axes))
    return f"<msub>{known}{along}</msub>" if axes else known


MATHML = Notation(
    symbol=_symbol,
    derivative=lambda letters, inner, product: (
        _derivative(letters) + (f"<mo stretchy='false'>(</mo>{inner}<mo stretchy='false'>)</mo>" if product else inner)
    ),
    operator=lambda name, argument: f"<mi>{html.escape(name)}</mi><mo>[</mo>{argument}<mo>]</mo>",
    times="<mspace width='.15em'></mspace>",
    one="<mn>1</mn>",
)
