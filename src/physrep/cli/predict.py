"""`physrep predict`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..ranges import Range
from .arguments import add_device, chosen_device, parser, require_places

FORMATS = ("text", "csv", "json")

OUTSIDE = 3
"""Exit code where a recording is outside of what was learned."""


def _parsed(arguments: Sequence[str]) -> Any:
    p = parser(
        "predict",
        "Estimate the physical parameters of new recordings with the encoder and the fitted probe of a run, per "
        "trajectory, with intervals, and say whether a recording is inside of what was learned. Exit code 3: at least "
        "one is outside.",
    )
    p.add_argument(
        "run", type=str, help="what `physrep fit` or `physrep probe` wrote, or a run of a benchmark (DIR/runs/NAME)"
    )
    p.add_argument("recordings", type=str, nargs="+", help="files, folders of files or data sets; labels are not read")
    p.add_argument("--probe", type=str | None, default=None, help="which stored probe; default the best on valid")
    p.add_argument("--stride", type=int | None, default=None, help="distance of windows; default that of the fit")
    p.add_argument(
        "--posterior",
        type=str | None,
        nargs="?",
        const="tokens",
        default=None,
        help="draw from the posterior of the parameters too, given tokens (default), spectra or both; behind FILES",
    )
    p.add_argument("--draws", type=int, default=1000, help="of the posterior, per trajectory")
    p.add_argument("--format", type=str, default="text", help=f"of the answer: {', '.join(FORMATS)}")
    p.add_argument("--out", type=str | None, default=None, help="folder for predictions.csv, .json and a page")
    add_device(p)
    p.ranges = {"stride": Range(at_least=1, at_most=10**9), "draws": Range(at_least=20, at_most=10**6)}
    values = p.parse_args(list(arguments))
    if values.format not in FORMATS:
        raise PhysrepError(f"--format {values.format!r} is unknown; give one of {', '.join(FORMATS)}.")
    return values


def run(arguments: Sequence[str]) -> int:
    """Ask recordings."""
    values = _parsed(arguments)
    from ..run_directory import read_run_config

    if values.run.startswith("hf:"):
        from ..sharing import local_run

        values.run = local_run(values.run)
    if not Path(values.run).is_dir():
        read_run_config(values.run)
    require_places(values.recordings)
    from ..readout.posteriors import FEATURES, run_posterior

    if values.posterior not in (None, *FEATURES):
        raise PhysrepError(
            f"--posterior {values.posterior!r} is unknown; give {', '.join(FEATURES)}, and name it behind the "
            "recordings."
        )
    from ..files import write_text
    from ..readout import chosen_run, read_readout, recordings
    from ..readout.records import as_csv, as_json
    from ..readout.words import answers_as_text
    from ..run_directory import load_run, run_data

    run = chosen_run(values.run)
    learner, config = load_run(run)
    readout = read_readout(run, values.probe)
    data = run_data(config)
    device = chosen_device(values)
    learner = learner.to(device)
    stride = values.stride or readout.background.stride
    found = recordings(values.recordings, data, learner.num_frames, stride, data.frame_step)
    drawn = None
    # Recordings that cannot be read are refused before a posterior is fitted.
    first = list(islice(found, 1))
    if values.posterior is not None:
        drawn = (values.posterior, run_posterior(run, readout, config, values.posterior))
    answers = [
        (recording, readout.ask(learner, recording.clip.to(device), drawn, values.draws, recording.units))
        for recording in chain(first, found)
    ]
    written = {"text": answers_as_text, "csv": as_csv, "json": as_json}
    print(written[values.format](readout, answers))
    if values.out:
        from ..report.prediction_page import write_page

        folder = Path(values.out)
        write_text(folder / "predictions.csv", as_csv(readout, answers) + "\n")
        write_text(folder / "predictions.json", as_json(readout, answers) + "\n")
        print(f"page: {write_page(folder, readout, answers, str(run))}")
    return OUTSIDE if any(answer.verdict == 2 for _, answer in answers) else 0
