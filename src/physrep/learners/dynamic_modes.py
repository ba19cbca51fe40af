r"""A floor that knows the linear dynamics of a window: dynamic mode decomposition of every channel.

Of the snapshots x_1 … x_T of a channel (normalised, all points of a frame as one vector) it takes the linear map of the
leading ``rank`` directions that best carries each snapshot to the next:

    X = [x_1 … x_{T-1}] ≈ U S Vᵀ,   Y = [x_2 … x_T],   Ã = Uᵀ Y V S⁻¹,   Ã w_j = λ_j w_j

Mode j grows at the rate Re log λ_j / Δt, turns with the frequency |Im log λ_j| / Δt and has in the first snapshot the
amplitude |b_j| with Σ b_j w_j = Uᵀ x_1. The singular values and V of the tall X come from the small XᵀX.

Source: Schmid, "Dynamic mode decomposition of numerical and experimental data", J. Fluid Mech. 656 (2010); Tu, Rowley,
Luchtenburg, Brunton and Kutz, "On dynamic mode decomposition: theory and applications", J. Comput. Dyn. 1 (2014).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from ..quantities.grid import Grid
from .baselines import Untrained

NEGLIGIBLE = 1e-5
"""Directions whose singular value is below this share of the largest hold rounding only (of float32 fields); they are
left out."""

FASTEST_DECAY = 1e-4
"""|λ| below this counts as this: what is gone after one frame, or was never there, has no finite rate."""


class Modes(NamedTuple):
    """Decompositions of a batch; every tensor has the shape ``(..., rank)``.

    Attributes:
        eigenvalues: λ per frame, complex; 0 beyond the rank that the data have.
        amplitudes: |b|, for vectors w of length 1.
    """

    eigenvalues: Tensor
    amplitudes: Tensor


def dynamic_modes(snapshots: Tensor, rank: int) -> Modes:
    """Reduced dynamic mode decomposition, largest amplitude first.

    Args:
        snapshots: ``(..., T, N)``, T frames of N values.
        rank: number of directions, at most T - 1.
    """
    x = snapshots.double()
    gram = x @ x.transpose(-1, -2)
    # With XᵀX = V S² Vᵀ everything follows from products of snapshots: U = X V S⁻¹ is never formed.
    square, v = torch.linalg.eigh(gram[..., :-1, :-1])
    square, v = square.flip(-1)[..., :rank], v.flip(-1)[..., :rank]
    kept = square > NEGLIGIBLE**2 * square[..., :1].clamp_min(1e-300)
    inverse = torch.where(kept, square.clamp_min(1e-300).rsqrt(), torch.zeros_like(square))
    project = v * inverse[..., None, :]
    reduced = project.transpose(-1, -2) @ gram[..., :-1, 1:] @ project
    eigenvalues, vectors = torch.linalg.eig(reduced)
    first = project.transpose(-1, -2) @ gram[..., :-1, :1]
    # Least squares, as the vectors of a defective map do not span the space.
    amplitudes = (torch.linalg.pinv(vectors, rtol=1e-10) @ first.to(vectors.dtype))[..., 0].abs()
    amplitudes, order = torch.sort(amplitudes, dim=-1, descending=True, stable=True)
    return Modes(eigenvalues.gather(-1, order), amplitudes)


class DynamicModes(Untrained):
    """Growth rates, frequencies and amplitudes of the dynamic modes of every channel, as one token.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip, at least 3.
        rank: modes per channel, at most ``num_frames - 1``.
    """

    label = "Dynamic modes"
    colour = "#8296ab"

    def __init__(self, in_channels: int, num_frames: int = 16, rank: int = 6) -> None:
        super().__init__(in_channels, num_frames)
        if num_frames < 3 or rank < 1:
            raise PhysrepError(
                f"dynamic_modes: num_frames is {num_frames} and rank {rank}; they must be at least 3 and 1."
            )
        self.rank = min(rank, num_frames - 1)
        self.embed_dim = in_channels * 3 * self.rank

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, 3 C rank)``: per channel rates, frequencies, and logarithms of amplitudes per
        point, each from the mode of largest amplitude down."""
        x = self.fields(clip, self.num_frames)
        if any(points is not None for points in clip.coordinates):
            # Points count with their share of the domain, so that products of snapshots are integrals.
            share = torch.outer(*Grid.of_clip(clip).weights)
            x = x * (share * share.numel()).sqrt().to(x)
        x = x.flatten(3)
        eigenvalues, amplitudes = dynamic_modes(x, self.rank)
        growth = eigenvalues.abs().clamp_min(FASTEST_DECAY).log() / clip.dt
        frequency = eigenvalues.angle().abs() / clip.dt
        # A mode that is not there turns with no frequency.
        frequency = torch.where(eigenvalues.abs() > FASTEST_DECAY, frequency, torch.zeros_like(frequency))
        size = (amplitudes / x.shape[-1] ** 0.5).clamp_min(1e-6).log()
        return torch.stack([growth, frequency, size], 2).flatten(1).float().unsqueeze(1)
