"""Embedding against pixels: the verdicts, and linear maps between the two."""

from __future__ import annotations

from ...analyses.latent.falsification import SHUFFLED, WAYS
from ...analyses.latent.verdict import ABSENT, LINEAR, MARGIN
from ...report.style import number
from ..answers import scored, verdicts
from .section import Material, Section


def falsification(material: Material) -> Section:
    """A verdict per encoder and set; maps with every kind of pixels."""
    section = Section(
        "More than pixels?",
        ["The rule, the same for all: nothing is there if no parameter is read (interval of R² above 0) and an R² of "
         f"{ABSENT} can be ruled out. More than pixels: some parameter is read better than from every kind of pixels "
         f"(interval of the difference above 0, difference above {MARGIN}), and pixels do not give the embedding back "
         f"linearly (share below {LINEAR}). Explained by pixels: no parameter is read better, and they give the "
         f"embedding back or read every parameter as well (interval of the difference below {MARGIN}). Else undecided. "
         "Intervals are corrected for the number of parameters."],
    )  # fmt: skip
    table, lines = material.table, []
    for name in material.config.sets:
        for m, found in verdicts(table, name).items():
            own = found["evidence"]
            for i, target in enumerate(own.r2):
                first = [name, table.label(m), found["verdict"]] if i == 0 else ["", "", ""]
                share = scored(own.share) if i == 0 else ""
                lines.append([*first, target, scored(own.r2[target]), scored(own.difference[target]), share])
    if lines:
        section.tables.append({
            "head": ["set", "encoder", "verdict", "parameter", "R²", "above the best pixels", "share from pixels"],
            "lines": lines, "words": 4,
            "note": "Share from pixels: R² of the 32 leading components of the embedding, linearly from the pixels "
            "that do it best. R² and the difference at the better of two readings (mean over time; three frames) for "
            "every modality alike. Pixels without translation or rotation built in are a weak rival, so random "
            "weights are judged by the same rule: what they get needs no training.",
        })  # fmt: skip
    section.tables.append(_maps(material))
    return section


def _maps(material: Material) -> dict:
    table, lines = material.table, []
    pixels = list(dict.fromkeys(r["level"] for r in table.rows if r["analysis"] == "falsification"))
    for name in material.config.sets:
        for m in table.modalities("falsification"):
            for pixel in pixels:
                cells = []
                for way in WAYS:
                    cells.append(scored(table.get("falsification", name, way, pixel, m, "r2")))
                    cells.append(number(table.value("falsification", name, way + SHUFFLED, pixel, m, "r2"), 2))
                lines.append([name, table.label(m), pixel, *cells])
    return {
        "head": ["set", "encoder", "pixels", "pixels to embedding", "time shuffled", "embedding to pixels",
                 "time shuffled"],
        "lines": lines, "words": 3,
        "note": "R² of the 32 leading components of the one by ridge from 64 of the other, tuned for every pair, out "
        f"of fold, {material.config.splits} seeds, 95 % intervals over simulations. Shuffled time pairs each embedding "
        "with another time of the same simulation: what is left is what does not change along a simulation.",
    }  # fmt: skip
