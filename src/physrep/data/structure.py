"""What a file that this package writes is made of, written down in it, so that a lost part is noticed.

HDF5 stores names, flags and boundary types without checksums. A damaged byte among them may leave a valid file with
less in it: a group without fields, an axis without a boundary condition. So the root attribute ``physrep_structure``
lists every group and array with its attributes (JSON), and ``dimensions@physrep_structure`` holds the CRC-32 of that
list. Files of others have neither, and nothing is asked of them. What is added to a file later is no fault; what is
lost or changed is.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

RECORD = "physrep_structure"
"""Name of the attribute."""

LONGEST = 8
"""Arrays of more numbers are recorded by their CRC-32."""

Found = Iterator[tuple[str, str, str, str]]


def write_structure(file: h5py.File) -> None:
    """Write down what the file is made of; its last item to be written.

    Args:
        file: in order, open for writing.
    """
    record = json.dumps(describe(file))
    file.attrs[RECORD] = record
    file["dimensions"].attrs[RECORD] = _digest(record)


def describe(file: h5py.File) -> dict[str, dict[str, Any]]:
    """Every group and array by its path (the root is ``/``): attributes, and of an array also how it is stored."""
    items: dict[str, dict[str, Any]] = {"/": _item(file)}
    file.visititems(lambda path, item: items.update({str(path): _item(item)}))
    return items


def check_structure(file: Any) -> Found:
    """Rows (item, problem, remedy, severity) for what the file has lost since it was written.

    Args:
        file: open, its format in order.
    """
    record, digest = file.attrs.get(RECORD), file["dimensions"].attrs.get(RECORD)
    if record is None and digest is None:
        return
    remedy = f"copy or simulate the file again, or delete the attributes {RECORD} of / and dimensions if it was meant"
    if not isinstance(record, str) or _digest(record) != digest:
        yield f"@{RECORD}", "is damaged, so other parts may be too", remedy, "error"
        return
    found = describe(file)
    for item, written in json.loads(record).items():
        if item not in found:
            yield item, "was written with the file and is lost", remedy, "error"
            continue
        for name, value in written.items():
            now = found[item].get(name)
            if not _holds(now, value):
                attribute = name.startswith("@")
                place = f"{item.strip('/')}{name}" if attribute else item
                was = "" if attribute else f"its {name} "
                was += "is lost" if now is None else f"is {_short(now)}"
                yield place, f"{was}, but was written as {_short(value)}", remedy, "error"


def _item(item: Any) -> dict[str, Any]:
    found = {f"@{name}": _plain(item.attrs[name]) for name in sorted(item.attrs) if name != RECORD}
    if isinstance(item, h5py.Dataset):
        found["shape"] = list(item.shape)
        found["type"] = item.dtype.str
        found["checksums"] = bool(item.fletcher32)
    return found


def _plain(value: Any) -> Any:
    """An attribute as JSON holds it; a long array of numbers as its CRC-32."""
    if isinstance(value, h5py.Empty):
        return []
    array = np.asarray(value)
    if array.dtype.kind in "OSU" or array.size <= LONGEST:
        return array.astype(str).tolist() if array.dtype.kind in "OSU" else array.tolist()
    return f"{array.size} numbers with CRC-32 {zlib.crc32(np.ascontiguousarray(array).tobytes()):08x}"


def _holds(now: Any, written: Any) -> bool:
    """Whether nothing of what was written is gone: lists of names may have grown."""
    names = isinstance(written, list) and all(isinstance(name, str) for name in written)
    if names and isinstance(now, list) and all(isinstance(name, str) for name in now):
        return set(written) <= set(now)
    return json.dumps(now) == json.dumps(written)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _digest(record: str) -> str:
    return f"{zlib.crc32(record.encode()):08x}"
