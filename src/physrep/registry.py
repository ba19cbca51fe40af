"""Building objects from a name or an import path and keyword options, with helpful answers to typing errors."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .errors import PhysrepError, nearest


def resolve(name: str, registry: Mapping[str, Any], kind: str) -> Callable[..., Any]:
    """The class or function called ``name``: a key of ``registry``, ``pkg.mod:Name`` or ``pkg.mod.Name``.

    Args:
        name: what the user wrote.
        registry: known names.
        kind: noun for the error message, e.g. ``"encoder"``.

    Raises:
        PhysrepError: nothing of that name exists; the nearest known name is suggested.
    """
    if name in registry:
        return registry[name]
    module_name, _, attribute = name.partition(":") if ":" in name else name.rpartition(".")
    if not module_name or not attribute:
        raise PhysrepError(f"there is no {kind} {name!r}; {nearest(name, list(registry))}")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise PhysrepError(
            f"{kind} {name!r}: cannot import {module_name} ({error}); check the spelling and PYTHONPATH."
        ) from error
    if not hasattr(module, attribute):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise PhysrepError(f"{kind} {name!r}: module {module_name} has no {attribute!r}; {nearest(attribute, public)}")
    return getattr(module, attribute)


def build(
    name: str,
    registry: Mapping[str, Any],
    kind: str,
    options: Mapping[str, Any] | None = None,
    offered: Mapping[str, Any] | None = None,
) -> Any:
    """Call what ``name`` stands for with ``options``, after checking their names against its signature.

    Args:
        name: key of ``registry`` or import path.
        registry: known names.
        kind: noun for the error message.
        options: keyword arguments chosen by the user.
        offered: further keyword arguments, passed on only where the signature names them and the user did not.

    Raises:
        PhysrepError: unknown name, unknown or missing option, or a value that the constructor refuses.
    """
    factory = resolve(name, registry, kind)
    options, offered = dict(options or {}), dict(offered or {})
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError) as error:
        raise PhysrepError(f"{kind} {name!r} is not a class or function; name one.") from error
    variadic = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = [key for key, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for key in options:
        if key not in named and not variadic:
            raise PhysrepError(f"{kind} {name!r} has no option {key!r}; {nearest(key, named)}")
    arguments = {key: value for key, value in offered.items() if key in named} | options
    missing = [key for key in named if parameters[key].default is inspect.Parameter.empty and key not in arguments]
    if missing:
        raise PhysrepError(f"{kind} {name!r} needs the option {missing[0]!r}; give it in the options.")
    try:
        return factory(**arguments)
    except (TypeError, ValueError) as error:
        raise PhysrepError(f"{kind} {name!r} cannot be built with {arguments}: {error}") from error
