"""Which equation?"""

from __future__ import annotations

from ...analyses.latent.context import LEVELS
from ...analyses.latent.evidence import READINGS
from ..figures import dots_figure
from .section import Material, Section


def classification(material: Material) -> Section:
    """Accuracies."""
    section = Section("Which equation?")
    panels = [(LEVELS[v], material.scores("classification", "all", "set", v, "accuracy")) for v in READINGS]
    chance = 1 / len(material.config.sets)
    low = max(0.0, chance - 0.25)
    material.add(
        section, dots_figure(material.config, panels, "balanced accuracy", low=low, line=(chance, "chance")),
        "classification",
        "Accuracy of a linear classifier of the set on simulations out of fold, with 95 % intervals over simulations. "
        "Matched pairs are never divided between train and test.",
    )  # fmt: skip
    return section
