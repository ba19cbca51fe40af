"""What a learner says of the parameters by itself, without any probe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from ..errors import PhysrepError
from ..learners.abilities import EstimatesParameters, PredictsParameters

if TYPE_CHECKING:
    from torch import Tensor

    from ..clip import Clip
    from ..learners.base import Learner
    from ..tokens import LabelScaler


def own_reading(learner: Learner, scaler: LabelScaler) -> tuple[str, Callable[[Clip], Tensor]] | None:
    """The name of that reading, and a function of clips to z-scored values ``(B, P)``; None if it says nothing.

    ``head`` is the output of a learner that was trained on labels (`predict`), ``direct`` the parameters that one
    estimates in physical units without any (`estimate`).
    """
    if learner.needs_labels:
        return ("head", learner.predict) if isinstance(learner, PredictsParameters) else None
    if not isinstance(learner, EstimatesParameters):
        return None
    estimate = learner.estimate

    def direct(clip: Clip) -> Tensor:
        values = estimate(clip)
        missing = [name for name in scaler.names if name not in values]
        if missing:
            raise PhysrepError(
                f"{type(learner).__name__} estimates {', '.join(values)}, not {missing[0]!r}; name the parameters to "
                "score in data.parameters."
            )
        return scaler.transform(torch.stack([values[name] for name in scaler.names], 1).cpu(), scaler.names)

    return "direct", direct
