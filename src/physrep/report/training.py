"""Training and collapse curves of runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from ..benchmark.directory import Run
from .draw import Plot, curves
from .draw.axes import blank
from .draw.types import Axes

PANELS = {"loss": "loss", "rank": "effective rank", "spread": "feature std", "probe": "online probe, MSE"}
TERMS = ("sim", "std", "cov")
SHADES = ("#4c9a8f", "#c2803a", "#8d6aa8", "#6f8f3f", "#b05a6f", "#5f7f9f")
MOST_RUNS, MOST_LINES = 8, 6


def panel_of(column: str) -> str | None:
    """The panel for a column of metrics.csv, or None for columns that are no curve of the page."""
    name = column.lower().replace("/", "_")
    for prefix in ("train_", "valid_", "val_"):
        name = name.removeprefix(prefix)
    if "probe" in name:
        return None if "r2" in name else "probe"
    if "rank" in name or "participation" in name:
        return "rank"
    if name.startswith(("feature_std", "channel_std")):
        return "spread"
    if name in TERMS or name.endswith("loss") or name.startswith(("loss", "mse")):
        return "loss"
    return None


def shown_runs(runs: Sequence[Run]) -> list[Run]:
    """The first runs that have curves."""
    return [run for run in runs if any(panel_of(column) for column in run.curves)][:MOST_RUNS]


def curve_rows(run: Run, panel: str) -> pd.DataFrame:
    """Rows of `physrep.report.draw.curves`: the curves of one panel, the first in the colour of the learner."""
    parts, shades = [], iter(SHADES * 2)
    for column, (steps, values) in run.curves.items():
        if panel_of(column) != panel or len(parts) >= MOST_LINES:
            continue
        main = column.split("/")[-1] in ("loss", "train_loss") or (panel != "loss" and not parts)
        held_out = column.startswith(("valid", "val_", "val/"))
        named = {"curve": shorten(column, panel), "colour": run.identity.colour if main else next(shades),
                 "style": "--" if held_out else "-", "width": 1.6 if main else 1.1}  # fmt: skip
        parts.append(pd.DataFrame({"x": steps, "y": values}).assign(**named))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"x": [], "y": []})


def training_plot(runs: Sequence[Run]) -> Plot | None:
    """One row per run, one column per kind of curve that some run recorded; None if no run has any."""
    shown = shown_runs(runs)
    kinds = [panel for panel in PANELS if any(panel_of(column) == panel for run in shown for column in run.curves)]
    if not shown:
        return None
    panels = [partial(_draw, run=run, panel=panel, top=run is shown[0]) for run in shown for panel in kinds]
    return Plot(panels, 1.65, across=len(kinds), narrow=min(2, len(kinds)))


def _draw(ax: Axes, first: bool, run: Run, panel: str, top: bool) -> None:
    rows = curve_rows(run, panel)
    name, seed = run.identity.label, run.summary.get("seed")
    if first:
        ax.set_ylabel(name + ("" if seed is None else f"\nseed {seed}"), color=run.identity.colour, fontsize=8.5)
    ax.set_title(PANELS[panel], fontsize=8.5)
    if rows.empty:
        blank(ax, "not recorded")
        return
    values = rows["y"].to_numpy(float)
    low, high = float(values.min()), float(values.max())
    log = panel == "loss" and low > 0 and high > 20 * low
    if panel != "loss":
        low, high = 0.0, 1.12 * max(float(np.percentile(values, 99)), 1.0 if panel == "probe" else 1e-12)
    elif high <= low:
        low, high = low - 0.5 * abs(low) - 0.5, high + 0.5 * abs(high) + 0.5
    curves(ax, rows, limits=(low, high), log_y=log, ends=True, level=1.0 if panel == "probe" else None)
    ax.set_xlabel("step", fontsize=8)


def shorten(column: str, panel: str) -> str:
    """Name of a curve at its end."""
    name = column.replace("/", " ").removeprefix("train ").replace("effective_rank", "rank")
    if panel == "probe":
        name = name.replace("probe_mse_", "").replace("probe_mse", "mean")
    if panel == "spread":
        name = name.replace("feature_std_", "").replace("feature_std", "tokens")
    return name.replace("mse_", "").replace("_", " ")
