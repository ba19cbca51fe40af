"""The range of every setting, stated once beside its default and checked before anything is written.

steps: int = setting(1000, at_least=1)
"""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from typing import Any

from .errors import PhysrepError

SEEDS = 2**63 - 1
"""Largest seed: what numpy and torch both take."""


@dataclass(frozen=True)
class Range:
    """What a setting may be; of a list or mapping, what each of its values may be.

    Attributes:
        at_least, at_most: smallest and largest number.
        above, below: numbers that are just too small, or too large.
        choices: all values that there are.
        filled: whether a list or mapping must hold something.
        unique: whether a list may hold a value only once.
        length: how many values a list has.
    """

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] | None = None
    filled: bool = False
    unique: bool = False
    length: int | None = None

    def fault(self, value: Any) -> str | None:
        """Half a sentence that says what the value must be; None if it is."""
        if isinstance(value, (list, tuple, Mapping)):
            if self.filled and not value:
                return "must hold at least one value"
            if self.length is not None and len(value) != self.length:
                return f"must hold {self.length} values"
            if self.unique and len(set(map(str, value))) < len(value):
                return "must not hold a value twice"
            each = value.values() if isinstance(value, Mapping) else value
            inner = replace(self, filled=False, unique=False, length=None)
            return next((fault for item in each if (fault := inner.fault(item))), None)
        if self.choices is not None and value not in self.choices:
            return f"must be {' or '.join(map(str, self.choices))}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return "must be a finite number"
        if self.at_least is not None and value < self.at_least:
            return f"must be at least {self.at_least:g}"
        if self.above is not None and value <= self.above:
            return f"must be larger than {self.above:g}"
        if self.at_most is not None and value > self.at_most:
            return f"must be at most {self.at_most:g}"
        if self.below is not None and value >= self.below:
            return f"must be smaller than {self.below:g}"
        return None


def setting(default: Any = MISSING, *, factory: Callable[[], Any] | None = None, **limits: Any) -> Any:
    """A dataclass field with its range.

    Args:
        default: its default, or
        factory: what makes it.
        limits: of `Range`.
    """
    metadata = {"range": Range(**limits)}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def check_ranges(config: Any, where: str = "", source: str = "") -> None:
    """Refuse a setting outside its range, in ``config`` and in the dataclasses that it holds.

    Every number must be finite, also where no range is stated; None stands for an absent setting.

    Args:
        config: a dataclass.
        where: place of its settings, for messages, e.g. ``training``.
        source: file that they come from, for messages.

    Raises:
        PhysrepError: naming the setting, its value and what it must be.
    """
    for place, value, limits in _settings(config, where):
        fault = limits.fault(value)
        if fault:
            raise PhysrepError(f"{source + ': ' if source else ''}{place} is {_short(value)}; it {fault}.")


def check_path_name(name: str, what: str) -> None:
    """Refuse a name that cannot be that of a folder, or that leads out of the folder that it is joined to.

    Raises:
        PhysrepError: naming what it is the name of.
    """
    if not name or name[0] in ".-" or len(name.encode()) > 100 or any(c in "/\\" or not c.isprintable() for c in name):
        raise PhysrepError(
            f"{what} is {_short(name)}, which becomes the name of a folder; give letters, digits, '-', '_', '.'."
        )


def folded(name: str) -> str:
    """A name as file systems take it that do not tell upper from lower case, or drop dots at its end."""
    return unicodedata.normalize("NFC", name).casefold().rstrip(". ")


def check_unique_names(names: Iterable[str], what: str) -> None:
    """Refuse two names that would be one file or folder, here or on another file system.

    Args:
        names: which become names of files or folders of one place.
        what: they are names of, e.g. ``runs: two runs``.

    Raises:
        PhysrepError: naming both.
    """
    seen: dict[str, str] = {}
    for name in names:
        key = folded(name)
        if key in seen:
            also = "" if seen[key] == name else f" and {_short(seen[key])}, which many file systems take for the same"
            raise PhysrepError(f"{what} are called {_short(name)}{also}; give one of them another name.")
        seen[key] = name


def check_seed(seed: int) -> None:
    """Refuse a seed that numpy or torch does not take."""
    fault = Range(at_least=0, at_most=SEEDS).fault(seed)
    if fault:
        raise PhysrepError(f"seed is {_short(seed)}; give a whole number from 0 to 2**63 - 1.")


def _settings(config: Any, where: str) -> Iterator[tuple[str, Any, Range]]:
    for one in fields(config):
        value = getattr(config, one.name)
        place = f"{where}.{one.name}" if where else one.name
        parts: list[tuple[str, Any]] = [(place, value)]
        if isinstance(value, Mapping):
            parts += [(f"{place}.{key}", item) for key, item in value.items()]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            parts += [(f"{place}[{number}]", item) for number, item in enumerate(value)]
        for name, part in parts:
            if is_dataclass(part) and not isinstance(part, type):
                yield from _settings(part, name)
        if value is not None and not is_dataclass(value):
            limits = one.metadata.get("range", Range())
            yield place, value, limits


def range_text(one: dataclasses.Field[Any]) -> str:
    """The range of a setting in words; empty where none is stated."""
    limits = one.metadata.get("range")
    if limits is None:
        return ""
    signs = (("at_least", "≥"), ("above", ">"), ("at_most", "≤"), ("below", "<"))
    words = [f"{sign} {getattr(limits, name):g}" for name, sign in signs if getattr(limits, name) is not None]
    return ", ".join([*words, *([" or ".join(map(str, limits.choices))] if limits.choices else [])])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
