"""Scores as dots with intervals, drawn into the page: every mark says its exact value when hovered."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..benchmark.directory import Bench
from ..benchmark.entries import Entry, Headline, headline
from ..benchmark.names import probe_name
from ..learners.identity import KINDS
from .style import BAND, MUTED, number
from .svg import Scale, bottom_axis, drawing, element, label, line

ROW, GAP = 22.0, 9.0
SHOWN_IN_LEAD = 7


def lead_drawing(bench: Bench, system: str) -> str:
    """The small figure of the first screen: best floor, best learners, ceiling."""
    found = headline(bench.entries, system)
    rows = [entry for kind in KINDS for entry in _lead_rows(bench.entries, found, kind)]
    left = _room(rows)
    return _draw(bench, system, found, rows, ["mean"], 320.0 + left, left, name="lead", alternatives=False)


def dot_drawing(bench: Bench, system: str) -> str:
    """Test MSE of every learner: the mean over parameters and, of up to four, each of them."""
    found = headline(bench.entries, system)
    parameters = [parameter["name"] for parameter in bench.parameters(system)]
    shown = ["mean", *(parameters if 1 < len(parameters) <= 4 else [])]
    rows = [entry for entry in bench.entries if entry.system == system and entry.chosen]
    return _draw(bench, system, found, rows, shown, 900.0, _room(rows), name="dots", alternatives=True)


def _room(rows: Sequence[Entry]) -> float:
    """Width for the longest name of a row."""
    return min(max(7.0 * max((len(_row_label(entry)) for entry in rows), default=10) + 12, 150.0), 320.0)


def _lead_rows(entries: Sequence[Entry], found: Headline, kind: str) -> list[Entry]:
    if kind == "floor":
        return [found.floor] if found.floor else []
    if kind == "ceiling":
        return [found.ceiling] if found.ceiling else []
    own = [entry for entry in entries if entry.kind == kind and entry.system == found.system and entry.chosen]
    # The best on valid, as everywhere, in the order of the table.
    best = sorted(own, key=lambda entry: entry.score(split="valid").value)[:SHOWN_IN_LEAD]
    return [entry for entry in own if entry in best]


def _row_label(entry: Entry) -> str:
    plain = entry.probe in ("", "none") or entry.learner == "constant"
    return entry.label if plain else f"{entry.label}, {probe_name(entry.probe)}"


def _draw(
    bench: Bench, system: str, found: Headline, rows: Sequence[Entry], shown: Sequence[str], width: float, left: float,
    name: str, alternatives: bool,
) -> str:  # fmt: skip
    right, between, top = 46.0, 34.0, 38.0
    room = width - left - right - between * (len(shown) - 1) - (right if len(shown) > 1 else 0)
    shares = [2.2 if k == 0 and len(shown) > 1 else 1.0 for k in range(len(shown))]
    positions, y = [], top + 0.5 * ROW
    for k, entry in enumerate(rows):
        if k and entry.kind != rows[k - 1].kind:
            y += GAP
        positions.append((y, entry))
        y += ROW
    bottom = y - 0.3 * ROW
    parts = [label(left - 8, at, _row_label(entry), "end", 12, entry.colour) for at, entry in positions]
    x = left
    for k, (parameter, share) in enumerate(zip(shown, shares, strict=True)):
        wide = room * share / sum(shares)
        parts.append(_panel(bench, system, found, positions, parameter, x, x + wide, top, bottom, k == 0, alternatives))
        x += wide + between + (right if k == 0 and len(shown) > 1 else 0)
    alt = f"Mean test MSE on {system} with 95 % intervals, per trajectory"
    if len(shown) == 1:
        parts.append(label((left + width - right) / 2, bottom + 33, "mean test MSE (95\u00a0% interval)", "middle", 12))
    else:
        parts.append(label(width / 2, bottom + 34, "test MSE of z-scored parameters, per trajectory", "middle", 12))
    return drawing(width, bottom + 44, alt, *parts, name=name)


def _panel(
    bench: Bench, system: str, found: Headline, positions: Sequence[tuple[float, Entry]], parameter: str, start: float,
    end: float, top: float, bottom: float, first: bool, alternatives: bool,
) -> str:  # fmt: skip
    candidates = (
        [entry for entry in bench.entries if entry.system == system] if alternatives else [e for _, e in positions]
    )
    finite = [v for entry in candidates if math.isfinite(v := entry.score(parameter).value)]
    # One hopeless probe must not squeeze all the others together; it gets an arrow instead.
    scale = Scale(0.0, min(max([1.08, *(1.12 * value for value in finite)]), 1.6), start, end)
    parts: list[str] = []
    if alternatives:
        parts.append(label(start, top - 30, "mean over parameters" if parameter == "mean" else parameter, size=12.5,
                           font_weight="600"))  # fmt: skip
    parts += [
        bottom_axis(scale, bottom, top=top),
        line(scale(1.0), top, scale(1.0), bottom, "#999", 1, stroke_dasharray="3 3"),
    ]
    names = [(scale(1.0), "constant", "#777")]
    if found.floor is not None and math.isfinite(found.floor.score(parameter).value):
        value, low, high = found.floor.score(parameter)
        if math.isfinite(low + high):
            x = scale(low)
            parts.append(element("rect", x=x, y=top, width=min(scale(high), end) - x, height=bottom - top, fill=BAND))
        if value <= scale.high:
            parts.append(line(scale(value), top, scale(value), bottom, found.floor.colour, 1.2))
            names.append((scale(value), "best floor", found.floor.colour))
    if found.ceiling is not None and (value := found.ceiling.score(parameter).value) <= scale.high:
        parts.append(line(scale(value), top, scale(value), bottom, found.ceiling.colour, 1.2))
        names.append((scale(value), "ceiling", found.ceiling.colour))
    parts.append(_line_names(names, top, end))
    for y, entry in positions:
        # A wide transparent bar makes the row easy to hit; marks lie above it, with values of their own.
        parts.append(element("rect", x=start, y=y - 0.5 * ROW, width=end - start, height=ROW, fill="transparent",
                             title=_said(entry, parameter)))  # fmt: skip
        if alternatives:
            parts += [_dot(other, parameter, scale, y, False) for other in _other_probes(bench, entry)]
        parts.append(_dot(entry, parameter, scale, y, True))
        if first:
            value = entry.score(parameter).value
            parts.append(label(end + 6, y, number(value), size=12, fill=entry.colour))
    return "".join(parts)


def _other_probes(bench: Bench, entry: Entry) -> list[Entry]:
    return [
        other
        for other in bench.entries
        if other.runs == entry.runs and other.label == entry.label and other.system == entry.system and not other.chosen
    ]


def _line_names(names: list[tuple[float, str, str]], top: float, end: float) -> str:
    """Names above the lines, as far as they do not collide."""
    parts, last = [], -math.inf
    for x, text, tint in sorted(names):
        half = 3.0 * len(text)
        at = min(max(x, last + half), end - half + 6)
        if abs(at - x) < 18 and at - half >= last:
            parts.append(label(at, top - 9, text, "middle", 10.5, tint))
            last = at + half + 4
    return "".join(parts)


def _said(entry: Entry, parameter: str) -> str:
    value, low, high = entry.score(parameter)
    interval = f" [{number(low, 4)}, {number(high, 4)}]" if math.isfinite(low + high) else ""
    return f"{_row_label(entry)}: {parameter} MSE {number(value, 4)}{interval}"


def _dot(entry: Entry, parameter: str, scale: Scale, y: float, chosen: bool) -> str:
    value, low, high = entry.score(parameter)
    tint, said = entry.colour, _said(entry, parameter)
    if not math.isfinite(value):
        return label(scale.start + 4, y, "no finite score", size=10.5, fill=MUTED) if chosen else ""
    if value > scale.high:
        tip = f"{scale.end:.1f},{y:.1f} {scale.end - 8:.1f},{y - 4:.1f} {scale.end - 8:.1f},{y + 4:.1f}"
        return element("polygon", points=tip, fill=tint if chosen else "none", stroke=tint, title=said)
    if not chosen:
        return element("circle", cx=scale(value), cy=y, r=3.2, fill="#fff", stroke=tint, stroke_width=1.2, title=said)
    known = math.isfinite(low + high)
    bar = line(scale(max(low, 0)), y, min(scale(high), scale.end), y, tint, 2.2) if known else ""
    return bar + element("circle", cx=scale(value), cy=y, r=4.6, fill=tint, title=said)
