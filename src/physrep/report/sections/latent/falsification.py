"""Embedding against pixels: the verdicts, and linear maps between the two."""

from __future__ import annotations

from ....analyses.latent.falsification import SHUFFLED, WAYS
from ....analyses.latent.verdict import ABSENT, LINEAR, MARGIN
from ....benchmark.latent_table import LatentTable, row_score, verdicts
from ...section import Section, Table


def falsification(table: LatentTable) -> Section:
    """A verdict per encoder and set; maps with every kind of pixels."""
    section = Section(
        "falsification",
        "More than pixels?",
        ["The rule, the same for all: nothing is there if no parameter is read (interval of R² above 0) and an R² of "
         f"{ABSENT} can be ruled out. More than pixels: some parameter is read better than from every kind of pixels "
         f"(interval of the difference above 0, difference above {MARGIN}), and pixels do not give the embedding back "
         f"linearly (share below {LINEAR}). Explained by pixels: no parameter is read better, and they give the "
         f"embedding back or read every parameter as well (interval of the difference below {MARGIN}). Else undecided. "
         "Intervals are corrected for the number of parameters."],
    )  # fmt: skip
    lines = []
    for name in table.sets("falsification"):
        for m, found in verdicts(table, name).items():
            own = found["evidence"]
            for i, target in enumerate(own.r2):
                first = [name, table.label(m), found["verdict"]] if i == 0 else ["", "", ""]
                share = row_score(own.share) if i == 0 else ""
                lines.append([*first, target, row_score(own.r2[target]), row_score(own.difference[target]), share])
    if lines:
        section.tables.append(Table.of(
            ["set", "encoder", "verdict", "parameter", "R²", "above the best pixels", "share from pixels"],
            lines, "Share from pixels: R² of the 32 leading components of the embedding, linearly from the pixels "
            "that do it best. R² and the difference at the better of two readings (mean over time; three frames) for "
            "every modality alike. Pixels without translation or rotation built in are a weak rival, so random "
            "weights are judged by the same rule: what they get needs no training.", 2,
    ))  # fmt: skip
    section.tables.append(_maps(table))
    return section


def _maps(table: LatentTable) -> Table:
    lines = []
    pixels = list(dict.fromkeys(r["level"] for r in table.rows if r["analysis"] == "falsification"))
    for name, m in table.pairs("falsification"):
        for pixel in pixels:
            cells = []
            for way in WAYS:
                cells.append(row_score(table.get("falsification", name, way, pixel, m, "r2")))
                cells.append(table.value("falsification", name, way + SHUFFLED, pixel, m, "r2"))
            lines.append([name, table.label(m), pixel, *cells])
    return Table.of(
        ["set", "encoder", "pixels", "pixels to embedding", "shuffled in time", "embedding to pixels", "shuffled too"],
        lines,
        "R² of the 32 leading components of the one by ridge from 64 of the other, tuned for every pair, out of fold, "
        f"{table.seeds} seeds, 95 % intervals over simulations. Shuffled time pairs each embedding with another time "
        "of the same simulation: what is left is what does not change along a simulation.",
        2,
    )
