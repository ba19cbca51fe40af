r"""A floor that knows how much of every scale and every frequency a window holds, and nothing of shapes.

Per channel, of the normalised fields: the logarithm of the power in rings of wavenumber |k|, in the first, the middle
and the last frame and averaged over all frames; and the logarithm of the power in each frequency of time, averaged over
space.

Transforms are those of `physrep.learners.rings`, with the cosine transform in time. Fields on rows that
are not equally spaced (Chebyshev) are first interpolated to rows that are, so that k is always per unit of length.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .baselines import Untrained
from .even_rows import on_even_rows
from .rings import EMPTY, cosine_matrix, ring_members, spatial_modes, squared_modulus


class Spectra(Untrained):
    """Radially binned power spectra and a spectrum of time, per channel, as one token.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        bins: rings of equal width from 0 to the smallest of the largest wavenumbers of the axes.
    """

    label = "Power spectra"
    colour = "#b98f7e"

    def __init__(self, in_channels: int, num_frames: int = 16, bins: int = 12) -> None:
        super().__init__(in_channels, num_frames)
        if bins < 1:
            raise PhysrepError(f"spectra: bins is {bins}; it must be at least 1.")
        self.bins = bins
        self.embed_dim = in_channels * (4 * bins + num_frames)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, C (4 bins + T))``.

        Per channel the rings of the first, the middle and the last frame and of all frames, then the frequencies of
        time from 0 up.
        """
        x = on_even_rows(self.fields(clip, self.num_frames).float(), clip)
        modes = spatial_modes(x, clip.periodic)
        rings = squared_modulus(modes).flatten(3) @ ring_members(clip, self.bins, x)
        frames = rings[:, :, [0, self.num_frames // 2, self.num_frames - 1]]
        space = torch.cat([frames, rings.mean(2, keepdim=True)], 2).flatten(2)
        matrix = cosine_matrix(self.num_frames, x)
        time = torch.einsum("ft,bctp->bcfp", matrix, x.flatten(3)).square().mean(3) / self.num_frames
        return torch.cat([space, time], 2).clamp_min(EMPTY).log().flatten(1).unsqueeze(1)
