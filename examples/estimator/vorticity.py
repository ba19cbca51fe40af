"""Decaying two-dimensional turbulence, NumPy alone: a solver that is not physrep's.

The vorticity equation ``w_t + u . grad w = nu lap w`` on a periodic square of side 2 pi, with ``u = (psi_y, -psi_x)``
and ``lap psi = -w``, by a Fourier method with the 2/3 rule. Diffusion is exact (an integrating factor), advection is
Heun's.
"""

from __future__ import annotations

import numpy as np

POINTS, FRAMES, DT, STEPS = 32, 16, 0.2, 20
DX = 2 * np.pi / POINTS
RANGE = (0.005, 0.05)


def decaying_flows(
    count: int, seed: int, bounds: tuple[float, float] = RANGE, points: int = POINTS, drag: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Vorticity ``(count, FRAMES, 1, points, points)`` and viscosities, uniform in their logarithm.

    Args:
        count: number of flows.
        seed: of starts and viscosities.
        bounds: of the viscosities.
        points: of the grid.
        drag: a term ``-drag w`` more, for another equation.
    """
    generator = np.random.default_rng(seed)
    viscosity = np.exp(generator.uniform(*np.log(bounds), count))
    k = np.fft.fftfreq(points, 1 / points)
    kx, ky = np.meshgrid(k, np.fft.rfftfreq(points, 1 / points), indexing="ij")
    square = kx**2 + ky**2
    kept = (np.abs(kx) < points / 3) & (np.abs(ky) < points / 3)
    size = np.sqrt(square) * np.exp(-square / 18)
    start = np.fft.rfft2(generator.normal(size=(count, points, points))) * size * kept
    start *= (4 / np.fft.irfft2(start, s=(points, points)).std(axis=(1, 2)))[:, None, None]
    decay = np.exp(-(viscosity[:, None, None] * square + drag) * DT / STEPS)
    inverse = 1 / np.where(square > 0, square, 1)

    def real(spectrum: np.ndarray) -> np.ndarray:
        return np.fft.irfft2(spectrum, s=(points, points))

    def advection(w: np.ndarray) -> np.ndarray:
        flux = real(1j * ky * w * inverse) * real(1j * kx * w) - real(1j * kx * w * inverse) * real(1j * ky * w)
        return -np.fft.rfft2(flux) * kept

    frames, w = [], start
    for _ in range(FRAMES):
        frames.append(real(w))
        for _ in range(STEPS):
            first = advection(w)
            guess = decay * (w + DT / STEPS * first)
            w = decay * (w + DT / STEPS / 2 * first) + DT / STEPS / 2 * advection(guess)
    return np.stack(frames, 1)[:, :, None].astype(np.float32), viscosity
