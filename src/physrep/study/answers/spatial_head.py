"""Does the diffusivity help to predict spatial tokens, as published and once the head is repaired?"""

from __future__ import annotations

from ...analyses.latent.token_head import VARIANTS
from ...benchmark.latent_table import row_text
from ...metrics.score import Score
from .table import StudyAnswer, StudyTable, decided


def spatial_head(table: StudyTable) -> list[StudyAnswer]:
    """One answer per set of heat; the verdict is that of the last repair."""
    who = table.subject("spatial_head")
    answers: list[StudyAnswer] = []
    for name in table.config.systems if who else ():
        gains = {v: table.get("spatial_head", name, v, "tokens", who or "", "gain") for v in VARIANTS}
        last = list(VARIANTS)[-1]
        final = gains[last]
        if final is None:
            continue
        listed = ", ".join(f"{v} {row_text(row)}" for v, row in gains.items())
        kinds = {
            k: table.get("spatial_head", name, f"{last}, {k}", "tokens", who or "", "r2_persistence")
            for k in ("real", "shuffled", "none")
        }
        answers.append(
            StudyAnswer(
                f"Does knowing α help to predict the next spatial tokens of {name}?",
                f"Gain in one-step R² of the real α over the better control, {table.label(who or '')}: {listed}. "
                f"Repaired: real {row_text(kinds['real'])}, shuffled {row_text(kinds['shuffled'])}, none "
                f"{row_text(kinds['none'])}.",
                decided(Score(final["value"], final["low"], final["high"])),
                "interval of the fully repaired head, over simulations",
            )
        )
    return answers
