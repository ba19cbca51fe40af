"""Parameters from parts of the state: what each learner reads where the operator is no function of what is seen.

Shear flows are simulated once; every case is a view of them (`physrep.data.observation`). Learners are trained on the
view of 400 trajectories without labels (supervised with them), probes fitted to the same, choices made on 100, scores
taken on 200 others: the mean squared error of the z-scored logarithms of Reynolds and Schmidt number per trajectory.

    python benchmarks/partial_views.py run OUT [CASE ...] [--learners NAME ...]
    python benchmarks/partial_views.py table OUT [--split valid]
    python benchmarks/partial_views.py beside OUT [CASE ...] --learners NAME NAME

The last joins the tokens (mean and standard deviation over a window's) of two learners and scores valid: fitted to
three quarters of the training trajectories, the probe and its settings chosen on the last quarter.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

import physrep
from physrep.analyses.increment import reduced, side_by_side
from physrep.files import read_json
from physrep.metrics import cluster_means, paired_difference
from physrep.probes import KernelRidgeProbe, RidgeProbe
from physrep.tokens import TokenStore

SHAPE = (32, 64)
CASES: dict[str, list[Any]] = {
    "all fields": [],
    "tracer alone": [{"fields": ["tracer"]}],
    "velocity alone": [{"fields": ["velocity"]}],
    "open crop": [{"crop": {"x": 24, "y": 48}}],
    "coarse": [{"coarsen": 4}],
    "gain and offset": [{"gain": {"factor": [0.5, 2.0], "shared": False}}, {"offset": 1.0}],
    "frame rate": [{"frame_step": [1, 3]}],
}
"""Views of the fields, as `data.observation` takes them."""

PARAMETERS = ("Reynolds", "Schmidt")
CLIPS = {"level": "clip", "target": "random", "regulariser": {"sim": 5, "std": 25, "cov": 5}}
FIT = {"largest": 8, "fit_trajectories": 96}
LEARNERS: dict[str, dict[str, Any]] = {
    "spectra": {"learner": "spectra"},
    "jepa": {"learner": "jepa", "options": CLIPS},
    "operator_discovery": {"learner": "operator_discovery", "options": FIT},
    "basis": {"learner": "operator_discovery", "options": FIT | {"basis": {"steps": 100, "trajectories": 6}}},
    "basis with memory": {
        "learner": "operator_discovery",
        "options": FIT | {"basis": {"steps": 100, "trajectories": 6, "memory": 3, "horizon": 2}},
    },
    "supervised": {"learner": "supervised", "training": {"steps": 200, "batch_size": 32, "select": "best"}},
}


def configuration(case: str, learners: list[str], data: Path) -> dict[str, Any]:
    """Of `physrep bench`."""
    small = case == "coarse"
    return {
        "system": "shear_flow",
        "data": {"path": str(data), "observation": CASES[case] or None},
        "num_frames": 8,
        "eval_stride": 8 if case == "frame rate" else 28,
        "encoder": "conv3d",
        "encoder_options": {
            "dims": [32, 64, 128],
            "strides": [[2, 1, 1] if small else [2, 2, 2], [2, 2, 2], [2, 2, 2]],
            "groups": 32,
        },
        "training": {
            "learning_rate": 2e-3, "shift": case != "open crop", "flip": ["x", "y"], "checkpoint_every": 50,
            "steps": 80, "batch_size": 32,
        },
        "runs": [LEARNERS[name] | {"name": name.replace(" ", "_")} for name in learners],
        "probes": {"ridge": {}, "kernel_ridge": {}},
        "seeds": [0],
    }  # fmt: skip


def folder_of(out: Path, case: str) -> Path:
    return out / case.replace(" ", "_")


def run(out: Path, cases: list[str], learners: list[str]) -> None:
    """Simulate where that was not done, then every case by `physrep bench`; called again it goes on."""
    given = physrep.SimulationConfig(
        trajectories=700, resolution=list(SHAPE), frames=48, save_dt=0.1, seed=2711,
        ranges={"Reynolds": [40, 400], "Schmidt": [0.2, 2.0]}, splits=[4 / 7, 1 / 7, 2 / 7],
    )  # fmt: skip
    data = physrep.simulate("shear_flow", out / "data", given)
    for case in cases:
        folder = folder_of(out, case)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder.with_suffix(".yaml")
        path.write_text(yaml.safe_dump(configuration(case, learners, Path(data)), sort_keys=False))
        subprocess.run([sys.executable, "-m", "physrep", "bench", str(path), "--out", str(folder)], check=True)


def table(out: Path, split: str) -> str:
    """Markdown: every case, learner by learner, of each the probe that was best on valid: mean (Reynolds, Schmidt).

    A run counts as soon as it is finished, whether or not the others of its case are.
    """
    lines = []
    for case in CASES:
        cells = []
        for learner in LEARNERS:
            path = folder_of(out, case) / "runs" / f"{learner.replace(' ', '_')}-s0" / "scores.json"
            if not path.exists():
                cells.append("")
                continue
            rows = pd.DataFrame(read_json(path)).query("metric == 'mse' and level == 'trajectory'")
            rows = rows[rows["parameter"].isin(PARAMETERS)]
            mean = rows.pivot_table("value", "probe", "split")
            own = rows.query(f"probe == {mean['valid'].idxmin()!r} and split == {split!r}").set_index("parameter")
            value, each = own["value"], ", ".join(f"{own['value'][name]:.2g}" for name in PARAMETERS)
            cells.append(f"{value.mean():.2g} ({each})")
        if any(cells):
            lines.append(f"| {case} | " + " | ".join(cells) + " |")
    head = "| view | " + " | ".join(LEARNERS) + " |\n|---|" + "---|" * len(LEARNERS)
    return "\n".join([head, *lines])


def beside(out: Path, case: str, learners: list[str]) -> str:
    """One line of a table: both learners alone, both together, and together minus the better one on valid."""
    runs = [folder_of(out, case) / "runs" / f"{name.replace(' ', '_')}-s0" / "tokens" for name in learners]
    parts = []
    for run in runs:
        train, valid = (TokenStore.open(run / split) for split in ("train", "valid"))
        cut = 3 * train.n_trajectories // 4
        numbers = np.arange(train.n_trajectories)
        own = {"fit": train.of_trajectories(numbers[:cut]), "choose": train.of_trajectories(numbers[cut:])}
        parts.append(reduced(own | {"score": valid}))
    found: dict[str, tuple[float, np.ndarray, np.ndarray]] = {}
    names: np.ndarray = np.zeros(0)
    for title, stores in ((learners[0], parts[0]), (learners[1], parts[1]), ("both", side_by_side(*parts))):
        logs = {key: torch.as_tensor(store.labels).log() for key, store in stores.items()}
        mean, std = logs["fit"].mean(0), logs["fit"].std(0)
        z = {key: ((value - mean) / std).float() for key, value in logs.items()}
        x = {key: torch.as_tensor(np.array(store.tokens)) for key, store in stores.items()}
        chosen, names = [], np.zeros(0)
        for probe in (RidgeProbe(), KernelRidgeProbe()):
            probe.fit(x["fit"], z["fit"], x["choose"], z["choose"])
            predicted = {key: probe.predict(x[key]).double().numpy() for key in ("choose", "score")}
            means = {key: cluster_means(predicted[key], stores[key].trajectory)[0] for key in predicted}
            truth, _ = cluster_means(z["choose"].double().numpy(), stores["choose"].trajectory)
            chosen.append((float(np.square(means["choose"] - truth).mean()), means["score"]))
        score, names = cluster_means(z["score"].double().numpy(), stores["score"].trajectory)
        found[title] = (*min(chosen, key=lambda pair: pair[0]), score)
    error = {title: np.square(predicted - truth).mean(0) for title, (_, predicted, truth) in found.items()}
    better = min(learners, key=lambda title: float(error[title].mean()))
    gap = paired_difference(found["both"][1], found[better][1], found["both"][2], names, "mse")
    cells = [f"{value.mean():.2g} ({', '.join(f'{one:.2g}' for one in value)})" for value in error.values()]
    gain = f"{gap.value[-1]:+.2g} [{gap.low[-1]:+.2g}, {gap.high[-1]:+.2g}]"
    return f"| {case} | " + " | ".join(cells) + f" | {gain} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "table", "beside"))
    parser.add_argument("out", type=Path)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default all")
    parser.add_argument("--learners", nargs="+", choices=tuple(LEARNERS), default=list(LEARNERS))
    parser.add_argument("--split", choices=("valid", "test"), default="test")
    options = parser.parse_args()
    if options.action == "run":
        run(options.out, options.cases or list(CASES), options.learners)
    elif options.action == "table":
        print(table(options.out, options.split))
    else:
        if len(options.learners) != 2:
            parser.error(f"beside joins two learners, these are {len(options.learners)}; give --learners NAME NAME")
        print(f"| view | {' | '.join(options.learners)} | both | both minus the better |\n|---|---|---|---|---|")
        for case in options.cases or list(CASES):
            print(beside(options.out, case, options.learners))


if __name__ == "__main__":
    main()
