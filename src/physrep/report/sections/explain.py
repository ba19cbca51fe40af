"""Where estimates come from: sensitivity maps, a map of tokens, parameters by depth."""

from __future__ import annotations

from ...benchmark.directory import Bench
from ...benchmark.run_lines import lines
from ...formats import number
from ..section import Section
from .explain_figures import block_scores, layer_plot, map_plot, saliency_figure

EVEN = 1.5
"""Times its even share that a channel needs to be named."""


def explain_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """The section of the analysis ``explain``."""
    section = Section("explain", "Where estimates come from")
    folder = bench.folder / "analyses"
    symbols = {p["name"]: p["symbol"] for p in bench.parameters(bench.systems[0])}
    saliency = [row for row in rows if row["question"] == "saliency"]
    if saliency and (folder / "explain_saliency.npz").is_file():
        section.sentences += _saliency(saliency)
        line = lines(saliency)[0]
        figure = saliency_figure(folder / "explain_saliency.npz", saliency, symbols)
        caption = (
            f"Sensitivity of the estimates from {line.label} tokens (ridge on pooled tokens) to the input, in a few "
            "test windows: the channel that matters most on top, below it for each parameter the size of the gradient "
            "over all channels, each channel scaled by its standard deviation and squares averaged over 4 × 4 points; "
            "bright: a small change there moves the estimate most. Every window and parameter has its own scale, and "
            "numbers below are times in the window. A gradient is a local, linear answer."
        )
        section.show(figure, bench.folder, "explain_saliency", "Maps of input sensitivity", caption, 130)
    layers = [row for row in rows if row["question"] == "layer"]
    if layers:
        section.sentences += _layers(layers)
        caption = (
            "Test MSE (mean over parameters, per window) of ridge regression from the pooled output of every top-level "
            "block; bars are 95 % intervals. “input”: mean and standard deviation of every channel of the fields."
        )
        alt = "Error of parameters by depth of the encoder"
        section.show(layer_plot(layers), bench.folder, "explain_layers", alt, caption)
    if (folder / "explain_map.npz").is_file():
        plot = map_plot(folder / "explain_map.npz", rows, bench.parameters(bench.systems[0]))
        caption = (
            "First two principal components of the standardised pooled tokens of test windows, one column per run, "
            "coloured by each parameter (blue low, yellow high; rank order). Written: share of the variance in the two."
        )
        alt = "Principal components of the tokens coloured by parameter"
        section.show(plot, bench.folder, "explain_map", alt, caption)
    return section if section.pictures else None


def _saliency(rows: list[dict[str, str]]) -> list[str]:
    line = lines(rows)[0]
    parts = []
    for parameter in dict.fromkeys(row["parameter"] for row in rows):
        own = [r for r in rows if r["parameter"] == parameter and r["metric"] == "share_of_channel"]
        top = max(own, key=lambda row: float(row["value"]))
        if float(top["value"]) < EVEN / len(own):
            parts.append(f"for {parameter} no channel holds much more than its part")
        else:
            parts.append(f"for {parameter} {float(top['value']):.0%} lies in {top['item'].replace('_', ' ')}")
    return [f"Of the squared sensitivity of {line.label}'s estimates to the input, {', '.join(parts)}."]


def _layers(rows: list[dict[str, str]]) -> list[str]:
    """Learners whose error is lower before the last block by more than the interval there."""
    parts = []
    for line in lines(rows):
        found = block_scores(rows, line)
        low, last = min(found, key=lambda name: found[name].value), list(found)[-1]
        # A difference that the interval covers is none.
        if line.kind == "learner" and found[last].value > found[low].high:
            error, end = number(found[low].value, 2), number(found[last].value, 2)
            parts.append(f"{line.label} at {low} (MSE {error}, last block {end})")
    if not parts:
        return ["No block of a learner gives the parameters with a clearly lower error than its last one."]
    return [f"Parameters are read with a clearly lower error before the last block by {', '.join(parts)}."]
