r"""A floor of three points: the binned bispectrum, how strongly waves that form triangles are locked in phase.

The field is split into rings of wavenumber, ``f = Σ_a f_a``. The average over the domain of a product of three parts is
the sum over all triangles ``k + k' + k'' = 0`` with one side in each ring,

    B(a, b, c) = <f_a f_b f_c> / (<f_a²> <f_b²> <f_c²>)^½,       averages over points and frames

zero for a field with random phases, whatever its spectrum. The same with the change in time of the third part,
``<f_a f_b ∂ₜf_c>``, says which way triads pass on what they hold. Rings that can close no triangle are left out.

Source: Hinich and Clay, "The application of the discrete Fourier transform in the estimation of power spectra,
coherence and bispectra of geophysical data", Rev. Geophys. 6 (1968); the product of filtered fields: Scoccimarro,
"Fast estimators for redshift-space clustering", Phys. Rev. D 92 (2015).
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .baselines import Untrained
from .even_rows import on_even_rows
from .rings import fields_of_modes, ring_of_modes, spatial_modes

SMALL = 1e-10
"""Added to denominators: of fields with variance 1, what is this small is rounding."""


class Bispectrum(Untrained):
    """Normalised bispectra of every channel in rings, as one token.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip, at least 2.
        bins: rings of equal width from 0 to the smallest of the largest wavenumbers of the axes.

    Raises:
        PhysrepError: fewer than 2 frames, or no ring.
    """

    label = "Bispectrum"
    colour = "#a0806f"

    def __init__(self, in_channels: int, num_frames: int = 16, bins: int = 6) -> None:
        super().__init__(in_channels, num_frames)
        if num_frames < 2 or bins < 1:
            raise PhysrepError(f"bispectrum: num_frames is {num_frames} and bins {bins}; give at least 2 and 1.")
        self.bins = bins
        # Sides in rings a <= b <= c, which end at a + 1, b + 1 and c + 1 widths, close if c < a + b + 2.
        self.triangles = [t for t in combinations_with_replacement(range(bins), 3) if t[2] < t[0] + t[1] + 2]
        turned = {sides for a, b, c in self.triangles for sides in ((a, b, c), (a, c, b), (b, c, a))}
        self.transfers = sorted(turned)
        self.embed_dim = in_channels * (len(self.triangles) + len(self.transfers))

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, embed_dim)``: per channel the triangles, then their changes in time."""
        x = on_even_rows(self.fields(clip, self.num_frames).float(), clip)
        modes = spatial_modes(x, clip.periodic)
        ring = ring_of_modes(clip, self.bins).to(x.device)
        parts = torch.stack(
            [fields_of_modes(modes * (ring == number + 1), clip.periodic) for number in range(self.bins)]
        ).flatten(4)
        change = parts[:, :, :, 1:] - parts[:, :, :, :-1]
        middle = (parts[:, :, :, 1:] + parts[:, :, :, :-1]) / 2
        still = _triples(parts, parts, self.triangles)
        moving = _triples(middle, change, self.transfers)
        return torch.cat([still, moving], -1).flatten(1).unsqueeze(1)


def _triples(parts: Tensor, last: Tensor, triples: list[tuple[int, int, int]]) -> Tensor:
    """``<f_a f_b g_c>``, normalised, ``(B, C, len(triples))``, of parts ``(rings, B, C, T, points)``."""
    scale = parts.square().mean((3, 4)).sqrt() + SMALL
    scale_last = last.square().mean((3, 4)).sqrt() + SMALL
    found = []
    pairs: dict[tuple[int, int], Tensor] = {}
    for a, b, c in triples:
        if (a, b) not in pairs:
            pairs = {(a, b): parts[a] * parts[b]}
        together = (pairs[a, b] * last[c]).mean((2, 3))
        found.append(together / (scale[a] * scale[b] * scale_last[c]))
    return torch.stack(found, -1)
