"""The files that people have, into The Well's format: `physrep convert`, `open_any`, `from_numpy`, `from_xarray`.

One module per format in the dictionary `FORMATS`; all give a `Part`: named arrays that are read piece by piece.
"""

from .assemble import open_any
from .conversion import ConvertConfig, convert
from .memory import from_numpy, from_xarray
from .open import FORMATS, Format, format_of
from .recording import ForeignRecording
from .source import LazyArray, Part

__all__ = [
    "FORMATS",
    "ConvertConfig",
    "ForeignRecording",
    "Format",
    "LazyArray",
    "Part",
    "convert",
    "format_of",
    "from_numpy",
    "from_xarray",
    "open_any",
]
