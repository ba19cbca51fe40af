"""A simulation whose output is not in The Well's layout: Gaussian spots that drift along x and spread.

A spot of width w(t) = sqrt(w0^2 + 2 kappa t) on a periodic box [0, 1)^2 moves at the speed u; its mass is constant.
"""

import sys

import h5py
import numpy as np


def main(path: str = "source.h5", runs: int = 60, frames: int = 20, n: int = 32) -> None:
    """Write ``runs`` simulations as ``run0000/rho`` with shape ``(frames, n, n)`` and their settings as attributes."""
    draw = np.random.default_rng(0)
    x, t = np.arange(n) / n, 0.05 * np.arange(frames)
    with h5py.File(path, "w") as file:
        file["grid"], file["seconds"] = x, t
        for k in range(runs):
            kappa, speed = 10 ** draw.uniform(-3, -1.5), draw.uniform(0.2, 1.0)
            centre = draw.random(2)
            width = np.sqrt(0.05**2 + 2 * kappa * t)[:, None]
            images = np.arange(-3, 4)[:, None, None]  # of a spot, in the neighbouring periodic boxes
            along = (x - centre[0] - speed * t[:, None]) % 1.0
            gx = np.exp(-((along + images) ** 2) / (2 * width**2)).sum(0)
            gy = np.exp(-((x - centre[1] + images) ** 2) / (2 * width**2)).sum(0)
            rho = gx[:, :, None] * gy[:, None, :] * (0.05 / width[..., None]) ** 2
            group = file.create_group(f"run{k:04d}")
            group["rho"] = (rho + 0.01 * draw.standard_normal(rho.shape)).astype("f4")
            group.attrs["kappa"], group.attrs["u"] = kappa, speed


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:])) if sys.argv[1:] else main()
