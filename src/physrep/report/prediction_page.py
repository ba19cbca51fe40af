"""The page of `physrep predict`: recordings, their parameters with intervals, and what is strange about them."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import atomic_write
from ..palette import diverging
from .style import INK, MUTED, paper

if TYPE_CHECKING:
    from ..readout import Answer, Readout, Recording

SHOWN = 12
"""Recordings with a figure; the table lists all."""

VERDICT_COLOURS = ("#2f7d4f", "#b07a12", "#b3261e")

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
img { max-width: 100%; height: auto; } .muted { color: #666; font-size: .9rem; } h1 { font-size: 1.5rem; }
@media print { body { margin: 0; } figure { break-inside: avoid; } } figure { margin: 1.5rem 0; }
"""


def write_page(folder: Path, readout: Readout, answers: Sequence[tuple[Recording, Answer]], run: str) -> Path:
    """``folder/predictions.html``, one file with everything in it.

    Args:
        folder: where to.
        readout: that was asked.
        answers: recordings and what it said of them.
        run: name of the run, for the page.
    """
    outside = sum(answer.verdict == 2 for _, answer in answers)
    edge = sum(answer.verdict == 1 for _, answer in answers)
    first = f"{len(answers) - outside - edge} of {len(answers)} recordings are inside of what was learned"
    first += f", {edge} at its edge, {outside} outside." if edge or outside else "."
    coverage = ", ".join(
        f"{html.escape(name)} {share:.0%}"
        for name, share in zip(readout.scaler.names, readout.trajectories.coverage, strict=True)
    )
    ranges = ", ".join(f"{html.escape(name)} {low:.4g} to {high:.4g}" for name, (low, high) in readout.ranges.items())
    figures = "".join(_figure(readout, *pair) for pair in answers[:SHOWN])
    more = f"<p>{len(answers) - SHOWN} further recordings are in the table alone.</p>" if len(answers) > SHOWN else ""
    page = f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Parameters of new recordings</title>
<style>{STYLE}</style>
<h1>Parameters of new recordings</h1><p><strong>{first}</strong></p>
<div class="wide">{_table(answers)}</div>
<p class="muted">Run {html.escape(run)}, probe {html.escape(readout.name)}: test MSE {readout.quality:.3g} of the
z-scored parameters (a constant has 1). Intervals are conformal at {readout.trajectories.level:.0%} per trajectory; on
{readout.trajectories.n_test} test trajectories they cover: {coverage}. Trained on {ranges}.</p>
{figures}{more}</html>"""
    with atomic_write(folder / "predictions.html", "w") as file:
        file.write(page)
    return folder / "predictions.html"


def _table(answers: Sequence[tuple[Recording, Answer]]) -> str:
    names = answers[0][1].parameters
    head = "".join(f"<th>{html.escape(name)}</th><th>90&nbsp;% interval</th>" for name in names)
    body = ""
    for recording, answer in answers:
        cells = "".join(
            f"<td>{answer.estimate[k]:.4g}</td><td>{answer.low[k]:.4g} to {answer.high[k]:.4g}</td>"
            for k in range(len(names))
        )
        colour = VERDICT_COLOURS[answer.verdict]
        place = f"{html.escape(Path(recording.source).name)} #{recording.trajectory}"
        body += f'<tr><td>{place}</td><td style="color:{colour}">{answer.word}</td>{cells}</tr>'
    return f"<table><tr><th>recording</th><th>verdict</th>{head}</tr>{body}</table>"


def _figure(readout: Readout, recording: Recording, answer: Answer) -> str:
    """Fields at the start and the end, and every parameter over time with its training range."""
    import matplotlib.pyplot as plt

    count = len(answer.parameters)
    with paper():
        figure, axes = plt.subplots(1, 2 + count, figsize=(2.1 * 2 + 2.9 * count, 2.4), squeeze=False)
        _fields(axes[0, 0], axes[0, 1], recording)
        for k, name in enumerate(answer.parameters):
            _over_time(axes[0, 2 + k], readout, recording, answer, k, name)
        figure.tight_layout()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=150)
        plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    title = f"{html.escape(recording.source)}, trajectory {recording.trajectory}: {answer.word}"
    reasons = "; ".join(map(html.escape, answer.reasons))
    caption = f"<figcaption><strong>{title}</strong>{': ' + reasons if reasons else ''}</figcaption>"
    return f'<figure>{caption}<img alt="{title}" src="data:image/png;base64,{data}"></figure>'


def _fields(left: Any, right: Any, recording: Recording) -> None:
    fields = recording.clip.fields
    for axes, frame, when in ((left, fields[0, 0, 0], "first frame"), (right, fields[-1, 0, -1], "last frame")):
        picture = frame.numpy() if frame.ndim == 2 else frame[..., frame.shape[-1] // 2].numpy()
        spread = float(np.abs(picture - picture.mean()).max()) or 1.0
        limits = (float(picture.mean()) - spread, float(picture.mean()) + spread)
        axes.imshow(picture.T, origin="lower", cmap=diverging(), vmin=limits[0], vmax=limits[1])
        axes.set_title(f"{recording.clip.channels[0]}, {when}")
        axes.set_xticks([])
        axes.set_yticks([])


def _over_time(axes: Any, readout: Readout, recording: Recording, answer: Answer, k: int, name: str) -> None:
    times = recording.times
    axes.axhspan(*readout.ranges[name], color="#eef3ee", zorder=0)
    axes.fill_between(times, answer.window_low[:, k], answer.window_high[:, k], color="#c9d8ea", zorder=1)
    axes.plot(times, answer.windows[:, k], color="#1f63b4", marker="o", markersize=3)
    axes.axhline(answer.estimate[k], color=INK, linewidth=0.8, linestyle="--")
    if readout.scaler.scales[readout.scaler.names.index(name)] == "log":
        axes.set_yscale("log")
    axes.set_title(f"{name} by window")
    axes.set_xlabel("time", color=MUTED)
