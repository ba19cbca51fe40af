"""Where the power is: in wavenumber and frequency, and how it decays and keeps its phase ring by ring."""

from __future__ import annotations

import torch
from torch import Tensor

from ..rings import cosine_matrix, squared_modulus
from .window import SMALL, Feature, Window, logarithm, separations


class FrequencyPower(Feature):
    r"""Logarithm of the power in each ring of wavenumber and each frequency of time.

    ``ln Σ_{k in ring} |Σ_t c_{ft} F_k(t)|² / T`` with the cosine transform c over the frames, f = 0 … T - 1.
    """

    def width(self, channels: int, frames: int, bins: int) -> int:
        return channels * frames * bins

    def compute(self, window: Window) -> Tensor:
        matrix = cosine_matrix(window.frames, window.raw)
        # A real matrix times real and imaginary parts: half the work of a complex one.
        modes = torch.view_as_complex((matrix @ torch.view_as_real(window.modes).flatten(3)).unflatten(3, (-1, 2)))
        return logarithm(window.rings(squared_modulus(modes)) / window.frames).flatten(1)


class DecayRate(Feature):
    r"""Rate of decay of each ring, ``-½ d ln P/dt`` by least squares over the frames, in 1/time."""

    def width(self, channels: int, frames: int, bins: int) -> int:
        return channels * bins

    def compute(self, window: Window) -> Tensor:
        time = window.clip.dt * torch.arange(window.frames, device=window.power.device, dtype=torch.float32)
        centred = time - time.mean()
        slope = torch.einsum("t,bctk->bck", centred, logarithm(window.power)) / centred.square().sum().clamp_min(SMALL)
        return (-0.5 * slope).flatten(1)


class RingCoherence(Feature):
    r"""How far a ring keeps its amplitudes and phases over a time τ of 1, 2, 4 … frames.

    ``Σ Re F_k(t) F*_k(t+τ) / (Σ|F_k(t)|² Σ|F_k(t+τ)|²)^½``, sums over the modes of the ring and over t, and the same
    with the modulus of each mode's sum over t in place of the real part, which uniform motion does not lower. Noise
    that is independent from frame to frame adds nothing to the first numerator.
    """

    def width(self, channels: int, frames: int, bins: int) -> int:
        return 2 * channels * len(separations(frames)) * bins

    def compute(self, window: Window) -> Tensor:
        parts = []
        for lag in separations(window.frames):
            first, second = window.modes[:, :, :-lag], window.modes[:, :, lag:]
            together = (first * second.conj()).sum(2)
            norm = window.power[:, :, :-lag].sum(2) * window.power[:, :, lag:].sum(2)
            norm = norm.sqrt() + SMALL
            parts += [window.rings(together.real) / norm, window.rings(squared_modulus(together).sqrt()) / norm]
        return torch.stack(parts, 1).flatten(1)
