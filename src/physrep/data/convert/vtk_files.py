"""VTK: image data on a regular grid, ``.vti`` or legacy ``.vtk`` (STRUCTURED_POINTS), one file per frame.

A folder of such files is a trajectory, in the natural order of their names; a ``.pvd`` file beside them gives
the times.
Format: https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html. Unstructured grids have no regular
axes and are refused.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ...errors import PhysrepError
from .axes import COMPONENT, TIME
from .source import Handles, LazyArray, Part, frame_by_frame

_TYPES = {
    "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2", "Int32": "i4", "UInt32": "u4", "Int64": "i8",
    "UInt64": "u8", "Float32": "f4", "Float64": "f8",
    "unsigned_char": "u1", "char": "i1", "short": "i2", "unsigned_short": "u2", "int": "i4", "unsigned_int": "u4",
    "long": "i8", "unsigned_long": "u8", "float": "f4", "double": "f8",
}  # fmt: skip


@dataclass
class VtkImage:
    """One frame: point arrays with shape ``(nx, ny, nz[, components])``, spacing, origin, and a time if stored."""

    arrays: dict[str, np.ndarray]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    time: float | None = None


def read_image(path: str | Path) -> VtkImage:
    """Read one ``.vti`` or legacy ``.vtk`` file.

    Raises:
        PhysrepError: it is no image data, or uses a part of the format that is not read.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        return _legacy(path, content) if content.startswith(b"# vtk DataFile") else _xml(path, content)
    except PhysrepError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, StopIteration, zlib.error, ElementTree.ParseError) as error:
        raise PhysrepError(f"{path}: cannot be read as VTK image data ({error!r}); write it as .vti.") from error


_images = Handles(read_image)


def read_vtk_series(folder: Path, files: Sequence[Path]) -> Part:
    """A folder of frames as a part of a source: one trajectory."""
    first = _images(files[0])
    shape = next(iter(first.arrays.values())).shape[:3]
    axes = tuple(axis for axis, n in zip("xyz", shape, strict=True) if n > 1)
    grid = tuple(n for n in shape if n > 1)
    part = Part(folder, {})
    for name, values in first.arrays.items():
        components = values.shape[3:] and (min(values.shape[3], len(axes)),)
        read = _reader(files, name, shape, len(axes))
        own = (TIME, *axes, *([COMPONENT] if components else []))
        part.arrays[name] = LazyArray(own, (len(files), *grid, *components), read)
    for i, axis in enumerate("xyz"):
        if axis in axes:
            part.coordinates[axis] = first.origin[i] + first.spacing[i] * np.arange(shape[i])
    times = _times(folder, files)
    if times is not None:
        part.coordinates[TIME] = times
    return part


def _reader(files: Sequence[Path], name: str, shape: tuple[int, ...], dimensions: int) -> Any:
    kept = tuple(slice(None) if n > 1 else 0 for n in shape)

    def values(file: Path) -> np.ndarray:
        image = _images(file)
        if name not in image.arrays or image.arrays[name].shape[:3] != shape:
            raise PhysrepError(f"{file}: lacks array {name}, or has another grid than {files[0].name}.")
        values = image.arrays[name][kept]
        return values[..., :dimensions] if values.ndim > dimensions else values

    return frame_by_frame(files, values)


def _times(folder: Path, files: Sequence[Path]) -> np.ndarray | None:
    for index in sorted(folder.glob("*.pvd")):
        found = {
            Path(entry.get("file", "")).name: float(entry.get("timestep", "nan"))
            for entry in ElementTree.parse(index).iter("DataSet")
        }
        if all(file.name in found for file in files):
            return np.array([found[file.name] for file in files])
    stored = [_images(file).time for file in (files[0], files[-1])]
    if None in stored or len(files) < 2:
        return None
    return np.array([_images(file).time for file in files], dtype=np.float64)


def _xml(path: Path, content: bytes) -> VtkImage:
    # Raw appended data are no XML: they are cut out before parsing.
    appended, encoding = b"", ""
    start = re.search(rb"<AppendedData[^>]*encoding=\"(\w+)\"[^>]*>\s*_", content)
    if start:
        end = content.rindex(b"</AppendedData>")
        appended, encoding = content[start.end() : end], start.group(1).decode()
        content = content[: start.start()] + content[end + len(b"</AppendedData>") :]
    root = ElementTree.fromstring(content)
    if root.get("type") != "ImageData":
        raise PhysrepError(
            f"{path}: holds {root.get('type')}, but only ImageData on a regular grid is read; resample it."
        )
    image = next(root.iter("ImageData"))
    pieces = list(image.iter("Piece"))
    if len(pieces) != 1:
        raise PhysrepError(f"{path}: has {len(pieces)} pieces; write it as one.")
    extent = [int(word) for word in str(pieces[0].get("Extent")).split()]
    decoder = _Decoder(root, appended, encoding)
    points = tuple(extent[2 * i + 1] - extent[2 * i] + 1 for i in range(3))
    cells = tuple(max(n - 1, 1) for n in points)
    arrays: dict[str, np.ndarray] = {}
    for kind, shape in (("PointData", points), ("CellData", cells)):
        for group in () if arrays else pieces[0].iter(kind):
            for element in group.iter("DataArray"):
                arrays[str(element.get("Name"))] = _grid(decoder(element), shape)
    spacing = tuple(float(word) for word in str(image.get("Spacing")).split())
    origin = [float(word) for word in str(image.get("Origin")).split()]
    origin = tuple(o + s * extent[2 * i] for i, (o, s) in enumerate(zip(origin, spacing, strict=True)))
    times = [decoder(e) for g in root.iter("FieldData") for e in g.iter("DataArray") if e.get("Name") == "TimeValue"]
    return VtkImage(arrays, spacing, origin, float(times[0][0]) if times else None)


