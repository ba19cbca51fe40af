"""Files in The Well's format as a part of a source, so that every command that reads foreign files reads these too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..wellfile import WellFile
from .axes import COMPONENT, SAMPLE, TIME
from .source import Handles, LazyArray, Part

_files = Handles(lambda path: WellFile(path))


def read_well(path: Path, axes: Sequence[str] | None = None, frame: bool = False) -> Part:
    """A file in The Well's format; tensors come component by component."""
    file = _files(path)
    part = Part(path, {}, parameters=dict(file.parameters), periodic=dict(zip(file.axes, file.periodic, strict=True)))
    part.units = _units(file)
    part.coordinates = {TIME: file.time[0], **file.coordinates}
    base = (file.n_trajectories, file.n_frames, *file.shape)
    for field in file.fields.values():
        if not field.time_varying:
            part.notes.append(f"{field.name} is constant in time and is left out")
        elif field.order == 1:
            axes_of = (SAMPLE, TIME, *file.axes, COMPONENT)
            part.arrays[field.name] = LazyArray(axes_of, (*base, len(file.axes)), _reader(path, field.channels, True))
        else:
            for channel in field.channels:
                part.arrays[channel] = LazyArray((SAMPLE, TIME, *file.axes), base, _reader(path, (channel,), False))
    return part


def _units(file: WellFile) -> dict[str, str]:
    """Units by the names of the arrays of a part: tensors come component by component."""
    found: dict[str, str] = {}
    for what, text in file.units.items():
        found.setdefault(what.partition(" ")[2] or what, text)
    for field in file.fields.values():
        if field.order == 2 and field.name in found:
            found |= dict.fromkeys(field.channels, found[field.name])
    return found


def _reader(path: Path, channels: Sequence[str], vector: bool):
    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        sample, frames, *rest = index
        file = _files(path)
        start, stop, step = frames.indices(file.n_frames)  # type: ignore[union-attr]
        block = file.read(int(sample), start, len(range(start, stop, step)), step, channels)  # type: ignore[arg-type]
        block = np.moveaxis(block, 0, -1) if vector else block[0]
        return block[(slice(None), *rest)]

    return read
