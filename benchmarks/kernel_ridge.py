"""The kernel ridge probe: a reduction to a band against eigenvectors, on the tokens of a run.

The baseline solves for all penalties by one eigendecomposition per bandwidth and multiplies the whole of ``xᵀ x``, as
textbooks and this package until 2026-11-27 did; all else is shared. Fits take turns in one process on one thread, the
clock is its CPU time; the ratio is the median over rounds. "Left out" is every training trajectory predicted by the
others (`KernelRidgeProbe.predict_left_out`), once.

    python benchmarks/kernel_ridge.py runs/quick/runs/spectra-s0 [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from physrep.probes import KernelRidgeProbe, kernel_ridge
from physrep.probes.ridge import RidgePath
from physrep.tokens import LabelScaler, TokenStore


class EigenPath:
    """`physrep.probes.ridge.RidgePath` of more rows than features, by eigenvectors of ``xᵀ x``."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.n = len(x)
        square, self.basis = torch.linalg.eigh(x.T @ x)
        self.square, self.projected = square.clamp(min=0), self.basis.T @ (x.T @ (y - y.mean(0)))

    def along(self, alphas: Sequence[float]) -> Tensor:
        """Weights of every penalty, with shape ``(len(alphas), F, P)``."""
        shifts = self.n * torch.tensor(list(alphas), dtype=torch.float64)
        shrunk = self.projected[:, None] / (self.square[:, None] + shifts)[:, :, None]
        return (self.basis @ shrunk.flatten(1)).unflatten(1, (len(shifts), -1)).movedim(1, 0)


def main() -> None:
    """Print seconds, their ratio, and how far predictions of valid differ."""
    parser = argparse.ArgumentParser(description="Kernel ridge probe: a band against eigenvectors.")
    parser.add_argument("run", type=Path, help="run directory with tokens")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train, valid = (TokenStore.open(arguments.run / "tokens" / split) for split in ("train", "valid"))
    names = train.parameter_names
    scales = {
        name: "log" if (column > 0).all() else "linear" for name, column in zip(names, train.labels.T, strict=True)
    }
    scaler = LabelScaler.fit(train.labels, names, scales)
    labels = [scaler.transform(store.labels, names).float() for store in (train, valid)]
    paths = {"eigenvectors": EigenPath, "band": RidgePath}
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    fitted = {}
    for _ in range(arguments.rounds):
        for name, path in paths.items():
            setattr(kernel_ridge, "RidgePath", path)  # noqa: B010
            start = time.process_time()
            fitted[name] = KernelRidgeProbe().fit(train.tokens, labels[0], valid.tokens, labels[1])
            seconds[name].append(time.process_time() - start)
    old, new = fitted["eigenvectors"], fitted["band"]
    worst = max(
        float((a.prediction - b.prediction).abs().max())
        for a, b in zip(old.valid_grid_, new.valid_grid_, strict=True)
    )  # fmt: skip
    differ = [abs(a - b) for a, b in zip(old.best_params_["valid_mse"], new.best_params_["valid_mse"], strict=True)]
    chosen = all(old.best_params_[key] == new.best_params_[key] for key in ("bandwidth", "penalty"))
    print(f"{tuple(train.tokens.shape)} tokens, {new.best_params_['centres']} centres, medians of {arguments.rounds}")
    for name, values in seconds.items():
        print(f"  fit by {name:13} {statistics.median(values):6.2f} s")
    ratio = statistics.median(a / b for a, b in zip(*seconds.values(), strict=True))
    print(f"  ratio {ratio:.2f}; the same settings chosen: {chosen}; valid MSE differs by {max(differ):.1e},", end=" ")
    print(f"any setting's prediction by {worst:.1e}")
    start = time.process_time()
    new.predict_left_out(train.tokens, labels[0], train.trajectory)
    print(f"  left out {time.process_time() - start:6.2f} s")


if __name__ == "__main__":
    main()
