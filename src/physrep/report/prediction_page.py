"""The page of `physrep predict`: recordings, their parameters with intervals, and what is strange about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..benchmark.directory import Samples
from ..files import write_text
from ..palette import diverging
from .fields import draw_samples
from .figures import WIDTH, save_figure
from .prediction import Answers, facts, first_sentence
from .style import INK, MUTED, paper, quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..readout import Answer, Readout, Recording

SHOWN = 12
"""Recordings with a figure; the table lists all."""

VERDICT_COLOURS = ("#2f7d4f", "#b07a12", "#b3261e")
CHANNELS = 4
"""Channels of a recording that are drawn, at most."""


def write_page(folder: Path, readout: Readout, answers: Answers, run: str) -> Path:
    """``folder/predictions.html``, one file with everything in it; its figures lie in ``folder/figures`` too.

    Args:
        folder: where to.
        readout: that was asked.
        answers: recordings and what it said of them.
        run: name of the run, for the page.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(quantity=quantity)
    here = Path(__file__)
    template = environment.from_string(here.with_name("prediction.html.j2").read_text(encoding="utf-8"))
    figures = []
    for number, (recording, answer) in enumerate(answers[:SHOWN]):
        uri = save_figure(
            _figure(readout, recording, answer), folder / "figures" / f"recording{number}.png", vector=False
        )
        figures.append({"title": _title(recording), "answer": answer, "uri": uri})
    rows = [
        {
            "name": f"{Path(recording.source).name} #{recording.trajectory}",
            "answer": answer,
            "colour": VERDICT_COLOURS[answer.verdict],
            "known": [recording.parameters.get(name) for name in answer.parameters],
        }
        for recording, answer in answers
    ]
    page = template.render(
        css=here.with_name("page.css").read_text(encoding="utf-8"),
        first=first_sentence(answers),
        parameters=readout.scaler.names,
        level=readout.trajectories.level,
        rows=rows,
        stated=any(value is not None for row in rows for value in row["known"]),
        run=run,
        facts=facts(readout),
        ranges=[f"{name} {quantity(low)} to {quantity(high)}" for name, (low, high) in readout.ranges.items()],
        figures=figures,
        more=len(answers) - len(figures),
    )
    write_text(folder / "predictions.html", page)
    return folder / "predictions.html"


def _title(recording: Recording) -> str:
    return f"{recording.source}, trajectory {recording.trajectory}"


def _figure(readout: Readout, recording: Recording, answer: Answer) -> Figure:
    """Fields over time, every parameter by window, and the nearest training trajectories."""
    from matplotlib.figure import Figure

    channels = min(CHANNELS, len(recording.clip.channels))
    with paper():
        figure = Figure(figsize=(WIDTH, 1.35 * channels + 2.5), layout="constrained")
        parts: Any = figure.subfigures(2, 1, height_ratios=[1.35 * channels, 2.5])
        _fields(parts[0], recording, channels)
        left, right = parts[1].subfigures(1, 2, width_ratios=[2.2, 1.2])
        axes = left.subplots(1, len(answer.parameters), squeeze=False)[0]
        for k, name in enumerate(answer.parameters):
            _over_time(axes[k], readout, recording, answer, k, name)
        _neighbours(right, answer)
    return figure


def _fields(figure: Any, recording: Recording, channels: int) -> None:
    clip = recording.clip
    # First frames of the windows, and the last frame there is.
    frames = [*clip.fields[:, :, 0], clip.fields[-1, :, -1]]
    fields = np.stack([frame.cpu().numpy() for frame in frames], axis=1)
    if fields.ndim == 5:
        fields = fields[..., fields.shape[-1] // 2]
    samples = Samples(fields[None], clip.channels, np.zeros((1, 0)), ())
    draw_samples(figure, samples, {}, 1, 4, channels)
    axes = np.array(figure.axes[: channels * 4])
    last = recording.times[-1] + clip.dt * (clip.fields.shape[2] - 1)
    times = [*recording.times, last]
    shown = np.unique(np.linspace(0, len(times) - 1, 4).round().astype(int))
    for ax, index in zip(axes[(channels - 1) * len(shown) : channels * len(shown)], shown, strict=False):
        ax.set_xlabel(f"t = {times[index]:.3g}", fontsize=7, color=MUTED, labelpad=2)


def _over_time(axes: Any, readout: Readout, recording: Recording, answer: Answer, k: int, name: str) -> None:
    times = recording.times
    axes.axhspan(*readout.ranges[name], color="#eef3ee", zorder=0)
    low, high = answer.window_low[:, k], answer.window_high[:, k]
    if np.isfinite(low).all() and np.isfinite(high).all():
        axes.fill_between(times, low, high, color="#c9d8ea", zorder=1)
    axes.plot(times, answer.windows[:, k], color="#1f63b4", marker="o", markersize=3)
    axes.axhline(answer.estimate[k], color=INK, linewidth=0.8, linestyle="--")
    if readout.scaler.scales[readout.scaler.names.index(name)] == "log":
        axes.set_yscale("log")
    axes.set_title(f"{name} by window")
    axes.set_xlabel("time", color=MUTED)


def _neighbours(figure: Any, answer: Answer) -> None:
    axes = figure.subplots(1, max(len(answer.neighbours), 1), squeeze=False)[0]
    figure.suptitle("nearest in training", fontsize=9)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    for ax, own in zip(axes, answer.neighbours, strict=False):
        ax.imshow(own.picture.T, origin="lower", cmap=diverging(), vmin=-1, vmax=1, interpolation="nearest")
        labels = "\n".join(f"{name} {value:.3g}" for name, value in own.parameters.items())
        ax.set_title(f"#{own.trajectory}", fontsize=7.5)
        ax.set_xlabel(f"{labels}\ndistance {own.distance:.2g}", fontsize=7)
