"""A full probe sweep on frozen tokens: 20 settings x 5 seeds x 7 shares of labels, attentive probe.

The 20 settings (5 learning rates x 4 weight decays) of one seed and share are trained at once on the same batches, so
tokens are read once for all of them; the line "20 settings / 1" says what that costs against a single setting. Seeds
are spread over the cores.

    python benchmarks/probe_sweep.py runs/quick/runs/jepa-s0 [--epochs 10] [--jobs 2]
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

from physrep.analyses.efficiency import subset, trajectory_mse
from physrep.probes import AttentiveProbeFit
from physrep.tokens import LabelScaler, TokenStore

RATES, DECAYS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2), (0.0, 0.01, 0.1, 0.3)
FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


def stores_of(folder: Path) -> tuple[dict[str, TokenStore], LabelScaler]:
    """Tokens of a run of a benchmark, and a scaler of their labels."""
    stores = {split: TokenStore.open(folder / "tokens" / split) for split in ("train", "valid", "test")}
    labels, names = stores["train"].labels, stores["train"].parameter_names
    scales = {name: "log" if (column > 0).all() else "linear" for name, column in zip(names, labels.T, strict=True)}
    return stores, LabelScaler.fit(labels, names, scales)


def sweep(folder: Path, seed: int, epochs: int) -> list[tuple[float, float]]:
    """(share, test MSE of the best of 20 settings) of one seed."""
    torch.set_num_threads(1)
    stores, scaler = stores_of(folder)
    found = []
    for fraction in FRACTIONS:
        parts = subset(stores, fraction, [seed])
        if parts is None:
            continue
        probe = AttentiveProbeFit(RATES, DECAYS, epochs=epochs, batch_size=128, seed=seed)
        found.append((fraction, trajectory_mse(probe, parts, scaler)["mean"]))
    return found


def one_against_twenty(folder: Path, epochs: int) -> float:
    """Time of a grid of 20 settings over that of a single one, on a tenth of the labels, taking turns."""
    torch.set_num_threads(1)
    stores, scaler = stores_of(folder)
    parts = subset(stores, 0.1, [0])
    if parts is None:
        raise SystemExit("too few trajectories for a tenth of the labels")
    times = {1: 0.0, 20: 0.0}
    for _ in range(3):
        for count, grid in ((1, ((1e-3,), (0.01,))), (20, (RATES, DECAYS))):
            start = time.process_time()
            trajectory_mse(AttentiveProbeFit(*grid, epochs=epochs, batch_size=128), parts, scaler)
            times[count] += time.process_time() - start
    return times[20] / times[1]


def main() -> None:
    """Print the table and the time."""
    parser = argparse.ArgumentParser(description="A full probe sweep on frozen tokens.")
    parser.add_argument("run", type=Path, help="run directory with tokens")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    store = TokenStore.open(arguments.run / "tokens" / "train")
    start = time.perf_counter()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        jobs = [pool.submit(sweep, arguments.run, seed, arguments.epochs) for seed in range(5)]
        curves = [job.result() for job in jobs]
    seconds = time.perf_counter() - start
    print(
        f"{store.tokens.shape} tokens, {arguments.epochs} epochs: 20 settings x 5 seeds x 7 shares in {seconds:.0f} s"
    )
    for fraction in FRACTIONS:
        values = [dict(curve)[fraction] for curve in curves if fraction in dict(curve)]
        if values:
            print(f"{100 * fraction:5.0f} %  MSE {np.mean(values):.3f}  [{min(values):.3f}, {max(values):.3f}]")
    print(f"20 settings / 1: {one_against_twenty(arguments.run, arguments.epochs):.1f} times the CPU time")


if __name__ == "__main__":
    main()
