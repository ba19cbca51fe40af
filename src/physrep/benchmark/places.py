"""The places that a benchmark's configuration names, in its folder and from there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import write_yaml
from ..relocation import DATA_PLACES, found_place, stored_data, stored_place
from .config import BenchConfig


def write_bench_config(folder: str | Path, config: BenchConfig) -> None:
    """Write ``config.yaml`` of a benchmark's folder, its places as `physrep.relocation.stored_place` has them."""
    values = config.as_dict()
    values["data"] = stored_data(values["data"], folder)
    for run in values["runs"]:
        if run["init_from"] not in (None, *config.run_names()):
            run["init_from"] = stored_place(run["init_from"], folder)
    write_yaml(Path(folder) / "config.yaml", values)


def found_in(values: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """Settings from a YAML file with the relative places of data, and of runs to start from, that lie from its folder.

    A place that is not there from the folder of the file is one from the working folder, and stays as it is.
    """

    def found(place: Any) -> Any:
        if not isinstance(place, str) or "\x00" in place or not os.path.exists(there := found_place(place, folder)):
            return place
        # A place that the file gives relative to itself stays relative, however the file was named.
        return there if os.path.isabs(place) or "://" in place else os.path.relpath(there)

    changed, data, runs = dict(values), values.get("data"), values.get("runs")
    if isinstance(data, Mapping):
        changed["data"] = {name: found(own) if name in DATA_PLACES else own for name, own in data.items()}
    # What is of another type is refused where the configuration is read.
    if isinstance(runs, list):
        names = [run.get("name") or run.get("learner") for run in runs if isinstance(run, Mapping)]
        changed["runs"] = [
            {**run, "init_from": found(run["init_from"])}
            if isinstance(run, Mapping) and run.get("init_from") not in (None, *names)
            else run
            for run in runs
        ]
    return changed
