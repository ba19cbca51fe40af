"""Is a parameter read better than by every floor and by random weights?"""

from __future__ import annotations

import numpy as np

from ...analyses.latent.evidence import best_reading
from ...benchmark.latent_table import row_text
from ...metrics import paired_difference
from ...metrics.score import Score
from .table import StudyAnswer, StudyTable, decided, together


def parameters(table: StudyTable) -> list[StudyAnswer]:
    """One answer per parameter of every set."""
    who = table.subject("parameters")
    floors = table.floors("parameters")
    untrained = [m for m in table.modalities("parameters") if table.kind(m) == "random_vjepa2" and m != who]
    answers: list[StudyAnswer] = []
    if who is None or not floors:
        return answers
    for name in table.config.systems:
        targets = dict.fromkeys(r["target"] for r in table.rows if r["analysis"] == "parameters" and r["set"] == name)
        for target in targets:
            score = {m: table.better("parameters", name, target, m, "r2") for m in [*floors, *untrained, who]}
            pixels = table.pixels("parameters")
            rivals = [max(pixels, key=lambda m: score[m]["value"])] if pixels else []
            rivals += [m for m in [*floors, *untrained] if m not in pixels]
            own = best_reading(table.arrays, name, target, who)
            parts, found, sure = [], [], []
            for rival in rivals:
                other = best_reading(table.arrays, name, target, rival)
                result = paired_difference(own[2:].T, other[2:].T, own[1:2].T, own[0], "r2")
                difference = Score.of_first(result)
                text = table.label(rival) + (" (best pixels)" if rival in pixels else "")
                found.append(decided(difference))
                parts.append(f"{text} {row_text(score[rival])}")
                sure.append(f"{text} {row_text(difference)}")
            answers.append(
                StudyAnswer(
                    f"Does it know {target} of {name} better than every floor and control?",
                    f"R² of {table.label(who)} {row_text(score[who])}; {', '.join(parts)}.",
                    together(found),
                    f"difference to {'; '.join(sure)}; paired over {len(np.unique(own[0]))} simulations",
                )
            )
    return answers
