"""The equation for readers: text for a terminal, LaTeX for a page."""

from __future__ import annotations

from typing import Any

from .notation import LATEX, write_channel, write_term
from .repeatability import AGREE, FEWEST
from .selection import EXPLAINED


def as_text(record: dict[str, Any]) -> str:
    """The equation of a fit, channel by channel, and the curve that P was read from.

    A term that varies shows its range over the training trajectories in brackets; behind it stand the share of random
    halves of the trajectories that keep it, and terms that could stand in its place.

    Args:
        record: `OperatorDiscovery.record`.
    """
    best = record["curve"][record["best"]]
    count = varying_parameters(record)
    lines = [
        f"{count} parameter{'' if count == 1 else 's'} var{'ies' if count == 1 else 'y'} between trajectories.",
        *([doubt] if (doubt := doubts(record)) else []),
        "",
    ]
    for equation in record["equation"]:
        residual = equation["residual"]
        if residual > EXPLAINED:
            lines += [
                f"{left_side(equation)}: no equation in this library, {residual:.0%} of its change is left.",
                "",
            ]
            continue
        what = "it" if equation.get("relation") else "its change"
        lines.append(f"{left_side(equation)} =      ({residual:.1e} of {what} is left)")
        for term in equation["terms"]:
            varies = any(term["directions"])
            value = f"[{term['low']:.4g} … {term['high']:.4g}]" if varies else f"{term['constant']:+.6g}"
            also = f"   or {', '.join(term['equivalents'])}" if term["equivalents"] else ""
            lines.append(f"    {value:>26}  {term['name']:<34} kept {term['stability']:.0%}{also}")
        lines.append("")
    if any(equation["centred"] for equation in record["equation"]):
        lines += ["Fields are measured from their means.", ""]
    lines += [
        "Varying coefficients are in brackets: least and greatest over the training trajectories.",
        '"or": a term that fits as well in its place, as constraints of the fields make both equal.',
        "Directions of the fit (share of the change left in other windows of a trajectory, mean log over channels):",
        *(
            f"    grade {row['grade']}, P = {row['directions']}: {row['score']:.3f}"
            + ("   <- chosen" if row is best else "")
            for row in record["curve"]
        ),
    ]
    return "\n".join(lines)


def varying_parameters(record: dict[str, Any]) -> int:
    """How many parameters vary; records of earlier versions hold the number of directions alone."""
    return record.get("parameters", record["curve"][record["best"]]["directions"])


def doubts(record: dict[str, Any]) -> str:
    """A sentence on directions that are no parameters, or were not told from them; empty if there is nothing to say."""
    directions, found = record["curve"][record["best"]]["directions"], record.get("repeatability")
    if not directions or found is None:
        return ""
    if not found:
        return (
            f"Whether each of the {directions} directions is a parameter was not asked: fewer than {FEWEST} "
            "trajectories hold two windows."
        )
    if not (none := directions - varying_parameters(record)):
        return ""
    each = ", ".join(f"{max(value, 0):.2f}" for value in found)
    return (
        f"{none} of the {directions} directions of the fit {'is no parameter' if none == 1 else 'are no parameters'}: "
        f"windows of one trajectory disagree along {'it' if none == 1 else 'them'} (intraclass correlations {each}; a "
        f"parameter has more than {AGREE:g})."
    )


def left_side(equation: dict[str, Any]) -> str:
    """``d_t c`` of an equation of change, ``c`` of a relation of one moment."""
    return equation["channel"] if equation.get("relation") else f"d_t {equation['channel']}"


def as_latex(record: dict[str, Any]) -> str:
    """The same as an ``align`` environment; ranges of varying coefficients as intervals."""
    lines = []
    for equation in record["equation"]:
        if equation["residual"] > EXPLAINED:
            continue
        parts = []
        for term in equation["terms"]:
            varies = any(term["directions"])
            value = rf"[{_number(term['low'])}, {_number(term['high'])}]" if varies else _number(term["constant"])
            sign = "" if not parts or value.startswith("-") else "+"
            parts.append(rf"{sign} {value}\, {write_term(term['name'], LATEX)}")
        time = "" if equation.get("relation") else r"\partial_t "
        lines.append(rf"{time}{write_channel(equation['channel'], LATEX)} &= {' '.join(parts) or '0'} \\")
    return "\n".join([r"\begin{align}", *lines, r"\end{align}"])


def _number(value: float) -> str:
    mantissa, _, power = f"{value:.3g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if power else mantissa
