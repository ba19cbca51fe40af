"""A split of a dataset, cropped, resampled and laid out for training, in one memory-mapped file.

The file holds ``(trajectory, C, T, *S)``, so that a window is one contiguous copy per channel. It is built once. The
name of its folder is a hash of all that determines its content: names, sizes and times of the source files, fields,
grid, dtype and the version of the code that computes it. ``meta.json`` is written last and is the completion mark; a
folder without it, or with a data file of another size, is built again.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from ..errors import PhysrepError
from ..files import content_hash, file_fingerprint, read_json, write_json
from ..progress import Progress
from .resample import Method
from .scan import Crop, Scan, View, scan_split, split_files
from .stats import Moments, frame_blocks
from .wellfile import WellFile

# Increase when the content of a cache changes for the same request.
CACHE_VERSION = 1

DATA, META = "fields.npy", "meta.json"
Dtype = Literal["float32", "float16"]


def cached_split(
    root: str | Path,
    split: str,
    *,
    fields: Sequence[str] | None = None,
    resolution: Sequence[int] | None = None,
    resample: Method | None = "bilinear",
    crop: Crop = None,
    dtype: Dtype = "float32",
    cache_dir: str | Path | None = None,
) -> Path:
    """Folder of the complete cache of a split; it is built first if there is none.

    Args:
        root, split, fields, resolution, resample, crop: as in `physrep.data.WellSplit`.
        dtype: "float32", or "float16" for half the memory and about 3 digits.
        cache_dir: where caches live; default ``root/cache``.

    Raises:
        PhysrepError: the source is faulty or not finite, does not fit float16, or the disk is too small.
    """
    if dtype not in ("float32", "float16"):
        raise PhysrepError(f"cache: unknown dtype {dtype!r}; use 'float32' or 'float16'.")
    split = "valid" if split == "val" else split
    paths = split_files(root, split)
    request = {
        "version": CACHE_VERSION,
        "files": [file_fingerprint(path) for path in paths],
        "fields": None if fields is None else list(fields),
        "resolution": None if resolution is None else [int(n) for n in resolution],
        "resample": resample,
        "crop": crop if crop is None or isinstance(crop, str) else {axis: list(part) for axis, part in crop.items()},
        "dtype": dtype,
    }
    key = content_hash(request)
    folder = Path(cache_dir if cache_dir is not None else Path(root) / "cache") / f"{split}-{key}"
    if not is_complete(folder, key):
        with _lock(folder):
            # Another process may have built it while this one waited for the lock.
            if not is_complete(folder, key):
                scan = scan_split(paths, fields, resolution, resample, crop)
                _build(folder, key, split, scan, dtype)
                if [file_fingerprint(path) for path in paths] != request["files"]:
                    (folder / META).unlink()
                    raise PhysrepError(f"{root}: files of split {split} changed while they were read; run it again.")
    return folder


def is_complete(folder: str | Path, key: str) -> bool:
    """Whether ``folder`` holds a finished cache with this key."""
    folder = Path(folder)
    if not (folder / META).is_file() or not (folder / DATA).is_file():
        return False
    try:
        meta = read_json(folder / META)
    except PhysrepError:
        return False
    return meta.get("key") == key and meta.get("bytes") == (folder / DATA).stat().st_size


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One builder at a time; the lock ends with its process, however that ends."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _cannot_write(folder: Path, error: OSError) -> PhysrepError:
    reason = error.strerror or str(error)
    return PhysrepError(f"{folder}: cannot be written ({reason}); free space or choose another cache_dir.")


def _build(folder: Path, key: str, split: str, scan: Scan, dtype: Dtype) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        moments = _write_data(folder, split, scan, np.dtype(dtype))
        write_json(folder / META, _describe(folder, key, split, scan, moments))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _cannot_write(folder, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _describe(folder: Path, key: str, split: str, scan: Scan, moments: Sequence[Moments]) -> dict[str, Any]:
    view = scan.view
    return {
        "key": key,
        "bytes": (folder / DATA).stat().st_size,
        "dataset_name": scan.dataset_name,
        "split": split,
        "sources": [info.path.name for info in scan.files],
        "channels": view.channels,
        "components": view.components,
        "axes": view.axes,
        "shape": view.resampler.shape,
        "dx": view.resampler.dx,
        "dt": scan.dt,
        "periodic": view.periodic,
        "lengths": scan.lengths,
        "parameters": {name: values.tolist() for name, values in scan.parameters.items()},
        "moments": [{"count": m.count, "mean": m.mean.tolist(), "squares": m.squares.tolist()} for m in moments],
    }


def _write_data(folder: Path, split: str, scan: Scan, dtype: np.dtype[Any]) -> list[Moments]:
    """Write the array and return the moments of every trajectory."""
    shape, lengths = scan.view.resampler.shape, scan.lengths
    frame_size = len(scan.view.channels) * math.prod(shape)
    needed = frame_size * sum(lengths) * dtype.itemsize
    free = shutil.disk_usage(folder).free
    if needed > 0.98 * free:
        raise PhysrepError(
            f"{folder.parent}: the cache needs {needed / 1e9:.2f} GB, but {free / 1e9:.2f} GB are free; "
            "free space, choose another cache_dir, a lower resolution or dtype float16."
        )
    equal = len(set(lengths)) == 1
    full_shape = (len(lengths), len(scan.view.channels), lengths[0], *shape) if equal else (frame_size * sum(lengths),)
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": full_shape}
    moments = []
    with open(folder / DATA, "wb") as out, Progress(len(lengths), f"cache {split}", "trajectories") as progress:
        np.lib.format.write_array_header_1_0(out, header)
        offset = out.tell()
        for info in scan.files:
            with WellFile(info.path) as file:
                for trajectory in range(info.n_trajectories):
                    moments.append(_write_trajectory(out, offset, file, trajectory, scan.view, dtype))
                    offset += frame_size * info.n_frames * dtype.itemsize
                    progress.advance(note=info.path.name)
        out.flush()
        os.fsync(out.fileno())
    return moments


def _write_trajectory(
    out: IO[bytes], offset: int, file: WellFile, trajectory: int, view: View, dtype: np.dtype[Any]
) -> Moments:
    """Write one trajectory as ``(C, T, *S)`` at a byte offset, block of frames by block, and return its moments."""
    plane = math.prod(view.resampler.shape) * dtype.itemsize
    total = Moments.zero(len(view.channels))
    stored_bytes = 4 * len(view.channels) * math.prod(file.shape)
    for start, frames in frame_blocks(file.n_frames, stored_bytes):
        block = view.read(file, trajectory, start, frames).numpy()
        _check_values(file, view.channels, block, trajectory, start, dtype)
        total += Moments.of(block)
        # Not through a memory map: there a full disk is a signal that kills, here it is an error.
        for channel, values in enumerate(block.astype(dtype, copy=False)):
            out.seek(offset + (channel * file.n_frames + start) * plane)
            out.write(np.ascontiguousarray(values).data)
    return total


def _check_values(
    file: WellFile, channels: Sequence[str], block: np.ndarray, trajectory: int, start: int, dtype: np.dtype[Any]
) -> None:
    for channel, values in zip(channels, block, strict=True):
        finite = np.isfinite(values).reshape(len(values), -1).all(1)
        if not finite.all():
            frame = start + int(np.flatnonzero(~finite)[0])
            raise PhysrepError(
                f"{file.path}: field {channel} of trajectory {trajectory} is NaN or infinite in frame {frame}; "
                "leave that trajectory out."
            )
        largest = float(np.abs(values).max())
        if dtype == np.float16 and largest > float(np.finfo(np.float16).max):
            raise PhysrepError(f"{file.path}: field {channel} is {largest:.3g}, too large for float16; use float32.")
