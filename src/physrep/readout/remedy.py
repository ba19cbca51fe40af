"""Which command makes the readout that a folder lacks."""

from __future__ import annotations

from pathlib import Path

from ..errors import PhysrepError
from ..files import read_json, read_yaml
from ..relocation import found_data

FIT = "fit.json"
"""In a folder of `physrep fit`: which of its runs was chosen on valid."""

RESULTS = "results.csv"


def readout_names(run: str | Path) -> list[str]:
    """Names of the readouts that a run directory holds."""
    return sorted(path.stem.removeprefix("readout_") for path in Path(run).glob("readout_*.json"))


def making_command(run: str | Path) -> str:
    """The command that fits and stores a readout: of a fit, of a benchmark, or of a run by itself."""
    run = Path(run)
    for folder in (run, run.parent.parent):
        if (folder / FIT).is_file():
            asked = {"path": "DATA", **read_json(folder / FIT).get("asked", {}).get("data", {})}
            return f"physrep fit {found_data(asked, folder)['path']} --out {folder}` with the options of before"
        if (folder / RESULTS).is_file() and (folder / "config.yaml").is_file():
            return f"physrep bench {folder}/config.yaml --out {folder}`"
    return f"physrep probe {run}`"


def no_readout(run: str | Path) -> PhysrepError:
    """The error for a folder without readouts, which names that command."""
    run = Path(run)
    if (run / "config.yaml").is_file():
        config = read_yaml(run / "config.yaml")
        learner = config.get("learner") if isinstance(config, dict) else None
        if learner == "constant":
            return PhysrepError(f"{run}: is the run of the constant, which reads no recording; name another run.")
    return PhysrepError(f"{run}: holds no fitted probe; `{making_command(run)} fits and stores one.")
