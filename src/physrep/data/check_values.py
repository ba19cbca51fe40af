"""Values that no learner can use: missing ones, frames that were never written, constants, and too few frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..errors import PhysrepError
from .faults import Fault
from .missing import find, unwritten_frames
from .seam import axes_stored_twice
from .single_precision import REMEDY, coarse
from .stats import frame_blocks
from .stored_field import StoredField
from .wellfile import WellFile


def check_values(file: WellFile, quick: bool = False, step: Callable[[], None] = lambda: None) -> list[Fault]:
    """Faults in the numbers of a file whose format is in order.

    Args:
        file: the file.
        quick: read first and last frames only.
        step: called after every block that was read.
    """
    faults = []
    if file.n_frames < 2:
        problem = f"has {file.n_frames} frames"
        faults.append(Fault(file.path, "dimensions/time", problem, "a trajectory needs at least 2, for its dynamics"))
    if not file.channels:
        faults.append(Fault(file.path, "t0_fields@field_names", "names no time-varying field", "store at least one"))
    dead = np.ones(file.n_trajectories, dtype=bool)
    ends: list[tuple[np.ndarray, np.ndarray]] = []
    for field in file.fields.values():
        found, low, high = _read(file, field, quick, step)
        faults += found
        for channel, lowest, highest in zip(field.channels, low.min((0, 2)), high.max((0, 2)), strict=True):
            if lowest == highest and field.time_varying:
                problem = f"{channel} is constant ({lowest:.6g})"
                remedy = "leave it out of 'fields' when learning"
                faults.append(Fault(file.path, _item(field), problem, remedy, "warning"))
            elif field.time_varying and (problem := coarse(float(lowest), float(highest))):
                faults.append(Fault(file.path, _item(field), f"{channel} {problem}", REMEDY, "warning"))
        if field.time_varying:
            ends.append((low, high))
            dead &= (low.min(2) == high.max(2)).all(1)
            if not quick and not found:
                faults += frame_faults(file, field, low, high)
    if file.channels and not any(fault.severity == "error" for fault in faults):
        faults += _seams(file)
        if not quick:
            faults += _repeated(file, *(np.concatenate(part, axis=1) for part in zip(*ends, strict=True)))
    if file.channels and dead.any():
        faults.append(
            Fault(
                file.path,
                "fields",
                _dead(int(np.flatnonzero(dead)[0])),
                "leave that trajectory out or simulate it again",
            )
        )
    return faults


TRIED = 8
"""Pairs of frames that are read again, of those whose extremes agree; pictures (0 to 255) have many such."""


def _repeated(file: WellFile, low: np.ndarray, high: np.ndarray) -> list[Fault]:
    """A frame that is stored twice in a row; ``low``, ``high`` of shape ``(trajectories, channels, frames)``."""
    alike = (low[..., 1:] == low[..., :-1]).all(1) & (high[..., 1:] == high[..., :-1]).all(1)
    alike &= (low < high)[..., 1:].any(1)
    pairs = np.argwhere(alike)
    for trajectory, frame in pairs[:TRIED].tolist():
        block = file.read(trajectory, frame, 2, missing="raw")
        if np.array_equal(block[:, 0], block[:, 1]):
            more = f", and up to {len(pairs) - 1} more such pairs" if len(pairs) > 1 else ""
            problem = f"frames {frame} and {frame + 1} of trajectory {trajectory} are equal in every field{more}"
            remedy = "look whether frames were stored twice, or the state is steady"
            return [Fault(file.path, "fields", problem, remedy, "warning")]
    return []


def _seams(file: WellFile) -> list[Fault]:
    block = file.read(0, 0, 1, missing="raw")[:, 0]
    return [
        Fault(
            file.path,
            f"dimensions/{file.axes[axis]}",
            "is periodic, but its last points hold the values of its first",
            "store every point once: leave the last one out, in coordinates and fields",
            "warning",
        )
        for axis in axes_stored_twice(list(block), file.periodic)
    ]


def frame_faults(file: WellFile, field: StoredField, low: np.ndarray, high: np.ndarray) -> list[Fault]:
    """Frames that look as if never written; ``low``, ``high`` of shape ``(trajectories, components, frames)``."""
    for trajectory, (least, most) in enumerate(zip(low, high, strict=True)):
        fault = _frame_fault(file, field, trajectory, least, most)
        if fault is not None:
            return [fault]
    return []


def require_written(
    file: WellFile,
    channels: Sequence[str],
    trajectory: int,
    low: np.ndarray,
    high: np.ndarray,
    start: int = 0,
    step: int = 1,
) -> None:
    """The same for the channels and frames that a reader has read, least and largest values ``(C, frames)``.

    Raises:
        PhysrepError: frames of a field, or the whole trajectory, look as if never written.
    """
    for field in file.fields.values():
        rows = [row for row, channel in enumerate(channels) if channel in field.channels]
        fault = _frame_fault(file, field, trajectory, low[rows], high[rows], start, step) if rows else None
        if fault is not None:
            raise PhysrepError(f"{file.path}: {fault.item}: {fault.problem}; {fault.remedy}.")
    whole = low.shape[1] == file.n_frames and set(channels) == set(file.channels)
    if whole and (low.min(1) == high.max(1)).all():
        raise PhysrepError(f"{file.path}: {_dead(trajectory)}; leave that trajectory out or simulate it again.")


def _frame_fault(
    file: WellFile,
    field: StoredField,
    trajectory: int,
    low: np.ndarray,
    high: np.ndarray,
    start: int = 0,
    step: int = 1,
) -> Fault | None:
    found = unwritten_frames(low, high, tuple(dict.fromkeys((0.0, *field.fill_values))))
    if found is None:
        return None
    first, last = start + step * found[0], start + step * found[1]
    frames = f"frame {first}" if first == last else f"frames {first} to {last}"
    problem = f"is {found[2]:g} everywhere in {frames} of trajectory {trajectory}, as if never written"
    return Fault(file.path, _item(field), problem, "leave that trajectory out or simulate it again")


def _dead(trajectory: int) -> str:
    return f"every field of trajectory {trajectory} has one value everywhere and always"


def _item(field: StoredField) -> str:
    return f"t{field.order}_fields/{field.name}"


def _read(
    file: WellFile, field: StoredField, quick: bool, step: Callable[[], None]
) -> tuple[list[Fault], np.ndarray, np.ndarray]:
    """Faults of single values, and least and largest values with shape (trajectories, components, frames)."""
    blocks = frame_blocks(file.n_frames, 4 * len(field.channels) * math.prod(file.shape))
    if quick:
        blocks = [(start, 1) for start in sorted({0, file.n_frames - 1})]
    shape = (file.n_trajectories, len(field.channels), sum(frames for _, frames in blocks))
    low, high = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
    declared = file.declared(field.channels)
    faults: list[Fault] = []
    for trajectory in range(file.n_trajectories):
        place = 0
        for start, frames in blocks:
            block = file.read(trajectory, start, frames, channels=field.channels, missing="raw")
            found = find(block, declared)
            if found is None:
                part = np.s_[trajectory, :, place : place + frames]
                flat = block.reshape(*block.shape[:2], -1)
                low[part], high[part] = flat.min(2), flat.max(2)
            elif not faults:
                channel, mask, what = found
                frame = start + int(np.flatnonzero(mask.reshape(len(mask), -1).any(1))[0])
                problem = f"{field.channels[channel]} is {what} in trajectory {trajectory}, frame {frame}"
                remedy = "leave that trajectory out or simulate it again, or set data.missing to mean"
                faults.append(Fault(file.path, _item(field), problem.replace(", in", " in"), remedy))
            place += frames
            step()
    return faults, low, high
