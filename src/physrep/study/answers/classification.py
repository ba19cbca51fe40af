"""Is the equation told apart better than by every floor?"""

from __future__ import annotations

from ...benchmark.latent_table import row_text
from ...metrics.skill import mean
from .table import StudyAnswer, StudyTable, decided, together


def classification(table: StudyTable) -> list[StudyAnswer]:
    """Against the best pixels, and against field statistics."""
    who = table.subject("classification")
    rows = {m: table.better("classification", "all", "set", m, "accuracy") for m in table.modalities("classification")}
    pixels = table.pixels("classification")
    if who is None or not pixels:
        return []
    rivals = [max(pixels, key=lambda m: rows[m]["value"])]
    rivals += [m for m in rows if m != who and m not in pixels and table.kind(m) in ("statistics", "random_vjepa2")]
    found, sure = [], []
    for rival in rivals:
        a, b = (table.arrays[f"classification/{rows[m]['level']}/{m}"] for m in (who, rival))
        difference = mean((a[0] - b[0]) * a[1], a[1])
        found.append(decided(difference))
        sure.append(f"{table.label(rival)} {row_text(difference)}")
    listed = ", ".join(f"{table.label(m)} {row_text(rows[m])}" for m in (who, *rivals))
    return [
        StudyAnswer(
            "Is the kind of physics told apart better than by every floor and control?",
            f"Accuracy of a linear classifier (chance {1 / len(table.config.systems):.2f}): {listed}.",
            # A tie, as where both are always right, decides nothing.
            together(found),
            f"difference to {'; '.join(sure)}; paired by simulation",
        )
    ]
