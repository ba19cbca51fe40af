"""Chunks of written fields, each with a Fletcher32 checksum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CHUNK = 1 << 21
"""Bytes of a chunk where a frame is not larger; HDF5 keeps one of this size in memory while its frames are read."""

LARGEST = 1 << 26
"""A frame that is larger is divided along its first axes."""

CHECKSUM, ITEMSIZE = 4, 4


def chunk_shape(frames: int, frame: Sequence[int]) -> tuple[int, ...]:
    """Chunk of a field ``(N, T, *frame)``: whole frames of one trajectory, few per window.

    Args:
        frames: T.
        frame: grid points per axis, and components.
    """
    size = ITEMSIZE * int(np.prod(frame))
    pieces = -(-frames // max(1, min(frames, CHUNK // max(size, 1))))
    shape = [1, -(-frames // pieces), *frame]
    for axis in range(2, len(shape)):
        rest = ITEMSIZE * int(np.prod(shape[axis + 1 :]))
        if ITEMSIZE * int(np.prod(shape)) > LARGEST:
            shape[axis] = max(1, LARGEST // rest)
    return tuple(shape)


def stored_bytes(shape: Sequence[int], chunk: Sequence[int]) -> int:
    """Bytes on disk of an array in such chunks, with what the last ones have too much and with the checksums."""
    chunks = int(np.prod([-(-n // c) for n, c in zip(shape, chunk, strict=True)]))
    return chunks * (ITEMSIZE * int(np.prod(chunk)) + CHECKSUM)
