"""A run directory from a published checkpoint: `embed` and `probe` take it like one that was trained here."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..data.config import DataConfig
from ..errors import PhysrepError
from ..files import atomic_folder, read_record, write_json
from ..known_names import check_family
from ..run_directory import SUMMARY, build_learner, plain, save_learner
from ..version import __version__
from .base import Imported, read_tensors

TENSOR = ("xx", "xy", "yx", "yy")
PUBLISHED_CHANNELS: dict[str, tuple[str, ...]] = {
    "active_matter": (
        "concentration",
        "velocity_x",
        "velocity_y",
        *(f"D_{ij}" for ij in TENSOR),
        *(f"E_{ij}" for ij in TENSOR),
    ),
    "shear_flow": ("pressure", "tracer", "velocity_x", "velocity_y"),
    "rayleigh_benard": ("buoyancy", "pressure", "velocity_x", "velocity_y"),
}
"""Channels of the published JEPA and VideoMAE, in order: scalars, vectors, tensors, each as HDF5 lists them, that is by
the alphabet. For shear_flow this is not the order of The Well's metadata (tracer first), which DISCO uses."""

WELL_CHANNELS = {**PUBLISHED_CHANNELS, "shear_flow": ("tracer", "pressure", "velocity_x", "velocity_y")}
"""Channels in the order of The Well's metadata."""


def import_checkpoint(
    path: str | Path,
    family: str,
    out: str | Path,
    *,
    dataset: str = "",
    channels: Sequence[str] | None = None,
    num_frames: int | None = None,
    data: DataConfig | None = None,
    predictor: str | Path | None = None,
    options: dict[str, Any] | None = None,
) -> Imported:
    """Turn a published checkpoint into a run directory.

    The published models read raw fields (or standardise them themselves), so the normalisation is the identity.

    Args:
        path: checkpoint, read as tensors only.
        family: one of `physrep.known_names.FAMILIES`.
        out: run directory; refused if it holds another run.
        dataset: data set that the weights were trained on, which gives the order of channels.
        channels: names of the channels in the order of the weights, instead.
        num_frames: frames per window where the shapes do not tell (default 16, or 6 for walrus); refused where they say
            another number.
        data: data to remember in the run, for `probe`.
        predictor: second file of a JEPA.
        options: further arguments of the family's ``convert``, e.g. ``num_heads``.

    Raises:
        PhysrepError: a file that cannot be read as tensors or is of another family, or channels that do not fit.
    """
    path, out = Path(path), Path(out)
    check_family(family)
    orders = WELL_CHANNELS if family == "disco" else PUBLISHED_CHANNELS
    if channels is None:
        if dataset not in orders:
            raise PhysrepError(
                f"the order of the weights' channels is not known; give --dataset ({', '.join(orders)}) or --channels."
            )
        channels = orders[dataset]
    if len(set(channels)) < len(channels):
        raise PhysrepError(f"--channels {' '.join(channels)} names a channel twice; every one has a name of its own.")
    tensors = read_tensors(path)
    convert = importlib.import_module(f".{family}", __package__).convert
    offered: dict[str, Any] = {"channels": tuple(channels), "dataset": dataset or None, "folder": path.parent}
    if num_frames is not None:
        offered["num_frames"] = num_frames
    if predictor is not None:
        offered["predictor"] = read_tensors(predictor)
    known = inspect.signature(convert).parameters
    wrong = [name for name in (options or {}) if name not in known]
    if wrong or (predictor is not None and "predictor" not in known):
        raise PhysrepError(
            f"{family} checkpoints have no setting {wrong[0] if wrong else 'predictor'!r}; leave it out."
        )
    arguments = {name: value for name, value in offered.items() if name in known} | dict(options or {})
    try:
        imported: Imported = convert(tensors, **arguments)
    except PhysrepError as error:
        raise PhysrepError(f"{path}: {error}") from error
    if imported.in_channels != len(channels):
        raise PhysrepError(
            f"{path}: its weights read {imported.in_channels} channels, but {len(channels)} are named "
            f"({', '.join(channels)}); name them with --channels, in the order of the weights."
        )
    if num_frames is not None and imported.num_frames != num_frames:
        raise PhysrepError(
            f"{path}: its weights are for windows of {imported.num_frames} frames; leave --num_frames {num_frames} out."
        )
    _write(imported, path, out, family, tuple(channels), data or DataConfig())
    return imported


def _write(imported: Imported, path: Path, out: Path, family: str, channels: tuple[str, ...], data: DataConfig) -> None:
    with path.open("rb") as file:  # a file of several GB is not read whole
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    source = {"file": path.name, "sha256": digest, "family": family}
    if out.exists() and any(out.iterdir()):
        summary = read_record(out / SUMMARY) if (out / SUMMARY).is_file() else {}
        if summary.get("imported_from") != source:
            raise PhysrepError(f"{out}: holds something else; choose another --out.")
    config = {
        "physrep": __version__,
        "learner": imported.learner,
        "options": plain(imported.options),
        "in_channels": imported.in_channels,
        "num_frames": imported.num_frames,
        "parameters": {},
        "seed": 0,
        "data": data.as_dict() if data.path or data.root else {"path": ""},
    }
    torch.manual_seed(0)
    learner = build_learner(config)
    try:
        missing, unexpected = learner.load_state_dict(imported.state, strict=False)
    except RuntimeError as error:
        raise PhysrepError(f"{path}: {' '.join(str(error).split())[:300]}") from error
    normalisation = ("field_mean", "field_std", "channel_names")
    lacking = [key for key in missing if key not in normalisation and not _is_fresh(key, imported.fresh)]
    if lacking or unexpected:
        raise PhysrepError(
            f"{path}: {len(lacking)} weights are missing and {len(unexpected)} unknown, the first is "
            f"{[*lacking, *unexpected][0]!r}; it is not a complete {family} checkpoint."
        )
    learner.set_normalisation(channels, [0.0] * len(channels), [1.0] * len(channels))
    summary = {
        "learner": imported.learner,
        "parameters": sum(p.numel() for p in learner.parameters()),
        "imported_from": source,
        "channels": list(channels),
    }
    with atomic_folder(out, last=SUMMARY) as folder:
        save_learner(folder, learner, config)
        write_json(folder / SUMMARY, summary)


def _is_fresh(key: str, fresh: Sequence[str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in fresh)
