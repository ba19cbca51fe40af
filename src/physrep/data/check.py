"""Validation of files, splits and datasets in The Well's format, each fault with its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..progress import Progress
from .check_format import check_format
from .check_values import check_values
from .faults import Fault
from .open_hdf5 import open_hdf5
from .remote import AnyPath, RemotePath, as_path
from .scan import SPLITS, hdf5_files
from .splits import shared_trajectories
from .stats import read_stats
from .wellfile import WellFile


def check(path: str | Path | RemotePath, quick: bool = False) -> list[Fault]:
    """Validate a file, a folder of files (a split), or a dataset folder with ``data/{train,valid,test}``.

    Args:
        path: file or folder, or its address.
        quick: of the values read the first and the last frame of every trajectory only.

    Returns:
        All faults, errors and warnings; empty if the data are in order. `exit_code` sums them up.
    """
    path = as_path(path)
    try:
        return _check(path, quick)
    except PhysrepError as error:
        return [_unreadable(path, error)]


def _check(path: AnyPath, quick: bool) -> list[Fault]:
    foreign = _foreign(path)
    if foreign is not None:
        return [foreign]
    if path.is_file():
        return check_file(path, quick)
    if not path.is_dir():
        return [Fault.unreadable_at(path, "no such file or folder", "check the path")]
    if (path / "data").is_dir():
        return _check_dataset(path, quick)
    files = hdf5_files(path)
    if not files:
        return [Fault.unreadable_at(path, "holds no .hdf5 file and no folder 'data'", "give a file, split or dataset")]
    return _check_files(files, quick)


def _foreign(path: AnyPath) -> Fault | None:
    """One fault, with the command that converts them, where files are in a format of others; None if they are not."""
    from .convert.recognise import describe_foreign

    if isinstance(path, RemotePath) or not path.exists():
        return None
    found = describe_foreign(path)
    if found is None:
        return None
    out = f"{path.stem}_well"
    return Fault(path, "format", f"is {found}, not The Well's", f"convert it with: physrep convert {path} {out}")


def exit_code(faults: Sequence[Fault]) -> int:
    """0 valid (warnings allowed), 1 invalid, 2 something could not be read."""
    if any(fault.unreadable for fault in faults):
        return 2
    return int(any(fault.severity == "error" for fault in faults))


def check_file(path: str | Path | RemotePath, quick: bool = False) -> list[Fault]:
    """Validate one file: its format first and, if that is in order, its values."""
    path = as_path(path)
    try:
        with open_hdf5(path, glance=quick) as file:
            faults = check_format(path, file)
        if any(fault.severity == "error" for fault in faults):
            return faults
        with WellFile(path, glance=quick) as well:
            return faults + check_values(well, quick)
    except PhysrepError as error:
        return [_unreadable(path, error)]


def _unreadable(path: AnyPath, error: PhysrepError) -> Fault:
    problem, _, remedy = str(error).removeprefix(f"{path}: ").removesuffix(".").partition("; ")
    return Fault.unreadable_at(path, problem, remedy or "copy or simulate the file again")


def _check_dataset(root: AnyPath, quick: bool) -> list[Fault]:
    faults: list[Fault] = []
    files: dict[str, Sequence[AnyPath]] = {}
    for split in SPLITS:
        folder = root / "data" / split
        files[split] = hdf5_files(folder) if folder.is_dir() else []
        if not files[split]:
            faults.append(Fault(folder, "split", "is missing or empty", "simulate or download it", "warning"))
    every = [path for paths in files.values() for path in paths]
    if not every:
        return [Fault.unreadable_at(root / "data", "holds no .hdf5 file in any split", "simulate or download the data")]
    faults += _check_files(every, quick)
    if not any(fault.severity == "error" for fault in faults):
        faults += _check_overlap(root, files)
        faults += _check_stats(root, every[0])
    return faults


def _check_files(paths: Sequence[AnyPath], quick: bool) -> list[Fault]:
    faults: list[Fault] = []
    with Progress(len(paths), "check", "files") as progress:
        for path in paths:
            faults += check_file(path, quick)
            progress.advance(note=path.name)
    if any(fault.severity == "error" for fault in faults):
        return faults
    first = _identity(paths[0])
    for path in paths[1:]:
        for item, value in _identity(path).items():
            if value != first[item]:
                severity = "warning" if item == "number of frames" else "error"
                problem = f"is {value}, but {first[item]} in {paths[0].name}"
                faults.append(Fault(path, item, problem, "a dataset must be of one kind; move the file", severity))
    return faults


def _identity(path: AnyPath) -> dict[str, Any]:
    """What must agree among the files of a dataset."""
    with WellFile(path, glance=True) as file:
        return {
            "dataset_name": file.dataset_name,
            "spatial_dims": list(file.axes),
            "resolution": list(file.shape),
            "boundary_conditions": list(file.periodic),
            "fields": sorted((name, field.order, field.time_varying) for name, field in file.fields.items()),
            "scalars": sorted(file.parameters),
            "time step": float(f"{file.dt:.4g}"),
            "number of frames": file.n_frames,
        }


def _check_overlap(root: AnyPath, files: dict[str, Sequence[AnyPath]]) -> list[Fault]:
    faults = []
    starts: dict[tuple[str, str], list[str]] = {}
    for (path, index), (other, other_index), same in shared_trajectories(files):
        elsewhere = f"trajectory {index} of {path.parent.name}/{path.name}"
        if same:
            problem, remedy = f"trajectory {other_index} is also {elsewhere}", "delete one of them: scores would lie"
            faults.append(Fault(other, "splits", problem, remedy))
        else:
            here = f"trajectory {other_index} of {other.parent.name}/{other.name}"
            starts.setdefault((path.parent.name, other.parent.name), []).append(f"{here} and {elsewhere}")
    # A set of initial conditions that is repeated for every parameter set makes thousands of such pairs.
    for (split, other_split), pairs in starts.items():
        problem = f"{len(pairs)} pairs start from the same frame with other parameters in {split} and {other_split}"
        remedy = f"put equal initial conditions into one split; the first is {pairs[0]}"
        faults.append(Fault(root / "data" / other_split, "splits", problem, remedy, "warning"))
    return faults


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
