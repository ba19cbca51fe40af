"""Where the values of an HDF5 array lie in its file, and reading them from there.

HDF5 verifies checksums in one thread at about the speed of a disk, which halves the speed of reading what is in memory
already. With the checksum as the only filter of a chunk its bytes on disk are its values, followed by 4 bytes; without
chunks the array is one block. So values that were read and verified once are read again from their place in the file,
by plain reads: what is read counts for no process's memory, and a file that was cut short is an error, not a signal.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import h5py
import numpy as np

from .chunks import CHECKSUM

PART = 1 << 12
"""Rows of at least so many bytes are read one by one where those between them are not wanted."""


@dataclass(frozen=True)
class Layout:
    """Places of the chunks of an array; an array without chunks is one.

    Attributes:
        shape, dtype: of the array, in this machine's byte order.
        chunk: shape of a chunk.
        offsets: first byte of every chunk in the file, int64 with as many axes as the array.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: tuple[int, ...]
    offsets: np.ndarray

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Layout | None:
        """The places of an array of a file that is open for reading; None where its bytes are not its values."""
        if not is_stored_plain(dataset):
            return None
        shape, dtype = tuple(dataset.shape), dataset.dtype
        if dataset.chunks is None:
            offset = dataset.id.get_offset()
            return None if offset is None else cls(shape, dtype, shape, np.full((1,) * len(shape), offset, np.int64))
        chunk = tuple(dataset.chunks)
        size = int(np.prod(chunk)) * dtype.itemsize + (CHECKSUM if dataset.fletcher32 else 0)
        offsets = np.empty([-(-n // c) for n, c in zip(shape, chunk, strict=True)], np.int64)
        for number in np.ndindex(offsets.shape):
            info = dataset.id.get_chunk_info_by_coord(tuple(n * c for n, c in zip(number, chunk, strict=True)))
            if info.byte_offset is None or info.filter_mask or info.size != size:
                return None
            offsets[number] = info.byte_offset
        return cls(shape, dtype, chunk, offsets)

    def read(self, handle: int, index: Sequence[int | slice]) -> np.ndarray:
        """``array[index]``.

        Args:
            handle: the open file.
            index: per leading axis a number or a slice with a positive step.

        Raises:
            OSError: a chunk lies outside of the file.
        """
        if len(index) > 1 and all(part == slice(None) for part in index[2:]):
            found = self._whole_frames(handle, index[0], index[1])
            if found is not None:
                return found
        full = [*index, *(slice(None),) * (len(self.shape) - len(index))]
        keep = [n for n, part in enumerate(full) if isinstance(part, slice)]
        parts = [part if isinstance(part, slice) else slice(part, part + 1) for part in full]
        ranges = [range(*part.indices(n)) for part, n in zip(parts, self.shape, strict=True)]
        lengths = [len(r) for r in ranges]
        if not all(lengths):
            return np.empty([lengths[n] for n in keep], self.dtype)
        touched = [range(r[0] // c, r[-1] // c + 1) for r, c in zip(ranges, self.chunk, strict=True)]
        if all(len(t) == 1 for t in touched):
            number = tuple(t[0] for t in touched)
            of = [slice(r.start - n * c, r[-1] + 1 - n * c, r.step)
                  for r, n, c in zip(ranges, number, self.chunk, strict=True)]  # fmt: skip
            out = self._part(handle, int(self.offsets[number]), of)
        else:
            out = np.empty(lengths, self.dtype)
            for number in itertools.product(*touched):
                pairs = [_overlap(r, n * c, c) for r, n, c in zip(ranges, number, self.chunk, strict=True)]
                if all(to.stop > to.start for to, _ in pairs):
                    part = self._part(handle, int(self.offsets[number]), [of for _, of in pairs])
                    out[tuple(to for to, _ in pairs)] = part
        return out.reshape([lengths[n] for n in keep])

    def _whole_frames(self, handle: int, row: int | slice, frames: int | slice) -> np.ndarray | None:
        """``array[row, frames]`` in one piece, as most windows lie; None if they do not."""
        if isinstance(row, slice) or isinstance(frames, int) or self.chunk[2:] != self.shape[2:]:
            return None
        start, stop, step = frames.indices(self.shape[1])
        place = start // self.chunk[1]
        if step != 1 or stop <= start or (stop - 1) // self.chunk[1] != place or not 0 <= row < self.shape[0]:
            return None
        out = np.empty((stop - start, *self.shape[2:]), self.dtype)
        before = row % self.chunk[0] * self.chunk[1] + start - place * self.chunk[1]
        offset = int(self.offsets[row // self.chunk[0], place].item())
        _fill(handle, out, offset + before * (out.nbytes // len(out)))
        return out

    def _part(self, handle: int, offset: int, of: Sequence[slice]) -> np.ndarray:
        """Part ``of`` a chunk that begins at ``offset``, through the smallest run of bytes that holds it."""
        axis = 0
        while axis < len(of) - 1 and of[axis].stop - of[axis].start == 1:
            axis += 1
        row = self.chunk[axis + 1 :]
        strides = np.cumprod([1, *self.chunk[:0:-1]])[::-1]
        first = sum(int(s) * part.start for s, part in zip(strides[: axis + 1], of, strict=False))
        stride = int(strides[axis]) * self.dtype.itemsize
        begin, wanted = offset + first * self.dtype.itemsize, of[axis]
        if wanted.step > 1 and stride >= PART:
            whole = np.empty((len(range(wanted.start, wanted.stop, wanted.step)), *row), self.dtype)
            for i in range(len(whole)):
                _fill(handle, whole[i], begin + i * wanted.step * stride)
            return whole[(..., *of[axis + 1 :])].reshape(_lengths(of))
        whole = np.empty((wanted.stop - wanted.start, *row), self.dtype)
        _fill(handle, whole, begin)
        return whole[(slice(None, None, wanted.step), *of[axis + 1 :])].reshape(_lengths(of))


class VerifiedBefore:
    """An array whose values were verified before: reads from it without a look at the checksums, where it can.

    Args:
        dataset: the array, of a file that is open for reading.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        local = dataset.file.driver == "sec2" and dataset.file.mode == "r"
        self.layout = Layout.of(dataset) if local else None
        self._handle = int(dataset.file.id.get_vfd_handle()) if self.layout is not None else -1

    def read(self, index: Sequence[int | slice]) -> np.ndarray:
        """``dataset[index]``; index and errors as in `Layout.read`."""
        if self.layout is None:
            return np.asarray(self._dataset[tuple(index)])
        return self.layout.read(self._handle, index)


def is_stored_plain(dataset: h5py.Dataset) -> bool:
    """Whether the bytes of an array's chunks are its values, by its properties alone; some may still not be there."""
    if dataset.is_virtual or dataset.external or dataset.dtype.kind not in "iuf" or not dataset.dtype.isnative:
        return False
    if dataset.file.userblock_size or not dataset.ndim or not dataset.size:
        return False
    plist = dataset.id.get_create_plist()
    if plist.get_layout() == h5py.h5d.COMPACT:
        return False
    return plist.get_nfilters() == 0 or (
        plist.get_nfilters() == 1 and plist.get_filter(0)[0] == h5py.h5z.FILTER_FLETCHER32
    )


def _lengths(of: Sequence[slice]) -> list[int]:
    return [len(range(part.start, part.stop, part.step)) for part in of]


def _overlap(wanted: range, origin: int, size: int) -> tuple[slice, slice]:
    """Which of the ``wanted`` numbers lie in a chunk: their places in the result, and in the chunk."""
    first = max(0, -(-(origin - wanted.start) // wanted.step))
    last = min(len(wanted), -(-(origin + size - wanted.start) // wanted.step))
    start = wanted.start + first * wanted.step - origin
    return slice(first, last), slice(start, start + (last - first - 1) * wanted.step + 1, wanted.step)


def _fill(handle: int, out: np.ndarray, offset: int) -> None:
    view: Any = memoryview(cast(Any, out)).cast("B")
    done = 0
    while done < len(view):
        count = os.preadv(handle, [view[done:]], offset + done)
        if count == 0:
            raise OSError("the file is truncated")
        done += count
