"""Which augmentations a system's equations allow."""

from __future__ import annotations

from ..data import Symmetries
from ..errors import PhysrepError
from ..systems import SYSTEMS


def check_symmetries(symmetries: Symmetries, system: str) -> None:
    """Refuse what is no symmetry of the system's equations; of other data nothing is known, and nothing refused.

    Raises:
        PhysrepError: a wish that the equations do not grant.
    """
    if system not in SYSTEMS:
        return
    known = SYSTEMS[system]
    wrong = [f"mirrors: {axis}" for axis in symmetries.mirrors if axis not in known.mirrors]
    wrong += [f"rescale: {name}" for name in symmetries.rescale if name not in known.passive]
    wrong += [f"boost: {symmetries.boost}"] if symmetries.boost and symmetries.boost != known.boost else []
    wrong += ["swap"] if symmetries.swap and not known.isotropic else []
    if wrong:
        raise PhysrepError(
            f"training.{wrong[0]} is no symmetry of {system}: it would teach that different solutions are the same; "
            f"leave it out (allowed: mirrors {list(known.mirrors)}, boost {known.boost or 'none'}, rescale "
            f"{list(known.passive)}, swap {'yes' if known.isotropic else 'no'})."
        )
