"""Validation of files, splits and datasets in The Well's format, each fault with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PhysrepError
from ..progress import Progress
from .check_format import check_format
from .check_values import check_values
from .faults import Fault
from .foreign import foreign
from .guard import TIME_LIMIT, check_in_child
from .identity import data_identity, differences
from .leaks import near_copies
from .names import SPLITS
from .open_hdf5 import open_hdf5
from .remote import AnyPath, RemotePath, as_path
from .scan import hdf5_files, left_out_fields
from .splits import FileFrames, shared_trajectories
from .stats import read_stats
from .wellfile import WellFile


def check(
    path: str | Path | RemotePath,
    quick: bool = False,
    time_limit: float = TIME_LIMIT,
    allow_shared_starts: bool = False,
) -> list[Fault]:
    """Validate a file, a folder of files (a split), or a dataset folder with ``data/{train,valid,test}``.

    Args:
        path: file or folder, or its address.
        quick: of the values read the first and the last frame of every trajectory only.
        time_limit: seconds without progress after which a file counts as one that the HDF5 library cannot read; files
            are read in a child process, which is then ended. 0 reads them in this process, without a limit.
        allow_shared_starts: trajectories of two splits that start from the same frame with other parameters are a
            warning, not an error; as ``data.allow_shared_starts`` of a benchmark.

    Returns:
        All faults, errors and warnings; empty if the data are in order. `exit_code` sums them up.
    """
    path = as_path(path)
    try:
        return _check(path, quick, time_limit, allow_shared_starts)
    except PhysrepError as error:
        return [_unreadable(path, error)]


def _check(path: AnyPath, quick: bool, time_limit: float, allow_shared_starts: bool) -> list[Fault]:
    for _, faults in check_in_child([path], _foreign, time_limit):
        if faults:
            return faults
    if path.is_file():
        return [
            fault
            for _, found in check_in_child([path], partial(check_file, quick=quick), time_limit)
            for fault in found
        ]
    if not path.is_dir():
        return [Fault.unreadable_at(path, "no such file or folder", "check the path")]
    if (path / "data").is_dir():
        return _check_dataset(path, quick, time_limit, allow_shared_starts)
    files = hdf5_files(path)
    if not files:
        return [Fault.unreadable_at(path, "holds no .hdf5 file and no folder 'data'", "give a file, split or dataset")]
    return _check_files(files, quick, time_limit)


def _foreign(path: AnyPath, step: Callable[[], None]) -> list[Fault]:
    """One fault, with the command that converts them, where files are in a format of others; none if they are not."""
    step()
    found = foreign(path)
    return [] if found is None else [Fault(path, "format", *found)]


def exit_code(faults: Sequence[Fault]) -> int:
    """0 valid (warnings allowed), 1 invalid, 2 something could not be read."""
    if any(fault.unreadable for fault in faults):
        return 2
    return int(any(fault.severity == "error" for fault in faults))


def check_file(
    path: str | Path | RemotePath, step: Callable[[], None] = lambda: None, quick: bool = False
) -> list[Fault]:
    """Validate one file: its format first and, if that is in order, its values; ``step`` is called at every block."""
    path = as_path(path)
    try:
        with open_hdf5(path, glance=quick) as file:
            step()
            faults = check_format(path, file)
            step()
        if any(fault.severity == "error" for fault in faults):
            return faults
        with WellFile(path, glance=quick) as well:
            return faults + check_values(well, quick, step)
    except PhysrepError as error:
        return [_unreadable(path, error)]


def _unreadable(path: AnyPath, error: PhysrepError) -> Fault:
    problem, _, remedy = str(error).removeprefix(f"{path}: ").removesuffix(".").partition("; ")
    return Fault.unreadable_at(path, problem, remedy or "copy or simulate the file again")


def _check_dataset(root: AnyPath, quick: bool, time_limit: float, allow_shared_starts: bool) -> list[Fault]:
    faults: list[Fault] = []
    files: dict[str, Sequence[AnyPath]] = {}
    for split in SPLITS:
        folder = root / "data" / split
        files[split] = hdf5_files(folder) if folder.is_dir() else []
        if found := left_out_fields(folder):
            faults.append(Fault(folder, "split", f"{found} are not read", "move them up, or convert them", "warning"))
        if not files[split]:
            faults.append(Fault(folder, "split", "is missing or empty", "simulate or download it", "warning"))
    every = [path for paths in files.values() for path in paths]
    if not every:
        return [Fault.unreadable_at(root / "data", "holds no .hdf5 file in any split", "simulate or download the data")]
    faults += _check_files(every, quick, time_limit)
    if not any(fault.severity == "error" for fault in faults):
        faults += _check_overlap(root, files, quick, allow_shared_starts)
        faults += _check_stats(root, every[0])
    return faults


def _check_files(paths: Sequence[AnyPath], quick: bool, time_limit: float) -> list[Fault]:
    faults: list[Fault] = []
    with Progress(len(paths), "check", "files") as progress:
        for path, found in check_in_child(paths, partial(check_file, quick=quick), time_limit):
            faults += found
            progress.advance(note=path.name)
    if any(fault.severity == "error" for fault in faults):
        return faults
    with WellFile(paths[0], glance=True) as first:
        expected, frames = data_identity(first), first.n_frames
    for path in paths[1:]:
        with WellFile(path, glance=True) as file:
            for item, value, other in differences(data_identity(file), expected):
                problem = f"is {value}, but {other} in {paths[0].parent.name}/{paths[0].name}"
                faults.append(Fault(path, item, problem, "a dataset must be of one kind; move the file"))
            if file.n_frames != frames:
                problem = f"is {file.n_frames}, but {frames} in {paths[0].name}"
                faults.append(Fault(path, "number of frames", problem, "windows need as many as they span", "warning"))
    return faults


def _check_overlap(
    root: AnyPath, files: dict[str, Sequence[AnyPath]], quick: bool, allow_shared_starts: bool
) -> list[Fault]:
    """Trajectories of two splits that are the same, or start alike: bit for bit, and unless quick up to shifts etc."""
    faults: list[Fault] = []
    starts: dict[tuple[str, str], dict[tuple[Place, Place], None]] = {}
    copies: set[tuple[Place, Place]] = set()
    for first, second, same in shared_trajectories(files, within=True):
        if first[0].parent == second[0].parent:
            if same and _end_alike(first, second):
                problem = f"trajectory {second[1]} is also {_where(first)}"
                remedy = "delete one of them: it counts twice, and folds of one split would share it"
                faults.append(Fault(second[0], "split", problem, remedy, "warning"))
        elif same:
            copies.add((first, second))
            problem = f"trajectory {second[1]} is also {_where(first)}"
            faults.append(Fault(second[0], "splits", problem, "delete one of them: scores would lie"))
        else:
            starts.setdefault((first[0].parent.name, second[0].parent.name), {})[first, second] = None
    if not quick:
        sources = {split: FileFrames(paths) for split, paths in files.items()}
        for found in near_copies(sources, {split: source.parameters for split, source in sources.items()}):
            first = sources[found.split].places[found.trajectory]
            second = sources[found.other].places[found.other_trajectory]
            if found.start:
                starts.setdefault((found.split, found.other), {})[first, second] = None
            elif (first, second) not in copies:
                places = f"trajectory {second[1]}, frame {found.other_frame}, is {_where(first)}, frame {found.frame}"
                problem = f"{places}, up to a shift, rounding or noise"
                faults.append(Fault(second[0], "splits", problem, "delete one of them: scores would lie"))
    # A set of initial conditions that is repeated for every parameter set makes thousands of such pairs.
    for (split, other), pairs in starts.items():
        first, second = next(iter(pairs))
        problem = f"{len(pairs)} pairs start from the same frame with other parameters in {split} and {other}"
        remedy = f"put equal initial conditions into one split; the first is {_where(second)} and {_where(first)}"
        folder = root / "data" / other
        if allow_shared_starts:
            faults.append(Fault(folder, "splits", problem, f"allowed; {remedy}", "warning"))
        else:
            faults.append(Fault(folder, "splits", problem, f"{remedy}; --allow-shared-starts lets them pass"))
    return faults


Place = tuple[AnyPath, int]


def _end_alike(*places: Place) -> bool:
    """Whether two trajectories end in the same frame too: runs of a random process may share start and parameters."""
    ends = []
    for path, index in places:
        with WellFile(path, glance=True) as file:
            ends.append(file.read(index, file.n_frames - 1, 1, missing="raw"))
    return np.array_equal(*ends)


def _where(place: Place) -> str:
    return f"trajectory {place[1]} of {place[0].parent.name}/{place[0].name}"


def _check_stats(root: AnyPath, example: AnyPath) -> list[Fault]:
    path = root / "stats.yaml"
    again = "write it with physrep.data.write_stats"
    if not path.is_file():
        return [Fault(path, "stats.yaml", "is missing, so normalising readers fail", again, "warning")]
    try:
        stats = read_stats(path)
    except PhysrepError as error:
        return [Fault(path, "stats.yaml", str(error).removeprefix(f"{path}: ").removesuffix("."), again)]
    faults = []
    with WellFile(example, glance=True) as file:
        for name, field in file.fields.items():
            if not field.time_varying:
                continue
            for kind, values in stats.items():
                if name not in values:
                    faults.append(Fault(path, kind, f"has no entry for field {name}", again))
                elif not _has_order(values[name], field.order, len(file.axes)):
                    faults.append(Fault(path, kind, f"entry of field {name} has the wrong shape or a bad value", again))
    return faults


def _has_order(value: Any, order: int, dimensions: int) -> bool:
    if order == 0:
        return isinstance(value, int | float) and abs(value) < float("inf")
    return (
        isinstance(value, list)
        and len(value) == dimensions
        and all(_has_order(entry, order - 1, dimensions) for entry in value)
    )
