"""Names of channels and parameters, and what is known of the datasets whose files use other names.

Everything in the package is read by name. A *field* is what a file stores (``velocity``); a *channel* is one component
of it (``velocity_x``). Components are in row-major order, as in The Well: ``D_xx, D_xy, D_yx, D_yy``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction

from ..errors import PhysrepError

SPLITS = ("train", "valid", "test")

# The Well's shear_flow files store the Reynolds number under the name of another dimensionless number.
PARAMETER_ALIASES: dict[str, dict[str, str]] = {"shear_flow": {"Rayleigh": "Reynolds"}}

# Scalars that have one value in the whole dataset: not labels. They can still be asked for by name.
CONSTANT_PARAMETERS: dict[str, tuple[str, ...]] = {"active_matter": ("L",)}

# Parts of axes that Qu et al. cut out before they resize, as fractions: on the published grids they are y[0:256] of
# 512 points and x[192:320] of 512 points. On other grids they are the same part of the domain.
PAPER_CROPS: dict[str, dict[str, tuple[Fraction, Fraction]]] = {
    "shear_flow": {"y": (Fraction(0), Fraction(1, 2))},
    "rayleigh_benard": {"x": (Fraction(3, 8), Fraction(5, 8))},
    "rayleigh_benard_uniform": {"x": (Fraction(3, 8), Fraction(5, 8))},
    "active_matter": {},
}


RESERVED_PARAMETERS = ("mean", "split", "file", "trajectory")
"""Names of summary rows in tables, and of the columns that place a row in a table of labels."""


FORMULA = "=+-@"
"""First characters that make a cell of a table a formula."""

LONGEST = 100
"""Bytes of a name: it becomes part of file names and columns of tables."""


def name_problem(name: str) -> str:
    """Why a field or parameter cannot be addressed by this name; empty if it can."""
    if not name.strip():
        return "has an empty name"
    if "/" in name or name in (".", "..") or not name.isprintable() or name != name.strip():
        return f"has the name {name!r}, which holds a slash, a space at its ends, or what cannot be printed"
    if name[0] in FORMULA:
        return f"has the name {name!r}, which a spreadsheet would run as a formula"
    if len(name.encode()) > LONGEST:
        return f"has the name {name[:20]!r}..., which is longer than {LONGEST} bytes"
    return ""


def parameter_problem(name: str) -> str:
    """Why a parameter or label cannot have this name; empty if it can."""
    if name.lower() in RESERVED_PARAMETERS:
        return f"is called {name!r}, which stands for something else in tables"
    return name_problem(name)


def component_axes(order: int, dimensions: int) -> list[tuple[int, ...]]:
    """Axis indices of every component of a tensor: ``[()]``, ``[(0,), (1,)]`` or ``[(0, 0), (0, 1), ...]``."""
    return list(itertools.product(range(dimensions), repeat=order))


def channel_names(field: str, order: int, axes: Sequence[str]) -> tuple[str, ...]:
    """Channel names of a field, e.g. ``("velocity_x", "velocity_y")``; a scalar keeps its name."""
    if order == 0:
        return (field,)
    return tuple(f"{field}_{''.join(axes[i] for i in index)}" for index in component_axes(order, len(axes)))


def canonical_parameter(dataset: str, name: str, stored: Sequence[str]) -> str:
    """The name that a stored scalar should have; an alias is used only if the true name is not stored as well."""
    true_name = PARAMETER_ALIASES.get(dataset, {}).get(name, name)
    return name if true_name in stored else true_name


def label_parameters(dataset: str, names: Sequence[str]) -> tuple[str, ...]:
    """Of a dataset's parameters, those that vary (see `CONSTANT_PARAMETERS`)."""
    return tuple(name for name in names if name not in CONSTANT_PARAMETERS.get(dataset, ()))


def paper_crop(dataset: str, axes: Sequence[str], shape: Sequence[int], source: object) -> dict[str, tuple[int, int]]:
    """The paper's crop as index ranges (first, last exclusive) per axis of a grid.

    Raises:
        PhysrepError: the paper has no such dataset, or its crop is no whole number of these grid points.
    """
    if dataset not in PAPER_CROPS:
        known = ", ".join(PAPER_CROPS)
        raise PhysrepError(
            f"{source}: the paper has no dataset {dataset!r} (it has {known}); give crop as a map from axis to "
            "[first, last], or leave it out."
        )
    limits = {}
    for axis, part in PAPER_CROPS[dataset].items():
        n = shape[list(axes).index(axis)]
        first, last = (n * fraction for fraction in part)
        if first.denominator > 1 or last.denominator > 1:
            raise PhysrepError(
                f"{source}: crop 'paper' is {part[0]} to {part[1]} of axis {axis}, no whole number of its {n} points; "
                "give it in points, as a map from axis to [first, last]."
            )
        limits[axis] = (int(first), int(last))
    return limits


def select_channels(
    channels_of: Mapping[str, Sequence[str]], requested: Sequence[str], source: object
) -> tuple[str, ...]:
    """Channels for a list of field or channel names, in the order asked for.

    Args:
        channels_of: field name to its channel names.
        requested: names of fields (all their channels are taken) or of single channels.
        source: what to name in the error message, usually a path.

    Raises:
        PhysrepError: a name is neither a field nor a channel, or a channel is asked for twice.
    """
    known = {channel for channels in channels_of.values() for channel in channels}
    chosen: list[str] = []
    for name in requested:
        if name in channels_of:
            chosen.extend(channels_of[name])
        elif name in known:
            chosen.append(name)
        else:
            have = ", ".join(channels_of)
            raise PhysrepError(f"{source}: has no field {name!r}; it has {have}, so name one of these in 'fields'.")
    if len(set(chosen)) < len(chosen):
        raise PhysrepError(f"{source}: fields {list(requested)} name a channel twice; leave one out.")
    return tuple(chosen)


def select_parameters(known: Sequence[str], requested: Sequence[str], source: object) -> tuple[str, ...]:
    """The requested parameters, or a `PhysrepError` that names the one that is missing."""
    for name in requested:
        if name not in known:
            have = ", ".join(known) or "none"
            raise PhysrepError(f"{source}: has no parameter {name!r}; it has {have}; mend 'parameters'.")
    if len(set(requested)) < len(requested):
        raise PhysrepError(f"{source}: parameters {list(requested)} name one twice; leave it out.")
    return tuple(requested)
