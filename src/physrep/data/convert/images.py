"""Pictures of a camera: a folder of images, one per frame, or a video file; the grey value is the field.

Rows of a picture run along y, downwards, columns along x. Grey values are kept as stored (0 to 255, or 0 to 65535);
colours become their luminance (ITU-R 601), which is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PhysrepError
from .axes import TIME
from .source import Handles, LazyArray, Part, frame_by_frame

IMAGES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".gif", ".pgm")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg")
FIELD = "intensity"


def read_images(folder: Path, files: Sequence[Path]) -> Part:
    """A folder of images as a part of a source: one trajectory."""
    first, colour = _grey(files[0])
    part = Part(folder, {FIELD: LazyArray((TIME, "y", "x"), (len(files), *first.shape), _reader(files, first.shape))})
    if colour:
        part.notes.append("colours become their luminance")
    return part


def _grey(path: Path) -> tuple[np.ndarray, bool]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            colour = image.mode not in ("L", "1", "I", "F") and not image.mode.startswith("I;16")
            return np.asarray(image.convert("L") if colour else image), colour
    except (OSError, UnidentifiedImageError) as error:
        raise PhysrepError(f"{path}: cannot be read as an image ({error}); take it out of the folder.") from error


def _reader(files: Sequence[Path], shape: tuple[int, ...]) -> Any:
    def picture(file: Path) -> np.ndarray:
        values, _ = _grey(file)
        if values.shape != shape:
            raise PhysrepError(f"{file}: has {values.shape[::-1]} pixels, but {files[0].name} has {shape[::-1]}.")
        return values

    return frame_by_frame(files, picture)


class _Video:
    """Decodes frames in order; going back starts again at the first."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._container: Any = None

    def _frames(self) -> Iterator[np.ndarray]:
        self.close()
        self._container = _av(self.path).open(self.path)
        for frame in self._container.decode(video=0):
            yield frame.to_ndarray(format="gray")

    def block(self, start: int, stop: int) -> np.ndarray:
        if self._container is None or self._next > start:
            self._iterator, self._next = self._frames(), 0
        out = []
        for picture in self._iterator:
            self._next += 1
            if self._next > start:
                out.append(picture)
            if self._next >= stop:
                break
        return np.stack(out)

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None


_videos = Handles(_Video)


def read_video(path: Path, axes: Sequence[str] | None = None, frame: bool = False) -> Part:
    """A video file as a part of a source: one trajectory, its time from the frame rate."""
    av = _av(path)
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate, grey = stream.average_rate, "gray" in str(stream.pix_fmt)
            # The number in the header is often missing or wrong, so frames are counted.
            count, shape = 0, (0, 0)
            for picture in container.decode(video=0):
                count, shape = count + 1, (picture.height, picture.width)
    except (av.FFmpegError, IndexError) as error:
        raise PhysrepError(f"{path}: cannot be read as a video ({error}); convert it to another format.") from error

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        frames, *rest = index
        first, stop, step = frames.indices(count) if isinstance(frames, slice) else (frames, frames + 1, 1)
        block = _videos(path).block(first, stop)[::step]
        return block[(slice(None), *rest)] if isinstance(frames, slice) else block[(0, *rest)]

    part = Part(path, {FIELD: LazyArray((TIME, "y", "x"), (count, *shape), read)})
    if rate:
        part.coordinates[TIME] = np.arange(count) / float(rate)
    if not grey:
        part.notes.append("colours become their luminance")
    return part


def _av(path: str | Path) -> Any:
    try:
        import av
    except ImportError as error:
        raise PhysrepError(f"{path}: needs PyAV; install it: pip install 'physrep[camera]'.") from error
    return av
