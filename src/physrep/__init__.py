"""Learn representations of physical systems without labels, freeze them, and measure what they know.

    system -> trajectories (Well HDF5) -> clips -> learner (encoder) -> tokens -> probe -> scores -> report

The names below are imported on first use, so that ``import physrep`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from .version import __version__

_PUBLIC = {
    "PhysrepError": "errors",
    "SYSTEMS": "systems",
    "SimulationConfig": "simulation",
    "simulate": "simulation",
    "Clip": "clip",
    "Trajectories": "systems",
    "write_well": "data",
    "open_clips": "data",
    "DataConfig": "data.config",
    "convert": "data.convert",
    "open_any": "data.convert",
    "from_numpy": "data.convert",
    "from_xarray": "data.convert",
    "LEARNERS": "learners",
    "ENCODERS": "nn",
    "TrainingConfig": "training.config",
    "pretrain": "training.pretrain",
    "load_run": "run_directory",
    "load_readout": "readout.instrument",
    "PROBES": "probes",
    "LabelScaler": "tokens",
    "RidgeProbe": "probes",
    "AttentiveProbeFit": "probes",
    "embed": "tokens",
    "evaluate": "probes",
    "METRICS": "metrics",
    "BenchConfig": "benchmark",
    "bench": "benchmark",
    "build_report": "report",
}
"""Public name to the module that holds it."""

__all__ = ["__version__", *_PUBLIC]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module 'physrep' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
