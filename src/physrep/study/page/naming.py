"""Naming the physics from single trajectories."""

from __future__ import annotations

import numpy as np

from ...analyses.latent.kinds import FOLDS, GAIN, TURN
from ...report.style import number
from ..figures import confusion_figure, dots_figure
from .section import Material, Section

READINGS = {"pooled": "pooled", "tokens": "in place"}
"""Trajectories of the mean over space, or of all tokens in their places."""


def naming(material: Material) -> Section:
    """Accuracy, confusion, and the three numbers behind every name."""
    config, table = material.config, material.table
    section = Section(
        "Naming the physics without labels",
        [
            "From one trajectory alone: it is diffusive if its steps never turn by about a right angle (cosine above "
            f"{TURN:g}); else advective if it decays by less than {FOLDS:g} e-folding; else wave-like if a "
            f"second-order model gains more than {GAIN:g} of the error of persistence; else reacting. The thresholds "
            "are round numbers that were set on pixels of other simulations, never on an embedding."
        ],
    )
    chance = next(r["value"] for r in table.rows if r["metric"] == "chance")
    panels = [
        (f"{kind}, {text}", material.scores("naming", "all", target, level, "accuracy"))
        for target, kind in (("kind", "rule"), ("kind, with labels", "labels"))
        for level, text in READINGS.items()
    ]
    material.add(
        section, dots_figure(config, panels, "balanced accuracy", low=0.0, line=(chance, "chance")), "naming",
        "Accuracy over the kinds, with 95 % intervals over simulations. Pooled: the trajectory of the mean over space "
        "(of pixels, the mean colour); in place: of all tokens in their places. Labels: a classifier fitted on the "
        "same three numbers, out of fold, which says whether the rule or the numbers fail.",
    )  # fmt: skip
    cells = []
    for m in table.modalities("naming"):
        for level, text in READINGS.items():
            key = f"confusion/{level}/{m}"
            # Beside the trajectories in place, pooled pixels are mean colours only.
            if key in material.arrays and not (
                table.kind(m) == "pixels" and (level == "pooled" or m != config.reference)
            ):
                cells.append((m, text, material.arrays[key]))
    material.add(
        section, confusion_figure(config, cells), "confusion",
        "What each equation was named, in per cent of its simulations (rows); the right kind is framed.",
    )  # fmt: skip
    for m, level in _tabled(material):
        values = material.arrays[f"signatures/{level}/{m}"]
        lines = []
        for n in config.sets:
            own = [np.percentile(values[material.data.rows(n), k], (50, 25, 75)) for k in range(3)]
            lines.append([n, *(f"{number(v[0], 3)} ({number(v[1], 3)} to {number(v[2], 3)})" for v in own)])
        section.tables.append({
            "head": ["equation", "turn (cosine)", "decay (e-foldings)", "second-order gain"], "lines": lines,
            "note": f"{table.label(m)}, {READINGS[level]}: median and quartiles over simulations.",
        })  # fmt: skip
    return section


def _tabled(material: Material) -> list[tuple[str, str]]:
    """The subject at its better reading, and the reference pixels."""
    who, found = material.table.subject("naming"), []
    if who is not None:
        levels = [v for v in READINGS if f"signatures/{v}/{who}" in material.arrays]
        found.append(
            (who, max(levels, key=lambda v: material.table.value("naming", "all", "kind", v, who, "accuracy")))
        )
    return [*found, (material.config.reference, "tokens")]
