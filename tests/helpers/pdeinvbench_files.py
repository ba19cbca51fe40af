"""Small solutions of the equations of PDEInvBench, by a Fourier method of their own, and files in its layout.

https://github.com/ASK-Berkeley/PDEInvBench, DATA_GUIDE.md and pdeinvbench/data/dataset.py, read for the layout: a file
per parameter with its value in the name; groups ``0001/data`` (T, X, Y, C) with ``0001/grid/x``, ``y``, ``t`` of
reaction and diffusion and of the forced flow, one array ``solutions`` (N, T, X, Y, C) with ``x-coordinate``, ... of the
unforced flow; folders train, validation, test, out_of_distribution and out_of_distribution_extreme.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np

Rate = Callable[[np.ndarray], np.ndarray]
FOLDERS = ("train", "validation", "test", "out_of_distribution", "out_of_distribution_extreme")


def waves(n: int, length: float) -> tuple[np.ndarray, np.ndarray]:
    k = 2 * np.pi * np.fft.fftfreq(n, length / n)
    return k[:, None], k[None, :]


def smooth(n: int, seed: int, count: int = 3) -> np.ndarray:
    """A random field of the longest waves, root mean square 1 and mean 0."""
    rng = np.random.default_rng(seed)
    spectrum = np.zeros((n, n), complex)
    for p in range(-count, count + 1):
        for q in range(-count, count + 1):
            spectrum[p, q] = rng.standard_normal() + 1j * rng.standard_normal()
    spectrum[0, 0] = 0
    field = np.fft.ifft2(spectrum).real
    return field / field.std()


def march(state: np.ndarray, rate: Rate, dt: float, frames: int, inner: int) -> np.ndarray:
    """Frames ``dt`` apart, of ``inner`` Runge-Kutta steps each."""
    found, h = [state], dt / inner
    for _ in range(frames - 1):
        for _ in range(inner):
            a = rate(state)
            b = rate(state + h / 2 * a)
            c = rate(state + h / 2 * b)
            state = state + h / 6 * (a + 2 * b + 2 * c + rate(state + h * c))
        found.append(state)
    return np.stack(found)


def reaction_diffusion(du: float, dv: float, k: float, seed: int, n: int = 32, frames: int = 16) -> np.ndarray:
    """u and v on [-1, 1)² with shape ``(T, n, n, 2)``, frames 0.05 apart."""
    kx, ky = waves(n, 2.0)
    spread = -(kx**2 + ky**2)[..., None] * np.array([du, dv])

    def rate(s: np.ndarray) -> np.ndarray:
        u, v = s[..., 0], s[..., 1]
        diffusion = np.fft.ifft2(spread * np.fft.fft2(s, axes=(0, 1)), axes=(0, 1)).real
        return diffusion + np.stack([u - u**3 - k - v, u - v], -1)

    return march(np.stack([smooth(n, seed), smooth(n, seed + 1000)], -1), rate, 0.05, frames, 20)


def vorticity(
    nu: float, seed: int, length: float, dt: float, n: int = 32, frames: int = 16, drag: float = 0.0, force: float = 0.0
) -> np.ndarray:
    """Vorticity with shape ``(T, n, n, 1)``; the force is ``force cos(2 y)`` with y from 0 to 2π over the box."""
    kx, ky = waves(n, length)
    square = kx**2 + ky**2
    inverse = np.where(square > 0, 1 / np.where(square > 0, square, 1), 0)
    kept = (np.abs(kx) * length < 2 * np.pi * n / 3) & (np.abs(ky) * length < 2 * np.pi * n / 3)
    push = force * np.cos(2 * 2 * np.pi * np.arange(n) / n)[None, :]

    def rate(w: np.ndarray) -> np.ndarray:
        hat = np.fft.fft2(w)
        stream = -hat * inverse
        u, v = (np.fft.ifft2(part).real for part in (-1j * ky * stream, 1j * kx * stream))
        w_x, w_y = (np.fft.ifft2(1j * own * hat).real for own in (kx, ky))
        carried = np.fft.ifft2(kept * np.fft.fft2(u * w_x + v * w_y)).real
        return -carried - drag * w + push + nu * np.fft.ifft2(-square * hat).real

    start = smooth(n, seed) * 2 * np.pi / length
    return march(start, rate, dt, frames, 20)[..., None]


def write_groups(path: Path, data: Sequence[np.ndarray], dt: float, low: float, length: float) -> None:
    """One group per trajectory, as of reaction and diffusion and of the forced flow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for number, own in enumerate(data):
            n = own.shape[1]
            file[f"{number:04d}/data"] = own.astype(np.float32)
            for axis in ("x", "y"):
                file[f"{number:04d}/grid/{axis}"] = low + length / n * (np.arange(n) + 0.5)
            file[f"{number:04d}/grid/t"] = dt * np.arange(len(own))


def write_solutions(path: Path, data: Sequence[np.ndarray], dt: float, length: float) -> None:
    """One array of all trajectories, as of the unforced flow; (T, X) each, as of Korteweg-de Vries: ``tensor``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    n, axes = data[0].shape[1], data[0].ndim - 2 or 1
    with h5py.File(path, "w") as file:
        file["solutions" if axes == 2 else "tensor"] = np.stack(data).astype(np.float32)
        for axis in ("x", "y")[:axes]:
            file[f"{axis}-coordinate"] = length / n * np.arange(n)
        file["t-coordinate"] = dt * np.arange(data[0].shape[0])
