"""Rows of the figures of latent trajectories, one row or curve per run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ....analyses.latent.kinds import KINDS
from ....benchmark.latent_table import LatentTable
from ....benchmark.run_lines import Line
from ....formats import number, scored
from ....metrics.score import UNKNOWN, Score
from ...draw import Plot, Reference, curves, dots, matrix, scatter
from ...draw.scatter import padded
from ...draw.types import Axes

STYLES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1, 1, 1)))
"""Several runs of one colour differ in the stroke."""

EDGE = 1.3
"""Distance from 0 beyond which eigenvalues are drawn at the edge."""


def dots_plot(
    table: LatentTable,
    panels: Sequence[tuple[str, Mapping[str, Score]]],
    xlabel: str,
    low: float = -0.5,
    high: float = 1.05,
    line: tuple[float, str] | None = None,
) -> Plot:
    """Scores with their intervals, one row per run and one panel per score, that of the reference shaded.

    Args:
        table: whose runs they are.
        panels: heading and ``{run: score}``.
        xlabel: what is scored.
        low, high: ends of the axis.
        line: a value to mark and its name.
    """
    who, reference = table.who, table.reference
    names = [name for name in who if any(name in scores for _, scores in panels)]

    def draw(ax: Axes, first: bool, title: str, scores: Mapping[str, Score]) -> None:
        found = [(name, Score(*scores.get(name, UNKNOWN))) for name in names]
        rows = pd.DataFrame(
            [{"name": who[name].label, "colour": who[name].colour, **score._asdict(),
              "said": f"{who[name].label}: {scored(score, 3)}"} for name, score in found]
        )  # fmt: skip
        lines = [Reference(0.0, colour="#cccccc")]
        if reference in scores:
            own = Score(*scores[reference])
            lines.append(Reference(own.value, "", "#e3cf9f", own.low, own.high))
        if line is not None:
            lines.append(Reference(*line, dashed=True))
        dots(ax, rows, limits=(low, high), names=first, references=lines, absent="not scored", values=True, digits=2)
        ax.set_title(title, pad=14 if line is not None else 6)

    height = max(1.6, 0.7 + 0.24 * len(names))
    return Plot([partial(draw, title=t, scores=s) for t, s in panels], height, xlabel=xlabel)


def curves_plot(
    who: Mapping[str, Line], panels: Sequence[tuple[str, Mapping[str, np.ndarray]]], xlabel: str, ylabel: str
) -> Plot:
    """One curve per run over steps 1, 2, ... on a logarithmic axis, one panel per heading."""
    drawn = np.concatenate([curve for _, own in panels for curve in own.values()])
    drawn = np.append(drawn[np.isfinite(drawn) & (drawn > 0)], 1.0)
    # What has blown up leaves the picture instead of squeezing the others together.
    limits = (0.8 * float(drawn.min()), min(10.0, 1.25 * float(drawn.max())))
    found = [
        (title, [(run, range(1, len(own) + 1), [(v, math.nan, math.nan) for v in own]) for run, own in panel.items()])
        for title, panel in panels
    ]
    return _curve_panels(who, found, xlabel, ylabel, limits, log_y=True, level=1.0)


def sweep_plot(
    who: Mapping[str, Line], panels: Sequence[tuple[str, Mapping[str, Mapping[int, Score]]]], low: float = -0.5
) -> Plot:
    """Skill over the number of latent components, one curve per run and one panel per set; bars are intervals."""
    found = [(title, [(run, list(own), list(own.values())) for run, own in panel.items()]) for title, panel in panels]
    return _curve_panels(who, found, "latent components", "skill of rollouts", (low, 1.02), log_x=True, level=0.0)


def _curve_panels(
    who: Mapping[str, Line],
    panels: Sequence[tuple[str, Sequence[tuple[str, Iterable[float], Sequence[Any]]]]],
    xlabel: str,
    ylabel: str,
    limits: tuple[float, float],
    **options: Any,
) -> Plot:
    runs = list(dict.fromkeys(run for _, panel in panels for run, *_ in panel))
    colours = [who[run].colour for run in runs]
    styles = {run: STYLES[colours[:k].count(colours[k]) % len(STYLES)] for k, run in enumerate(runs)}

    def draw(ax: Axes, first: bool, title: str, panel: Sequence[tuple[str, Iterable[float], Sequence[Any]]]) -> None:
        rows = [
            {"curve": who[run].label, "colour": who[run].colour, "style": styles[run], "x": x, "y": score[0],
             "low": score[1], "high": score[2]}
            for run, places, scores in panel for x, score in zip(places, scores, strict=True)
        ]  # fmt: skip
        curves(ax, pd.DataFrame(rows), limits=limits, **options)
        ax.set(title=title, xlabel=xlabel, ylabel=ylabel if first else "")

    legend = [(who[run].label, who[run].colour, styles[run]) for run in runs]
    return Plot([partial(draw, title=t, panel=p) for t, p in panels], 2.5, across=2, legend=legend, share=True)


def scatter_plot(
    who: Mapping[str, Line],
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]],
    name: str,
    log: bool,
) -> Plot:
    """Predicted against true values of one parameter, one panel per run.

    Args:
        who: runs, with names and colours.
        panels: run, true and predicted values, and which of them are special (drawn hollow) or None.
        name: of the parameter.
        log: logarithmic axes.
    """
    every = np.concatenate([true for _, true, _, _ in panels])
    limits = padded(float(every.min()), float(every.max()), log, 0.16)

    def draw(
        ax: Axes, first: bool, run: str, true: np.ndarray, predicted: np.ndarray, special: np.ndarray | None
    ) -> None:
        rows = pd.DataFrame({"x": true, "y": predicted, "colour": who[run].colour})
        rows["hollow"] = np.zeros(len(true), bool) if special is None else special
        rows["said"] = [f"true {number(a)}, predicted {number(b)}" for a, b in zip(true, predicted, strict=True)]
        scatter(ax, rows, limits=(limits, limits), log_x=log, log_y=log, diagonal=True)
        ax.set(xlabel=f"true {name}", ylabel=f"predicted {name}" if first else "")
        ax.set_title(who[run].label, color=who[run].colour, fontweight="bold")

    parts = [partial(draw, run=r, true=t, predicted=p, special=s) for r, t, p, s in panels]
    return Plot(parts, 2.9 if len(parts) < 4 else 2.4, across=max(3, len(parts)))


def spectrum_plot(
    who: Mapping[str, Line], lines: Sequence[tuple[str, Sequence[tuple[str, np.ndarray, np.ndarray]]]]
) -> Plot:
    """One panel per set and run: eigenvalues of order 1 (filled) and order 2 (rings), unit circle.

    Args:
        who: runs, with names and colours.
        lines: set, and per run its name and the eigenvalues of both orders.
    """
    # What lies far outside would squeeze the rest; it is drawn at the edge.
    every = np.concatenate([values for _, cells in lines for _, *both in cells for values in both])
    left = max(-EDGE, min(0.0, float(np.real(every).min())) - 0.08)
    top = min(EDGE, max(0.25, float(np.abs(np.imag(every)).max())) + 0.08)
    right = min(EDGE, max(1.05, float(np.real(every).max())) + 0.08)
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 400))

    def draw(ax: Axes, first: bool, name: str, run: str, orders: tuple[np.ndarray, np.ndarray]) -> None:
        parts = [
            pd.DataFrame({"x": np.real(values), "y": np.imag(values), "colour": who[run].colour, "hollow": hollow,
                          "said": [f"λ = {v.real:.3f} {v.imag:+.3f}i, |λ| = {abs(v):.3f}" for v in values]})
            for values, hollow in zip(orders, (False, True), strict=True)
        ]  # fmt: skip
        ax.plot(np.real(circle), np.imag(circle), color="#bbbbbb", lw=0.8, zorder=0)
        scatter(ax, pd.concat(parts), limits=((left, right), (-top, top)), size=3.0)
        ax.set(aspect="equal", xlabel="Re λ", ylabel=f"{name}\nIm λ" if first and len(lines) > 1 else "Im λ")
        ax.set_title(f"{who[run].label}, radius {np.abs(orders[0]).max():.3f}", color=who[run].colour, fontsize=8)

    columns = max(len(cells) for _, cells in lines)
    parts: list[Callable[..., None]] = []
    for name, cells in lines:
        parts += [partial(draw, name=name, run=run, orders=(first, second)) for run, first, second in cells]
        parts += [lambda ax, first: ax.set_axis_off()] * (columns - len(cells))
    side = 8.6 / max(columns, 3)
    return Plot(parts, min(3.0, 0.75 * side * 2 * top / (right - left) + 0.6), across=columns)


def confusion_plot(
    who: Mapping[str, Line],
    panels: Sequence[tuple[str, str, np.ndarray]],
    names: Sequence[str],
    right: Sequence[str],
) -> Plot:
    """One matrix per run: shares of the simulations of each set by the kind that was named; right ones framed.

    Args:
        who: runs, with names and colours.
        panels: run, reading, shares ``(sets, kinds)``.
        names: of the sets.
        right: what each set is.
    """

    def draw(ax: Axes, first: bool, run: str, reading: str, shares: np.ndarray) -> None:
        values = pd.DataFrame(shares, index=list(names), columns=list(KINDS))
        texts: pd.DataFrame = values.map(lambda share: f"{100 * share:.0f}" if share >= 0.005 else "")
        framed = pd.DataFrame([[kind == own for kind in KINDS] for own in right])
        matrix(ax, values, texts=texts, framed=framed, names=first)
        ax.set_title(f"{who[run].label}, {reading}", color=who[run].colour, fontsize=8)

    parts = [partial(draw, run=r, reading=t, shares=s) for r, t, s in panels]
    return Plot(parts, 0.75 + 0.25 * len(names), across=3)
