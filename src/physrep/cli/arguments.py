"""Parsing that commands share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from ..errors import PhysrepError
from ..ranges import Range
from ..renamed import RENAMED, same_setting, warn_renamed
from ..streams import say_line
from ..yaml_reader import parse_yaml

WIDEST = Range(at_least=-(2**63), at_most=2**64)
"""Numbers that libraries can take."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


class Parser(ArgumentParser):
    """jsonargparse's parser, whose complaint is a `PhysrepError`, and to which ``--save-dt`` is ``--save_dt``.

    Attributes:
        given: options that the command line names, after `parse_args`.
        ranges: destination of an option to the numbers that it may be; whole numbers of others have 64 bits.
    """

    given: frozenset[str] = frozenset()
    ranges: Mapping[str, Range] = MappingProxyType({})

    def parse_args(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        known = self._option_string_actions
        words = _spread([_spelling(word, known) for word in args or ()], known)
        self.given = frozenset(known[name].dest for name in (word.partition("=")[0] for word in words) if name in known)
        values = super().parse_args(words, *rest, **settings)
        for name in self.given:
            fault = self.ranges.get(name, WIDEST).fault(values.get(name))
            if fault:
                spelled = name.replace("_", "-")
                raise PhysrepError(f"--{spelled} is {values[name]}; it {fault}.")
        return values

    def refuse(self, names: Iterable[str], reason: str) -> None:
        """Refuse options that would have no effect.

        Args:
            names: destinations of the options.
            reason: why they have none, the second half of the sentence.

        Raises:
            PhysrepError: the command line names one of them.
        """
        for name in names:
            if name in self.given:
                spelled = "from" if name == "source" else name
                raise PhysrepError(f"--{spelled} has no effect: {reason}; leave it out.")

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # pyright: ignore[reportIncompatibleMethodOverride]
        text = " ".join(str(message).split())
        raise PhysrepError(f"{text.rstrip('.')}; see `{self.prog} --help`.")


def _spelling(word: str, known: Mapping[str, Any]) -> str:
    """An option with dashes as the parser knows it with underscores, or the other way round; others as they are.

    An option that was called otherwise is known by its new name.
    """
    name, equals, value = word.partition("=")
    if not name.startswith("--") or name in known:
        return word
    stem = name[2:].replace("-", "_")
    renamed = RENAMED.get(stem)
    for other in (stem, renamed.name if renamed else stem):
        found = next((o for o in ("--" + other, "--" + other.replace("_", "-")) if o in known), None)
        if found:
            if other != stem:
                warn_renamed(stem, other, "command line")
            return found + equals + value
    return word


def _spread(words: Sequence[str], known: Mapping[str, Any]) -> list[str]:
    """Words in which ``--resolution '[32, 64]'`` is ``--resolution 32 64``, for every option that takes several."""
    found: list[str] = []
    several = False
    for word in words:
        name, equals, value = word.partition("=")
        if name in known:
            several = known[name].nargs in ("+", "*") or isinstance(known[name].nargs, int)
        elif word.startswith("--"):
            several = False
        given = value if equals and name in known else word
        if not (several and given.startswith("[") and given.endswith("]")):
            found.append(word)
            continue
        found += [name] if given is value else []
        found += [str(part) for part in parse_yaml(given, found[-1])]
    return found


def parser(command: str, description: str) -> Parser:
    """An empty parser of ``physrep COMMAND``."""
    # jsonargparse reads an option of that name as its own, which prints parsed arguments, not our configuration.
    return Parser(prog=f"physrep {command}", description=description, default_env=False, print_config=None)


def add_data_root(p: ArgumentParser, given_by: str) -> None:
    """The option ``--data-root``; ``given_by`` says how data sets are then named."""
    p.add_argument(
        "--data-root",
        type=str | None,
        default=None,
        metavar="DIR",
        help=f"folder or address that holds data sets of The Well, as DIR/NAME/data or DIR/datasets/NAME/data, e.g. "
        f"hf://datasets/polymathic-ai; {given_by}",
    )


def add_device(p: ArgumentParser) -> None:
    """The option ``--device``; `chosen_device` reads it."""
    p.add_argument("--device", type=str, default="auto", help="auto (a GPU if there is one), cpu, cuda or cuda:N")


def chosen_device(values: Any) -> str:
    """The device of ``--device``, proved to exist; what ``auto`` took is said in one line on standard error.

    Raises:
        PhysrepError: there is no such device on this machine.
    """
    from ..devices import resolve_device

    found = resolve_device(values.device)
    if values.device == "auto":
        say_line(f"device: {found} (--device auto)")
    return found


def add_executor(p: ArgumentParser) -> None:
    """The option ``--executor``."""
    p.add_argument(
        "--executor",
        type=str,
        default="process",
        metavar="NAME",
        help="process (of this machine), slurm (job arrays as the section cluster says; slurm:local tries the same "
        "without SLURM), dask:ADDRESS of a scheduler, or an import path of a concurrent.futures.Executor",
    )


PLAN = "say what would be done, what is there already, and what it costs here, and stop"
"""Help of the option ``--plan``."""


def dataset_path(name: str, data_root: str | None) -> str:
    """The folder of a data set: what was given, or what lies below ``--data-root`` under that name.

    Raises:
        PhysrepError: there is nothing in that place.
    """
    if data_root is None:
        if "://" not in name and not Path(name).exists():
            raise PhysrepError(f"{name}: is not a dataset folder; it must hold data/train, data/valid and data/test.")
        return name
    from ..data.locate import locate_dataset

    return str(locate_dataset(data_root, name))


def require_places(places: Iterable[str]) -> None:
    """Refuse files and folders that are not there, before anything large is imported; addresses are not looked up.

    Raises:
        PhysrepError: one is not there.
    """
    for place in places:
        if "://" not in place and not Path(place).exists():
            raise PhysrepError(f"{place}: there is no such file or folder; check the path.")


def require_results(folders: Iterable[str]) -> None:
    """Refuse folders that are no finished benchmark or comparison, before anything large is imported.

    Raises:
        PhysrepError: one holds no ``results.csv``.
    """
    for folder in folders:
        if not (Path(folder) / "results.csv").is_file():
            raise PhysrepError(f"{folder}: holds no results.csv; give a folder in which `physrep bench` has finished.")


def dataclass_from(kind: type, values: Mapping[str, Any]) -> Any:
    """An instance of a dataclass from parsed arguments; others are ignored, absent ones keep their default."""
    names = {f.name for f in fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in names and value is not None})


