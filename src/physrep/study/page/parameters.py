"""Parameters from frozen embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...analyses.latent.context import LEVELS
from ...metrics import cluster_means
from ...systems.linear.ftcs_heat import STABILITY_LIMIT
from ..answers import scored
from ..config import FTCS
from ..figures import dots_figure, scatter_figure
from .section import Material, Section


def parameters(material: Material) -> Section:
    """R² with intervals, scatter, mean absolute errors, and the probe under other colours."""
    config, table = material.config, material.table
    section = Section(
        "Parameters from frozen embeddings",
        [f"Ridge regression in nested cross-validation: outer folds by simulation, {config.splits} seeds, the penalty "
         "tuned inside the training simulations. Dots: R² of all predictions out of fold; bars: 95 % intervals, a "
         "bootstrap over simulations; 0 is a constant guess. The shaded band is the interval of the reference pixels."],
    )  # fmt: skip
    errors, colours = [], []
    for name, own in material.data.sets.items():
        for target, scale in own["parameters"].items():
            panels = [(text, material.scores("parameters", name, target, v, "r2")) for v, text in LEVELS.items()]
            panels = [panel for panel in panels if panel[1]]
            if not panels:
                continue
            material.add(
                section, dots_figure(config, panels, f"R² of {target}, {name}"), f"r2_{name}_{target}",
                f"How well {target} of {name} can be read: from the embedding averaged over time, from three "
                "frames, and from a single frame at any time (where the probe does not know the time).",
            )  # fmt: skip
            cut = [(m, *_true_predicted(material, name, target, m, scale)) for m in material.shown("parameters")]
            special = "; hollow dots are numerically unstable." if cut[0][3] is not None else "."
            material.add(
                section, scatter_figure(config, cut, target, scale == "log"), f"scatter_{name}_{target}",
                f"Predicted against true {target} of {name} from the embedding averaged over time; each dot is a "
                f"simulation, averaged over the seeds{special}",
            )  # fmt: skip
            unit = "ln" if scale == "log" else ""
            for m in table.modalities("parameters"):
                cells = [scored(table.get("parameters", name, target, v, m, "mae")) for v in LEVELS]
                errors.append([f"{unit} {target}, {name}".strip(), table.label(m), *cells])
            colours += _nuisance(material, name, target)
    if errors:
        section.tables.append({
            "head": ["mean absolute error", "modality", *LEVELS.values()], "lines": errors, "words": 2,
            "note": "With 95 % intervals over simulations; ln: of the natural logarithm.",
        })  # fmt: skip
    if colours:
        section.tables.append({
            "head": ["parameter", "modality", f"R², {config.render.colour_map}", "read in", "R²"], "lines": colours,
            "words": 2,
            "note": "Nuisance test: the probe is fitted on one colour map and read on another one. A "
            "representation of the physics would not care; a large negative R² says that the probe reads colours.",
        })  # fmt: skip
    return section


def _nuisance(material: Material, name: str, target: str) -> list[list[str]]:
    lines = []
    for colours in material.config.render.nuisance:
        for m in material.table.modalities("parameters"):
            before = material.table.get("parameters", name, target, "simulation", m, "r2")
            after = material.table.get("parameters", name, target, f"simulation@{colours}", m, "r2")
            if after is not None:
                line = [f"{name}, {target}", material.table.label(m), scored(before), colours, scored(after)]
                lines.append(line)
    return lines


def _true_predicted(
    material: Material, name: str, target: str, modality: str, scale: str
) -> tuple[np.ndarray, np.ndarray, Any]:
    cluster, true, predicted = material.arrays[f"{name}/{target}/simulation/{modality}"]
    means, _ = cluster_means(np.stack([true, predicted], 1), cluster)
    means = np.exp(means) if scale == "log" else means
    unstable = means[:, 0] > STABILITY_LIMIT if material.config.sets[name].system == FTCS else None
    return means[:, 0], means[:, 1], unstable
