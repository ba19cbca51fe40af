"""Whether a run of a benchmark is done: a record of what it was asked and of every file that it left."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PhysrepError
from ..executors import LOG
from ..files import content_hash, read_json, write_json
from ..relocation import without_data_places
from ..version import __version__
from .config import BenchConfig
from .grid import PlannedRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data import ClipDataset

RECORD = "finished.json"
LEASE = "lease"
_APART = {"runs", "seeds", "jobs", "cluster", "analyses", "search"}
"""Settings of a benchmark that do not determine the result of one of its runs."""


def data_key(splits: Mapping[str, ClipDataset]) -> str:
    """What identifies the data: files, view and labels of every split."""
    return content_hash({name: [split.folder.name, split.label_key] for name, split in splits.items()})


def request_key(run: PlannedRun, config: BenchConfig, data: str, devices: int) -> str:
    """What identifies a run and all that determines its scores."""
    shared = {name: value for name, value in config.as_dict().items() if name not in _APART}
    # Data are known by `data`: where they lie may change.
    shared["data"] = without_data_places(shared["data"])
    return content_hash(
        {"physrep": __version__, "run": asdict(run), "shared": shared, "data": data, "devices": devices}
    )


def record_finished(folder: Path, key: str) -> None:
    """Write that the run in ``folder`` is done."""
    write_json(folder / RECORD, {"key": key, "files": _files(folder)})


def is_recorded(folder: Path, key: str) -> bool:
    """Whether the run was done for this request, and none of its files is gone or has changed since.

    A copy of the folder counts as changed where the dates were not kept: its parts are then looked through one by one.
    """
    if not (folder / RECORD).is_file():
        return False
    try:
        record: Any = read_json(folder / RECORD)
    except PhysrepError:
        return False
    if not isinstance(record, dict) or record.get("key") != key or not isinstance(record.get("files"), dict):
        return False
    now = _files(folder)
    return all(now.get(name) == state for name, state in record["files"].items())


def _files(folder: Path) -> dict[str, list[int]]:
    """Size and date of every file below a folder, but for those that tell how it came about."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if name in (RECORD, LOG) or name.startswith((f"{LEASE}.", ".")):
                continue
            status = path.stat()
            found[path.relative_to(folder).as_posix()] = [status.st_size, status.st_mtime_ns]
    return found
