"""`physrep score`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..known_names import check_name
from .arguments import (
    add_data_root,
    add_device,
    chosen_device,
    dataset_path,
    options_of,
    parser,
    split_overrides,
)


def run(arguments: Sequence[str]) -> int:
    """Score an encoder against the floors."""
    p = parser(
        "score",
        "Is an encoder worth it? ENCODER against a constant, field statistics, power spectra, the classical floor and "
        "its own random weights, on the same windows. ENCODER is an import path (module:Class), a run directory, an "
        "exported program (.pt2), or hf:FOLDER_OR_ID. Options of the class are dotted: --encoder_options.depth 12. "
        "Called again, it goes on.",
    )
    p.add_argument("encoder", type=str, help="import path, run directory, .pt2 file, or hf:FOLDER_OR_ID")
    p.add_argument("--data", type=str | None, default=None, help="data set; default that of the run")
    add_data_root(p, "--data is then the NAME of a data set")
    p.add_argument("--out", type=str | None, default=None, help="folder of the result; default runs/score/ENCODER")
    p.add_argument("--weights", type=str | None, default=None, help=".safetensors or .pth for the class, tensors only")
    p.add_argument("--layout", type=str | None, default=None, help="BCTHW (default), BTCHW, BTHWC, or BCHW for images")
    p.add_argument("--size", type=int, nargs="+", help="height and width that the encoder wants")
    p.add_argument("--channels", type=str | None, default=None, help="all (default), each, mean or first3")
    p.add_argument("--normalise", type=str | None, default=None, help="dataset (default), imagenet or none")
    p.add_argument("--pool", type=str | None, default=None, help="none (default), mean, or first")
    p.add_argument("--num-frames", type=int | None, default=None, help="frames per window; default 16, or the run's")
    p.add_argument("--stride", type=int, default=8, help="distance between the starts of windows")
    p.add_argument("--fields", type=str, nargs="+", help="fields to read; default all, or the run's")
    p.add_argument("--resolution", type=int, nargs="+", help="grid to resample the data to")
    p.add_argument("--labels", type=str | None, default=None, help="CSV file with further labels per trajectory")
    p.add_argument("--probes", type=str, nargs="+", default=["ridge", "kernel_ridge"], help="the best on valid counts")
    p.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the random weights")
    p.add_argument("--jobs", type=int | None, default=None, help="runs side by side on a CPU")
    p.add_argument(
        "--systems", type=str, nargs="+", default=[],
        help="simulate the data of these quick presets, score on each: all, or names; --simulation.NAME as in bench",
    )  # fmt: skip
    add_device(p)
    plain, overrides = split_overrides(arguments)
    values = p.parse_args(plain)
    nested = options_of(overrides, ["encoder_options", "simulation"], "score")
    options = nested.get("encoder_options") or {}
    if nested.get("simulation") and not values.systems:
        raise PhysrepError("--simulation.NAME has no effect: it goes with --systems; leave it out.")
    if values.systems:
        p.refuse(("data", "data_root", "labels", "resolution"), "--systems simulates its own data")

        from .score_systems import chosen_systems

        chosen_systems(values.systems)
    check_name("encoder", values.encoder)
    for probe in values.probes:
        check_name("probe", probe)

    _as_exported(values)
    own = None if values.systems else _data(values)  # a wrong path is said before torch is imported
    size = values.size and (values.size[0] if len(values.size) == 1 else list(values.size))
    names = ("encoder", "weights", "layout", "channels", "normalise", "pool")
    given: dict[str, Any] = {name: getattr(values, name) for name in names}
    shared: dict[str, Any] = {
        "probes": values.probes, "seeds": values.seeds, "device": chosen_device(values), "jobs": values.jobs,
    }  # fmt: skip
    asked = {**given, "size": size or None, "encoder_options": options}
    out = Path(values.out or Path("runs") / "score" / _folder(values.encoder))
    if own is None:
        from .score_systems import score_systems

        stride = values.stride if "stride" in p.given else None
        view = {"num_frames": values.num_frames, "stride": stride, "fields": values.fields}
        return score_systems(asked, values.systems, out, nested.get("simulation") or {}, view, shared)
    from ..benchmark.score import score

    data, frames = own
    answer = score(asked, data, out, num_frames=frames, stride=values.stride, **shared)
    print("\n".join(table_lines(answer)))
    return 0


def _as_exported(values: Any) -> None:
    """Feed a program of `physrep export` as the file beside it says, unless told otherwise."""
    beside = Path(values.encoder).with_suffix(".json")
    if not values.encoder.endswith(".pt2") or not beside.is_file():
        return
    from ..files import read_json

    about = read_json(beside)
    if isinstance(about, dict) and about.get("physrep") and isinstance(about.get("input"), dict):
        known = about["input"]
        values.normalise = values.normalise or "none"
        values.num_frames = values.num_frames or int(known["shape"][2])
        values.fields = values.fields or list(known["channels"])
        print(f"{beside}: raw fields {', '.join(known['channels'])} in windows of {values.num_frames} frames")


def _data(values: Any) -> tuple[Any, int]:
    """The data set and the frames per window, those of a run where ENCODER is one."""
    from ..data.config import DataConfig

    if Path(values.encoder).is_dir():
        from ..run_directory import load_run, run_data

        learner, config = load_run(values.encoder)
        path = None if values.data is None else dataset_path(values.data, values.data_root)
        data = run_data(config, path)
        if values.num_frames not in (None, learner.num_frames):
            raise PhysrepError(
                f"{values.encoder}: reads windows of {learner.num_frames} frames; leave --num_frames out."
            )
        frames = learner.num_frames
    else:
        if values.data is None:
            raise PhysrepError(f"--data is missing; name the data set that {values.encoder!r} is to encode.")
        data, frames = DataConfig(path=dataset_path(values.data, values.data_root)), values.num_frames or 16
    data.fields = list(values.fields) if values.fields else data.fields
    data.resolution = list(values.resolution) if values.resolution else data.resolution
    data.labels = values.labels or data.labels
    return data, frames


def _folder(encoder: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in encoder).strip("._") or "encoder"


def table_lines(answer: Any) -> list[str]:
    """The table and what it says, for a terminal."""
    names = list(answer.rows[0].each)
    head = f"{'':<22} {'probe':<13} {'MSE':>7}  {'95 %':<16} {'R2':>7}" + "".join(f" {name[:12]:>12}" for name in names)
    table = [head]
    for row in answer.rows:
        mark = " *" if row.run == answer.floor else ""
        table.append(
            f"{row.label + mark:<22} {row.probe:<13} {row.mse:>7.3f}  [{row.low:.3f}, {row.high:.3f}]   {row.r2:>7.3f}"
            + "".join(f" {row.each[name]:>12.3f}" for name in names)
        )
    floor = next(row for row in answer.rows if row.run == answer.floor)
    return [
        *table,
        "test MSE per trajectory of the z-scored parameters, 1 for a constant; * the best floor on valid",
        "",
        sentence(answer, floor.label),
        *(f"warning: {line}" for line in answer.warnings),
    ]


def sentence(answer: Any, floor: str) -> str:
    """The answer in words."""
    value, low, high = answer.gain
    verdict = "better than" if low > 0 else "worse than" if high < 0 else "not told apart from"
    more, more_low, more_high = answer.increment
    knows = "adds to it" if more_low > 0 else "adds nothing that can be told to it" if more_high > 0 else "harms it"
    measured, total = answer.measured, answer.labels["all"]
    own, other = answer.labels["encoder"], answer.labels["floor"]
    if math.isfinite(other) and other < total:
        labels = f"{floor} needs {other:.0f} of {total:.0f} labelled trajectories for the encoder's score"
    elif math.isfinite(own) and own < total:
        labels = f"it needs {own:.0f} of {total:.0f} labelled trajectories for the score of {floor} with all"
    else:
        labels = f"neither reaches the other's score with fewer than all {total:.0f} labelled trajectories"
    return (
        f"The encoder is {verdict} the best floor, {floor}: gain {value:+.3f} [{low:+.3f}, {high:+.3f}]. Read together "
        f"with it, the MSE of the floor falls by {more:.3f} [{more_low:.3f}, {more_high:.3f}]: it {knows}. Labels: "
        f"{labels}. Tokens: {measured.tokens} x {measured.width} per window, {1000 * measured.seconds:.2g} ms each, "
        f"participation ratio {answer.participation:.1f}."
    )
