"""Embeddings of every simulation of a study on disk: one row per simulation, in the order of `StudyData`.

frames.npy             mean over the spatial tokens of each temporal token, float32 (S, t, D)
frames_normalised.npy  the same, each vector divided by its length
grid.npy               spatial tokens, float16 (S, t, h, w, D); optional
times.npy              middle of each temporal token, in frames
meta.json              parameters, equation, pair and number of every simulation; written last: it marks completeness

Embedding is resumable: every batch is a file of its own below ``parts`` until all are there. A store whose key (of
weights, data, colours, code version) is another one is never used, and neither are its parts.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PhysrepError
from ..files import atomic_path, atomic_write, content_hash, read_json, write_json, write_npz
from ..progress import Progress

META, PARTS = "meta.json", "parts"

STORE_VERSION = 1
"""Increase when embeddings change for the same request."""


@dataclass
class EmbeddingStore:
    """Embeddings of one modality.

    Attributes:
        frames, normalised: see the module's docstring; memory-mapped.
        grid: spatial tokens, memory-mapped, or None.
        times: middle of each temporal token in frames, with shape ``(t,)``.
        meta: what was embedded, with a record per simulation.
    """

    frames: np.ndarray
    normalised: np.ndarray
    grid: np.ndarray | None
    times: np.ndarray
    meta: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def open(cls, folder: str | Path) -> EmbeddingStore:
        """Open a complete store.

        Raises:
            PhysrepError: there is none in the folder.
        """
        folder = Path(folder)
        if not is_complete(folder):
            raise PhysrepError(f"{folder}: holds no complete embeddings; run `physrep study` again.")
        meta = read_json(folder / META)

        def array(name: str) -> np.ndarray:
            return np.load(folder / f"{name}.npy", mmap_mode="r")

        grid = array("grid") if "grid" in meta["bytes"] else None
        return cls(array("frames"), array("frames_normalised"), grid, np.load(folder / "times.npy"), meta)


def is_complete(folder: Path, key: str | None = None) -> bool:
    """Whether the folder holds a finished store (with this key) whose files all have their full size."""
    try:
        meta = read_json(folder / META)
        if key is not None and meta["key"] != key:
            return False
        return all((folder / f"{name}.npy").stat().st_size == size for name, size in meta["bytes"].items())
    except (PhysrepError, OSError, KeyError, TypeError, AttributeError):
        return False


def write_store(
    folder: Path,
    request: Mapping[str, Any],
    simulations: list[dict[str, Any]],
    embed: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]],
    times: np.ndarray,
    *,
    batch_size: int = 8,
    label: str = "embed",
) -> EmbeddingStore:
    """Embed every simulation once, or go on where an earlier call stopped.

    Args:
        folder: of the store.
        request: plain data that determines the content.
        simulations: records, one per simulation.
        embed: numbers of simulations to frame embeddings ``(B, t, D)`` and spatial tokens ``(B, t, h, w, D)`` or None.
        times: see `EmbeddingStore`.
        batch_size: simulations per call.
        label: shown with the progress.

    Raises:
        PhysrepError: embeddings are not finite or do not fit float16, or the disk is full.
    """
    key = content_hash({"version": STORE_VERSION, **request, "batch_size": batch_size})
    if is_complete(folder, key):
        return EmbeddingStore.open(folder)
    (folder / META).unlink(missing_ok=True)
    parts = folder / PARTS / key
    if (folder / PARTS).is_dir():
        for stale in (folder / PARTS).iterdir():
            if stale != parts:
                shutil.rmtree(stale)
    starts = range(0, len(simulations), batch_size)
    with Progress(len(simulations), label, "simulations") as progress:
        for first in starts:
            rows = np.arange(first, min(first + batch_size, len(simulations)))
            path = parts / f"{first:06d}.npz"
            if not path.is_file():
                arrays = _checked(*embed(rows), len(rows))
                write_npz(path, arrays)
            progress.advance(len(rows))
    names = list(np.load(parts / f"{0:06d}.npz").files)
    for name in names:
        _join(folder / f"{name}.npy", [parts / f"{first:06d}.npz" for first in starts], name, len(simulations))
    with atomic_path(folder / "times.npy") as path, open(path, "wb") as file:
        np.save(file, np.asarray(times, dtype=np.float64))
    sizes = {name: (folder / f"{name}.npy").stat().st_size for name in [*names, "times"]}
    write_json(folder / META, {"key": key, "request": request, "simulations": simulations, "bytes": sizes})
    shutil.rmtree(folder / PARTS)
    return EmbeddingStore.open(folder)


def _checked(frames: np.ndarray, grid: np.ndarray | None, rows: int) -> dict[str, np.ndarray]:
    if frames.ndim != 3 or len(frames) != rows:
        raise PhysrepError(f"an encoder gave frame embeddings {frames.shape} for {rows} simulations, not (B, t, D).")
    if not np.isfinite(frames).all():
        raise PhysrepError("an encoder gave NaN or infinite embeddings; check its weights and the fields.")
    frames = frames.astype(np.float32)
    length = np.linalg.norm(frames, axis=-1, keepdims=True)
    arrays = {"frames": frames, "frames_normalised": frames / np.maximum(length, 1e-12)}
    if grid is not None:
        largest = float(np.abs(grid).max())
        if not largest <= float(np.finfo(np.float16).max):
            raise PhysrepError(f"spatial tokens reach {largest:.3g}, too large for float16; set keep_grid: false.")
        arrays["grid"] = grid.astype(np.float16)
    return arrays


def _join(path: Path, parts: list[Path], name: str, total: int) -> None:
    """The rows of all parts in one file, one part in memory at a time."""
    with atomic_write(path, "wb") as file:
        for number, part in enumerate(parts):
            array = np.load(part)[name]
            if number == 0:
                header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False}
                np.lib.format.write_array_header_1_0(file, {**header, "shape": (total, *array.shape[1:])})
            file.write(np.ascontiguousarray(array).data)
