"""What the instability of the published heat data does to the probe of α."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...benchmark.latent_table import row_text
from ...metrics import bootstrap
from ...metrics.score import Score
from ...systems.linear.ftcs_heat import STABILITY_LIMIT
from ..config import FTCS
from ..data import StudyData
from .table import StudyAnswer, StudyTable


def instability(arrays: Mapping[str, np.ndarray], name: str, level: str) -> dict[str, dict[str, Score]]:
    """R² of α of one probe on all, on the stable and on the unstable test simulations, per modality.

    Each part is compared with its own mean, and has an interval over its simulations.
    """
    found: dict[str, dict[str, Score]] = {}
    for key, values in arrays.items():
        prefix = f"{name}/diffusivity/{level}/"
        if key.startswith(prefix):
            stable = values[1] <= STABILITY_LIMIT
            parts = {"all": np.ones_like(stable), "stable": stable, "unstable": ~stable}
            found[key.removeprefix(prefix)] = {part: _r2(values[:, k]) for part, k in parts.items() if k.any()}
    return found


def _r2(values: np.ndarray) -> Score:
    return Score.of_first(bootstrap(values[2:].T, values[1:2].T, values[0], "r2"))


def instability_answers(table: StudyTable, data: StudyData) -> list[StudyAnswer]:
    """The same encoders on unstable and on exact data: what only the unstable ones give away is the artefact."""
    config, found = table.config, []
    exact = next((name for name, own in config.systems.items() if own.system == "heat"), None)
    for name, own in config.systems.items():
        if own.system != FTCS or "parameters" not in config.analyses:
            continue
        alpha = data.parameter("diffusivity", data.rows(name))
        parts, verdict = [], "undecided"
        scores = instability(table.arrays, name, "simulation")
        for m in dict.fromkeys([config.reference, table.subject("parameters") or config.reference]):
            row = table.get("parameters", name, "diffusivity", "simulation", m, "r2")
            other = exact and table.get("parameters", exact, "diffusivity", "simulation", m, "r2")
            text = f"{table.label(m)} R² {row_text(row)} ({row_text(scores[m].get('stable'))} within the stable runs)"
            if other and row:
                text += f", on exact data {row_text(other)}"
                if m == config.reference and row["low"] > other["high"]:
                    verdict = "inflates it"
            parts.append(text)
        beyond = int((alpha > STABILITY_LIMIT).sum())
        found.append(
            StudyAnswer(
                "What does the instability of the published data do to the probe of α?",
                f"{beyond} of {len(alpha)} runs of {name} are beyond the limit α = 2.5. {'; '.join(parts)}.",
                verdict,
                "95 % intervals over simulations of the reference pixels, unstable against exact; mean over time",
            )
        )
    return found
