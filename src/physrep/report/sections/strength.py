"""Probes of different strength beside their controls."""

from __future__ import annotations

import math

from ...benchmark.directory import Bench
from ...benchmark.entries import to_float
from ...benchmark.names import probe_name
from ..figures import WIDTH, save_figure
from ..section import Picture, Section, Table
from ..style import number, paper
from .run_lines import Line, lines


def strength(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """Dots: test MSE per probe; crosses: the same probe fitted on shuffled labels."""
    from matplotlib.figure import Figure

    groups = lines(row for row in rows if row["parameter"] == "mean")
    probes = list(dict.fromkeys(row["probe"] for row in rows))
    with paper():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.3 * len(groups)), layout="constrained")
        axes = figure.subplots(1, len(probes), sharey=True, sharex=True, squeeze=False)[0]
        for ax, probe in zip(axes, probes, strict=True):
            for y, line in enumerate(groups):
                real, control = (_cell(line, probe, quantity) for quantity in ("mse", "control"))
                ax.plot(real[1:], [y, y], color=line.tint, lw=1.6)
                ax.plot(real[0], y, "o", color=line.tint, ms=5)
                ax.plot(control[1:], [y, y], color="#999999", lw=1.0)
                ax.plot(control[0], y, "x", color="#777777", ms=5)
            ax.axvline(1.0, color="#bbbbbb", lw=0.8, ls=(0, (2, 2)), zorder=0)
            ax.set_title(probe_name(probe), loc="left")
        axes[0].set_yticks(range(len(groups)), [line.name for line in groups])
        axes[0].invert_yaxis()
        figure.supxlabel("test MSE per trajectory", fontsize=9)
    caption = (
        "Dots: probes on real labels; crosses: the same probes after they were fitted on labels shuffled among "
        "trajectories, which should score 1 or worse. A probe whose crosses lie below 1 would make up what it finds."
    )
    uri = save_figure(figure, bench.folder / "figures" / "strength.png")
    coded = [probe for probe in probes if any(math.isfinite(_cell(line, probe, "bits_saved")[0]) for line in groups)]
    header = ["Encoder", *(f"{probe_name(p)}: MSE" for p in probes), *(f"{probe_name(p)}: bits saved" for p in coded)]
    table = [
        [
            line.name,
            *(number(_cell(line, p, "mse")[0]) for p in probes),
            *(number(_cell(line, p, "bits_saved")[0], 2) for p in coded),
        ]
        for line in groups
    ]
    return Section(
        "strength",
        "Is it the representation or the probe?",
        _sentences(groups, probes),
        [Picture(uri, "Test MSE of probes and of their control tasks", caption)],
        [Table(header, table, "Test MSE per trajectory, and bits per label that a prequential code saves.")],
    )


def _cell(line: Line, probe: str, quantity: str) -> tuple[float, float, float]:
    for row in line.rows:
        if row["probe"] == probe and row["quantity"] == quantity:
            return to_float(row["value"]), to_float(row["ci_low"]), to_float(row["ci_high"])
    return math.nan, math.nan, math.nan


def _sentences(groups: list[Line], probes: list[str]) -> list[str]:
    controls = [_cell(line, probe, "control") for line in groups for probe in probes]
    below = sum(high < 1 for _, _, high in controls)
    lowest = min(value for value, _, _ in controls)
    first = (
        f"All {len(controls)} control tasks score {number(lowest)} or more, so no probe creates what it finds."
        if not below
        else f"{below} of {len(controls)} control tasks lie clearly below 1: look for a leak, or distrust that probe."
    )
    learners = [line for line in groups if line.kind == "learner"]
    if not learners:
        return [first]
    tops = [min(learners, key=lambda line: _order(_cell(line, probe, "mse")[0])).name for probe in probes]
    if len(set(tops)) == 1:
        return [first, f"Every probe puts {tops[0]} first among the label-free learners."]
    best = ", ".join(f"{top} by {probe_name(probe)}" for top, probe in zip(tops, probes, strict=True))
    return [first, f"Which learner is best depends on the probe ({best})."]


def _order(value: float) -> float:
    return value if math.isfinite(value) else math.inf
