"""The units that a file states, by what they are of: ``time``, ``axis x``, ``field u``, ``parameter nu``.

They stand in the attribute ``units`` of an array, as the CF conventions have it. Nothing is converted: units are
carried from a foreign file to the files that are written of it, and numbers whose units are stated in other words are
refused where they would be taken for one another. What states no units is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .names import channel_names

TIME = "time"


def units_of(attributes: Any) -> str:
    """The units that an array states, of times without their beginning; empty if it states none."""
    text = attributes.get("units", "")
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    return text.partition(" since ")[0].strip() if isinstance(text, str) else ""


def stated_units(
    dimensions: Any, axes: Iterable[str], fields: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, str]:
    """The units of a file in The Well's format.

    Args:
        dimensions: group with the array ``time`` and one per axis.
        axes: their names.
        fields, parameters: name to array.
    """
    arrays = {TIME: dimensions[TIME], **{f"axis {axis}": dimensions[axis] for axis in axes}}
    arrays |= {f"field {name}": array for name, array in fields.items()}
    arrays |= {f"parameter {name}": array for name, array in parameters.items()}
    return {what: text for what, array in arrays.items() if (text := units_of(array.attrs))}


def other_units(own: Mapping[str, str], known: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Rows (what, own units, known units) of what both state, in other words."""
    return [(what, own[what], known[what]) for what in own if what in known and own[what] != known[what]]


def units_seen(identity: Mapping[str, Any], channels: Iterable[str], parameters: Iterable[str]) -> dict[str, str]:
    """Of the units of a data set those of time, of the axes, and of what a reader takes.

    Args:
        identity: of its files (`physrep.data.identity`).
        channels: that are read, by name.
        parameters: that are read, by name.
    """
    axes, taken = tuple(identity["spatial_dims"]), set(channels)
    fields = {n for n, order, _ in identity["fields"] if taken & set(channel_names(n, order, axes))}
    wanted = {TIME, *(f"axis {axis}" for axis in axes), *(f"field {name}" for name in fields)}
    wanted |= {f"parameter {name}" for name in parameters}
    return {what: text for what, text in identity.get("units", {}).items() if what in wanted}
