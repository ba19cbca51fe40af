"""Where the values of a file lie: in the file itself, complete, and readable.

HDF5 answers a read of values that nobody wrote with a fill value, without a word: chunks and contiguous blocks that
were never written, virtual data sets whose sources were moved, external files that are gone. And a file may name any
other file of the machine as the place of its values (external storage, external links, virtual sources). Both are found
here from metadata alone; which places are accepted, `data_folders` says.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import PhysrepError
from .data_folders import ALSO, allowed, found_file
from .faults import Fault
from .open_hdf5 import AGAIN, H5_ERRORS, explain, open_local
from .remote import AnyPath

GROUPS = ("dimensions", "boundary_conditions", "scalars", "t0_fields", "t1_fields", "t2_fields")
"""The groups of the format; what lies elsewhere in a file is not read."""

DEEPEST = 4
"""Virtual data sets of virtual data sets are followed this far."""

MOST_CHUNKS = 1 << 24
"""Of fields with more chunks their number is compared, not their places."""

FILTERS = {
    1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 305: "lzo", 307: "bzip2",
    32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32015: "zstd", 32017: "sz",
    32019: "fcidecomp", 32022: "sz3", 32026: "blosc2",
}  # fmt: skip


def check_storage(path: AnyPath, file: h5py.File) -> list[Fault]:
    """Values of an open file that lie elsewhere, were never written, or need a filter that is not installed."""
    faults: list[Fault] = []
    for item, thing in _contents(path, file, faults):
        try:
            faults += [Fault(path, item, problem, remedy) for problem, remedy in _dataset(path, thing, 0)]
        except H5_ERRORS as error:
            faults.append(Fault(path, item, *explain(path, error)))
    return faults


def refuse_elsewhere(path: Path, name: str, dataset: h5py.Dataset) -> None:
    """Refuse a data set whose values are not in its file and cannot, or may not, be read from where they lie.

    Args:
        path: of the file.
        name: of the data set, for the message.
        dataset: of the open file.

    Raises:
        PhysrepError: a virtual source or an external file is missing or outside of the folder, or a filter is missing.
    """
    key = (str(path), path.stat().st_mtime_ns, name)
    if key in _present or not (dataset.is_virtual or dataset.external or _missing_filter(dataset)):
        return
    for problem, remedy in _dataset(path, dataset, 0):
        raise PhysrepError(f"{path}: {name} {problem}; {remedy}.")
    _present.add(key)


_present: set[tuple[str, int, str]] = set()
"""Data sets that were looked at; a virtual one has many sources, and is read frame by frame."""


def never_written(dataset: h5py.Dataset) -> int:
    """Chunks that nobody wrote, for which HDF5 gives its fill value; of a contiguous data set 1 or 0."""
    if dataset.is_virtual or dataset.external or not dataset.size:
        return 0
    if dataset.chunks is None:
        return int(dataset.id.get_storage_size() == 0)
    total = math.prod(math.ceil(n / c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
    return max(total - dataset.id.get_num_chunks(), 0)


def _contents(path: AnyPath, file: h5py.File, faults: list[Fault]) -> Iterator[tuple[str, h5py.Dataset]]:
    """The data sets of the format's groups; links that lead out of the file become faults."""
    seen: set[Any] = set()
    waiting: list[tuple[str, Any]] = [(name, file) for name in GROUPS]
    while waiting:
        item, parent = waiting.pop(0)
        name = item.rsplit("/", 1)[-1]
        try:
            link = parent.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                problem = f"is a link to {link.path} in another file, {link.filename}"
                if not allowed(path, found_file(path, link.filename)):
                    faults.append(Fault(path, item, problem, f"copy it into this file, or set {ALSO} to its folder"))
                    continue
            thing = parent.get(name)
            if thing is None or thing.id in seen:
                continue  # What is missing, the format's own rules say.
            seen.add(thing.id)
            if isinstance(thing, h5py.Dataset):
                yield item, thing
            elif isinstance(thing, h5py.Group) and item.count("/") < DEEPEST:
                waiting += [(f"{item}/{key}", thing) for key in thing]
        except H5_ERRORS as error:
            faults.append(Fault(path, item, *explain(path, error)))


