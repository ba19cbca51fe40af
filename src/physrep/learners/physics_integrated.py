r"""An incomplete equation is given, the rest is learned: what is missing must be as small as it can be.

With the given part F of the equation in physical units, a code z per window from an encoder f, and a small operator G,

.. math::
    \dot u = F(u) + G(u; g(z)), \qquad
    L = \tfrac12 \left\langle \frac{\overline{(u(1) - x_{n+1})^2}}{s^2 + \epsilon} \right\rangle
      + \lambda \left\langle \frac{\overline{G(x_n; g(z))^2}}{s^2 + \epsilon} \right\rangle,

s² the mean squared change of a channel over a frame. The second term makes the split unique: G does not learn again
what F says. For shear flow with advection and pressure given, what is left is both diffusions, so that z has to hold
the Reynolds and the Schmidt number. Tokens are z alone.

Who is given a part of the equation does not compete with those who are given none: its group in tables is that of the
oracle.

Source: Yin et al., Augmenting physical models with deep networks for complex dynamics forecasting (APHYNITY), 2021,
https://arxiv.org/abs/2010.04456, with a fixed weight in place of its Lagrangian, and a code per window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from .known_terms import known_rate, known_terms
from .operator_learner import OperatorLearner


class PhysicsIntegrated(OperatorLearner):
    """`OperatorLearner` whose right-hand side begins with given terms and whose operator is kept small.

    Args:
        in_channels: number of field components.
        num_frames: frames per window.
        encoder, encoder_options: as of `OperatorLearner`.
        known: the given part, channel to terms with coefficients in physical units, terms as `physrep equation` prints
            them: ``{tracer: {"d_x(tracer velocity_x)": -1, "d_y(tracer velocity_y)": -1}}``; None gives nothing.
        norm: λ, weight of the squared rate of the learned part.
        latent: width of z, a linear map of the mean token; 0 takes the mean token itself.
        hidden, width, levels, horizon, method, steps, floor: as of `OperatorLearner`.
        target: ``"random"``: z is of another window of the trajectory than the one that is advanced; or ``"next"``.
    """

    label = "Equation partly given"
    colour = "#4a177f"
    kind = "oracle"
    search_space: ClassVar[dict[str, Any]] = {"norm": (1e-4, 1.0), "latent": [4, 16, 64], "width": [8, 16, 32]}

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
        known: Mapping[str, Mapping[str, float]] | None = None,
        norm: float = 0.01,
        latent: int = 16,
        hidden: int = 128,
        width: int = 32,
        levels: int = 1,
        horizon: int = 1,
        method: str = "rk4",
        steps: int = 2,
        floor: float = 1e-5,
        target: Literal["next", "random"] = "random",
    ) -> None:
        if norm < 0:
            raise PhysrepError(f"physics_integrated: norm is {norm}; it must be at least 0.")
        super().__init__(
            in_channels, num_frames, encoder, encoder_options, latent, "latent", hidden, width, levels, horizon, method,
            steps, "change", floor, target,
        )  # fmt: skip
        self.known = {channel: dict(terms) for channel, terms in (known or {}).items()}
        self.norm = norm
        if not self.known:
            self.kind, self.label = "learner", "Operator, as small as it can be"

    def given(self, clip: Clip) -> Callable[[Tensor], Tensor] | None:
        """The rate of normalised fields per frame that the given terms make.

        Raises:
            PhysrepError: a term names a channel that the encoder does not read.
        """
        if not self.known:
            return None
        channels = self.channels or clip.channels
        terms = known_terms(self.known, channels, clip.fields.dim() - 3, "physics_integrated: known")
        shape = (1, -1, *[1] * (clip.fields.dim() - 3))
        mean, std = self.field_mean.view(shape), self.field_std.view(shape)

        def rate(state: Tensor) -> Tensor:
            # Transforms exist in single precision at least, also under autocast.
            return known_rate(terms, state.float() * std + mean, channels, clip) * (clip.dt / std)

        return rate
