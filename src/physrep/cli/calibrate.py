"""`physrep calibrate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import PhysrepError
from ..files import read_yaml
from .arguments import chosen_device
from .bench import print_config, read


def run(arguments: Sequence[str]) -> int:
    """Run the floors and the ceiling of a benchmark only, and print whether its data are hard enough."""
    values, config = read(arguments, "calibrate", "Run the floors and the supervised ceiling of a benchmark only.")
    from ..benchmark.grid import learner_class

    wanted = ("floor", "ceiling")
    config.runs = [
        run for run in config.runs if run.learner != "constant" and learner_class(run.learner).kind in wanted
    ]
    if not config.runs:
        raise PhysrepError(
            f"{values.config}: has no run of a floor or a ceiling; add them to runs, e.g. statistics and supervised."
        )
    if values.print_config:
        print_config(config)
        return 0
    from ..benchmark import bench, calibration, calibration_text
    from ..files import read_csv

    config.data = config.data.located(config.system)
    out = Path(values.out or "runs/calibrate")
    if (out / "config.yaml").exists():
        kept = [run["learner"] for run in read_yaml(out / "config.yaml").get("runs", [])]
        if sorted(kept) != sorted(run.learner for run in config.runs):
            raise PhysrepError(f"{out}: holds a benchmark with other runs; choose another --out.")
    path = bench(config, out, device=chosen_device(values))
    rows = [{**row, "value": float(row["value"])} for row in read_csv(path)]
    print(calibration_text(calibration(rows, runs=path.parent / "runs")))
    print(f"table: {path.parent / 'calibration.csv'}")
    return 0
