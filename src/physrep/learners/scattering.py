r"""A floor beyond two points: the wavelet scattering transform of frames, first and second order, averaged over space.

With wavelets ψ of scale j and direction l (below), * the convolution over space and <> the average over the domain,

    S₁(j, l) = <|f * ψ_{j,l}|>,        S₂(j, l; j', l') = <| |f * ψ_{j,l}| * ψ_{j',l'} |>,   j' > j

Both are unchanged by translation; S₂ holds how the strength of one scale varies over a larger one, which no spectrum
knows (fronts, spots and waves of one spectrum differ in it). Wavelets are Morlet-like, defined in wavenumber:

    ψ(k) = exp(-|k - k_j e_l|²/2σ²) - κ exp(-|k|²/2σ²),    k_j = ¾ π/Δx 2^{-j},   σ = 0.4 k_j,   κ such that ψ(0) = 0

with directions e_l at the angles π l / orientations, in units of length, so that a wavelet is the same on any grid.
Axes with ends are continued evenly by mirroring, which gives no jump. The modulus of a wavelet of scale j varies
slowly, so its second order is computed on every 2^{j}-th point where the grid divides.

Source: Mallat, "Group invariant scattering", Comm. Pure Appl. Math. 65 (2012); Bruna and Mallat, "Invariant scattering
convolution networks", IEEE TPAMI 35 (2013). Written for these fields: kymatio, the usual library, knows square images
and one boundary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .baselines import Untrained
from .even_rows import on_even_rows

SMALL = 1e-6
"""Added before logarithms: of fields with variance 1, an average modulus this small is rounding."""


def wavelets(shape: Sequence[int], dx: Sequence[float], centre: float, orientations: int) -> Tensor:
    """Wavelets of one scale in wavenumber, real, ``(orientations, H, W)``.

    Args:
        shape, dx: points and spacings of the periodic grid.
        centre: length of the wavenumber that the wavelets pass.
        orientations: number of directions in half a turn.
    """
    first, second = (2 * math.pi * torch.fft.fftfreq(n, d, dtype=torch.float64) for n, d in zip(shape, dx, strict=True))
    sigma = 0.4 * centre
    wide = torch.exp(-(first[:, None].square() + second.square()) / (2 * sigma**2))
    kappa = math.exp(-(centre**2) / (2 * sigma**2))
    bank = []
    for number in range(orientations):
        angle = math.pi * number / orientations
        distance = (first[:, None] - centre * math.cos(angle)).square() + (second - centre * math.sin(angle)).square()
        bank.append(torch.exp(-distance / (2 * sigma**2)) - kappa * wide)
    return torch.stack(bank)


class Scattering(Untrained):
    """Scattering coefficients of the first, the middle and the last frame (averaged) and of an increment, as one token.

    Per channel, for the frames and for the change between the two frames in the middle: ``ln S₁`` of every scale and
    direction, and ``ln S₂/S₁`` of every pair of scales and directions.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip, at least 2.
        scales: number of scales, each twice the one before, from the smallest that the grid holds.
        orientations: directions in half a turn.

    Raises:
        PhysrepError: fewer than 2 frames, or no scale or direction.
    """

    label = "Wavelet scattering"
    space_axes = (2,)
    colour = "#6f8f8a"

    def __init__(self, in_channels: int, num_frames: int = 16, scales: int = 4, orientations: int = 4) -> None:
        super().__init__(in_channels, num_frames)
        if num_frames < 2 or scales < 1 or orientations < 1:
            raise PhysrepError(
                f"scattering: num_frames is {num_frames}, scales {scales}, orientations {orientations}; they must be "
                "at least 2, 1 and 1."
            )
        self.scales, self.orientations = scales, orientations
        pairs = scales * (scales - 1) // 2
        self.embed_dim = 2 * in_channels * (scales * orientations + pairs * orientations**2)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, embed_dim)``: channel by channel, frames before the increment."""
        x = on_even_rows(self.fields(clip, self.num_frames).float(), clip)
        middle = self.num_frames // 2
        frames = x[:, :, [0, middle, self.num_frames - 1]]
        change = x[:, :, middle : middle + 1] - x[:, :, middle - 1 : middle]
        fields = torch.cat([frames, change], 2)
        for axis, periodic in zip((3, 4), clip.periodic, strict=True):
            if not periodic:
                fields = torch.cat([fields, fields.flip(axis)], axis)
        first, second = self._coefficients(fields, clip.dx)
        parts = []
        for part in (slice(0, 3), slice(3, 4)):
            one, two = first[:, :, part].mean(2), second[:, :, part].mean(2)
            ratio = torch.log(two + SMALL) - torch.log(one + SMALL)[..., self._below]
            parts.append(torch.cat([torch.log(one + SMALL), ratio], -1))
        return torch.stack(parts, 2).flatten(1).unsqueeze(1)

    @property
    def _below(self) -> list[int]:
        """Index of the S₁ that each S₂ is made of."""
        n = self.orientations
        return [
            j * n + direction
            for j in range(self.scales)
            for direction in range(n)
            for _ in range((self.scales - 1 - j) * n)
        ]

    def _coefficients(self, fields: Tensor, dx: Sequence[float]) -> tuple[Tensor, Tensor]:
        """S₁ ``(..., scales orientations)`` and S₂ of fields ``(..., H, W)`` on a periodic grid."""
        largest = 0.75 * math.pi / max(dx)
        spectrum = torch.fft.fft2(fields)
        first: list[Tensor] = []
        second: list[Tensor] = []
        for scale in range(self.scales):
            bank = wavelets(fields.shape[-2:], dx, largest / 2**scale, self.orientations).to(fields)
            for wavelet in bank:
                modulus = torch.fft.ifft2(spectrum * wavelet).abs()
                first.append(modulus.mean((-2, -1)))
                if scale + 1 < self.scales:
                    second += self._second(modulus, dx, scale, largest)
        empty = first[0].new_zeros(*first[0].shape, 0)
        return torch.stack(first, -1), torch.stack(second, -1) if second else empty

    def _second(self, modulus: Tensor, dx: Sequence[float], scale: int, largest: float) -> list[Tensor]:
        steps = [2**scale if n % 2**scale == 0 and n >> scale >= 8 else 1 for n in modulus.shape[-2:]]
        spectrum = _coarse_spectrum(modulus, steps)
        spacing = [d * step for d, step in zip(dx, steps, strict=True)]
        found = []
        for larger in range(scale + 1, self.scales):
            bank = wavelets(spectrum.shape[-2:], spacing, largest / 2**larger, self.orientations).to(modulus)
            found += [torch.fft.ifft2(spectrum * wavelet).abs().mean((-2, -1)) for wavelet in bank]
        return found


def _coarse_spectrum(x: Tensor, steps: Sequence[int]) -> Tensor:
    """Spectrum on a grid with every ``step``-th point, of the waves that it holds."""
    spectrum = torch.fft.fft2(x)
    for axis, step in zip((-2, -1), steps, strict=True):
        if step > 1:
            n = x.shape[axis]
            m = n // step
            # Waves below the Nyquist wave of the coarse grid; that one itself is left out, as it has no sign.
            keep = torch.cat([torch.arange((m + 1) // 2), torch.arange(n - m // 2, n)]).to(x.device)
            spectrum = spectrum.index_select(axis if axis >= 0 else spectrum.dim() + axis, keep) / step
            if m % 2 == 0:
                spectrum.select(axis, m // 2).zero_()
    return spectrum
