r"""The error of a predicted frame, relative to what there was to predict.

For a prediction p and the true frame y of every sample and channel, averaged over the spatial points x,

.. math:: e = \overline{(p - y)^2} / (s + \epsilon)

with one of three scales s:

- ``change``: :math:`\overline{(y - u)^2}`, u the last frame seen: 1 is persistence, so slow
  fields count like fast ones;
- ``variance``: :math:`\mathrm{Var}_x\, y`, DISCO's Gaussian negative log-likelihood but for constants;
- ``square``: :math:`\overline{y^2}`, MPP's normalised mean squared error.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ..errors import PhysrepError
from ..nn.precision import full_precision

Scale = Literal["change", "variance", "square"]
SCALES = ("change", "variance", "square")


def check_scale(scale: str, learner: str) -> None:
    """Refuse a scale that does not exist.

    Raises:
        PhysrepError: it is none of `SCALES`.
    """
    if scale not in SCALES:
        raise PhysrepError(f"{learner}: error_scale is {scale!r}; give one of {', '.join(SCALES)}.")


def frame_error(prediction: Tensor, target: Tensor, last: Tensor, scale: str, floor: float = 1e-4) -> Tensor:
    """Mean over samples and channels of the relative error, in float32.

    Args:
        prediction, target, last: frames with shape ``(B, C, *S)``.
        scale: one of `SCALES`.
        floor: epsilon, as a fraction of the frame's variance for ``change`` and absolute for the others, so that a
            field at rest does not divide by nothing.
    """
    with full_precision(prediction.device):
        prediction, target, last = prediction.float(), target.float(), last.float()
        space = tuple(range(2, target.dim()))
        variance = target.var(space, correction=0)
        if scale == "change":
            divisor = (target - last).square().mean(space) + floor * (variance + floor)
        elif scale == "variance":
            divisor = variance + floor
        else:
            divisor = target.square().mean(space) + floor
        return ((prediction - target).square().mean(space) / divisor).mean()
