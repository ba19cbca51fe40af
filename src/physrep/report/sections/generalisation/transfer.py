"""MSE of every encoder at the level of each shift that is worst for it: the table of a study of transfer."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...formats import NOTHING, number
from ...section import Table
from .cells import Cells
from .sentences import error

ANALYSIS = "generalisation"


def leads_with_transfer(bench: Any) -> bool:
    """Whether the configuration asks for this headline (``analyses: {generalisation: {headline: true}}``)."""
    options: Any = (getattr(bench, "config", None) or {}).get("analyses", {}).get(ANALYSIS) or {}
    return bool(options.get("headline"))


def transfer_table(cells: Cells) -> Table:
    """MSE of every encoder, clean and at the worst level of every shift."""
    header = ["encoder", "kind", "clean", *(shift.replace("_", " ") for shift in cells.shifts)]
    rows = []
    for encoder in cells.encoders:
        clean = cells.clean(encoder)
        worst = [cells.worst(encoder, shift, by="value") for shift in cells.shifts]
        texts = [NOTHING if one is None else error(one[2].value) for one in worst]
        rows.append([encoder.label, encoder.kind, number(clean.value) if clean else NOTHING, *texts])
    caption = (
        "Test MSE, mean over parameters, of encoders and probes that were made on clean data: clean, and at the level "
        "of each shift that is worst for the encoder. A constant has about 1. All levels with their intervals are in "
        "analyses/generalisation.csv."
    )
    return Table(pd.DataFrame(rows, columns=header), caption)
