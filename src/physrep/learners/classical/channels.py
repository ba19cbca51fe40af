"""Cross-spectra: what the channels of a window have to do with each other, ring by ring."""

from __future__ import annotations

import torch
from torch import Tensor

from ..rings import squared_modulus
from .window import SMALL, Feature, Window


class CrossSpectra(Feature):
    r"""Coherence of every pair of channels in each ring, twice.

    ``Σ Re F_c F*_d / (Σ|F_c|² Σ|F_d|²)^½`` over modes and frames, and ``Σ |<F_c F*_d>|² / Σ <|F_c|²><|F_d|²>`` with the
    average <> over the frames of each mode: it is left where a phase depends on the direction of the wave, as that of a
    scalar and of a velocity component does.
    """

    def width(self, channels: int, frames: int, bins: int) -> int:
        return channels * (channels - 1) * bins

    def compute(self, window: Window) -> Tensor:
        modes = window.modes
        # On the CPU, whatever the device of the modes: the numbers are read one by one.
        first, second = torch.triu_indices(modes.shape[1], modes.shape[1], 1).tolist()
        if not first:
            return modes.real.new_zeros(len(modes), 0)
        own = squared_modulus(modes).mean(2)
        together = torch.stack(
            [(modes[:, a] * modes[:, b].conj()).mean(1) for a, b in zip(first, second, strict=True)], 1
        )
        power = window.rings(own)
        real = window.rings(together.real) / ((power[:, first] * power[:, second]).sqrt() + SMALL)
        squared = window.rings(squared_modulus(together)) / (window.rings(own[:, first] * own[:, second]) + SMALL)
        return torch.cat([real, squared], 2).flatten(1)
