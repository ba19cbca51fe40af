"""Learn representations of physical systems without labels, freeze them, and measure what they know.

    system -> trajectories (Well HDF5) -> clips -> learner (encoder) -> tokens -> probe -> scores -> report

The names below are imported on first use, so that ``import physrep`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from .version import __version__

_PUBLIC = {
    "Clip": "clip",
    "PhysrepError": "errors",
    "SYSTEMS": "systems",
    "LEARNERS": "learners",
    "ENCODERS": "nn",
    "PROBES": "probes",
    "METRICS": "metrics",
    "simulate": "simulate",
    "open_clips": "data",
    "pretrain": "pretrain",
    "load_run": "run_directory",
    "embed": "probes",
    "evaluate": "probes",
    "bench": "benchmark",
}

__all__ = ["__version__", *_PUBLIC]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module 'physrep' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
