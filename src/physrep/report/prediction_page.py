"""The page of `physrep predict`: recordings, their parameters with intervals, and what is strange about them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..files import write_text
from ..formats import quantity
from ..metrics.spacing import evenly_spaced
from ..palette import as_plane, diverging
from ..readout.records import Answers
from ..readout.words import facts, first_sentence, posterior_facts
from .draw import WIDTH, Pictures, Plot, curves, image_figure, save_figure
from .draw.corner import draw_corner
from .draw.scatter import padded
from .draw.types import Axes, Figure
from .render import render_page
from .style import INK

if TYPE_CHECKING:
    from ..readout import Answer, Readout, Recording

SHOWN = 12
"""Recordings with a figure; the table lists all."""

VERDICT_COLOURS = ("#2f7d4f", "#b07a12", "#b3261e")
CHANNELS = 4
"""Channels of a recording that are drawn, at most."""


def write_page(folder: Path, readout: Readout, answers: Answers, run: str) -> Path:
    """``folder/predictions.html``, one file with everything in it; its figures lie in ``folder/figures`` too.

    What is outside of what was learned comes first, then what is at its edge.

    Args:
        folder: where to.
        readout: that was asked.
        answers: recordings and what it said of them.
        run: name of the run, for the page.
    """
    answers = sorted(answers, key=lambda pair: -pair[1].verdict)
    figures = []
    for number, (recording, answer) in enumerate(answers[:SHOWN]):
        drawn = _figures(readout, recording, answer, folder / "figures" / f"recording{number}")
        figures.append({"title": _title(recording), "answer": answer, "drawn": drawn})
    rows = [
        {
            "name": f"{Path(recording.source).name} #{recording.trajectory}",
            "answer": answer,
            "colour": VERDICT_COLOURS[answer.verdict],
            "known": [recording.parameters.get(name) for name in answer.parameters],
        }
        for recording, answer in answers
    ]
    page = render_page(
        "prediction.html.j2",
        title="Parameters of new recordings",
        first=first_sentence(answers),
        parameters=readout.scaler.names,
        level=readout.trajectories.level,
        rows=rows,
        drawn=any(answer.posterior is not None for _, answer in answers),
        stated=any(value is not None for row in rows for value in row["known"]),
        run=run,
        facts=facts(readout) + posterior_facts(answers),
        ranges=[f"{name} {quantity(low)} to {quantity(high)}" for name, (low, high) in readout.ranges.items()],
        figures=figures,
        more=len(answers) - len(figures),
    )
    write_text(folder / "predictions.html", page)
    return folder / "predictions.html"


def _title(recording: Recording) -> str:
    return f"{recording.source}, trajectory {recording.trajectory}"


def _figures(readout: Readout, recording: Recording, answer: Answer, path: Path) -> list[str]:
    """Fields over time, every parameter by window, and the nearest training trajectories, as markup."""
    title = f"{_title(recording)}: {answer.word}"
    panels = [partial(_over_time, readout=readout, recording=recording, answer=answer, k=k)
              for k in range(len(answer.parameters))]  # fmt: skip
    plot = Plot(panels, 2.2, across=max(2, min(3, len(panels))))
    found = [
        save_figure(_fields(recording), path.with_name(f"{path.name}_fields.png"), f"{title}, fields"),
        plot.save(path.with_suffix(".png"), f"{title}, estimates by window"),
    ]
    if answer.posterior is not None:
        draws = {name: answer.posterior.values[:, k].tolist() for k, name in enumerate(answer.parameters)}
        known = {name: value for name, value in recording.parameters.items() if name in draws}
        corner = path.with_name(f"{path.name}_posterior.png")
        found.append(save_figure(draw_corner(draws, known), corner, f"{title}, posterior"))
    if answer.neighbours:
        near = path.with_name(f"{path.name}_neighbours.png")
        found.append(save_figure(_neighbours(answer), near, f"{title}, nearest training trajectories"))
    return found


def _fields(recording: Recording) -> Figure:
    clip = recording.clip
    # First frames of the windows, and the last frame there is.
    frames = [*clip.fields[:, :, 0], clip.fields[-1, :, -1]]
    fields = np.stack([frame.cpu().numpy() for frame in frames], axis=1)
    fields = as_plane(fields, fields.ndim - 2)
    times = [*recording.times, recording.times[-1] + clip.dt * (clip.fields.shape[2] - 1)]
    shown = evenly_spaced(len(times), 4)
    rows = [
        Pictures.of_field(name, values[shown][None])
        for name, values in zip(clip.channels[:CHANNELS], fields, strict=False)
    ]
    return image_figure((WIDTH, 1.35 * len(rows) + 0.3), rows, below=[f"t = {times[k]:.3g}" for k in shown])


def _over_time(ax: Axes, first: bool, readout: Readout, recording: Recording, answer: Answer, k: int) -> None:
    name = answer.parameters[k]
    rows = pd.DataFrame({"curve": name, "colour": "#1f63b4", "x": recording.times, "y": answer.windows[:, k],
                         "low": answer.window_low[:, k], "high": answer.window_high[:, k]})  # fmt: skip
    inside = readout.ranges[name]
    values = np.concatenate([rows[["y", "low", "high"]].to_numpy(float).ravel(), np.array(inside)])
    values = values[np.isfinite(values)]
    log = readout.scaler.scales[readout.scaler.names.index(name)] == "log" and bool(values.min() > 0)
    ax.axhspan(*inside, color="#eef3ee", zorder=0)
    curves(ax, rows, limits=padded(float(values.min()), float(values.max()), log), log_y=log, band=True)
    ax.axhline(answer.estimate[k], color=INK, linewidth=0.8, linestyle="--")
    ax.set(title=f"{name} by window", xlabel="time")


def _neighbours(answer: Answer) -> Figure:
    near = answer.neighbours
    texts = ["\n".join([*(f"{name} {value:.3g}" for name, value in own.parameters.items()),
                        f"distance {own.distance:.2g}"]) for own in near]  # fmt: skip
    row = Pictures("nearest\nin training", np.stack([own.picture for own in near])[None], -1, 1, diverging())
    below = [f"#{own.trajectory}\n{text}" for own, text in zip(near, texts, strict=True)]
    return image_figure((0.9 + 1.5 * len(near), 2.1), [row], below=below)
