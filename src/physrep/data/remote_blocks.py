"""Blocks of a remote file in memory: what one read has fetched, the next one does not fetch again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from fsspec.caching import BaseCache, register_cache

NAME = "physrep"


class RecentBlocks(BaseCache):
    """The blocks that were used last, and one request for all neighbouring blocks that a read misses.

    The fields of a file are read in turn, each in its own part of the file, so one window of read-ahead would drop what
    the next field needs. fsspec's own block caches ask for every block by itself, and read twice what is longer than
    all the blocks that they keep.

    Args:
        blocksize: bytes of a block.
        fetcher: reads bytes from one position up to another.
        size: of the file, in bytes.
        maxblocks: that are kept.
    """

    name = NAME

    def __init__(self, blocksize: int, fetcher: Callable[[int, int], bytes], size: int, maxblocks: int = 12) -> None:
        super().__init__(blocksize, fetcher, size)
        self.maxblocks = maxblocks
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        first_byte, end = start or 0, self.size if stop is None else min(stop, self.size)
        if first_byte >= end:
            return b""
        wanted = range(first_byte // self.blocksize, (end - 1) // self.blocksize + 1)
        found = {number: self._kept[number] for number in wanted if number in self._kept}
        missing = [number for number in wanted if number not in found]
        while missing:
            count = next((k for k, number in enumerate(missing) if number != missing[0] + k), len(missing))
            origin = missing[0] * self.blocksize
            part = memoryview(self.fetcher(origin, min(origin + count * self.blocksize, self.size)))
            for k in range(count):
                found[missing[k]] = bytes(part[k * self.blocksize : (k + 1) * self.blocksize])
            missing = missing[count:]
        for number in list(wanted)[-self.maxblocks :]:
            self._kept[number] = found[number]
            self._kept.move_to_end(number)
        while len(self._kept) > self.maxblocks:
            self._kept.popitem(last=False)
        offset = wanted.start * self.blocksize
        return b"".join(found[number] for number in wanted)[first_byte - offset : end - offset]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": OrderedDict()}


register_cache(RecentBlocks, clobber=True)
