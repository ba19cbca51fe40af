"""Naming the physics from single trajectories."""

from __future__ import annotations

import numpy as np

from ....analyses.latent.kinds import FOLDS, GAIN, KIND_OF, TURN
from ....benchmark.latent_table import LatentTable
from ....formats import number
from ...section import Section, Table
from .plots import confusion_plot, dots_plot
from .table import add_figure

READINGS = {"pooled": "pooled", "tokens": "in place"}
"""Trajectories of the mean over space, or of all tokens in their places."""


def naming(table: LatentTable) -> Section:
    """Accuracy, confusion, and the three numbers behind every name."""
    section = Section(
        "naming",
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
        (f"{kind}, {text}", table.scores("naming", "all", target, level, "accuracy"))
        for target, kind in (("kind", "rule"), ("kind, with labels", "labels"))
        for level, text in READINGS.items()
    ]
    add_figure(
        table, section, dots_plot(table, panels, "balanced accuracy", low=0.0, line=(chance, "chance")), "naming",
        "Accuracy over the kinds, with 95 % intervals over simulations. Pooled: the trajectory of the mean over space "
        "(of pixels, the mean colour); in place: of all tokens in their places. Labels: a classifier fitted on the "
        "same three numbers, out of fold, which says whether the rule or the numbers fail.",
    )  # fmt: skip
    cells, pixels = [], table.pixels("naming")
    for m in table.modalities("naming"):
        for level, text in READINGS.items():
            key = f"confusion/{level}/{m}"
            # Beside the trajectories in place, pooled pixels are mean colours only.
            if key in table.arrays and not (m in pixels and (level == "pooled" or m != table.reference)):
                cells.append((m, text, table.arrays[key]))
    right = [KIND_OF[own["equation"]] for own in table.simulated.values()]
    add_figure(
        table, section, confusion_plot(table.who, cells, list(table.simulated), right), "confusion",
        "What each equation was named, in per cent of its simulations (rows); the right kind is framed.",
    )  # fmt: skip
    of_set = table.arrays["naming/sets"]
    for m, level in _tabled(table):
        values = table.arrays[f"signatures/{level}/{m}"]
        lines = []
        for i, n in enumerate(table.simulated):
            own = [np.percentile(values[of_set == i, k], (50, 25, 75)) for k in range(3)]
            lines.append([n, *(f"{number(v[0], 3)} ({number(v[1], 3)} to {number(v[2], 3)})" for v in own)])
        note = f"{table.label(m)}, {READINGS[level]}: median and quartiles over simulations."
        head = ["equation", "turn (cosine)", "decay (e-foldings)", "second-order gain"]
        section.tables.append(Table.of(head, lines, note, 2))
    return section


def _tabled(table: LatentTable) -> list[tuple[str, str]]:
    """The subject at its better reading, and the reference pixels."""
    who, found = table.shown("naming")[0], []
    if who != table.reference:
        levels = [v for v in READINGS if f"signatures/{v}/{who}" in table.arrays]
        found.append((who, max(levels, key=lambda v: table.value("naming", "all", "kind", v, who, "accuracy"))))
    return [*found, (table.reference, "tokens")]
