"""`physrep calibrate`."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PhysrepError
from .bench import print_config, read


def run(arguments: Sequence[str]) -> int:
    """Run the floors and the ceiling of a benchmark only, and print whether its data are hard enough."""
    values, config = read(arguments, "calibrate", "Run the floors and the supervised ceiling of a benchmark only.")
    from ..benchmark import bench, calibration, calibration_text
    from ..benchmark.calibration import CEILINGS, FLOORS

    config.runs = [run for run in config.runs if run.learner in (*FLOORS, *CEILINGS)]
    if not config.runs:
        raise PhysrepError(f"{values.config}: has no run of {', '.join((*FLOORS, *CEILINGS))}; add them to runs.")
    if values.print_config:
        print_config(config)
        return 0
    from ..report.source import read_table

    path = bench(config, values.out or "runs/calibrate", device=values.device)
    rows = [{**row, "value": float(row["value"])} for row in read_table(path)]
    print(calibration_text(calibration(rows)))
    print(f"table: {path.parent / 'calibration.csv'}")
    return 0
