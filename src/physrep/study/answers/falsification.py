"""Is what an encoder knows more than pixels? The rule of `physrep.study.verdict`, for every encoder alike."""

from __future__ import annotations

from typing import Any

from ...analyses.latent.evidence import evidence
from ...analyses.latent.verdict import verdict
from .table import Answer, Table, scored


def verdicts(table: Table, name: str) -> dict[str, dict[str, Any]]:
    """Per encoder that is no pixels: evidence and verdict on one set."""
    found: dict[str, dict[str, Any]] = {}
    if not any(r["analysis"] == "parameters" and r["set"] == name for r in table.rows):
        return found
    pixels = table.pixels("parameters")
    for modality in table.modalities("parameters"):
        if modality not in pixels:
            own = evidence(table.rows, table.arrays, name, modality, pixels)
            found[modality] = {"evidence": own, "verdict": verdict(own)}
    return found


def falsification(table: Table) -> list[Answer]:
    """One answer per set about the subject; the other encoders' verdicts beside it."""
    who = table.subject("falsification")
    answers: list[Answer] = []
    if who is None or "parameters" not in table.config.analyses:
        return answers
    for name in table.config.sets:
        found = verdicts(table, name)
        if who not in found:
            continue
        own = found[who]["evidence"]
        parts = [
            f"{target} R² {scored(own.r2[target])}, {scored(own.difference[target])} above the best pixels"
            for target in own.r2
        ]
        others = "; ".join(f"{table.label(m)}: {v['verdict']}" for m, v in found.items() if m != who)
        share = f" Pixels give back {scored(own.share)} of its leading components." if own.share else ""
        answers.append(
            Answer(
                f"Is what {table.label(who)} knows of {name} more than pixels?",
                f"{'; '.join(parts)}.{share}",
                found[who]["verdict"],
                f"one rule for all, {table.config.splits} seeds, intervals over simulations"
                + (f"; by the same rule {others}" if others else ""),
            )
        )
    return answers
