"""`physrep pretrain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..data.config import DataConfig
from ..errors import PhysrepError
from ..known_names import check_name
from .arguments import (
    PLAN,
    Parser,
    add_data_root,
    add_device,
    apply_overrides,
    chosen_device,
    dataclass_from,
    dataset_path,
    options_of,
    parser,
    split_overrides,
)

SECTIONS = ("training", "data", "scales", "options", "encoder_options")
"""Sections of dotted options that a training uses."""


def _parser() -> Parser:
    p = parser(
        "pretrain",
        "Train a learner on DATA into the run directory OUT. Further settings are dotted: --training.steps 2000 "
        "--training.shift true --options.regulariser.std 25 --encoder_options.dims '[32, 64, 128]', for "
        "operator_discovery --options.fit_trajectories 256; "
        "`physrep list training` shows those of training.",
    )
    p.add_argument("learner", type=str, help="name; see `physrep list learners`")
    p.add_argument("--data", type=str, required=True, help="data set folder, holding data/{train,valid,test}")
    add_data_root(p, "--data is then the NAME of a data set")
    p.add_argument("--out", type=str, required=True, help="run directory")
    p.add_argument("--encoder", type=str | None, default=None, help="name or import path (module:Class)")
    p.add_argument("--num-frames", type=int, default=16, help="frames per window that the encoder reads")
    p.add_argument("--fields", type=str, nargs="+", help="fields or components to read; default all")
    p.add_argument("--resolution", type=int, nargs="+", help="resample to this grid")
    p.add_argument("--resample", type=str | None, default=None, help="how: bilinear or spectral")
    p.add_argument("--crop", type=str | None, default=None, help="'paper' for the paper's crops")
    p.add_argument(
        "--init-from",
        type=str | None,
        default=None,
        help="run directory (or hf:OWNER/NAME) whose weights to start from",
    )
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--plan", action="store_true", help=PLAN)
    add_device(p)
    p.add_argument("--devices", type=int, default=1, help="number of GPUs")
    return p


def run(arguments: Sequence[str]) -> int:
    """Train one learner."""
    from ..benchmark.config import read_config
    from ..training.config import TrainingConfig

    p = _parser()
    plain, overrides = split_overrides(arguments)
    values = p.parse_args(plain)
    check_name("learner", values.learner)
    if values.encoder:
        check_name("encoder", values.encoder)
    options_of(overrides, SECTIONS, "pretrain")
    for key in set(overrides) & {"data.path", "data.root", "data.dataset"}:
        raise PhysrepError(f"--{key} has no effect: the data set is given with --data and --data-root; leave it out.")
    for name in ("fields", "resolution", "resample", "crop"):
        if f"data.{name}" in overrides:
            p.refuse([name], f"--data.{name} is given as well")
    nested: dict[str, Any] = apply_overrides({"training": asdict(TrainingConfig())}, overrides)
    settings = read_config({key: nested[key] for key in nested if key != "options"}, "command line")
    options = dict(nested.get("options", {}))
    if values.encoder:
        if "encoder" in options:
            p.refuse(["encoder"], "--options.encoder is given as well")
        options["encoder"] = values.encoder
    if "encoder_options" in nested:
        options["encoder_options"] = nested["encoder_options"]
    place = {"path": dataset_path(values.data, values.data_root), "dataset": values.data if values.data_root else ""}
    given = {name: value for name, value in values.as_dict().items() if value is not None}
    data = dataclass_from(DataConfig, {**vars(settings.data), **given, **place})
    if values.plan:
        from ..training.plan import plan_training

        asked = (values.num_frames, settings.training, chosen_device(values))
        print(plan_training(values.learner, data, values.out, options, *asked))
        return 0
    from ..sharing import local_run
    from ..training.pretrain import pretrain

    out = pretrain(
        values.learner,
        data,
        values.out,
        options=options,
        num_frames=values.num_frames,
        training=settings.training,
        scales=settings.scales,
        seed=values.seed,
        device=chosen_device(values),
        devices=values.devices,
        init_from=values.init_from and local_run(values.init_from),
    )
    print(f"{out}: weights.safetensors, config.yaml, metrics.csv; next: physrep probe {out}")
    return 0
