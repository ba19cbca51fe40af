"""Names of parts, and objects from a name or an import path and keyword options.

Every kind of part has one `Registry`: a dictionary of this package's own, which users may update, and after them what
installed plugin packages register as entry points of its group (``[project.entry-points."physrep.learners"]`` in their
pyproject.toml). Entry points are looked up when a name is not among the own ones, and imported when they are asked for,
in every process alike.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from .errors import PhysrepError, nearest, one_line
from .renamed import current_names
from .streams import say_line, say_once

T = TypeVar("T")
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Registry(MutableMapping[str, T]):
    """A dictionary of parts by name, its own entries first, then those of plugins.

    Args:
        group: of entry points, ``physrep.learners``.
        own: entries of this package.
        adapt: makes an entry of what a plugin's entry point or an import path names; default that itself.

    Attributes:
        own: the entries that are no plugin's.
    """

    def __init__(self, group: str, own: Mapping[str, T], adapt: Callable[[Any], T] | None = None) -> None:
        self.group, self.own = group, dict(own)
        self.adapt: Callable[[Any], T] = adapt or (lambda part: part)
        self._points: dict[str, EntryPoint] | None = None
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name in self.own:
            return self.own[name]
        if name not in self._loaded:
            point = self._plugins()[name]
            try:
                self._loaded[name] = self.adapt(point.load())
            except Exception as error:
                raise PhysrepError(
                    f"{self.group}: {name!r} of the plugin {_package(point)} cannot be imported ({error}); "
                    "repair or uninstall it."
                ) from error
        return self._loaded[name]

    def __setitem__(self, name: str, part: T) -> None:
        if getattr(part, "__module__", None) == "__main__":
            _of_script.add(name)
        self.own[name] = part

    def __delitem__(self, name: str) -> None:
        del self.own[name]
        _of_script.discard(name)

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (name for name in self._plugins() if name not in self.own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._plugins()

    def refresh(self) -> None:
        """Forget what was found of plugins; installed since, they are found at the next look-up."""
        self._points, self._loaded = None, {}

    def _plugins(self) -> dict[str, EntryPoint]:
        if self._points is None:
            self._points = {}
            for point in entry_points(group=self.group):
                if point.name in self.own or point.name in self._points:
                    say_line(
                        f"{self.group}: {point.name!r} of the plugin {_package(point)} is ignored, the name is taken."
                    )
                else:
                    self._points[point.name] = point
        return self._points


_of_script: set[str] = set()


def parts_of_script() -> list[str]:
    """Names of the parts that were defined in the program's script and registered or asked for by import path."""
    return sorted(_of_script)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


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
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise PhysrepError(f"there is no {kind} {name!r}; {nearest(name, list(registry))}")
    try:
        make_working_folder_importable()
        module = importlib.import_module(module_name)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.split(".")[0]
            if package != module_name.split(".")[0]:
                raise PhysrepError(
                    f"{kind} {name!r}: {module_name} needs {error.name}; pip install {package}."
                ) from error
            if error.name == package:
                raise PhysrepError(
                    f"{kind} {name!r}: there is no module {package}; pip install it, or mend the spelling."
                ) from error
        raise PhysrepError(
            f"{kind} {name!r}: cannot import {module_name} ({error}); check the spelling and PYTHONPATH."
        ) from error
    except Exception as error:  # whatever the lines of the module raise
        reason = one_line(error)
        raise PhysrepError(
            f"{kind} {name!r}: {module_name} raises {type(error).__name__} when it is imported ({reason}); mend it."
        ) from error
    if not hasattr(module, attribute):
        if module_name == "__main__":
            raise PhysrepError(
                f"{kind} {name!r}: it was defined in a script, which is not this program; run that script, or put "
                f"{attribute} into a module and name that."
            )
        public = [key for key in vars(module) if not key.startswith("_")]
        raise PhysrepError(f"{kind} {name!r}: module {module_name} has no {attribute!r}; {nearest(attribute, public)}")
    if module_name == "__main__":
        _of_script.add(name)
        say_once(
            f"{kind} {name!r}: no program but this script can load a run that is made with it; name it by a module, "
            f"`my_module:{attribute}`, to use the run elsewhere."
        )
    return getattr(module, attribute)


def make_working_folder_importable() -> None:
    """Let import paths name files of the folder that one works in, as with ``python -m``; installed packages win.

    Called only where such a path is resolved: a file that merely lies in the folder is never executed.
    """
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)


def current_options(
    name: str, registry: Mapping[str, Any], kind: str, options: Mapping[str, Any], where: str | None
) -> dict[str, Any]:
    """Options of what ``name`` stands for under their names of today, to store and to compare them.

    Args:
        name, registry, kind: as in `build`.
        options: keyword arguments, perhaps under names of an earlier version.
        where: place of the options, for messages; None for those that a file of an earlier version holds.
    """
    parameters = _parameters(resolve(name, registry, kind), name, kind)
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return dict(options)
    return current_names(options, [key for key, p in parameters.items() if p.kind in NAMED], where)


def _parameters(factory: Callable[..., Any], name: str, kind: str) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError) as error:
        raise PhysrepError(f"{kind} {name!r} is not a class or function; name one.") from error


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
    parameters = _parameters(factory, name, kind)
    variadic = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = [key for key, p in parameters.items() if p.kind in NAMED]
    if not variadic:
        options = current_names(options, named, f"{kind} {name!r}")
    for key in options:
        if key not in named and not variadic:
            raise PhysrepError(f"{kind} {name!r} has no option {key!r}; {nearest(key, named)}")
    arguments = {key: value for key, value in offered.items() if key in named} | options
    missing = [key for key in named if parameters[key].default is inspect.Parameter.empty and key not in arguments]
    if missing:
        raise PhysrepError(f"{kind} {name!r} needs the option {missing[0]!r}; give it in the options.")
    try:
        return factory(**arguments)
    except PhysrepError:
        raise
    except (TypeError, ValueError) as error:
        raise PhysrepError(f"{kind} {name!r} cannot be built with {arguments}: {error}") from error
