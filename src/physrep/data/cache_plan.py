"""What a cache of a split is asked to hold, its key, and where it lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import PhysrepError
from ..files import cache_home, content_hash, read_json
from ..streams import say_once
from .cache_copy import DATA
from .missing import Missing
from .observation import Observation, Spec
from .remote import AnyPath, RemotePath, as_path, fingerprint
from .resample import Method
from .scan import Crop, Scan, scan_split, split_files

# Increase when the content of a cache changes for the same request.
CACHE_VERSION = 3


META, OFFSETS = "meta.json", "offsets.npz"


Dtype = Literal["float32", "float16"]


@dataclass(frozen=True)
class SplitRequest:
    """What of a split is asked for.

    Attributes:
        fields, resolution, resample, crop: as in `physrep.data.WellSplit`.
        dtype: "float32", or "float16" for half the memory and about 3 digits.
        cache_dir: where copies live; default ``root/cache``, of a remote or read-only ``root``
            ``PHYSREP_CACHE/clips/NAME``, and no copy where windows can come from the files themselves.
        missing: "refuse" missing values, or replace them by the "mean" of their frame, see `physrep.data.missing`.
    """

    fields: Sequence[str] | None = None
    resolution: Sequence[int] | None = None
    resample: Method | None = "bilinear"
    crop: Crop = None
    dtype: Dtype = "float32"
    cache_dir: str | Path | None = None
    missing: Missing = "refuse"

    def check(self) -> None:
        """Raise what is wrong with it."""
        if self.dtype not in ("float32", "float16"):
            raise PhysrepError(f"cache: unknown dtype {self.dtype!r}; use 'float32' or 'float16'.")
        if self.missing not in ("refuse", "mean"):
            raise PhysrepError(f"data.missing is {self.missing!r}; use 'refuse' or 'mean'.")

    def content(self) -> dict[str, Any]:
        """What of it determines the content of a cache, as plain data."""
        crop = self.crop
        return {
            "fields": None if self.fields is None else list(self.fields),
            "resolution": None if self.resolution is None else [int(n) for n in self.resolution],
            "resample": self.resample,
            "crop": crop
            if crop is None or isinstance(crop, str)
            else {axis: list(part) for axis, part in crop.items()},
            "dtype": self.dtype,
            **({} if self.missing == "refuse" else {"missing": self.missing}),
        }


@dataclass(frozen=True)
class Plan:
    """What a cache is to hold and where it goes; nothing is read for it but the list of files."""

    root: AnyPath
    split: str
    paths: Sequence[AnyPath]
    folder: Path
    key: str
    request: SplitRequest
    observation: Observation | None

    @property
    def complete(self) -> bool:
        return is_cached(self.folder, self.key)

    def scan(self) -> Scan:
        own = self.request
        return scan_split(self.paths, own.fields, own.resolution, own.resample, own.crop, own.missing)

    def in_place(self, scan: Scan) -> bool:
        """Whether windows can come from the files themselves, as far as their metadata say."""
        own = self.request
        as_stored = self.observation is None and own.missing == "refuse" and own.dtype == "float32"
        # Where a place for copies is named, one is wanted in any case.
        return (
            as_stored
            and own.cache_dir is None
            and scan.view.resampler.unchanged
            and all(info.plain for info in scan.files)
        )


def plan_cache(
    root: str | Path | RemotePath, split: str, request: SplitRequest, observation: Spec | None = None, seed: int = 0
) -> Plan:
    """The cache of a split for a request, seen through an instrument (`physrep.data.observation`) if one is given.

    Raises:
        PhysrepError: the request cannot be met, or there are no files.
    """
    request.check()
    root = as_path(root)
    split = "valid" if split == "val" else split
    seen = Observation.of(observation, split, seed) if observation else None
    paths = split_files(root, split)
    asked = {"version": CACHE_VERSION, "files": [fingerprint(path) for path in paths], **request.content()}
    if seen is not None:
        asked["observation"] = seen.request()
    key = content_hash(asked)
    name = f"{split}-{key}"
    folder = _place(root, request.cache_dir, name, key) / name
    return Plan(root, split, paths, folder, key, request, seen)


def _place(root: AnyPath, cache_dir: str | Path | None, name: str, key: str) -> Path:
    """Where a cache goes: where it is asked to, beside the data, or in ``PHYSREP_CACHE`` if these cannot be written."""
    if cache_dir is not None:
        return Path(cache_dir)
    if not isinstance(root, Path):
        return cache_home() / "clips" / root.name
    home = root.parent if root.is_file() else root
    beside = home / "cache"
    if is_cached(beside / name, key) or os.access(beside if beside.exists() else home, os.W_OK):
        return beside
    elsewhere = cache_home() / "clips" / f"{root.resolve().name}-{content_hash(str(root.resolve()))[:8]}"
    say_once(
        f"{root}: cannot be written, so its cache is in {elsewhere}; data.cache_dir or PHYSREP_CACHE says otherwise."
    )
    return elsewhere


def is_cached(folder: str | Path, key: str) -> bool:
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
