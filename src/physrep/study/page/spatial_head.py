"""Does knowing α help to predict spatial tokens?"""

from __future__ import annotations

from ...analyses.latent.token_head import CONDITIONS, VARIANTS
from ..answers import scored
from ..figures import dots_figure
from .section import Material, Section


def spatial_head(material: Material) -> Section:
    """Gains of every variant, and the scores they come from."""
    section = Section(
        "Does knowing α help to predict spatial tokens?",
        ["x(t+1) = x(t) + a K x(t) on the spatial tokens, K one 3 × 3 kernel per channel by least squares: the form of "
         "one explicit step of diffusion, with a the real α, a shuffled one, or 1, on the first 64 channels as they "
         "are. Repaired step by step: tokens without their mean at each position and with unit variance; a kernel that "
         "depends on α, K₀ + α K₁ + α² K₂, with an offset; all channels."],
    )  # fmt: skip
    table, lines = material.table, []
    for name in material.config.sets:
        panels = [(v, material.scores("spatial_head", name, v, "tokens", "gain")) for v in VARIANTS]
        if not panels[0][1]:
            continue
        values = [s for _, scores in panels for score in scores.values() for s in score[:1]]
        high = min(1.0, max(0.1, 1.35 * max(values)))
        material.add(
            section,
            dots_figure(material.config, panels, f"gain of the real α in one-step R², {name}", -0.4 * high, high),
            f"spatial_head_{name}",
            "One-step R² against persistence with the real α minus that of the better control (shuffled α or none), on "
            "simulations out of fold, with 95 % intervals over simulations. Right of 0, knowing α helps.",
        )  # fmt: skip
        for m in table.modalities("spatial_head"):
            for v in VARIANTS:
                cells = [
                    table.get("spatial_head", name, f"{v}, {k}", "tokens", m, "r2_persistence") for k in CONDITIONS
                ]
                lines.append([name, table.label(m), v, *(scored(cell) for cell in cells)])
    head = ["set", "modality", "head", "real α", "shuffled α", "no α"]
    section.tables.append({"head": head, "lines": lines, "words": 3, "note": "One-step R² against persistence."})
    return section
