"""A split of a dataset, cropped, resampled and laid out for training: an index of its files, or one memory-mapped file.

Where the view changes nothing and the files hold the values as they are (`physrep.data.frames`), only an index is
written and no value twice. Elsewhere, and where ``cache_dir`` is named, values are copied into a file that holds
``(trajectory, C, T, *S)``, so that a window is one contiguous copy per channel. Either is built once, after every value
was looked through. The name of its folder is a hash of all that determines its content: names, sizes and versions of
the source files, fields, grid, dtype and the version of the code that computes it. ``meta.json`` is written last and is
the completion mark; a folder without it, or with a data file of another size, is built again.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import PhysrepError, unwritable
from ..files import write_json, write_npz
from ..leftovers import temporary_folder
from .cache_copy import DATA, look_through, observed, write_data
from .cache_plan import META, OFFSETS, Dtype, Plan, SplitRequest, plan_cache
from .frames import FileIndex
from .locks import exclusive
from .observation import Observation, Spec
from .remote import RemotePath
from .scan import Scan
from .space import check_space
from .stats import Moments
from .wellfile import WellFile


class Cached(NamedTuple):
    """Where the frames of a split are.

    Attributes:
        folder: of the complete cache, or of the index of its files.
        files: folder of these files; None where they are remote.
    """

    folder: Path
    files: Path | None


def cached(
    root: str | Path | RemotePath, split: str, request: SplitRequest, observation: Spec | None = None, seed: int = 0
) -> Cached:
    """The complete cache of a split, or the index of its files; it is built first if there is none.

    Args:
        root, split: as in `physrep.data.WellSplit`.
        request: what of it is wanted.
        observation, seed: what an instrument makes of the fields, see `physrep.data.observation`.

    Raises:
        PhysrepError: the source is faulty or not finite, does not fit float16, or the disk is too small.
    """
    plan = plan_cache(root, split, request, observation, seed)
    if not plan.complete:
        with _lock(plan.folder) as held:
            # Another process may have built it while this one waited for the lock.
            if not plan.complete:
                _build(plan, held)
                if plan_cache(root, split, request, observation, seed).key != plan.key:
                    (plan.folder / META).unlink()
                    raise PhysrepError(
                        f"{root}: files of split {plan.split} changed while they were read; run it again."
                    )
    first = plan.paths[0]
    return Cached(plan.folder, first.parent if isinstance(first, Path) else None)


def check_cache_space(
    root: str | Path | RemotePath,
    splits: Sequence[str],
    request: SplitRequest,
    observations: Mapping[str, Spec] | None = None,
    seed: int = 0,
) -> int:
    """Make sure, from metadata alone, that the copies of all these splits fit on the disk together.

    Args:
        root, request, seed: as in `cached`.
        splits: names of splits.
        observations: per split, see `physrep.data.observation`.

    Returns:
        Bytes that are still to be written; complete caches, and files whose windows are read in place, need none.

    Raises:
        PhysrepError: the disk is too small; the sentence says what is needed, what is free and what would help.
    """
    seen = observations or {}
    plans = [plan_cache(root, split, request, seen.get(split), seed) for split in splits]
    scans = [(plan, plan.scan()) for plan in plans if not plan.complete]
    needed = sum(cache_bytes(scan, request.dtype, plan.observation) for plan, scan in scans if not plan.in_place(scan))
    if needed:
        _check_space(plans[0].folder.parent, needed)
    return needed


def cache_bytes(scan: Scan, dtype: Dtype = "float32", observation: Observation | None = None) -> int:
    """Bytes of the cache of a split: ``channels * points * frames of all trajectories * bytes per value``."""
    scene, lengths = observed(scan, observation)
    return len(scene.channels) * math.prod(scene.shape) * sum(lengths) * np.dtype(dtype).itemsize


def _check_space(folder: Path, needed: int) -> None:
    remedies = "choose a lower resolution, fewer fields, dtype float16, another cache_dir, or free space"
    check_space(folder, needed, "the cache", remedies)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """One builder at a time; False where the file system has no locks."""
    with contextlib.ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            held = stack.enter_context(exclusive(folder.with_suffix(".lock")))
        except OSError as error:
            raise _cannot_write(folder.parent, error) from error
        yield held


def _cannot_write(folder: Path, error: OSError) -> PhysrepError:
    return unwritable(folder, error, "choose another cache_dir")


def _build(plan: Plan, alone: bool) -> None:
    """Write the cache; where others may be writing it too, under a name of this process, and rename it at the end."""
    if alone:
        shutil.rmtree(plan.folder, ignore_errors=True)
        _fill(plan, plan.folder)
        return
    with temporary_folder(plan.folder.name, plan.folder.parent) as folder:
        _fill(plan, folder)
        try:
            _move(folder, plan)
        except OSError as error:
            raise _cannot_write(plan.folder, error) from error


def _fill(plan: Plan, folder: Path) -> None:
    scan = plan.scan()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index = _index(plan, scan) if plan.in_place(scan) else None
        if index is None:
            _check_space(folder.parent, cache_bytes(scan, plan.request.dtype, plan.observation))
            moments, replaced = write_data(folder, plan.split, scan, np.dtype(plan.request.dtype), plan.observation)
        else:
            moments, replaced = look_through(plan.split, scan), 0
            write_npz(folder / OFFSETS, {"offsets": index.offsets})
        write_json(folder / META, _describe(folder, plan, scan, moments, replaced, index))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _cannot_write(folder, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _move(folder: Path, plan: Plan) -> None:
    if plan.complete:
        return  # Another process was faster, with the same content.
    shutil.rmtree(plan.folder, ignore_errors=True)
    os.rename(folder, plan.folder)


def _index(plan: Plan, scan: Scan) -> FileIndex | None:
    """Where the values of all files lie; None if some lie otherwise than the metadata promise."""
    index: FileIndex | None = None
    for info in scan.files:
        with WellFile(info.path) as file:
            index = index or FileIndex(scan.view.channels, scan.view.region, file.shape)
            if not index.add(file):
                return None
    return index


def _describe(
    folder: Path, plan: Plan, scan: Scan, moments: Sequence[Moments], replaced: int, index: FileIndex | None
) -> dict[str, Any]:
    scene, lengths = observed(scan, plan.observation)
    return {
        "key": plan.key,
        "bytes": (folder / (DATA if index is None else OFFSETS)).stat().st_size,
        "in_place": None if index is None else index.plain,
        "dataset_name": scan.dataset_name,
        "split": plan.split,
        "sources": [info.path.name for info in scan.files],
        "channels": scene.channels,
        "components": scene.components,
        "axes": scene.axes,
        "shape": scene.shape,
        "dx": scene.dx,
        "coordinates": [None if points is None else points.tolist() for points in scene.coordinates],
        "dt": scene.dt,
        "stored_step": scene.stored_step,
        "periodic": scene.periodic,
        "lengths": lengths,
        "identity": scan.identity,
        "replaced": replaced,
        "observation": [] if plan.observation is None else [list(pair) for pair in plan.observation.plain],
        "parameters": {name: values.tolist() for name, values in scan.parameters.items()},
        "moments": [{"count": m.count, "mean": m.mean.tolist(), "squares": m.squares.tolist()} for m in moments],
    }
