"""Which equation?"""

from __future__ import annotations

from ....analyses.latent.context import LEVELS
from ....analyses.latent.evidence import READINGS
from ....benchmark.latent_table import LatentTable
from ...section import Section
from .plots import dots_plot
from .table import add_figure


def classification(table: LatentTable) -> Section:
    """Accuracies."""
    section = Section("classification", "Which equation?")
    panels = [(LEVELS[v], table.scores("classification", "all", "set", v, "accuracy")) for v in READINGS]
    chance = 1 / max(1, len(table.simulated))
    low = max(0.0, chance - 0.25)
    plot = dots_plot(table, panels, "balanced accuracy", low=low, line=(chance, "chance"))
    add_figure(
        table, section, plot, "classification",
        "Accuracy of a linear classifier of the set on simulations out of fold, with 95 % intervals over simulations. "
        "Matched pairs are never divided between train and test.",
    )  # fmt: skip
    return section