def split_overrides(
    arguments: Sequence[str], names: Sequence[str] = (), sections: Sequence[str] | None = None
) -> tuple[list[str], dict[str, Any]]:
    """Separate ``--a.b VALUE`` (or ``--a.b=VALUE``) from other arguments; values are read as YAML.

    Several numbers, as in ``--data.resolution 32 64``, are a list, as ``--data.resolution '[32, 64]'`` is.

    Args:
        arguments: of the command line.
        names: settings without a dot that are overrides too, with dashes or underscores.
        sections: names before the first dot that count; default all.

    Raises:
        PhysrepError: an override without a value.
    """

    plain: list[str] = []
    overrides: dict[str, Any] = {}
    settings = dict.fromkeys(names)
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        dotted = "." in name and (sections is None or name.partition(".")[0] in sections)
        if not (word.startswith("--") and (dotted or same_setting(settings, name))):
            plain.append(word)
            continue
        if not equals:
            if not rest:
                raise PhysrepError(f"{word} needs a value.")
            value = rest.pop(0)
        twin = same_setting(overrides, name)
        if twin not in (None, name):
            raise PhysrepError(f"--{twin} and --{name} are one setting; give one of them.")
        overrides[name] = parse_yaml(value, word)
        if not equals and all(map(_NUMBER.fullmatch, [value, *rest[:1]])) and rest:
            numbers = list(itertools.takewhile(_NUMBER.fullmatch, rest))
            overrides[name] = [parse_yaml(number, word) for number in (value, *numbers)]
            del rest[: len(numbers)]
    return plain, overrides


def options_of(overrides: Mapping[str, Any], sections: Sequence[str], command: str) -> dict[str, Any]:
    """Dotted options as nested plain data, all of them below one of ``sections``.

    Args:
        overrides: what `split_overrides` found.
        sections: names before the first dot that the command uses.
        command: its name, for the message.

    Raises:
        PhysrepError: an option of another section, which the command would not use.
    """
    for key in overrides:
        if key.partition(".")[0] not in sections:
            used = " and ".join(f"--{section}.NAME" for section in sections)
            raise PhysrepError(f"--{key}: `physrep {command}` has no such option; dotted ones are {used}.")
    return apply_overrides({}, overrides)


def apply_overrides(values: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Set dotted keys in nested plain data; a number addresses an item of a list (``runs.0.training.steps``).

    What the data hold under another spelling of the same name, also its former one, is replaced.
    """
    for key, value in overrides.items():
        place: Any = values
        *path, last = key.split(".")
        try:
            for part in path:
                if isinstance(place, list):
                    place = place[int(part)]
                else:
                    place = place.setdefault(same_setting(place, part) or part, {})
            if isinstance(place, list):
                place[int(last)] = value
            else:
                place.pop(same_setting(place, last), None)
                place[last] = value
        except PhysrepError:
            raise
        except (TypeError, ValueError, IndexError, AttributeError) as error:
            raise PhysrepError(f"--{key}: there is no such place in the configuration.") from error
    return values
