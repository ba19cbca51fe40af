"""What the models see, and what is wrong with the published data."""

from __future__ import annotations

from ..benchmark.latent_table import row_score
from ..formats import number
from ..report.section import Section
from ..report.section import Table as Cells
from ..report.sections.latent.table import add_figure
from ..systems.linear.ftcs_heat import STABILITY_LIMIT
from .answers import StudyTable, instability
from .config import FTCS
from .data import StudyData
from .embed import colour_scales
from .pictures_figures import instability_figure, samples_figure


def samples(table: StudyTable, data: StudyData) -> Section:
    """One simulation of every set, and the table of sets."""
    section = Section("samples", "What the models see")
    scales = colour_scales(table.config, data)
    ranges = "; ".join(f"{k} {v.name} from {v.low:.3g} to {v.high:.3g}" for k, v in scales.items())
    add_figure(
        table, section, samples_figure(table.config, data, scales), "samples",
        f"One simulation of each set in the colours that video models and pixels see. The range is fixed over all "
        f"simulations and frames of a set ({ranges}); x points down, y to the right.",
    )  # fmt: skip
    lines = []
    for name, own in data.sets.items():
        rows = data.rows(name)
        values = {p: data.parameter(p, rows) for p in own["parameters"]}
        spread = ", ".join(f"{p} {number(v.min(), 4)} to {number(v.max(), 4)}" for p, v in values.items())
        lines.append([name, own["equation"], len(rows), own["field"], f"{own['dt']:.3g}", spread])
    head = ["set", "equation", "simulations", "field", "time between frames", "parameters, lowest to highest"]
    section.tables.append(Cells.of(head, lines, "", 2))
    return section


def unstable(table: StudyTable, data: StudyData) -> Section:
    """The explicit scheme below and above its limit, and the probe of α on either side."""
    section = Section("instability", "The instability of the published heat data")
    scales = colour_scales(table.config, data)
    for name, own in table.config.systems.items():
        if own.system != FTCS:
            continue
        add_figure(
            table, section, instability_figure(data, name, scales[name], STABILITY_LIMIT), f"instability_{name}",
            "The explicit scheme of the published study (time step 0.1, spacing 1) below and above its limit "
            "α = 2.5. Beyond it rounding errors grow until the picture is saturated noise, sooner for larger α: "
            "α can then be read from the time at which the noise appears, which is no physics.",
        )  # fmt: skip
        parts = instability(table.arrays, name, "simulation")
        if parts:
            section.tables.append(_parts(table, name, parts))
    return section


def _parts(table: StudyTable, name: str, parts: dict) -> Cells:
    exact = next((k for k, v in table.config.systems.items() if v.system == "heat"), None)
    head = ["R² of α, mean over time", "all runs", "stable, α ≤ 2.5", "unstable, α > 2.5"]
    lines = []
    for m in table.config.encoders:
        if m not in parts:
            continue
        line = [table.label(m), *(row_score(parts[m].get(k)) for k in ("all", "stable", "unstable"))]
        if exact:
            line.append(row_score(table.get("parameters", exact, "diffusivity", "simulation", m, "r2")))
        lines.append(line)
    if exact:
        head.append("exact integration")
    return Cells.of(
        head, lines,
        "One probe per modality, fitted on stable and unstable runs together as published; its predictions of "
        "simulations out of fold are scored on either side of the limit, each part against its own mean, with 95 % "
        "intervals over simulations. The last column is the same probe on exactly integrated heat over the same range "
        "of α, scored in its logarithm.", 2,
    )  # fmt: skip
