"""Solutions of the Burgers equation with different viscosities in one NumPy file: nothing of physrep's is used.

    python burgers.py [TRAJECTORIES] [FILE]

``u_t + u u_x = nu u_xx`` on a periodic interval of length 1, by a Fourier method with the 2/3 rule. Diffusion is exact
(an integrating factor), advection is Heun's.
"""

from __future__ import annotations

import sys

import numpy as np

POINTS, FRAMES, DT, STEPS = 128, 21, 0.01, 50
RANGE = (0.002, 0.02)


def solutions(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fields with shape ``(count, FRAMES, POINTS)``, and viscosities, log-uniform in `RANGE`."""
    draw = np.random.default_rng(seed)
    viscosity = np.exp(draw.uniform(*np.log(RANGE), count))
    x, k = np.arange(POINTS) / POINTS, 2 * np.pi * np.fft.fftfreq(POINTS, 1 / POINTS)
    modes = np.arange(1, 5)[:, None, None]
    phase, size = draw.uniform(0, 2 * np.pi, (4, count, 1)), 0.5 * draw.normal(size=(4, count, 1))
    u = (size * np.sin(2 * np.pi * modes * x + phase)).sum(0)
    kept = 1j * k * (np.abs(k) < 2 * np.pi * POINTS / 3)
    step = DT / STEPS
    decay = np.exp(-viscosity[:, None] * k**2 * step)

    def advection(spectrum: np.ndarray) -> np.ndarray:
        return -0.5 * kept * np.fft.fft(np.fft.ifft(spectrum).real ** 2)

    spectrum, frames = np.fft.fft(u), []
    for _ in range(FRAMES):
        frames.append(np.fft.ifft(spectrum).real)
        for _ in range(STEPS):
            first = advection(spectrum)
            guess = decay * (spectrum + step * first)
            spectrum = decay * (spectrum + 0.5 * step * first) + 0.5 * step * advection(guess)
    return np.stack(frames, 1).astype(np.float32), viscosity


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    fields, nu = solutions(number, seed=0)
    file = sys.argv[2] if len(sys.argv) > 2 else "burgers.npz"
    np.savez(file, u=fields, nu=nu, x=np.arange(POINTS) / POINTS, t=np.arange(FRAMES) * DT)
    print(f"{file}: u {fields.shape}, nu from {nu.min():.4f} to {nu.max():.4f}")
