"""Can the kind of physics be named from one embedding trajectory, without labels?"""

from __future__ import annotations

from typing import Any

from ...benchmark.latent_table import row_text
from ...metrics.skill import mean
from .table import StudyAnswer, StudyTable, decided


def naming(table: StudyTable) -> list[StudyAnswer]:
    """The subject against the best pixels and chance."""
    who = table.subject("naming")
    rows: dict[str, dict[str, Any]] = {}
    for row in table.rows:
        if row["analysis"] == "naming" and row["metric"] == "accuracy" and row["target"] == "kind":
            best = rows.get(row["modality"])
            rows[row["modality"]] = row if best is None or row["value"] > best["value"] else best
    pixels = [m for m in rows if table.kind(m) == "pixels"]
    if who is None or who not in rows or not pixels:
        return []
    rival = max(pixels, key=lambda m: rows[m]["value"])
    a, b = (table.arrays[f"naming/{rows[m]['level']}/{m}"] for m in (who, rival))
    difference = mean((a[0] - b[0]) * a[1], a[1])
    chance = next(r["value"] for r in table.rows if r["analysis"] == "naming" and r["metric"] == "chance")
    own = rows[who]
    place = ("naming", who, own["level"], "recall")
    recalls = ", ".join(
        f"{r['target']} {row_text(r)}"
        for r in table.rows
        if (r["analysis"], r["modality"], r["level"], r["metric"]) == place
    )
    above = own["low"] > chance
    verdict = "no" if not above else "yes" if own["low"] > 0.7 else "in part"
    return [
        StudyAnswer(
            "Can the kind of physics be named from one trajectory, without labels?",
            f"Accuracy of fixed rules on order and spectrum (chance {chance:.2f}): {table.label(who)} "
            f"{row_text(own)}, {table.label(rival)} {row_text(rows[rival])}. Right per equation: {recalls}.",
            verdict,
            f"yes from 0.7 on, no if chance is inside the interval; difference to pixels {row_text(difference)}: "
            f"better than pixels? {decided(difference)}",
        )
    ]
