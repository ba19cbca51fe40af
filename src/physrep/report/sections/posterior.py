"""Sharpness and calibration of posteriors: ranks of SBC, TARP coverage, and one corner plot."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ...benchmark.directory import Bench
from ..draw import Plot
from ..draw.corner import draw_corner
from ..draw.types import Axes
from ..section import Section, Table

LEVEL = 0.05
"""Of the tests, shared by the parameters of an encoder and TARP."""

SHOWN = 6
"""Encoders whose calibration is drawn."""

TINTS = ("#1f63b4", "#b07a12", "#2f7d4f", "#7a4fa0")


def posterior_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """A table, sharpest first; SBC and TARP of every encoder; draws of the sharpest calibrated one."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["title"] + (" + spectra" if row["features"] == "both" else ""), []).append(row)
    if not groups:
        return None
    found = {name: _of(own) for name, own in groups.items()}
    order = sorted(found, key=lambda name: -found[name]["log density"])
    best = next((name for name in order if found[name]["calibrated"] == "yes"), None)
    n = rows[0]["n_trajectories"]
    sentence = (
        f"The sharpest calibrated posterior is that of {best}: mean log density {found[best]['log density']:.2f} of "
        f"the truth on {n} test trajectories."
        if best
        else f"No posterior is calibrated on {n} test trajectories; trust none of them."
    )
    beyond = max((int(row["value"]) for row in rows if row["row"] == "outside"), default=0)
    if beyond:
        sentence += f" Of these, {beyond} lie beyond the training range, which is the prior, and do not count in it."
    if best:
        sds = [own for own in found[best] if own.endswith(": sd")]
        spread = ", ".join(f"{own.removesuffix(': sd')} {found[best][own]:.2g}" for own in sds)
        sentence += f" Its standard deviation, where that of the training values is 1: {spread}."
    caption = (
        "Log density: mean over test of log q(truth | tokens), z-scored parameters; higher is sharper. sd: mean "
        "standard deviation of the draws, where that of the training values is 1. p: of SBC and TARP; small if not "
        f"calibrated. Calibrated: no p-value is below {LEVEL} over the number of tests, which see gross faults only "
        "where test trajectories are few."
    )
    section = Section("posterior", "Which posterior is sharp and calibrated?", [sentence])
    _show_calibration(section, bench, groups, order)
    if best:
        _show_corner(section, bench, groups[best], best)
    section.tables.append(Table(pd.DataFrame([{"Encoder": name, **found[name]} for name in order]), caption))
    return section


def _of(rows: list[dict[str, str]]) -> dict[str, Any]:
    """The row of an encoder in the table."""
    scores = {row["parameter"]: row for row in rows if row["row"] == "score"}
    whole = scores.pop("all")
    found: dict[str, Any] = {"log density": float(whole["value"])}
    for name, row in scores.items():
        found |= {f"{name}: sd": float(row["width"]), f"{name}: SBC p": float(row["p_value"])}
    least = min(float(row["p_value"]) for row in (whole, *scores.values()))
    calibrated = least >= LEVEL / (len(scores) + 1)
    return {**found, "TARP p": float(whole["p_value"]), "calibrated": "yes" if calibrated else "no"}


def _show_calibration(
    section: Section, bench: Bench, groups: dict[str, list[dict[str, str]]], order: list[str]
) -> None:
    shown = order[:SHOWN]

    def ranks(ax: Axes, first: bool, name: str) -> None:
        rows = [row for row in groups[name] if row["row"] == "rank"]
        for parameter, tint in zip(dict.fromkeys(row["parameter"] for row in rows), TINTS * 9, strict=False):
            own = np.array([float(row["value"]) for row in rows if row["parameter"] == parameter])
            ax.stairs(own / own.mean(), np.linspace(0, 1, len(own) + 1), color=tint)
        ax.axhline(1, color="#999999", lw=0.8)
        ax.set(title=name, xlabel="rank of the truth", ylabel="SBC: density" if first else "")

    def tarp(ax: Axes, first: bool, name: str) -> None:
        points = [(float(row["place"]), float(row["value"])) for row in groups[name] if row["row"] == "tarp"]
        ax.plot([0, 1], [0, 1], color="#999999", lw=0.8)
        ax.plot(*zip(*points, strict=True), color="#1f63b4")
        ax.set(title=name, xlabel="promised", ylabel="TARP: covered" if first else "")

    parameters = dict.fromkeys(row["parameter"] for row in groups[order[0]] if row["row"] == "rank")
    legend = [(name, tint, "-") for name, tint in zip(parameters, TINTS * 9, strict=False)]
    panels = [*(partial(ranks, name=name) for name in shown), *(partial(tarp, name=name) for name in shown)]
    plot = Plot(panels, 1.9, across=len(shown), legend=legend)
    more = f" The {len(shown)} sharpest of {len(order)} are shown." if len(order) > len(shown) else ""
    caption = (
        "First, ranks of the true parameter among the draws (simulation-based calibration, SBC): flat if calibrated, "
        "raised at both ends if the posterior is too narrow, in the middle if it is too wide. Then how many truths lie "
        "in regions that promise a share of them, of all parameters together (TARP): on the diagonal if calibrated."
        f"{more}"
    )
    section.show(plot, bench.folder, "posterior_calibration", "Calibration of posteriors", caption)


def _show_corner(section: Section, bench: Bench, rows: list[dict[str, str]], name: str) -> None:
    draws: dict[str, list[float]] = {}
    truth: dict[str, float] = {}
    for row in rows:
        if row["row"] == "draw":
            draws.setdefault(row["parameter"], []).append(float(row["value"]))
            truth[row["parameter"]] = float(row["truth"])
    caption = f"Draws of the posterior of the first test trajectory by {name}; the truth in red.{_rounds(rows)}"
    section.show(draw_corner(draws, truth), bench.folder, "posterior_corner", "Corner plot of a posterior", caption)


def _rounds(rows: list[dict[str, str]]) -> str:
    """How its spread went down from round to round, in words."""
    spread: dict[str, list[str]] = {}
    for row in rows:
        if row["row"] == "round":
            spread.setdefault(row["parameter"], []).append(f"{float(row['width']):.3g}")
    if not spread:
        return ""
    parts = "; ".join(f"{name} {', '.join(widths)}" for name, widths in spread.items())
    return f" After each round of simulation near it, its standard deviation (z-scored) was: {parts}."
