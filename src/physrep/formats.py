"""Numbers as text, for every table, figure and sentence; all numbers of one column have one format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from .metrics.score import Score

NOTHING = "–"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """A number in a sentence: fixed decimals; ``–`` if it is not finite, powers of ten from 100 on and where no digit
    is left."""
    if not math.isfinite(value):
        return NOTHING
    tiny = 0 < abs(value) < 0.5 * 10.0**-digits
    return _minus(f"{value:.0e}" if tiny else f"{value:.{digits}f}" if abs(value) < 100 else f"{value:.1e}")


def column_format(values: Iterable[float], digits: int = 3) -> Callable[[float], str]:
    """The one format of a column: fixed decimals, and ``< 0.001`` for what they would hide.

    Where most values would be hidden, or one takes five digits before the point, all have two significant digits and a
    power of ten.
    """
    finite = [abs(value) for value in values if math.isfinite(value) and value != 0]
    least = 0.5 * 10.0**-digits
    powers = 2 * sum(value < least for value in finite) > len(finite) or any(value >= 1e4 for value in finite)

    def text(value: float) -> str:
        if not math.isfinite(value):
            return NOTHING
        if powers:
            return _minus(f"{value:.1e}")
        return f"< {10.0**-digits:.{digits}f}" if 0 < value < least else _minus(f"{value:.{digits}f}")

    return text


def column(values: Sequence[float], digits: int = 3) -> list[str]:
    """Texts of a column of numbers, all in one format."""
    text = column_format(values, digits)
    return [text(value) for value in values]


def interval(score: Score, text: Callable[[float], str] = number) -> str:
    """``[low, high]``; nothing where it is unknown."""
    if not math.isfinite(score.low + score.high):
        return ""
    low, high = text(score.low), text(score.high)
    # Where both ends are hidden by the format, so is the value, and brackets would say nothing.
    return "" if low == high and low.startswith("<") else f"[{low}, {high}]"


def scored(score: Score, digits: int = 2) -> str:
    """``0.81 [0.77, 0.84]``, without the brackets where there is no interval."""
    text = partial(number, digits=digits)
    return f"{text(score.value)} {interval(score, text)}".rstrip()


def signed(value: float) -> str:
    """A difference with its sign."""
    text = number(value)
    return text if text.startswith("−") or text == NOTHING or float(text.replace("−", "-")) == 0 else f"+{text}"


def percent(share: float) -> str:
    """A share of resamples; what a few thousand of them cannot tell from 0 or 1 is a limit."""
    if not math.isfinite(share):
        return NOTHING
    if share > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def tick(value: float, digits: int = 2) -> str:
    """A number of an axis, as short as can be: 0.5, 20, 3·10¹²; ``digits`` before a power of ten."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.{max(digits, 4)}g}".replace("-", "−")
    power = math.floor(math.log10(abs(value)) + 1e-9)
    digit = value / 10.0**power
    raised = str(power).translate(_RAISED)
    return f"10{raised}" if abs(digit - 1) < 1e-6 else f"{digit:.{digits}g}·10{raised}"


def quantity(value: float, digits: int = 4) -> str:
    """A physical value with four digits or more; ``–`` if unknown, ``∞`` where an interval has no end."""
    if math.isnan(value):
        return NOTHING
    return tick(value, digits) if math.isfinite(value) else "∞" if value > 0 else "−∞"


def parameter_texts(
    values: Mapping[str, float], symbols: Mapping[str, str], units: Mapping[str, str | None] | None = None
) -> str:
    """``Re = 200, ν = 0.01 m²/s``: a name without a symbol stands for itself, and the unit 1 is not written."""
    said = []
    for name, value in values.items():
        unit = (units or {}).get(name) or "1"
        said.append(f"{symbols.get(name, name)} = {_minus(f'{value:.3g}')}" + (f" {unit}" if unit != "1" else ""))
    return ", ".join(said)


def interval_digits(low: float, high: float) -> int:
    """Digits of values that lie in an interval: those that show two of its width, and four at least."""
    size, width = max(abs(low), abs(high)), high - low
    if not 0 < width < math.inf:
        return 4
    return min(max(4, math.ceil(math.log10(size / width)) + 2), 15)


def count(value: float) -> str:
    """A whole number with thin groups of three."""
    return f"{value:,.0f}".replace(",", "\u202f") if math.isfinite(value) else NOTHING


def operations(value: float) -> str:
    """A number of floating-point operations: 2.1·10¹²."""
    return tick(float(f"{value:.2g}")) if math.isfinite(value) and value > 0 else NOTHING


def gigabytes(value: float) -> str:
    """Bytes in units of 10⁹."""
    return f"{value / 1e9:.2f} GB" if math.isfinite(value) else NOTHING


def _minus(text: str) -> str:
    return text.replace("-", "−") if float(text) else text.lstrip("-")
