r"""A floor that knows how much of every scale and every frequency a window holds, and nothing of shapes.

Per channel, of the normalised fields: the logarithm of the power in rings of wavenumber |k|, in the first, the middle
and the last frame and averaged over all frames; and the logarithm of the power in each frequency of time, averaged over
space.

Periodic axes take the Fourier transform, with k = 2π m/L. Axes with ends, and time, take the cosine transform (DCT-II),
with k = π m/L: it continues the field evenly, so that different values at the two ends are no jump. Fields on rows that
are not equally spaced (Chebyshev) are first interpolated to rows that are, so that k is always per unit of length.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .baselines import Untrained
from .even_rows import on_even_rows

EMPTY = 1e-12
"""Power below this, of fields with variance 1, counts as this."""


def cosine_matrix(n: int, like: Tensor) -> Tensor:
    """Orthonormal DCT-II, ``(n, n)``: rows are frequencies m = 0 … n - 1."""
    m = torch.arange(n, dtype=torch.float64)
    matrix = math.sqrt(2 / n) * torch.cos(math.pi * m[:, None] * (m[None] + 0.5) / n)
    matrix[0] /= math.sqrt(2)
    return matrix.to(like)


class Spectra(Untrained):
    """Radially binned power spectra and a spectrum of time, per channel, as one token.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip.
        bins: rings of equal width from 0 to the smaller of the two largest wavenumbers of the grid.
    """

    label = "Power spectra"
    colour = "#b98f7e"

    def __init__(self, in_channels: int, num_frames: int = 16, bins: int = 12) -> None:
        super().__init__(in_channels, num_frames)
        if bins < 1:
            raise PhysrepError(f"spectra: bins is {bins}; it must be at least 1.")
        self.bins = bins
        self.embed_dim = in_channels * (4 * bins + num_frames)

    def edges(self, clip: Clip) -> Tensor:
        """Bounds of the rings, ``(bins + 1,)``, in radians per unit of length; a ring holds its upper bound."""
        largest = min(math.pi / dx for dx in clip.dx)
        return torch.linspace(0, largest, self.bins + 1, dtype=torch.float64)

    def rings(self, clip: Clip) -> Tensor:
        """Ring of every mode, ``(H, W)``: 0 for the mean and for what lies beyond the last ring, else 1 to `bins`."""
        squares = []
        for n, dx, periodic in zip(clip.fields.shape[3:], clip.dx, clip.periodic, strict=True):
            if periodic:
                squares.append((2 * math.pi * torch.fft.fftfreq(n, dx, dtype=torch.float64)) ** 2)
            else:
                squares.append((math.pi * torch.arange(n, dtype=torch.float64) / (n * dx)) ** 2)
        k = (squares[0][:, None] + squares[1]).sqrt()
        edges = self.edges(clip)
        # Modes that lie on a bound must not fall on either side of it by rounding.
        ring = torch.bucketize(k * (1 - 1e-9), edges)
        return torch.where(ring > self.bins, 0, ring)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, C (4 bins + T))``.

        Per channel the rings of the first, the middle and the last frame and of all frames, then the frequencies of
        time from 0 up.
        """
        x = on_even_rows(self.fields(clip, self.num_frames).float(), clip)
        modes = x.to(torch.complex64)
        for axis, periodic in zip((3, 4), clip.periodic, strict=True):
            if periodic:
                modes = torch.fft.fft(modes, dim=axis, norm="ortho")
            else:
                matrix = cosine_matrix(x.shape[axis], modes)
                modes = (modes.movedim(axis, -1) @ matrix.T).movedim(-1, axis)
        points = x.shape[3] * x.shape[4]
        power = modes.abs().square().flatten(3) / points
        ring = self.rings(clip).flatten().to(x.device)
        member = (ring[:, None] == torch.arange(1, self.bins + 1, device=x.device)).to(power.dtype)
        rings = power @ member
        frames = rings[:, :, [0, self.num_frames // 2, self.num_frames - 1]]
        space = torch.cat([frames, rings.mean(2, keepdim=True)], 2).flatten(2)
        matrix = cosine_matrix(self.num_frames, x)
        time = torch.einsum("ft,bcthw->bcfhw", matrix, x).square().mean((3, 4)) / self.num_frames
        return torch.cat([space, time], 2).clamp_min(EMPTY).log().flatten(1).unsqueeze(1)