def _dataset(path: AnyPath, dataset: h5py.Dataset, depth: int) -> Iterator[tuple[str, str]]:
    missing = _missing_filter(dataset)
    if missing:
        yield f"is compressed with {missing}, which is not installed", "pip install hdf5plugin"
        return
    if dataset.is_virtual:
        yield from _virtual(path, dataset, depth)
    elif dataset.external:
        yield from _external(path, dataset)
    elif dataset.size:
        yield from _written(dataset)


def _missing_filter(dataset: h5py.Dataset) -> str:
    """Name and number of a filter that reading needs and that is not there; empty if all are."""
    plist = dataset.id.get_create_plist()
    for i in range(plist.get_nfilters()):
        code, _, _, name = plist.get_filter(i)
        if not h5py.h5z.filter_avail(code) and not _plugin(code):
            known = name.decode(errors="replace").split(";")[0].strip("\0 ")
            return f"the filter {FILTERS.get(code) or known or 'unknown'} ({code})"
    return ""


def _plugin(code: int) -> bool:
    """Whether hdf5plugin, which registers its filters on import, is installed and has this one."""
    try:
        importlib.import_module("hdf5plugin")
    except ImportError:
        return False
    return bool(h5py.h5z.filter_avail(code))


def _written(dataset: h5py.Dataset) -> Iterator[tuple[str, str]]:
    remedy = "HDF5 gives a fill value there; write them, or leave the trajectories out"
    if dataset.chunks is None:
        needed = dataset.size * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        if stored < needed:
            what = "was never written" if stored == 0 else f"has {stored} of its {needed} bytes"
            yield what, remedy
        return
    grid = [math.ceil(n / c) for n, c in zip(dataset.shape, dataset.chunks, strict=True)]
    total = math.prod(grid)
    if total > MOST_CHUNKS:
        if (written := dataset.id.get_num_chunks()) < total:
            yield f"{total - written} of its {total} chunks were never written", remedy
        return
    # Their number says too little: a damaged index holds a chunk at a place that the array does not have.
    there, unchecked = np.zeros(grid, dtype=bool), []
    bit, chunks = _checksum_bit(dataset), dataset.chunks

    def note(info: Any) -> None:
        place = tuple(o // c for o, c in zip(info.chunk_offset, chunks, strict=True))
        if all(p < n for p, n in zip(place, grid, strict=True)):
            there[place] = True
        if info.filter_mask & bit:
            unchecked.append(place)

    dataset.id.chunk_iter(note)
    if not there.all():
        first = [int(i) * c for i, c in zip(np.argwhere(~there)[0], chunks, strict=True)]
        yield f"{int((~there).sum())} of its {total} chunks were never written, the first at {first}", remedy
    if unchecked:
        yield f"{len(unchecked)} of its {total} chunks are marked as stored without their checksum", AGAIN


def _checksum_bit(dataset: h5py.Dataset) -> int:
    """The bit of a chunk's filter mask that says that its checksum was left out; 0 where there are no checksums."""
    plist = dataset.id.get_create_plist()
    codes = [plist.get_filter(number)[0] for number in range(plist.get_nfilters())]
    return 1 << codes.index(h5py.h5z.FILTER_FLETCHER32) if h5py.h5z.FILTER_FLETCHER32 in codes else 0


def _external(path: AnyPath, dataset: h5py.Dataset) -> Iterator[tuple[str, str]]:
    for name, offset, size in dataset.external or ():
        # HDF5 itself takes relative names from the working folder.
        place = Path(name).absolute()
        if not allowed(path, place):
            yield (
                f"its values lie in another file, {name}, outside the folder of the data",
                f"copy them into this file, or set {ALSO} to the folder of that one",
            )
        elif not place.is_file():
            yield f"its values lie in {name}, which does not exist", "bring that file back"
        elif size != h5py.h5f.UNLIMITED and place.stat().st_size < offset + size:
            yield f"its values lie in {name}, which is too short", "bring that file back"


def _virtual(path: AnyPath, dataset: h5py.Dataset, depth: int) -> Iterator[tuple[str, str]]:
    remedy = "HDF5 gives a fill value there; bring the sources back, or copy the values into this file"
    sources = dataset.virtual_sources()
    elsewhere = [name for name in dict.fromkeys(s.file_name for s in sources) if _elsewhere(path, name)]
    problems = [p for source in sources if (p := _source(path, dataset, source, depth, source.file_name in elsewhere))]
    covered = sum(_selected(source.vspace, dataset.shape)[0] for source in sources)
    if problems:
        more = f" (and {len(problems) - 1} more of its {len(sources)} sources)" if len(problems) > 1 else ""
        yield f"is virtual, and {problems[0]}{more}", remedy
    elif covered < math.prod(dataset.shape):
        yield f"is virtual, and its sources hold {covered} of its {dataset.size} values", remedy
    if elsewhere:
        problem = f"is virtual, and its source {elsewhere[0]} lies outside the folder of the data"
        yield problem, f"copy the values into this file, or set {ALSO} to the folder of that one"


def _elsewhere(path: AnyPath, name: str) -> bool:
    return name != "." and not allowed(path, found_file(path, name))


def _source(path: AnyPath, dataset: h5py.Dataset, source: Any, depth: int, elsewhere: bool) -> str:
    """What is wrong with a source of a virtual data set; files ``elsewhere`` are not opened."""
    name, own = source.file_name, source.file_name == "."
    if "%" in name or "%" in source.dset_name:
        return f"its sources are named by the pattern {name}, so that it cannot be said whether one is missing"
    if depth >= DEEPEST:
        return "its sources are virtual in turn, too many times"
    place = path if own else found_file(path, name)
    if isinstance(place, Path) and not place.is_file():
        return f"its source {name} does not exist"
    if elsewhere or not isinstance(place, Path):
        return "" if elsewhere else "its sources are in a remote file"
    file = dataset.file if own else open_local(place)
    try:
        inner = file.get(source.dset_name)
        if not isinstance(inner, h5py.Dataset):
            return f"its source {name} has no data set {source.dset_name}"
        if inner == dataset:
            return "its source is the data set itself"
        if not _fits(source, dataset.shape, inner.shape):
            return f"its source {name} is too small, {inner.shape}"
        found = next(iter(_dataset(place, inner, depth + 1)), None)
        return f"of its source {name}, {source.dset_name} {found[0]}" if found else ""
    finally:
        if not own:
            file.close()


def _fits(source: Any, shape: tuple[int, ...], inner: tuple[int, ...]) -> bool:
    """Whether a source of this shape holds all that a virtual data set of that ``shape`` takes from it."""
    needed, _ = _selected(source.vspace, shape)
    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:
        # Written without the size of its source, so that nothing but the number of values can be compared.
        return math.prod(inner) == needed
    if source.src_space.get_simple_extent_ndims() != len(inner):
        return False
    there, last = _selected(source.src_space, inner)
    return there >= needed and all(b < n for b, n in zip(last, inner, strict=True))


def _selected(space: Any, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """How many points a selection of an array of this shape has, and the last of them along each axis.

    A count without limit, as of files that grow, ends where the array does; HDF5 does not tell its size.
    """
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return math.prod(shape), tuple(n - 1 for n in shape)
    if space.get_select_type() == h5py.h5s.SEL_HYPERSLABS and space.is_regular_hyperslab():
        start, stride, count, block = space.get_regular_hyperslab()
        count = tuple(
            max((n - s - b) // step + 1, 0) if c >= h5py.h5s.UNLIMITED else c
            for n, s, step, c, b in zip(shape, start, stride, count, block, strict=True)
        )
        last = tuple(s + (c - 1) * step + b - 1 for s, step, c, b in zip(start, stride, count, block, strict=True))
        return math.prod(c * b for c, b in zip(count, block, strict=True)), last
    return space.get_select_npoints(), tuple(space.get_select_bounds()[1])
