"""Settings that were called otherwise: still read for one minor version, with one line that says the new name.

One table for all readers. An old name counts only where it is no name of its own and the new one is known: a learner of
somebody else with an option ``rows`` keeps it. Names of settings may be written with dashes for underscores.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any, NamedTuple

from .errors import PhysrepError


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


def warn_renamed(old: str, new: str, where: str) -> None:
    """Say once per process on standard error what an old name is called now."""
    if old not in _told:
        _told.add(old)
        since = RENAMED[old.replace("-", "_")].since
        print(f"{where}: {old} is deprecated and called {new} since {since}; write {new}.", file=sys.stderr, flush=True)


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
