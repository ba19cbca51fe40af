"""Probes of different strength beside their controls."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd

from ...benchmark.directory import Bench
from ...benchmark.entries import stored_score
from ...benchmark.names import probe_name
from ...benchmark.run_lines import Line, lines
from ...formats import number
from ...metrics.score import UNKNOWN, Score
from ..draw import Plot, Reference, dots
from ..draw.types import Axes
from ..section import Section, Table


def strength(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """Dots: test MSE per probe; crosses: the same probe fitted on shuffled labels."""
    groups = lines(row for row in rows if row["parameter"] == "mean")
    probes = list(dict.fromkeys(row["probe"] for row in rows))
    found = {(line.name, p, q): _cell(line, p, q) for line in groups for p in probes for q in ("mse", "control")}
    high = min(max([1.2, *(1.05 * max(s.value, s.high) for s in found.values() if math.isfinite(s.value))]), 2.0)

    def draw(ax: Axes, first: bool, probe: str) -> None:
        frame = pd.DataFrame(
            [{"name": line.name, "colour": line.colour, **found[line.name, probe, quantity]._asdict(), "mark": mark,
              "said": f"{line.name}, {word}: {number(found[line.name, probe, quantity].value)}"}
             for line in groups for quantity, mark, word in (("control", "x", "shuffled labels"), ("mse", "o", "MSE"))]
        )  # fmt: skip
        dots(ax, frame, limits=(0.0, high), names=first, references=[Reference(1.0, "constant", dashed=True)])
        ax.set_title(probe_name(probe), pad=14)

    plot = Plot([partial(draw, probe=probe) for probe in probes], 0.8 + 0.27 * len(groups),
                xlabel="test MSE per trajectory")  # fmt: skip
    caption = (
        "Dots: probes on real labels; crosses: the same probes after they were fitted on labels shuffled among "
        "trajectories, which should score 1 or worse. A probe whose crosses lie below 1 would make up what it finds."
    )
    columns = {"Encoder": [line.name for line in groups]}
    columns |= {f"{probe_name(p)}: MSE": [found[line.name, p, "mse"].value for line in groups] for p in probes}
    bits = {f"{probe_name(p)}: bits saved": [_cell(line, p, "bits_saved").value for line in groups] for p in probes}
    columns |= {name: values for name, values in bits.items() if any(map(math.isfinite, values))}
    note = "Test MSE per trajectory, and bits per label that a prequential code saves."
    section = Section("strength", "Is it the representation or the probe?", _sentences(groups, probes))
    section.show(plot, bench.folder, "strength", "Test MSE of probes and of their control tasks", caption)
    section.tables.append(Table(pd.DataFrame(columns), note, dict.fromkeys(bits, 2)))
    return section


def _cell(line: Line, probe: str, quantity: str) -> Score:
    for row in line.rows:
        if row["probe"] == probe and row["quantity"] == quantity:
            return stored_score(row)
    return UNKNOWN


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
    tops = [min(learners, key=lambda line: _order(_cell(line, probe, "mse").value)).name for probe in probes]
    if len(set(tops)) == 1:
        return [first, f"Every probe puts {tops[0]} first among the label-free learners."]
    best = ", ".join(f"{top} by {probe_name(probe)}" for top, probe in zip(tops, probes, strict=True))
    return [first, f"Which learner is best depends on the probe ({best})."]


def _order(value: float) -> float:
    return value if math.isfinite(value) else math.inf
