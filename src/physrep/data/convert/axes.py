"""What the axes of a foreign array mean: trajectories, time, space, components; by name, or by a guess that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import PhysrepError

SAMPLE, TIME, CHANNEL, COMPONENT = "sample", "time", "channel", "component"

ROLES: dict[str, tuple[str, ...]] = {
    SAMPLE: (
        "sample", "samples", "trajectory", "trajectories", "traj", "n", "b", "batch", "ensemble", "member", "run",
        "realization", "realisation", "simulation", "sim", "case",
    ),
    TIME: ("time", "t", "times", "frame", "frames", "step", "timestep", "snapshot"),
    CHANNEL: ("channel", "channels", "c", "variable", "var", "field", "feature"),
    COMPONENT: ("component", "components", "comp", "vector", "d"),
}  # fmt: skip
"""Role to the names that it goes by, in lower case; every other name is a spatial axis."""

MOST_CHANNELS = 16
"""A trailing axis that is longer is no axis of channels, unless its name says so."""


def role(name: str) -> str:
    """The role of an axis with this name; a spatial axis keeps its name, in lower case where it is one letter."""
    lower = name.lower()
    for meaning, names in ROLES.items():
        if lower in names:
            return meaning
    return lower if len(name) == 1 else name


def say_curvilinear(axes: Sequence[str], notes: list[str]) -> None:
    """A line on axes that are no straight ones; none if there are none."""
    if axes:
        notes.append(f"axes {', '.join(axes)} are curvilinear; fields are stored as if on a rectangle of them")


def spatial(axes: Sequence[str]) -> tuple[str, ...]:
    """The spatial axes among these, x, y, z in this order; others as they are stored."""
    found = tuple(axis for axis in axes if axis not in ROLES)
    return tuple(sorted(found)) if set(found) <= {"x", "y", "z"} else found


def named_axes(names: Sequence[str], source: object) -> tuple[str, ...]:
    """Roles of axes that are named.

    Raises:
        PhysrepError: two axes mean the same, or there is no axis of time or space.
    """
    roles = tuple(role(name) for name in names)
    for meaning in roles:
        if roles.count(meaning) > 1:
            raise PhysrepError(f"{source}: two of the axes {', '.join(names)} mean {meaning}; mend --axes.")
    return roles


FEWEST_FRAMES = 4
"""A last axis of fewer points is not taken for time."""


def guess_axes(
    shape: Sequence[int], lengths: Mapping[str, int], fields_only: bool = False, frame: bool = False
) -> tuple[str, ...] | None:
    """Roles of the axes of an array without names, or None if no layout fits.

    Args:
        shape: of the array.
        lengths: lengths of the coordinates that lie beside it ("time", "x", ...); a layout must agree with them.
        fields_only: there is no axis of trajectories (one trajectory per file).
        frame: there is no axis of time either (one frame per file).
    """
    space = tuple(axis for axis in ("x", "y", "z") if axis in lengths)
    for dimensions in (len(space),) if space else (2, 3, 1):
        own = space or ("x", "y", "z")[:dimensions]
        for layout in _frame_layouts(own) if frame else _layouts(own, fields_only):
            if len(layout) == len(shape) and _fits(layout, shape, lengths):
                return layout
    return None


def _layouts(space: tuple[str, ...], fields_only: bool) -> list[tuple[str, ...]]:
    bare = [(TIME, *space), (TIME, *space, CHANNEL), (TIME, CHANNEL, *space), (*space, TIME)]
    if fields_only:
        return bare
    return [(SAMPLE, *layout) for layout in bare] + bare


def _frame_layouts(space: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [space, (*space, CHANNEL), (CHANNEL, *space)]


def _fits(layout: Sequence[str], shape: Sequence[int], lengths: Mapping[str, int]) -> bool:
    grid = min(n for axis, n in zip(layout, shape, strict=True) if axis not in ROLES)
    for axis, n in zip(layout, shape, strict=True):
        # PDEBench stores one time more than there are frames.
        if axis in lengths and lengths[axis] not in ((n, n + 1) if axis == TIME else (n,)):
            return False
        if axis == CHANNEL and not (n <= MOST_CHANNELS and 2 * n <= grid):
            return False
    last = layout[-1]
    if last == TIME and TIME not in lengths and shape[-1] < FEWEST_FRAMES:
        return False
    if CHANNEL in layout or last in ROLES or last in lengths:
        return True
    # A last axis of a few points beside a fine grid holds channels, not space.
    others = [n for axis, n in zip(layout, shape, strict=True) if axis not in ROLES][:-1]
    return not (others and shape[-1] <= MOST_CHANNELS and 4 * shape[-1] <= min(others))
