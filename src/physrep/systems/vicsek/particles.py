"""The particles of one trajectory: positions, directions, and their steps in time."""

from __future__ import annotations

import math

import numpy as np


class Particles:
    """Particles on a periodic square; everything random follows from one generator.

    Args:
        positions: ``(N, 2)``, in [0, length).
        angles: directions θ, ``(N,)``.
        length: side of the square.
        speed: v.
        alignment: Γ.
        rotational_diffusion: D_r.
        radius: R, of the neighbourhood; from half the diagonal on everybody is everybody's neighbour.
        generator: of the noise.
    """

    def __init__(
        self,
        positions: np.ndarray,
        angles: np.ndarray,
        length: float,
        speed: float,
        alignment: float,
        rotational_diffusion: float,
        radius: float,
        generator: np.random.Generator,
    ) -> None:
        self.positions, self.angles, self.length, self.speed = positions, angles, length, speed
        self.alignment, self.rotational_diffusion = alignment, rotational_diffusion
        self.radius, self.generator = radius, generator

    def torque(self) -> np.ndarray:
        """``Γ ⟨sin(θ_j - θ_i)⟩`` over the neighbours j of i, itself among them, ``(N,)``."""
        if self.alignment == 0:
            return np.zeros_like(self.angles)
        cos, sin = np.cos(self.angles), np.sin(self.angles)
        if self.radius >= self.length / math.sqrt(2):
            along, across, count = cos.sum(), sin.sum(), len(cos)
        else:
            from scipy.spatial import KDTree

            pairs = KDTree(self.positions, boxsize=self.length).query_pairs(self.radius, output_type="ndarray")
            # Sums in the order of the particles, so that the last digit does not hang on the order of the tree.
            pairs = pairs[np.lexsort(pairs.T)]
            first, second, n = pairs[:, 0], pairs[:, 1], len(cos)
            along, across = (
                own + np.bincount(first, own[second], n) + np.bincount(second, own[first], n) for own in (cos, sin)
            )
            count = 1 + np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
        return self.alignment * (cos * across - sin * along) / count

    def step(self, dt: float) -> None:
        """Euler-Maruyama for the angles; the positions move along the mean direction of the step.

        Args:
            dt: length of the step.
        """
        noise = self.generator.standard_normal(len(self.angles))
        turned = self.torque() * dt + math.sqrt(2 * self.rotational_diffusion * dt) * noise
        middle = self.angles + turned / 2
        self.angles = self.angles + turned
        moved = self.speed * dt * np.stack([np.cos(middle), np.sin(middle)], 1)
        # A negative rounding error modulo the length may give the length itself, which lies outside.
        self.positions = np.mod(self.positions + moved, self.length)
        self.positions[self.positions >= self.length] = 0.0

    def rendered(self, coordinates: tuple[np.ndarray, np.ndarray], width: float) -> tuple[np.ndarray, np.ndarray]:
        """Density ``(nx, ny)`` and polarisation ``(nx, ny, 2)``: every particle a periodic Gaussian of integral 1.

        Args:
            coordinates: of the grid along x and along y.
            width: standard deviation of the Gaussian.
        """
        along, across = (
            _gaussians(self.positions[:, axis], points, width, self.length) for axis, points in enumerate(coordinates)
        )
        direction = np.stack([np.cos(self.angles), np.sin(self.angles)], 1)
        polarisation = [(along * direction[:, axis]) @ across.T for axis in (0, 1)]
        return along @ across.T, np.stack(polarisation, -1)


def _gaussians(centres: np.ndarray, points: np.ndarray, width: float, length: float) -> np.ndarray:
    """Periodic Gaussians of integral 1 around the centres, ``(n, N)``."""
    apart = points[:, None] - centres[None, :]
    apart = (apart + length / 2) % length - length / 2
    profile = np.zeros_like(apart)
    for image in (-1, 0, 1):
        profile += np.exp(-0.5 * ((apart + image * length) / width) ** 2)
    return profile / (width * math.sqrt(2 * math.pi))
