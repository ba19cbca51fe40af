"""New recordings as clips: a file, a folder of files or a data set in The Well's format, with or without labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..clip import Clip
from ..data import SPLITS, as_path
from ..data.config import DataConfig
from ..data.foreign import refuse_foreign
from ..data.scan import FieldView, hdf5_files
from ..data.time_steps import say_uneven, uneven
from ..data.wellfile import WellFile
from ..errors import PhysrepError


@dataclass
class Recording:
    """One trajectory, as windows.

    Attributes:
        source: file that it comes from, or what an array is called.
        trajectory: its place in the file.
        clip: its windows, in the order of their starts.
        times: of the first frame of every window.
        parameters: values that the file states, by name; empty where it states none.
        units: that the file states, by what they are of (`physrep.data.units`).
    """

    source: str
    trajectory: int
    clip: Clip
    parameters: dict[str, float]
    times: list[float]
    units: dict[str, str] = field(default_factory=dict)


def recordings(
    places: Sequence[str | Path], data: DataConfig, frames: int, stride: int, frame_step: int = 1
) -> Iterator[Recording]:
    """Every trajectory of the given files, in the view of ``data``; the files are looked for at once, and then read.

    Args:
        places: files, folders of files, or data sets (all their splits).
        data: fields, resolution and crop, as the encoder was trained.
        frames, stride, frame_step: of the windows.

    Raises:
        PhysrepError: nothing there, a file that cannot be read, or a trajectory that is shorter than a window.
    """
    return _read(_files(places), data, frames, stride, frame_step)


def _read(files: Sequence[Any], data: DataConfig, frames: int, stride: int, frame_step: int) -> Iterator[Recording]:
    for path in files:
        with WellFile(path) as file:
            say_uneven(path, uneven(file.time))
            view = FieldView(file, data.fields, data.resolution, data.resample, _crop(data))
            span = (frames - 1) * frame_step + 1
            if file.n_frames < span:
                raise PhysrepError(
                    f"{path}: has {file.n_frames} frames, but a window of this encoder needs {span}; record longer."
                )
            starts = list(range(0, file.n_frames - span + 1, stride))
            for number in range(file.n_trajectories):
                block = view.read(file, number, 0, starts[-1] + span)
                if not torch.isfinite(block).all():
                    raise PhysrepError(f"{path}: trajectory {number} holds NaN or infinity; leave it out or repair it.")
                fields = torch.stack([block[:, start : start + span : frame_step] for start in starts])
                times = [start * file.dt for start in starts]
                labels = {name: float(values[number]) for name, values in file.parameters.items()}
                known = {name: value for name, value in labels.items() if not math.isnan(value)}
                clip = _clip(fields, view, file.dt * frame_step, starts)
                yield Recording(str(path), number, clip, known, times, file.units)


def _crop(data: DataConfig) -> Any:
    return data.crop if data.crop is None or isinstance(data.crop, str) else {k: list(v) for k, v in data.crop.items()}


def _clip(fields: torch.Tensor, view: FieldView, dt: float, starts: Sequence[int]) -> Clip:
    grid: Any = view.resampler
    return Clip(
        fields=fields.float(),
        parameters=torch.full((len(fields), 0), torch.nan, dtype=torch.float64),
        channels=view.channels,
        parameter_names=(),
        dt=dt,
        dx=tuple(grid.dx),
        periodic=tuple(view.periodic),
        trajectory=torch.zeros(len(fields), dtype=torch.int64),
        start=torch.tensor(starts),
        coordinates=tuple(None if points is None else torch.from_numpy(points).double() for points in grid.coordinates),
    )


def _files(places: Sequence[str | Path]) -> list[Any]:
    found: list[Any] = []
    for place in places:
        path = as_path(place)
        if path.is_dir() and (path / "data").is_dir():
            folders = [path / "data" / split for split in SPLITS if (path / "data" / split).is_dir()]
            here = [file for folder in folders for file in hdf5_files(folder)]
        elif path.is_dir():
            here = list(hdf5_files(path))
        elif path.is_file():
            here = [path]
        else:
            raise PhysrepError(f"{place}: there is no such file or folder; give recordings in The Well's format.")
        if not here:
            refuse_foreign(path)
            raise PhysrepError(f"{place}: holds no .hdf5 or .h5 file; `physrep convert` makes them of other formats.")
        found += here
    return found
