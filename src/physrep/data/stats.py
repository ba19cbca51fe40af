r"""Means and spreads of fields, streamed in float64, and The Well's ``stats.yaml``.

For every field component, over all trajectories, frames and points of the training split,

    mean = <f>,  std = <(f - mean)^2>^{1/2},  rms = <f^2>^{1/2},

and the same three for the change between consecutive stored frames (``mean_delta``, ...). Spreads are those of the
population. Blocks are merged by the parallel update of Chan, Golub and LeVeque (1979), which does not cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PhysrepError
from ..files import read_yaml, write_yaml
from ..progress import Progress
from ..yaml_reader import parse_yaml
from .remote import RemotePath, as_path
from .scan import split_files
from .stored_field import StoredField
from .wellfile import WellFile

BLOCK_BYTES = 32 << 20
KINDS = ("mean", "std", "rms")


@dataclass
class Moments:
    """Number of values, mean and sum of squared deviations per channel, float64."""

    count: float
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def zero(cls, channels: int) -> Moments:
        """The moments of no values."""
        return cls(0.0, np.zeros(channels), np.zeros(channels))

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Moments of values with shape ``(C, ...)`` over all but the first axis."""
        flat = values.reshape(len(values), -1).astype(np.float64)
        mean = flat.mean(1)
        flat -= mean[:, None]
        return cls(float(flat.shape[1]), mean, np.einsum("cn,cn->c", flat, flat))

    def __add__(self, other: Moments) -> Moments:
        count = self.count + other.count
        if count == 0:
            return self
        shift = other.mean - self.mean
        mean = self.mean + shift * (other.count / count)
        squares = self.squares + other.squares + shift**2 * (self.count * other.count / count)
        return Moments(count, mean, squares)

    @property
    def std(self) -> np.ndarray:
        """Population standard deviation per channel."""
        return np.sqrt(self.squares / max(self.count, 1.0))

    @property
    def rms(self) -> np.ndarray:
        """Root mean square per channel."""
        return np.sqrt(self.squares / max(self.count, 1.0) + self.mean**2)


def frame_blocks(n_frames: int, bytes_per_frame: int) -> list[tuple[int, int]]:
    """``(start, frames)`` blocks of a trajectory that fit in a modest amount of memory."""
    step = max(1, BLOCK_BYTES // max(bytes_per_frame, 1))
    return [(start, min(step, n_frames - start)) for start in range(0, n_frames, step)]


def compute_stats(files: Sequence[str | Path | RemotePath]) -> dict[str, dict[str, Any]]:
    """Statistics of the time-varying fields of files of one dataset; give it the training files only.

    Returns:
        The six maps of ``stats.yaml``, each from field to a number, a list (vector) or nested lists (tensor).

    Raises:
        PhysrepError: a file cannot be read, lacks a field of the first one, or holds values that are not finite.
    """
    values: dict[str, Moments] = {}
    deltas: dict[str, Moments] = {}
    fields: dict[str, StoredField] = {}
    dimensions = 0
    if not files:
        raise PhysrepError("statistics need at least one file; simulate or download the training split first.")
    with Progress(len(files), "statistics", "files") as progress:
        for path in files:
            with WellFile(path) as file:
                if not fields:
                    fields = {name: field for name, field in file.fields.items() if field.time_varying}
                    dimensions = len(file.axes)
                for name, field in fields.items():
                    if name not in file.fields:
                        raise PhysrepError(f"{path}: has no field {name}, which other files of the dataset have.")
                    value, delta = _field_moments(file, field)
                    values[name] = values.get(name, Moments.zero(len(field.channels))) + value
                    deltas[name] = deltas.get(name, Moments.zero(len(field.channels))) + delta
            progress.advance(note=as_path(path).name)
    stats: dict[str, dict[str, Any]] = {}
    for suffix, table in (("", values), ("_delta", deltas)):
        for kind in KINDS:
            stats[kind + suffix] = {
                name: getattr(table[name], kind).reshape((dimensions,) * field.order).tolist()
                for name, field in fields.items()
            }
    return stats


def _field_moments(file: WellFile, field: StoredField) -> tuple[Moments, Moments]:
    value, delta = Moments.zero(len(field.channels)), Moments.zero(len(field.channels))
    bytes_per_frame = 4 * len(field.channels) * int(np.prod(file.shape))
    for trajectory in range(file.n_trajectories):
        last: np.ndarray | None = None
        for start, frames in frame_blocks(file.n_frames, bytes_per_frame):
            block = file.read(trajectory, start, frames, channels=field.channels)
            value += Moments.of(block)
            joined = block if last is None else np.concatenate([last, block], axis=1)
            if joined.shape[1] > 1:
                delta += Moments.of(np.diff(joined.astype(np.float64), axis=1))
            last = block[:, -1:]
    return value, delta


def write_stats(root: str | Path) -> dict[str, dict[str, Any]]:
    """Compute the statistics of a dataset's training split, write them to ``root/stats.yaml`` and return them."""
    stats = compute_stats(split_files(root, "train"))
    write_yaml(Path(root) / "stats.yaml", stats)
    return stats


def read_stats(path: str | Path | RemotePath) -> dict[str, dict[str, Any]]:
    """Read a ``stats.yaml`` and make sure that all six maps are there.

    Raises:
        PhysrepError: the file is missing, not YAML, or incomplete.
    """
    path = as_path(path)
    stats = read_yaml(path) if isinstance(path, Path) else parse_yaml(path.read_text(), str(path))
    wanted = [kind + suffix for suffix in ("", "_delta") for kind in KINDS]
    if not isinstance(stats, dict) or any(not isinstance(stats.get(name), dict) for name in wanted):
        raise PhysrepError(f"{path}: must hold the maps {', '.join(wanted)}; write it again from the training split.")
    return stats
