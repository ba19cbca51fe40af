"""Training and collapse curves of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..benchmark.directory import Run
from .style import INK, MUTED, paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {"loss": "loss", "rank": "effective rank", "spread": "feature std", "probe": "online probe, MSE"}
TERMS = ("sim", "std", "cov")
SHADES = ("#4c9a8f", "#c2803a", "#8d6aa8", "#6f8f3f", "#b05a6f", "#5f7f9f")
MOST_RUNS, MOST_LINES, MOST_POINTS = 8, 6, 400


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


def curve_figure(runs: Sequence[Run]) -> Figure | None:
    """One row per run, one column per kind of curve; None if no run has any."""
    from matplotlib.figure import Figure

    shown = shown_runs(runs)
    if not shown:
        return None
    with paper():
        figure = Figure(figsize=(8.6, 0.4 + 1.75 * len(shown)), layout="constrained")
        axes = figure.subplots(len(shown), len(PANELS), squeeze=False)
        for ax, title in zip(axes[0], PANELS.values(), strict=True):
            ax.set_title(title, loc="left")
        for ax in axes[-1]:
            ax.set_xlabel("step")
        for row, run in zip(axes, shown, strict=True):
            _, name, tint = run.identity
            for ax, panel in zip(row, PANELS, strict=True):
                columns = [column for column in run.curves if panel_of(column) == panel][:MOST_LINES]
                _draw(ax, {column: run.curves[column] for column in columns}, panel, tint)
            seed = run.summary.get("seed")
            text = name + ("" if seed is None else f"\nseed {seed}")
            row[0].set_ylabel(text, color=tint, fontweight="bold")
    return figure


def _draw(ax: Axes, curves: dict[str, tuple[np.ndarray, np.ndarray]], panel: str, tint: str) -> None:
    if not curves:
        ax.text(0.5, 0.5, "not recorded", transform=ax.transAxes, ha="center", va="center", color=MUTED, fontsize=8)
        ax.set(xticks=[], yticks=[], xlabel="")
        for spine in ax.spines.values():
            spine.set_visible(False)
        return
    everything = np.concatenate([values for _, values in curves.values()])
    if panel == "loss" and everything.min() > 0 and everything.max() > 20 * everything.min():
        ax.set_yscale("log")
    elif panel != "loss":
        top = float(np.percentile(everything, 99))
        ax.set_ylim(0, 1.12 * max(top, 1e-12 if panel != "probe" else 1.0))
    if panel == "probe":
        ax.axhline(1.0, color="#bbbbbb", lw=0.8, ls=(0, (2, 2)))
    ends, shades = [], iter(SHADES * 2)
    for k, (column, (steps, values)) in enumerate(curves.items()):
        main = column.split("/")[-1] in ("loss", "train_loss") or (panel != "loss" and k == 0)
        line = tint if main else next(shades)
        keep = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_POINTS)).round().astype(int))
        held_out = column.startswith(("valid", "val_", "val/"))
        ax.plot(
            steps[keep], values[keep], color=line, lw=1.6 if main else 1.1, ls="--" if held_out else "-",
            marker="o" if len(keep) < 3 else None, ms=3, zorder=3 if main else 2,
        )  # fmt: skip
        ends.append((steps[-1], values[-1], shorten(column, panel), line))
    ax.margins(x=0.02)
    ax.locator_params(axis="x", nbins=4)
    if len(ends) > 1:
        # Positions of labels need the final limits.
        ax.autoscale_view()
        _label_ends(ax, ends)


def shorten(column: str, panel: str) -> str:
    """Name of a curve at its end."""
    name = column.replace("/", " ").removeprefix("train ").replace("effective_rank", "rank")
    if panel == "probe":
        name = name.replace("probe_mse_", "").replace("probe_mse", "mean")
    if panel == "spread":
        name = name.replace("feature_std_", "").replace("feature_std", "tokens")
    return name.replace("mse_", "").replace("_", " ")


def _label_ends(ax: Axes, ends: list[tuple[Any, Any, str, str]]) -> None:
    """Write each line's name at its right end, moved apart where they would overlap."""
    to_axes = ax.transScale + ax.transLimits
    heights = [float(np.clip(to_axes.transform((x, y))[1], 0, 1)) for x, y, _, _ in ends]
    least = 0.13
    order = np.argsort(heights)
    placed = np.array(heights)[order]
    for k in range(1, len(placed)):
        placed[k] = max(placed[k], placed[k - 1] + least)
    placed -= max(0.0, placed[-1] - 1.0)
    for k in range(len(placed) - 2, -1, -1):
        placed[k] = min(placed[k], placed[k + 1] - least)
    for height, index in zip(placed, order, strict=True):
        _, _, text, tint = ends[index]
        ax.annotate(
            text, (1.02, height), xycoords="axes fraction", va="center", fontsize=7, color=tint or INK,
            annotation_clip=False,
        )  # fmt: skip
