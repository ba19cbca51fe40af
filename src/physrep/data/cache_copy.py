"""Looking through every value of a split, for its moments and for what must not be in it, and copying them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import PhysrepError
from ..files import write_npz
from ..progress import Progress
from ..streams import say_line
from .check_values import require_written
from .fingerprints import Fingerprint
from .observation import Observation, Scene
from .scan import FieldView, Scan
from .stats import Moments, frame_blocks
from .wellfile import WellFile

DATA, UNOBSERVED = "fields.npy", "unobserved.npz"


def observed(scan: Scan, observation: Observation | None) -> tuple[Scene, list[int]]:
    """What the trajectories of a split are, and their lengths, after an observation."""
    if observation is None:
        return scan.scene, scan.lengths
    return observation.scene(scan.scene), [observation.frames(n) for n in scan.lengths]


def look_through(split: str, scan: Scan) -> list[Moments]:
    """The moments of every trajectory; every value is read, verified and found to be one."""
    moments = []
    total = sum(info.n_trajectories for info in scan.files)
    with Progress(
        total, f"look through {split} (windows are read from its files, no copy)", "trajectories"
    ) as progress:
        for info in scan.files:
            with WellFile(info.path) as file:
                for trajectory in range(info.n_trajectories):
                    moments.append(_each_trajectory(file, trajectory, scan.view, np.dtype(np.float32), None))
                    progress.advance(note=info.path.name)
    return moments


def write_data(
    folder: Path, split: str, scan: Scan, dtype: np.dtype[Any], observation: Observation | None
) -> tuple[list[Moments], int]:
    """Write the array; returns the moments of every trajectory, and how many missing values were replaced."""
    scene, lengths = observed(scan, observation)
    frame_size = len(scene.channels) * math.prod(scene.shape)
    equal = len(set(lengths)) == 1
    full_shape = (
        (len(lengths), len(scene.channels), lengths[0], *scene.shape) if equal else (frame_size * sum(lengths),)
    )
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": full_shape}
    moments, hashes, varies, replaced = [], [], [], 0
    fingerprint = Fingerprint(len(scan.view.channels), math.prod(scan.view.resampler.shape))
    with open(folder / DATA, "wb") as out, Progress(len(lengths), f"cache {split}", "trajectories") as progress:
        np.lib.format.write_array_header_1_0(out, header)
        offset = out.tell()
        for info in scan.files:
            with WellFile(info.path) as file:
                for trajectory in range(info.n_trajectories):
                    if observation is None:
                        moments.append(_write_trajectory(out, offset, file, trajectory, scan.view, dtype))
                        frames = info.n_frames
                    else:
                        # Steps act on whole trajectories: noise may remember, frames may be left out.
                        whole = scan.view.read(file, trajectory, 0, file.n_frames)
                        flat = whole.flatten(2).numpy()
                        require_written(file, scan.view.channels, trajectory, flat.min(2), flat.max(2))
                        numbers, differ = fingerprint(whole)
                        hashes.append(numbers)
                        varies.append(differ)
                        seen = observation.apply(whole.numpy(), scan.scene, info.path.name, trajectory)
                        frames = seen.shape[1]
                        moments.append(Moments.of(seen))
                        _check_range(file, scene.channels, seen, dtype)
                        _write_block(out, offset, seen, 0, frames, dtype)
                    offset += frame_size * frames * dtype.itemsize
                    progress.advance(note=info.path.name)
                replaced += file.replaced
        out.flush()
        os.fsync(out.fileno())
    if observation is not None:
        write_npz(folder / UNOBSERVED, {"hashes": np.concatenate(hashes), "varies": np.concatenate(varies),
                                        "lengths": np.array(scan.lengths)})  # fmt: skip
    if replaced:
        share = 100 * replaced / (frame_size * sum(lengths))
        text = f"cache {split}: {replaced} missing values ({share:.2g} %) were replaced by the mean of their frame."
        say_line(text)
    return moments, replaced


def _write_trajectory(
    out: IO[bytes], offset: int, file: WellFile, trajectory: int, view: FieldView, dtype: np.dtype[Any]
) -> Moments:
    """Write one trajectory as ``(C, T, *S)`` at a byte offset, block of frames by block, and return its moments."""

    def write(block: np.ndarray, start: int) -> None:
        _write_block(out, offset, block, start, file.n_frames, dtype)

    return _each_trajectory(file, trajectory, view, dtype, write)


def _each_trajectory(
    file: WellFile,
    trajectory: int,
    view: FieldView,
    dtype: np.dtype[Any],
    write: Callable[[np.ndarray, int], None] | None,
) -> Moments:
    """Look through one trajectory, block of frames by block, hand each on to be written, and return its moments."""
    total = Moments.zero(len(view.channels))
    stored_bytes = 4 * len(view.channels) * math.prod(file.shape)
    low, high = np.empty((2, len(view.channels), file.n_frames), np.float32)
    for start, frames in frame_blocks(file.n_frames, stored_bytes):
        block = view.read(file, trajectory, start, frames).numpy()
        flat = block.reshape(*block.shape[:2], -1)
        low[:, start : start + frames], high[:, start : start + frames] = flat.min(2), flat.max(2)
        total += Moments.of(block)
        _check_range(file, view.channels, block, dtype)
        if write is not None:
            write(block, start)
    require_written(file, view.channels, trajectory, low, high)
    return total


def _write_block(out: IO[bytes], offset: int, block: np.ndarray, start: int, frames: int, dtype: np.dtype[Any]) -> None:
    """Write frames from ``start`` of a trajectory of ``frames`` frames that begins at a byte offset."""
    plane = math.prod(block.shape[2:]) * dtype.itemsize
    # Not through a memory map: there a full disk is a signal that kills, here it is an error.
    for channel, values in enumerate(block.astype(dtype, copy=False)):
        out.seek(offset + (channel * frames + start) * plane)
        out.write(np.ascontiguousarray(values).data)


def _check_range(file: WellFile, channels: Sequence[str], block: np.ndarray, dtype: np.dtype[Any]) -> None:
    for channel, values in zip(channels, block, strict=True):
        largest = max(abs(float(values.min())), abs(float(values.max())))
        if not math.isfinite(largest):
            raise PhysrepError(f"{file.path}: field {channel} is not finite after resampling or observation.")
        if dtype == np.float16 and largest > float(np.finfo(np.float16).max):
            raise PhysrepError(f"{file.path}: field {channel} is {largest:.3g}, too large for float16; use float32.")
