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
from .scan import SPLITS, hdf5_files
from .splits import shared_trajectories
from .stats import read_stats
from .wellfile import WellFile, open_hdf5


def check(path: str | Path) -> list[Fault]:
    """Validate a file, a folder of files (a split), or a dataset folder with ``data/{train,valid,test}``.

    Returns:
        All faults, errors and warnings; empty if the data are in order. `exit_code` sums them up.
    """
    path = Path(path)
    if path.is_file():
        return check_file(path)
    if not path.is_dir():
        return [Fault.unreadable_at(path, "no such file or folder", "check the path")]
    if (path / "data").is_dir():
        return _check_dataset(path)
    files = hdf5_files(path)
    if not files:
        return [Fault.unreadable_at(path, "holds no .hdf5 file and no folder 'data'", "give a file, split or dataset")]
    return _check_files(files)


def exit_code(faults: Sequence[Fault]) -> int:
    """0 valid (warnings allowed), 1 invalid, 2 something could not be read."""
    if any(fault.unreadable for fault in faults):
        return 2
    return int(any(fault.severity == "error" for fault in faults))


def check_file(path: str | Path) -> list[Fault]:
    """Validate one file: its format first and, if that is in order, its values."""
    path = Path(path)
    try:
        with open_hdf5(path) as file:
            faults = check_format(path, file)
        if any(fault.severity == "error" for fault in faults):
            return faults
        with WellFile(path) as well:
            return faults + check_values(well)
    except PhysrepError as error:
        problem, _, remedy = str(error).removeprefix(f"{path}: ").removesuffix(".").partition("; ")
        return [Fault.unreadable_at(path, problem, remedy or "copy or simulate the file again")]


def _check_dataset(root: Path) -> list[Fault]:
    faults: list[Fault] = []
    files: dict[str, list[Path]] = {}
    for split in SPLITS:
        folder = root / "data" / split
        files[split] = hdf5_files(folder) if folder.is_dir() else []
        if not files[split]:
            faults.append(Fault(folder, "split", "is missing or empty", "simulate or download it", "warning"))
    every = [path for paths in files.values() for path in paths]
    if not every:
        return [Fault.unreadable_at(root / "data", "holds no .hdf5 file in any split", "simulate or download the data")]
    faults += _check_files(every)
    if not any(fault.severity == "error" for fault in faults):
        faults += _check_overlap(root, files)
        faults += _check_stats(root, every[0])
    return faults


def _check_files(paths: Sequence[Path]) -> list[Fault]:
    faults: list[Fault] = []
    with Progress(len(paths), "check", "files") as progress:
        for path in paths:
            faults += check_file(path)
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


def _identity(path: Path) -> dict[str, Any]:
    """What must agree among the files of a dataset."""
    with WellFile(path) as file:
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


def _check_overlap(root: Path, files: dict[str, list[Path]]) -> list[Fault]:
    faults = []
    for (path, index), (other, other_index), same in shared_trajectories(files):
        elsewhere = f"trajectory {index} of {path.parent.name}/{path.name}"
        if same:
            problem, remedy = f"trajectory {other_index} is also {elsewhere}", "delete one of them: scores would lie"
            faults.append(Fault(other, "splits", problem, remedy))
        else:
            problem = f"trajectory {other_index} starts from the same frame as {elsewhere}, with other parameters"
            faults.append(Fault(other, "splits", problem, "put equal initial conditions into one split", "warning"))
    return faults


def _check_stats(root: Path, example: Path) -> list[Fault]:
    path = root / "stats.yaml"
    again = "write it with physrep.data.write_stats"
    if not path.is_file():
        return [Fault(path, "stats.yaml", "is missing, so normalising readers fail", again, "warning")]
    try:
        stats = read_stats(path)
    except PhysrepError as error:
        return [Fault(path, "stats.yaml", str(error).removeprefix(f"{path}: ").removesuffix("."), again)]
    faults = []
    with WellFile(example) as file:
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
