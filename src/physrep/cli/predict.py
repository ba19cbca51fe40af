"""`physrep predict`."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PhysrepError
from .arguments import parser

if TYPE_CHECKING:
    from ..readout import Answer, Readout, Recording

FORMATS = ("text", "csv", "json")
OUTSIDE = 3
"""Exit code where a recording is outside of what was learned."""


def run(arguments: Sequence[str]) -> int:
    """Ask recordings."""
    p = parser(
        "predict",
        "Estimate the physical parameters of new recordings with the encoder and the fitted probe of a run, per "
        "trajectory, with intervals, and say whether a recording is inside of what was learned. Exit code 3: at least "
        "one is outside.",
    )
    p.add_argument("run", type=str, help="run directory that `physrep probe` or `physrep bench` wrote (DIR/runs/NAME)")
    p.add_argument("recordings", type=str, nargs="+", help="files, folders of files or data sets; labels are not read")
    p.add_argument("--probe", type=str | None, default=None, help="which stored probe; default the best on valid")
    p.add_argument("--stride", type=int | None, default=None, help="distance of windows; default that of the fit")
    p.add_argument("--format", type=str, default="text", help=f"of the answer: {', '.join(FORMATS)}")
    p.add_argument("--out", type=str | None, default=None, help="folder for predictions.csv, .json and a page")
    p.add_argument("--device", type=str, default="cpu", help="cpu or cuda")
    values = p.parse_args(list(arguments))
    if values.format not in FORMATS:
        raise PhysrepError(f"--format {values.format!r} is unknown; give one of {', '.join(FORMATS)}.")
    if values.stride is not None and values.stride < 1:
        raise PhysrepError(f"--stride is {values.stride}; it must be at least 1.")
    from ..readout import read_readout, recordings
    from ..run_directory import load_run, run_data

    learner, config = load_run(values.run)
    readout = read_readout(values.run, values.probe)
    data = run_data(config)
    learner = learner.to(values.device)
    found = recordings(values.recordings, data, learner.num_frames, values.stride or readout.stride, data.frame_step)
    answers = [(recording, readout.ask(learner, recording.clip.to(values.device))) for recording in found]
    written = {"text": _text, "csv": _csv, "json": _json}
    print(written[values.format](readout, answers))
    if values.out:
        from ..report.prediction_page import write_page

        _keep(Path(values.out), readout, answers)
        print(f"page: {write_page(Path(values.out), readout, answers, values.run)}")
    return OUTSIDE if any(answer.verdict == 2 for _, answer in answers) else 0


def _keep(folder: Path, readout: Readout, answers: Sequence[tuple[Recording, Answer]]) -> None:
    from ..files import atomic_write

    for name, content in (("predictions.csv", _csv(readout, answers)), ("predictions.json", _json(readout, answers))):
        with atomic_write(folder / name, "w") as file:
            file.write(content + "\n")


def _text(readout: Readout, answers: Sequence[tuple[Recording, Answer]]) -> str:
    lines: list[str] = []
    strange = [answer for _, answer in answers if answer.verdict == 2]
    if strange:
        lines.append(f"{len(strange)} of {len(answers)} recordings are OUTSIDE of what was learned; do not trust them.")
    for recording, answer in answers:
        lines.append(f"{recording.source}, trajectory {recording.trajectory}: {answer.word}")
        lines += [f"  ! {reason}" for reason in answer.reasons]
        for k, name in enumerate(answer.parameters):
            interval = f"[{answer.low[k]:.4g}, {answer.high[k]:.4g}]"
            known = recording.parameters.get(name)
            stated = "" if known is None else f"   (the file says {known:.4g})"
            lines.append(f"  {name:<16} {answer.estimate[k]:>10.4g}  {interval}{stated}")
    return "\n".join([*lines, "", *_facts(readout)])


def _facts(readout: Readout) -> list[str]:
    whole = readout.trajectories
    covered = ", ".join(f"{name} {share:.0%}" for name, share in zip(readout.scaler.names, whole.coverage, strict=True))
    alarms = "; ".join(
        f"{name} {novelty.false_alarms[0]:.1%} at the edge or outside, {novelty.false_alarms[1]:.1%} outside"
        for name, novelty in readout.novelty.items()
    )
    endless = (
        []
        if all(map(math.isfinite, whole.half_width))
        else [f"{whole.n_valid} valid trajectories are too few for {whole.level:.0%} intervals; these are endless."]
    )
    return [
        *endless,
        f"probe {readout.name}, test MSE {readout.quality:.3g} (z-scored, constant = 1); {whole.level:.0%} intervals "
        f"per trajectory from {whole.n_valid} valid trajectories cover on {whole.n_test} test trajectories: {covered}",
        f"false alarms on test: {alarms}",
    ]


def _rows(answers: Sequence[tuple[Recording, Answer]]) -> list[dict[str, Any]]:
    """One row per trajectory and parameter, and one per window and parameter."""
    rows: list[dict[str, Any]] = []
    for recording, answer in answers:
        place = {"source": recording.source, "trajectory": recording.trajectory, "verdict": answer.word}
        for k, name in enumerate(answer.parameters):
            cells = (answer.estimate[k], answer.low[k], answer.high[k])
            whole = dict(zip(("estimate", "low", "high"), map(float, cells), strict=True))
            rows.append({**place, "level": "trajectory", "start": "", "time": "", "parameter": name, **whole})
            for w, start in enumerate(answer.starts.tolist()):
                cells = (answer.windows[w, k], answer.window_low[w, k], answer.window_high[w, k])
                part = dict(zip(("estimate", "low", "high"), map(float, cells), strict=True))
                time = recording.times[w]
                rows.append({**place, "level": "window", "start": start, "time": time, "parameter": name, **part})
    return rows


def _csv(readout: Readout, answers: Sequence[tuple[Recording, Answer]]) -> str:
    rows = _rows(answers)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _json(readout: Readout, answers: Sequence[tuple[Recording, Answer]]) -> str:
    return json.dumps(
        {
            "probe": readout.name,
            "level": readout.trajectories.level,
            "coverage": dict(zip(readout.scaler.names, readout.trajectories.coverage, strict=True)),
            "false_alarms": {name: list(novelty.false_alarms) for name, novelty in readout.novelty.items()},
            "training_range": readout.ranges,
            "recordings": [
                {
                    "source": recording.source,
                    "trajectory": recording.trajectory,
                    "verdict": answer.word,
                    "reasons": answer.reasons,
                    "novelty": answer.scores,
                    "parameters": {
                        name: {"estimate": answer.estimate[k], "low": answer.low[k], "high": answer.high[k]}
                        for k, name in enumerate(answer.parameters)
                    },
                }
                for recording, answer in answers
            ],
        },
        indent=2,
    )
