"""Does knowing α help to predict spatial tokens?"""

from __future__ import annotations

from ....analyses.latent.token_head import CONDITIONS, VARIANTS
from ....benchmark.latent_table import LatentTable, row_score
from ...section import Section, Table
from .plots import dots_plot
from .table import add_figure


def spatial_head(table: LatentTable) -> Section:
    """Gains of every variant, and the scores they come from."""
    section = Section(
        "spatial_head",
        "Does knowing α help to predict spatial tokens?",
        ["x(t+1) = x(t) + a K x(t) on the spatial tokens, K one 3 × 3 kernel per channel by least squares: the form of "
         "one explicit step of diffusion, with a the real α, a shuffled one, or 1, on the first 64 channels as they "
         "are. Repaired step by step: tokens without their mean at each position and with unit variance; a kernel that "
         "depends on α, K₀ + α K₁ + α² K₂, with an offset; all channels."],
    )  # fmt: skip
    lines = []
    for name in table.sets("spatial_head"):
        panels = [(v, table.scores("spatial_head", name, v, "tokens", "gain")) for v in VARIANTS]
        if not panels[0][1]:
            continue
        values = [s for _, scores in panels for score in scores.values() for s in score[:1]]
        high = min(1.0, max(0.1, 1.35 * max(values)))
        gain = f"gain of the real α in one-step R², {name}"
        add_figure(
            table, section, dots_plot(table, panels, gain, low=-0.4 * high, high=high), f"spatial_head_{name}",
            "One-step R² against persistence with the real α minus that of the better control (shuffled α or none), on "
            "simulations out of fold, with 95 % intervals over simulations. Right of 0, knowing α helps.",
        )  # fmt: skip
        for m in table.modalities("spatial_head"):
            for v in VARIANTS:
                keys = [("spatial_head", name, f"{v}, {k}", "tokens", m, "r2_persistence") for k in CONDITIONS]
                lines.append([name, table.label(m), v, *(row_score(table.get(*key)) for key in keys)])
    head = ["set", "modality", "head", "real α", "shuffled α", "no α"]
    section.tables.append(Table.of(head, lines, "One-step R² against persistence.", 2))
    return section
