"""Chunks of written fields, each with a Fletcher32 checksum, and reading them again without verifying it again.

HDF5 has checksums for chunks only. It verifies them in one thread at about the speed of a disk, which halves the speed
of reading what is in memory already. With the checksum as the only filter the bytes of a chunk on disk are its values,
followed by 4 bytes, so frames that were verified once are read from their place in the file.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any, cast

import h5py
import numpy as np

CHUNK = 1 << 21
"""Bytes of a chunk where a frame is not larger; HDF5 keeps one of this size in memory while its frames are read."""

LARGEST = 1 << 26
"""A frame that is larger is divided along its first axes."""

CHECKSUM = 4


def chunk_shape(frames: int, frame: Sequence[int], itemsize: int = 4) -> tuple[int, ...]:
    """Chunk of a field ``(N, T, *frame)``: whole frames of one trajectory, few per window.

    Args:
        frames: T.
        frame: grid points per axis, and components.
        itemsize: bytes per value.
    """
    size = itemsize * int(np.prod(frame))
    pieces = -(-frames // max(1, min(frames, CHUNK // max(size, 1))))
    shape = [1, -(-frames // pieces), *frame]
    for axis in range(2, len(shape)):
        rest = itemsize * int(np.prod(shape[axis + 1 :]))
        if itemsize * int(np.prod(shape)) > LARGEST:
            shape[axis] = max(1, LARGEST // rest)
    return tuple(shape)


def stored_bytes(shape: Sequence[int], chunk: Sequence[int], itemsize: int = 4) -> int:
    """Bytes on disk of an array in such chunks, with what the last ones have too much and with the checksums."""
    chunks = int(np.prod([-(-n // c) for n, c in zip(shape, chunk, strict=True)]))
    return chunks * (itemsize * int(np.prod(chunk)) + CHECKSUM)


class VerifiedBefore:
    """An array whose values were verified before: reads from it without a look at the checksums, where it can.

    It can where they are the only filter of chunks of a local file; elsewhere HDF5 reads as always.

    Args:
        dataset: the array, of a file that is open for reading.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset, self._place = dataset, _place(dataset)
        self._shape, self._chunk, self._dtype = dataset.shape, dataset.chunks or (), dataset.dtype
        self._size = int(np.prod(self._chunk)) * self._dtype.itemsize + CHECKSUM
        self._offsets: dict[tuple[int, ...], int | None] = {}

    def read(self, index: Sequence[int | slice]) -> np.ndarray:
        """``dataset[index]``.

        Args:
            index: per leading axis a number or a slice with a positive step.

        Raises:
            OSError: a chunk lies outside of the file.
        """
        if self._place is None:
            return np.asarray(self._dataset[tuple(index)])
        full = [*index, *(slice(None),) * (len(self._shape) - len(index))]
        parts = [part if isinstance(part, slice) else slice(part, part + 1) for part in full]
        ranges = [range(*part.indices(n)) for part, n in zip(parts, self._shape, strict=True)]
        out = np.empty([len(r) for r in ranges], dtype=self._dtype)
        touched = [range(r[0] // c, r[-1] // c + 1) for r, c in zip(ranges, self._chunk, strict=True)]
        for numbers in itertools.product(*touched):
            origin = tuple(number * c for number, c in zip(numbers, self._chunk, strict=True))
            overlaps = [_overlap(r, o, c) for r, o, c in zip(ranges, origin, self._chunk, strict=True)]
            to, of = tuple(pair[0] for pair in overlaps), tuple(pair[1] for pair in overlaps)
            offset = self._offset(origin)
            if offset is None:
                return np.asarray(self._dataset[tuple(index)])
            if all(part.stop > part.start for part in to):
                _copy(self._place, offset, self._chunk, of, out[to])
        return out.reshape([len(r) for r, part in zip(ranges, full, strict=True) if isinstance(part, slice)])

    def _offset(self, origin: tuple[int, ...]) -> int | None:
        """Where a chunk begins in the file; None if it is not there as it should be."""
        if origin not in self._offsets:
            info = self._dataset.id.get_chunk_info_by_coord(origin)
            sound = not info.filter_mask and info.size == self._size
            self._offsets[origin] = info.byte_offset if sound else None
        return self._offsets[origin]


def _place(dataset: h5py.Dataset) -> int | None:
    """The file descriptor, if the chunks of the array can be read from it as they are."""
    if dataset.chunks is None or dataset.is_virtual or dataset.dtype.kind not in "iuf" or not dataset.dtype.isnative:
        return None
    plist, file = dataset.id.get_create_plist(), dataset.file
    if plist.get_nfilters() != 1 or plist.get_filter(0)[0] != h5py.h5z.FILTER_FLETCHER32:
        return None
    if file.driver != "sec2" or file.userblock_size or file.mode != "r":
        return None
    return int(file.id.get_vfd_handle())


def _overlap(wanted: range, origin: int, size: int) -> tuple[slice, slice]:
    """Which of the ``wanted`` numbers lie in a chunk: their places in the result, and in the chunk."""
    first = max(0, -(-(origin - wanted.start) // wanted.step))
    last = min(len(wanted), -(-(origin + size - wanted.start) // wanted.step))
    start = wanted.start + first * wanted.step - origin
    return slice(first, last), slice(start, start + (last - first - 1) * wanted.step + 1, wanted.step)


def _copy(handle: int, offset: int, chunk: tuple[int, ...], of: tuple[slice, ...], out: np.ndarray) -> None:
    """Part ``of`` a chunk that begins at ``offset`` into ``out``, directly where it is one piece."""
    whole_frames = all(part == slice(0, n, 1) for part, n in zip(of[2:], chunk[2:], strict=True))
    if whole_frames and chunk[0] == 1 and len(of) > 1 and of[1].step == 1 and out.flags.c_contiguous:
        _fill(handle, out, offset + of[1].start * out.itemsize * int(np.prod(chunk[2:])))
        return
    whole = np.empty(chunk, dtype=out.dtype)
    _fill(handle, whole, offset)
    out[...] = whole[of]


def _fill(handle: int, out: np.ndarray, offset: int) -> None:
    view: Any = memoryview(cast(Any, out)).cast("B")
    done = 0
    while done < len(view):
        count = os.preadv(handle, [view[done:]], offset + done)
        if count == 0:
            raise OSError("the file is truncated")
        done += count
