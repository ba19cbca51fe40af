"""Parameters from frozen embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....analyses.latent.context import LEVELS
from ....benchmark.latent_table import LatentTable, row_score
from ....metrics import cluster_means
from ....systems.linear.ftcs_heat import STABILITY_LIMIT
from ...section import Section, Table
from .plots import dots_plot, scatter_plot
from .table import add_figure


def parameters(table: LatentTable) -> Section:
    """R² with intervals, scatter, mean absolute errors, and the probe under other colours."""
    section = Section(
        "parameters",
        "Parameters from frozen embeddings",
        [f"Ridge regression in nested cross-validation: outer folds by simulation, {table.seeds} seeds, the penalty "
         "tuned inside the training simulations. Dots: R² of all predictions out of fold; bars: 95 % intervals, a "
         "bootstrap over simulations; 0 is a constant guess. The shaded band is the interval of the reference pixels."],
    )  # fmt: skip
    errors, colours = [], []
    for name, own in table.simulated.items():
        for target, scale in own["parameters"].items():
            panels = [(text, table.scores("parameters", name, target, v, "r2")) for v, text in LEVELS.items()]
            panels = [panel for panel in panels if panel[1]]
            if not panels:
                continue
            add_figure(
                table, section, dots_plot(table, panels, f"R² of {target}, {name}"), f"r2_{name}_{target}",
                f"How well {target} of {name} can be read: from the embedding averaged over time, from three "
                "frames, and from a single frame at any time (where the probe does not know the time).",
            )  # fmt: skip
            cut = [(m, *_true_predicted(table, name, target, m, scale)) for m in table.shown("parameters")]
            special = "; hollow dots are numerically unstable." if cut[0][3] is not None else "."
            add_figure(
                table, section, scatter_plot(table.who, cut, target, scale == "log"), f"scatter_{name}_{target}",
                f"Predicted against true {target} of {name} from the embedding averaged over time; each dot is a "
                f"simulation, averaged over the seeds{special}",
            )  # fmt: skip
            unit = "ln" if scale == "log" else ""
            for m in table.modalities("parameters"):
                cells = [row_score(table.get("parameters", name, target, v, m, "mae")) for v in LEVELS]
                errors.append([f"{unit} {target}, {name}".strip(), table.label(m), *cells])
            colours += _nuisance(table, name, target)
    if errors:
        note = "With 95 % intervals over simulations; ln: of the natural logarithm."
        section.tables.append(Table.of(["mean absolute error", "modality", *LEVELS.values()], errors, note, 2))
    if colours:
        section.tables.append(Table.of(
            ["parameter", "modality", "R²", "read in", "R² there"], colours,
            "Nuisance test: the probe is fitted on one colour map and read on another one. A representation of the "
            "physics would not care; a large negative R² says that the probe reads colours.", 2,
        ))  # fmt: skip
    return section


def _nuisance(table: LatentTable, name: str, target: str) -> list[list[str]]:
    lines = []
    prefix = "simulation@"
    shown = dict.fromkeys(row["level"] for row in table.rows if row["level"].startswith(prefix))
    for colours in (level.removeprefix(prefix) for level in shown):
        for m in table.modalities("parameters"):
            before = table.get("parameters", name, target, "simulation", m, "r2")
            after = table.get("parameters", name, target, f"simulation@{colours}", m, "r2")
            if after is not None:
                line = [f"{name}, {target}", table.label(m), row_score(before), colours, row_score(after)]
                lines.append(line)
    return lines


def _true_predicted(
    table: LatentTable, name: str, target: str, modality: str, scale: str
) -> tuple[np.ndarray, np.ndarray, Any]:
    cluster, true, predicted = table.arrays[f"{name}/{target}/simulation/{modality}"]
    means, _ = cluster_means(np.stack([true, predicted], 1), cluster)
    means = np.exp(means) if scale == "log" else means
    unstable = means[:, 0] > STABILITY_LIMIT if table.simulated[name]["equation"] == "heat_ftcs" else None
    return means[:, 0], means[:, 1], unstable