def _grid(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Values in VTK's order (x fastest) as ``(nx, ny, nz[, components])``."""
    components = values.size // int(np.prod(shape))
    grid = values.reshape(*shape[::-1], components).transpose(2, 1, 0, 3)
    return grid[..., 0] if components == 1 else grid


class _Decoder:
    """Values of a DataArray: ascii, base64 or appended, plain or compressed with zlib."""

    def __init__(self, root: Any, appended: bytes, encoding: str) -> None:
        self.order = "<" if root.get("byte_order", "LittleEndian") == "LittleEndian" else ">"
        self.header = self.order + _TYPES[root.get("header_type", "UInt32")]
        compressor = root.get("compressor")
        if compressor not in (None, "vtkZLibDataCompressor"):
            raise ValueError(f"compressor {compressor}")
        self.compressed, self.appended, self.encoding = compressor is not None, appended, encoding

    def __call__(self, element: Any) -> np.ndarray:
        kind = np.dtype(self.order + _TYPES[element.get("type")])
        form = element.get("format", "ascii")
        if form == "ascii":
            return np.array(str(element.text).split(), dtype=np.float64).astype(kind)
        if form == "appended":
            data, text = self.appended[int(element.get("offset")) :], self.encoding == "base64"
        else:
            data, text = "".join(str(element.text).split()).encode(), True
        return np.frombuffer(self._compressed(data, text) if self.compressed else self._plain(data, text), kind)

    def _plain(self, data: bytes, text: bool) -> bytes:
        width = np.dtype(self.header).itemsize
        if not text:
            size = int(np.frombuffer(data[:width], self.header)[0])
            return data[width : width + size]
        # Header and data are one base64 string, or two where the first is padded.
        size = int(np.frombuffer(base64.b64decode(data[: _encoded(width)])[:width], self.header)[0])
        first = data[: _encoded(width)]
        if first.endswith(b"="):
            return base64.b64decode(data[len(first) : len(first) + _encoded(size)])[:size]
        return base64.b64decode(data[: _encoded(width + size)])[width : width + size]

    def _compressed(self, data: bytes, text: bool) -> bytes:
        width = np.dtype(self.header).itemsize

        def numbers(n: int) -> np.ndarray:
            part = base64.b64decode(data[: _encoded(n * width)]) if text else data
            return np.frombuffer(part[: n * width], self.header)

        blocks = int(numbers(1)[0]) if not text else int(np.frombuffer(_first(data, width), self.header)[0])
        sizes = numbers(3 + blocks)[3:].tolist()
        length = (3 + blocks) * width
        rest = base64.b64decode(data[_encoded(length) :][: _encoded(sum(sizes))]) if text else data[length:]
        out = []
        for size in sizes:
            out.append(zlib.decompress(rest[:size]))
            rest = rest[size:]
        return b"".join(out)


def _encoded(n: int) -> int:
    """Length of n bytes in base64."""
    return (n + 2) // 3 * 4


def _first(data: bytes, width: int) -> bytes:
    return base64.b64decode(data[: _encoded(width)] if width % 3 == 0 else data[: (width // 3 + 1) * 4])[:width]


def _legacy(path: Path, content: bytes) -> VtkImage:
    lines, position = [], 0
    for _ in range(4):
        end = content.index(b"\n", position)
        lines.append(content[position:end].decode("latin-1").strip())
        position = end + 1
    if lines[3].split()[1].upper() != "STRUCTURED_POINTS":
        raise PhysrepError(f"{path}: holds {lines[3]}, but only STRUCTURED_POINTS is read; resample it.")
    binary = lines[2].upper() == "BINARY"
    header: dict[str, list[str]] = {}
    arrays: dict[str, np.ndarray] = {}
    components, name, kind, left = 1, "", "float", 0
    while position < len(content):
        end = content.find(b"\n", position)
        end = len(content) if end < 0 else end
        words = content[position:end].decode("latin-1").split()
        position = end + 1
        if not words:
            continue
        key = words[0].upper()
        if left and key != "METADATA":
            # An array of a FIELD: name, components, tuples, type.
            left, (name, _, _, kind), components = left - 1, words[:4], int(words[1])
        elif key == "METADATA":
            position = content.find(b"\n\n", position) + 1 or len(content)
            continue
        elif key == "FIELD":
            left = int(words[2])
            continue
        elif key == "SCALARS":
            name, kind, components = words[1], words[2], int(words[3]) if len(words) > 3 else 1
            continue
        elif key == "VECTORS":
            name, kind, components = words[1], words[2], 3
        elif key != "LOOKUP_TABLE":
            header[key] = words[1:]
            continue
        shape = tuple(int(word) for word in header["DIMENSIONS"])
        if "CELL_DATA" in header:
            shape = tuple(max(n - 1, 1) for n in shape)
        count = components * int(np.prod(shape))
        dtype = np.dtype(">" + _TYPES[kind])
        if binary:
            values = np.frombuffer(content, dtype, count, position)
            position += count * dtype.itemsize
        else:
            words = content[position:].split(None, count)
            values = np.array(words[:count], dtype=np.float64).astype(dtype)
            position = len(content) - (len(words[count]) if len(words) > count else 0)
        arrays[name] = _grid(values, shape)
    spacing = header.get("SPACING") or header["ASPECT_RATIO"]
    return VtkImage(arrays, tuple(map(float, spacing)), tuple(map(float, header["ORIGIN"])))
