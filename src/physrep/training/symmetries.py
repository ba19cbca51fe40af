"""Which augmentations a system's equations allow."""

from __future__ import annotations

from collections.abc import Sequence

from ..data import Symmetries
from ..errors import PhysrepError
from ..systems import SYSTEMS
from .config import TrainingConfig


def symmetries_of(training: TrainingConfig) -> Symmetries | None:
    """The augmentation that a training asks for; None if it asks for none."""
    if not (training.shift or training.flip or training.boost or training.rescale or training.transpose):
        return None
    return Symmetries(training.shift, tuple(training.flip), training.boost, tuple(training.rescale), training.transpose)


def check_symmetries(symmetries: Symmetries | None, system: str, axes: Sequence[str] | None = None) -> None:
    """Refuse what is no symmetry of the system's equations; of other data nothing is known, and nothing refused.

    Args:
        symmetries: what a training asks for.
        system: its data set.
        axes: of the data, where they are known.

    Raises:
        PhysrepError: an axis that the data do not have, or a wish that the equations do not grant.
    """
    if symmetries is None:
        return
    for axis in symmetries.flip:
        if axes is not None and axis not in axes:
            raise PhysrepError(f"training.flip names {axis!r}, but the axes of the data are {', '.join(axes)}.")
    if system not in SYSTEMS:
        return
    known = SYSTEMS[system]
    wrong = [f"flip: {axis}" for axis in symmetries.flip if axis not in known.mirrors]
    wrong += [f"rescale: {name}" for name in symmetries.rescale if name not in known.passive]
    wrong += [f"boost: {symmetries.boost}"] if symmetries.boost and symmetries.boost != known.boost else []
    wrong += ["transpose"] if symmetries.transpose and not known.isotropic else []
    if wrong:
        raise PhysrepError(
            f"training.{wrong[0]} is no symmetry of {system}: it would teach that different solutions are the same; "
            f"leave it out (allowed: flip {list(known.mirrors)}, boost {known.boost or 'none'}, rescale "
            f"{list(known.passive)}, transpose {'yes' if known.isotropic else 'no'})."
        )
