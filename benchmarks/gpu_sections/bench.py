"""A tiny benchmark end to end: simulate, train, embed, probe, report; and a training that is killed and resumed."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gpu_sections.common import Report
from physrep.files import write_yaml

CONV = {"encoder": "conv3d", "encoder_options": {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]], "groups": 4}}
PROBES = {"ridge": {}, "attentive": {"epochs": 3, "learning_rates": [1.0e-3], "weight_decays": [0.01]}}


def settings(system: str, resolution: list[int], trajectories: int) -> dict[str, Any]:
    """A benchmark of a minute on one core."""
    return {
        "system": system,
        "simulation": {"trajectories": trajectories, "resolution": resolution, "frames": 16},
        "num_frames": 4,
        "eval_stride": 4,
        **CONV,
        "training": {"steps": 20, "batch_size": 8, "checkpoint_every": 10, "log_every": 5, "probe_every": 10},
        "runs": [{"learner": "spectra"}, {"learner": "random"}, {"learner": "jepa"}, {"learner": "masked_pixels"}],
        "probes": PROBES,
        "n_resamples": 100,
    }


def run(report: Report) -> None:
    """`physrep bench` as a user calls it."""
    for system, resolution, trajectories in (("shear_flow", [16, 32], 24), ("rayleigh_benard", [32, 16], 24)):
        with report.case(f"bench {system}", 10) as go:
            if go:
                _bench(report, system, settings(system, resolution, trajectories))
        if report.small:
            return


def _bench(report: Report, system: str, config: dict[str, Any]) -> None:
    folder = report.out / f"bench_{system}"
    write_yaml(report.out / f"bench_{system}.yaml", config)
    command = [sys.executable, "-m", "physrep", "bench", str(report.out / f"bench_{system}.yaml"), "--out", str(folder)]
    begin = time.perf_counter()
    done = subprocess.run(
        [*command, "--device", report.device],
        capture_output=True,
        text=True,
        timeout=max(10, report.left()),
        check=False,
    )
    took = time.perf_counter() - begin
    if done.returncode:
        (report.out / f"bench_{system}.log").write_text(done.stdout + done.stderr)
        report.row(f"bench {system}", error=" ".join((done.stderr or done.stdout).split())[-400:])
        return
    with open(folder / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    learners = {row["learner"] for row in rows}
    page = Path(folder / "report.html").is_file()
    report.row(f"bench {system}", seconds=took, rows=len(rows), learners=len(learners), ok=page and len(learners) >= 4)
