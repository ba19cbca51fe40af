"""The floor of an expert: what classical analysis of fields makes of a window, without any learning.

`FEATURES` names the families of numbers; adding one is one class and one line here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError, nearest
from ..baselines import Untrained
from .channels import CrossSpectra
from .half_grids import HalfGridPower
from .increments import Increments
from .power import DecayRate, FrequencyPower, RingCoherence
from .values import ModeEnergies, Quantiles
from .window import Feature, Window

FEATURES: dict[str, type[Feature]] = {
    "power": FrequencyPower,
    "decay": DecayRate,
    "coherence": RingCoherence,
    "cross_spectra": CrossSpectra,
    "half_grids": HalfGridPower,
    "increments": Increments,
    "quantiles": Quantiles,
    "modes": ModeEnergies,
}

VALUES = 2**19
"""Values of a batch that are worked on at once on a CPU: what stays in its caches is done in two thirds of the time."""


class Classical(Untrained):
    """Power in wavenumber and frequency, decay and coherence of rings, cross-spectra, structure functions, quantiles
    and energies of orthogonal modes, as one token.

    Args:
        in_channels: number of field components.
        num_frames: frames per clip, at least 2.
        bins: rings of equal width from 0 to the smallest of the largest wavenumbers of the axes.
        parts: names of `FEATURES` to take; default all. ``half_grids`` alone is a floor whose mean white noise does not
            move.

    Raises:
        PhysrepError: no ring, fewer than 2 frames, or an unknown part.
    """

    label = "Classical features"
    colour = "#8c7a4f"

    def __init__(
        self, in_channels: int, num_frames: int = 16, bins: int = 8, parts: Sequence[str] | None = None
    ) -> None:
        super().__init__(in_channels, num_frames)
        if bins < 1 or num_frames < 2:
            raise PhysrepError(f"classical: bins is {bins} and num_frames {num_frames}; they must be at least 1 and 2.")
        names = list(FEATURES) if parts is None else list(parts)
        unknown = next((name for name in names if name not in FEATURES), None)
        if unknown is not None or not names:
            raise PhysrepError(f"classical: parts are {names}; {nearest(str(unknown), list(FEATURES))}")
        self.bins, self.parts = bins, tuple(names)
        self.embed_dim = sum(FEATURES[name]().width(in_channels, num_frames, bins) for name in names)

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, embed_dim)``: the parts in the order of `parts`.

        With three axes of space the increments along the third come behind those along the second.
        """
        x = self.fields(clip, self.num_frames).float()
        at_once = max(1, VALUES * len(x) // x.numel()) if x.device.type == "cpu" else len(x)
        windows = [Window(part, clip, self.bins) for part in x.split(at_once)]
        token = torch.cat([self._numbers(window) for window in windows]).unsqueeze(1)
        self.embed_dim = token.shape[2]
        return token

    def _numbers(self, window: Window) -> Tensor:
        return torch.cat([FEATURES[name]().compute(window) for name in self.parts], 1)
