"""Drawings that live inside the page as SVG: text stays text, and every mark can say its exact value."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import Any

from .style import INK, MUTED, power_text

__all__ = ["Scale", "bottom_axis", "drawing", "element", "label", "left_axis", "line", "power_text"]

RULE = "#d0d0d0"


def element(name: str, *children: str, title: str = "", **attributes: Any) -> str:
    """One SVG element; ``stroke_width`` becomes ``stroke-width``, None is left out.

    Args:
        name: of the element.
        children: markup inside it, taken as it is (see `label` for text).
        title: what hovering says.
        attributes: numbers are rounded to hundredths.
    """
    parts = []
    for key, value in attributes.items():
        if value is not None:
            text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            parts.append(f' {key.rstrip("_").replace("_", "-")}="{html.escape(text)}"')
    inside = (f"<title>{html.escape(title)}</title>" if title else "") + "".join(children)
    return f"<{name}{''.join(parts)}>{inside}</{name}>" if inside else f"<{name}{''.join(parts)}/>"


def label(
    x: float, y: float, text: str, anchor: str = "start", size: float = 12, fill: str = INK, **attributes: Any
) -> str:
    """A text whose middle line is at ``y``."""
    return element("text", html.escape(text), x=float(x), y=float(y) + 0.35 * size, text_anchor=anchor,
                   font_size=float(size), fill=fill, **attributes)  # fmt: skip


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = RULE, width: float = 1, **attributes: Any) -> str:
    """A straight line."""
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), stroke=stroke,
                   stroke_width=float(width), **attributes)  # fmt: skip


def drawing(width: float, height: float, alt: str, *children: str, name: str = "") -> str:
    """The whole drawing, as wide as its place in the page; ``alt`` is what it shows."""
    return element(
        "svg", *children, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=alt,
        class_=f"plot {name}".strip(), preserveAspectRatio="xMinYMin meet",
    )  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """From values in ``[low, high]`` to pixels in ``[start, end]``, linear or logarithmic.

    The limits must differ, and be positive where ``log``.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Pixel of a value, unclipped."""
        low, high = self._position(self.low), self._position(self.high)
        return self.start + (self._position(value) - low) / (high - low) * (self.end - self.start)

    def _position(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def ticks(self, count: int = 5) -> list[float]:
        """About ``count`` round values inside: 1, 2 or 5 times powers of ten."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            decades = math.log10(self.high / self.low)
            digits = (1, 2, 3, 5, 7) if decades < 0.8 else (1, 2, 5) if decades < 2 else (1, 3) if decades < 3 else (1,)
            ticks = [d * 10.0**p for p in range(first, last + 1) for d in digits]
        else:
            rough = (self.high - self.low) / max(count, 1)
            power = 10.0 ** math.floor(math.log10(rough))
            step = next(d * power for d in (1, 2, 5, 10) if d * power >= 0.999 * rough)
            ticks = [
                k * step for k in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
            ]
        return [tick for tick in ticks if self.low * (1 - 1e-9) <= tick <= self.high * (1 + 1e-9)]


def bottom_axis(scale: Scale, y: float, name: str = "", top: float | None = None, size: float = 11) -> str:
    """Ticks, numbers and name below ``y``; with ``top`` a thin grid up to there."""
    parts = [line(scale.start, y, scale.end, y, "#777")]
    for tick in scale.ticks(max(2, round(abs(scale.end - scale.start) / 70))):
        x = scale(tick)
        if top is not None:
            parts.append(line(x, y, x, top, "#eeeeee"))
        parts += [line(x, y, x, y + 4, "#777"), label(x, y + 13, power_text(tick), "middle", size, MUTED)]
    if name:
        parts.append(label((scale.start + scale.end) / 2, y + 31, name, "middle", size + 1))
    return "".join(parts)


def left_axis(scale: Scale, x: float, name: str = "", right: float | None = None, size: float = 11) -> str:
    """Ticks, numbers and name to the left of ``x``; with ``right`` a thin grid up to there."""
    parts = [line(x, scale.start, x, scale.end, "#777")]
    for tick in scale.ticks(max(2, round(abs(scale.end - scale.start) / 45))):
        y = scale(tick)
        if right is not None:
            parts.append(line(x, y, right, y, "#eeeeee"))
        parts += [line(x - 4, y, x, y, "#777"), label(x - 7, y, power_text(tick), "end", size, MUTED)]
    if name:
        middle = (scale.start + scale.end) / 2
        parts.append(label(x - 44, middle, name, "middle", size + 1, transform=f"rotate(-90 {x - 44:g} {middle:g})"))
    return "".join(parts)
