"""What a cache of a split is asked to hold, its key, and where it lies."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import PhysrepError
from ..files import cache_home, content_hash, read_json
from .cache_copy import DATA
from .missing import Missing
from .observation import Observation
from .remote import AnyPath, RemotePath, as_path, fingerprint
from .resample import Method
from .scan import Crop, Scan, scan_split, split_files

# Increase when the content of a cache changes for the same request.
CACHE_VERSION = 3


META, OFFSETS = "meta.json", "offsets.npz"


Dtype = Literal["float32", "float16"]


@dataclass(frozen=True)
class Plan:
    """What a cache is to hold and where it goes; nothing is read for it but the list of files."""

    root: AnyPath
    split: str
    paths: Sequence[AnyPath]
    folder: Path
    key: str
    fields: Sequence[str] | None
    resolution: Sequence[int] | None
    resample: Method | None
    crop: Crop
    dtype: Dtype
    observation: Observation | None
    missing: Missing
    copy: bool
    """A place for copies is named, so that one is wanted in any case."""

    @property
    def complete(self) -> bool:
        return is_complete(self.folder, self.key)

    def scan(self) -> Scan:
        return scan_split(self.paths, self.fields, self.resolution, self.resample, self.crop, self.missing)

    def in_place(self, scan: Scan) -> bool:
        """Whether windows can come from the files themselves, as far as their metadata say."""
        as_stored = self.observation is None and self.missing == "refuse" and self.dtype == "float32" and not self.copy
        return as_stored and scan.view.resampler.unchanged and all(info.plain for info in scan.files)


def plan_cache(
    root: str | Path | RemotePath,
    split: str,
    fields: Sequence[str] | None,
    resolution: Sequence[int] | None,
    resample: Method | None,
    crop: Crop,
    dtype: Dtype,
    cache_dir: str | Path | None,
    observation: Observation | None,
    missing: Missing,
) -> Plan:
    if dtype not in ("float32", "float16"):
        raise PhysrepError(f"cache: unknown dtype {dtype!r}; use 'float32' or 'float16'.")
    if missing not in ("refuse", "mean"):
        raise PhysrepError(f"data.missing is {missing!r}; use 'refuse' or 'mean'.")
    root = as_path(root)
    split = "valid" if split == "val" else split
    paths = split_files(root, split)
    request = {
        "version": CACHE_VERSION,
        "files": [fingerprint(path) for path in paths],
        "fields": None if fields is None else list(fields),
        "resolution": None if resolution is None else [int(n) for n in resolution],
        "resample": resample,
        "crop": crop if crop is None or isinstance(crop, str) else {axis: list(part) for axis, part in crop.items()},
        "dtype": dtype,
        **({} if missing == "refuse" else {"missing": missing}),
    }
    if observation is not None:
        request["observation"] = observation.request()
    key = content_hash(request)
    name = f"{split}-{key}"
    folder = _place(root, cache_dir, name, key) / name
    return Plan(
        root, split, paths, folder, key, fields, resolution, resample, crop, dtype, observation, missing,
        copy=cache_dir is not None,
    )  # fmt: skip


def _place(root: AnyPath, cache_dir: str | Path | None, name: str, key: str) -> Path:
    """Where a cache goes: where it is asked to, beside the data, or in ``PHYSREP_CACHE`` if these cannot be written."""
    if cache_dir is not None:
        return Path(cache_dir)
    if not isinstance(root, Path):
        return cache_home() / "clips" / root.name
    home = root.parent if root.is_file() else root
    beside = home / "cache"
    if is_complete(beside / name, key) or os.access(beside if beside.exists() else home, os.W_OK):
        return beside
    elsewhere = cache_home() / "clips" / f"{root.resolve().name}-{content_hash(str(root.resolve()))[:8]}"
    _say_elsewhere(root, elsewhere)
    return elsewhere


@functools.cache
def _say_elsewhere(root: Path, place: Path) -> None:
    text = f"{root}: cannot be written, so its cache is in {place}; data.cache_dir or PHYSREP_CACHE says otherwise."
    print(text, file=sys.stderr, flush=True)


def is_complete(folder: str | Path, key: str) -> bool:
    """Whether ``folder`` holds a finished cache or index with this key."""
    folder = Path(folder)
    if not (folder / META).is_file():
        return False
    try:
        meta = read_json(folder / META)
    except PhysrepError:
        return False
    # Copies of before 2026-11-27 hold axes in descending order where a file stores them so.
    coordinates = meta.get("identity", {}).get("coordinates", {}).values()
    if any(points and points[0] > points[-1] for points in coordinates):
        return False
    data = folder / (OFFSETS if meta.get("in_place") else DATA)
    return meta.get("key") == key and data.is_file() and meta.get("bytes") == data.stat().st_size
