r"""The oracle: physical parameters from the equation itself, by weak-form regression on the fields of a window.

It is told what no learner is told, the equation, and reads no label. Its token is the vector of estimated parameters,
each on its scale (log10 where the system says so), so that a probe may correct its bias; `estimate` gives the
parameters, which a benchmark scores as the probe ``direct``. See `estimate` and docs/oracle.md.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError
from ..baselines import Untrained
from .estimate import equation_of, estimate, known_oracle


class PDERegression(Untrained):
    """Weak-form regression of a known equation.

    Physical fields are read by name from the clip; the statistics of `set_normalisation` are not used.

    Args:
        in_channels: number of field components.
        system: whose equation the fields obey, a key of `ORACLES`; benchmarks offer the data's.
        num_frames: frames per clip, at least 4.
        uniform: rows between walls are equally spaced, although the system's are not (``resample: spectral``).
    """

    label = "PDE regression"
    colour = "#17a2c4"
    reads_units = True
    kind = "oracle"

    def __init__(self, in_channels: int, system: str, num_frames: int = 16, uniform: bool = False) -> None:
        super().__init__(in_channels, num_frames)
        known_oracle(system)
        if num_frames < 4:
            raise PhysrepError(f"pde_regression: num_frames is {num_frames}; the weak form needs at least 4.")
        self.system, self.uniform = system, uniform
        self.embed_dim = len(equation_of(system).parameters)

    def estimate(self, clip: Clip) -> dict[str, Tensor]:
        """The system's parameters, ``{name: (B,)}``, float64.

        An estimate outside the range that the system declares for a parameter is moved to its nearer end: where noise
        makes a coefficient negative it would have no logarithm.

        Raises:
            PhysrepError: the clip has another number of frames, or lacks a channel of the equation.
        """
        if clip.fields.shape[2] != self.num_frames:
            raise PhysrepError(
                f"PDERegression wants clips of {self.num_frames} frames here, got {clip.fields.shape[2]}; set "
                "num_frames to match."
            )
        found = estimate(clip, self.system, uniform=self.uniform)
        return {p.name: found[p.name].clamp(p.low, p.high) for p in equation_of(self.system).parameters}

    def encode(self, clip: Clip) -> Tensor:
        """One token with shape ``(B, 1, P)``: the estimates, log10 of those on a logarithmic scale."""
        found = self.estimate(clip)
        scales = {p.name: p.scale for p in equation_of(self.system).parameters}
        columns = [value.log10() if scales[name] == "log" else value for name, value in found.items()]
        return torch.stack(columns, 1).float().unsqueeze(1)
