"""Dataclasses from plain data (YAML), with one sentence for whatever does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from .errors import PhysrepError, nearest
from .ranges import check_ranges
from .renamed import current_names


def construct(kind: type, values: Any, where: str, example: str) -> Any:
    """An instance of the dataclass ``kind``; nested dataclasses, lists and dictionaries of them are built as well.

    A setting, or an entry of a mapping, that is null is absent: its default is used. Names of earlier versions are
    read as well (`physrep.renamed`).

    Args:
        kind: the dataclass.
        values: plain data, a mapping of its settings.
        where: place in the file, for messages.
        example: a file that shows how it should look.

    Raises:
        PhysrepError: an unknown key (the nearest known one is named), a value of the wrong type or outside its
            range, or one is missing.
    """
    if not isinstance(values, Mapping):
        raise PhysrepError(f"{where}: must be a mapping of settings, got {type(values).__name__}; see {example}.")
    hints = get_type_hints(kind)
    known = [f.name for f in fields(kind)]
    arguments: dict[str, Any] = {}
    for key, value in current_names(values, known, where).items():
        if key not in known:
            raise PhysrepError(f"{where}: there is no setting {key!r}; {nearest(str(key), known)}")
        if value is None:
            continue
        arguments[key] = _value(value, hints[key], f"{where}: {key}", example)
    try:
        made = kind(**arguments)
    except TypeError as error:
        missing = str(error).rpartition(":")[2].strip().strip("'")
        raise PhysrepError(f"{where}: the setting {missing!r} is missing; add it.") from error
    check_ranges(made, source=where)
    return made


def _value(value: Any, hint: Any, place: str, example: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return construct(hint, value, place, example)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is list and is_dataclass(inner[0]):
        one = place.rpartition(" ")[2].removesuffix("s")
        if not isinstance(value, list) or not value:
            raise PhysrepError(f"{place}: must be a list with at least one {one}; see {example}.")
        entry: Any = inner[0]
        return [construct(entry, item, f"{place}[{i}]", example) for i, item in enumerate(value)]
    if origin is dict and is_dataclass(inner[1]):
        if not isinstance(value, Mapping) or not value:
            raise PhysrepError(f"{place}: must be a mapping with at least one entry; see {example}.")
        entry = inner[1]
        value = {key: {} if item is None else item for key, item in value.items()}
        return {str(k): construct(entry, item, f"{place}.{k}", example) for k, item in value.items()}
    if isinstance(value, Mapping):
        # Of a mapping of sections an empty one stands for its defaults; of plain values null is no entry.
        sections = origin is dict and get_origin(inner[1]) is dict
        value = {k: {} if v is None and sections else v for k, v in value.items() if v is not None or sections}
    return typed(value, hint, place)


def typed(value: Any, hint: Any, place: str) -> Any:
    """``value`` as jsonargparse reads this type, so that YAML and command line agree on what is valid."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--value", type=hint)
    try:
        return parser.parse_object({"value": value}).value
    except Exception as error:
        expected = str(hint).replace("typing.", "").replace("<class '", "").replace("'>", "")
        raise PhysrepError(f"{place}: {value!r} is not valid; expected {expected}.") from error
