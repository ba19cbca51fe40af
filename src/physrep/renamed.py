"""Settings that were called otherwise: still read for one minor version, with one line that says the new name.

One table for all readers. An old name counts only where it is no name of its own and the new one is known: a learner of
somebody else with an option ``rows`` keeps it. Names of settings may be written with dashes for underscores.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any, NamedTuple, TypeVar, cast

from .errors import PhysrepError
from .streams import say_line


class Renamed(NamedTuple):
    """What a setting is called now.

    Attributes:
        name: the new name.
        since: the version that brought it.
        values: old values to new ones, where they are called otherwise too.
    """

    name: str
    since: str = "0.1.0"
    values: Mapping[Any, Any] = {}


RENAMED = {
    "start": Renamed("init_from"),
    "rows": Renamed("level", values={"tokens": "token", "clips": "clip"}),
    "pairing": Renamed("target", values={"any": "random"}),
    "accumulate": Renamed("accumulate_grad_batches"),
    "clip_norm": Renamed("gradient_clip_val"),
    "mirrors": Renamed("flip"),
    "swap": Renamed("transpose"),
    "penalties": Renamed("alphas"),
    "choice": Renamed("best_params_"),
    "resamples": Renamed("n_resamples"),
    "simulations": Renamed("trajectories"),
    "sets": Renamed("systems"),
}
"""Old name to new one."""

F = TypeVar("F", bound=Callable[..., Any])

_told: set[str] = set()


def current_names(values: Mapping[str, Any], known: Collection[str], where: str | None) -> dict[str, Any]:
    """The same settings under the names that are known today; what is not known stays as it is.

    Args:
        values: settings as somebody wrote them.
        known: names that the reader knows.
        where: place of the settings, for messages; None for a file of an earlier version, of which nothing is said.

    Raises:
        PhysrepError: a setting is given under two names.
    """
    found: dict[str, Any] = {}
    given: dict[str, str] = {}
    for key, value in values.items():
        name = current_name(key, known)
        if name in given:
            raise PhysrepError(f"{where or 'settings'}: {given[name]} and {key} are one setting; give {name} alone.")
        given[name] = key
        renamed = RENAMED.get(str(key).replace("-", "_"))
        if renamed and name == renamed.name != key:
            value = renamed.values.get(value, value) if isinstance(value, str) else value
            if where is not None:
                warn_renamed(str(key), name, where)
        found[name] = value
    return found


def current_name(key: str, known: Collection[str]) -> str:
    """What a setting is called today; ``key`` itself where neither it nor its new name is known."""
    if key in known or not isinstance(key, str):
        return key
    plain = key.replace("-", "_")
    if plain in known:
        return plain
    renamed = RENAMED.get(plain)
    return renamed.name if renamed and renamed.name in known else key


def takes_former_names(function: F) -> F:
    """A decorator: a function, or a class, takes its arguments under their former names too, with a DeprecationWarning.

    Args:
        function: a function or a class; its own names come first, as everywhere.

    Raises:
        PhysrepError: when called with an argument under both names.
    """
    if isinstance(function, type):
        own: Any = function
        own.__init__ = _taking(own.__init__, own.__name__)
        return own
    return cast(F, _taking(function, function.__name__))


def _taking(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    known = set(inspect.signature(function).parameters)

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        if not named.keys() <= known:
            former = named.keys() - known
            named = current_names(named, known, None)
            for old in sorted(former - named.keys()):
                since = RENAMED[old].since
                warnings.warn(
                    f"{name}: {old} is deprecated and called {RENAMED[old].name} since {since}.",
                    DeprecationWarning,
                    stacklevel=2,
                )
        return function(*arguments, **named)

    return called


COLUMNS = {"set": "system", "simulations": "trajectories", "low": "ci_low", "high": "ci_high"}
"""Columns of tables of earlier versions, old name to new one."""


def current_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a table under the names that its columns have today; those that it has already are kept."""
    return {COLUMNS[key] if COLUMNS.get(key, key) not in row else key: value for key, value in row.items()}


def warn_renamed(old: str, new: str, where: str) -> None:
    """Say once per process on standard error what an old name is called now."""
    if old not in _told:
        _told.add(old)
        since = RENAMED[old.replace("-", "_")].since
        say_line(f"{where}: {old} is deprecated and called {new} since {since}; write {new}.")


def same_setting(place: MutableMapping[str, Any], key: str) -> str | None:
    """The key of ``place`` that stands for the same setting as ``key``, under whatever spelling; None without one."""
    return key if key in place else next((k for k in place if _canonical(k) == _canonical(key)), None)


def _canonical(key: Any) -> str:
    parts = str(key).replace("-", "_").split(".")
    return ".".join(RENAMED[part].name if part in RENAMED else part for part in parts)


FORMER_ATTRIBUTES = {
    ("level", "token"): ("rows", "tokens"),
    ("level", "clip"): ("rows", "clips"),
    ("target", "next"): ("pairing", "next"),
    ("target", "random"): ("pairing", "any"),
}
"""Attributes of learners under the names by which their hash was taken, so that stored tokens stay theirs."""


def former_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a module as the hash of an encoder has always named them."""
    return dict(FORMER_ATTRIBUTES.get(pair, pair) if isinstance(pair[1], str) else pair for pair in values.items())
