"""Is what an encoder knows more than pixels? The rule of `physrep.analyses.latent.verdict`, for every encoder alike."""

from __future__ import annotations

from ...benchmark.latent_table import row_text, verdicts
from .table import StudyAnswer, StudyTable


def falsification(table: StudyTable) -> list[StudyAnswer]:
    """One answer per set about the subject; the other encoders' verdicts beside it."""
    who = table.subject("falsification")
    answers: list[StudyAnswer] = []
    if who is None or "parameters" not in table.config.analyses:
        return answers
    for name in table.config.systems:
        found = verdicts(table, name)
        if who not in found:
            continue
        own = found[who]["evidence"]
        parts = [
            f"{target} R² {row_text(own.r2[target])}, {row_text(own.difference[target])} above the best pixels"
            for target in own.r2
        ]
        others = "; ".join(f"{table.label(m)}: {v['verdict']}" for m, v in found.items() if m != who)
        share = f" Pixels give back {row_text(own.share)} of its leading components." if own.share else ""
        answers.append(
            StudyAnswer(
                f"Is what {table.label(who)} knows of {name} more than pixels?",
                f"{'; '.join(parts)}.{share}",
                found[who]["verdict"],
                f"one rule for all, {table.config.splits} seeds, intervals over simulations"
                + (f"; by the same rule {others}" if others else ""),
            )
        )
    return answers
