"""`physrep list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from .arguments import parser

KINDS = ("systems", "learners", "encoders", "probes", "metrics", "analyses", "training", "presets")


def run(arguments: Sequence[str]) -> int:
    """List names."""
    p = parser("list", "List the names that configurations accept, with one line each.")
    p.add_argument("kind", type=str, nargs="?", default="all", help=", ".join(KINDS))
    p.add_argument("name", type=str, nargs="?", help="with systems: one system, with its equations and all settings")
    values = p.parse_args(list(arguments))
    if values.kind == "systems" and values.name:
        print("\n".join(_system(values.name)))
        return 0
    if values.name:
        from ..errors import PhysrepError

        raise PhysrepError(f"`physrep list {values.kind}` takes no name, {values.name!r} was given; leave it out.")
    if values.kind not in (*KINDS, "all"):
        from ..errors import PhysrepError

        raise PhysrepError(f"there is no list of {values.kind!r}; known: {', '.join(KINDS)}.")
    for kind in KINDS if values.kind == "all" else (values.kind,):
        print(f"{kind}:")
        for line in globals()[f"_{kind}"]():
            print(f"  {line}")
    return 0


def _first_line(thing: Any) -> str:
    # Python -OO leaves no docstrings.
    return ((thing.__doc__ or "").strip().splitlines() or [""])[0]


def _presets() -> list[str]:
    from .presets import presets

    lines = []
    for name, path in presets().items():
        first = path.read_text(encoding="utf-8").splitlines()[0]
        lines.append(f"{name:<30} {first.lstrip('# ')}")
    return lines


def _systems() -> list[str]:
    import sys

    from ..systems import SYSTEMS

    lines = []
    for name, system in SYSTEMS.items():
        lines.append(f"{name:<24} {_first_line(sys.modules[type(system).__module__])}")
        symbols = ", ".join(f"{p.name} ({p.symbol})" for p in system.parameters)
        stored = ", ".join(field.name for field in system.fields)
        lines.append(f"{'':<24} parameters {symbols}; fields {stored}; axes {', '.join(system.axes)}")
    return [*lines, "`physrep list systems NAME` tells equations, units, ranges, starts and options."]


def _system(name: str) -> list[str]:
    """All that is needed to simulate one system."""
    import inspect
    import sys

    from ..simulation.request import known_system

    system = known_system(name)
    kinds = ("scalar", "vector", "tensor")
    text = inspect.getdoc(sys.modules[type(system).__module__]) or ""
    lines = [text, "", "Settings (defaults of `physrep simulate`)"]
    default = " ".join(map(str, system.resolution))
    lines += [
        f"  --resolution {default}  --frames {system.frames}  --save_dt {system.save_dt:g}",
        f"  --initial_condition   {', '.join(system.initial_conditions)} (the first is the default)",
        *(
            f"  --options.{key} VALUE{'':<4}{', '.join(map(str, choices))} (the first is the default)"
            for key, choices in system.options.items()
        ),
        "  fields                " + ", ".join(f"{f.name} ({kinds[f.order]})" for f in system.fields),
        f"  mirror symmetries     {', '.join(system.mirrors) or 'none'}" + (", axes exchanged" * system.isotropic),
        "",
        "Parameters, and the ranges that a grid resolves (--ranges.NAME '[LOW, HIGH]')",
        *(f"  {p.name} ({p.symbol}): {p.meaning}, drawn {p.scale}-uniformly" for p in system.parameters),
    ]
    for factor in (0.5, 1, 2, 4):
        grid = [max(8, round(factor * n)) for n in system.resolution]
        resolved, drawn = system.resolved_ranges(grid), system.default_ranges(grid)
        lines.append(f"  {' x '.join(map(str, grid)):<20}  {_ranges(resolved)}")
        if drawn != resolved:
            lines.append(f"  {'':<20}  drawn by default: {_ranges(drawn)}")
    return lines


def _ranges(ranges: Mapping[str, tuple[float, float]]) -> str:
    return ", ".join(f"{name} {low:.4g} to {high:.4g}" for name, (low, high) in ranges.items())


def _table(registry: dict[str, Any]) -> list[str]:
    return [f"{name:<22} {_first_line(getattr(thing, 'function', thing))}" for name, thing in registry.items()]


def _learners() -> list[str]:
    from ..learners import LEARNERS

    return ["constant               The mean of the training labels; its MSE is 1.", *_table(dict(LEARNERS))]


def _encoders() -> list[str]:
    from ..nn import ENCODERS

    return _table(dict(ENCODERS))


def _probes() -> list[str]:
    from ..probes import PROBES

    return _table(dict(PROBES))


def _metrics() -> list[str]:
    from ..metrics import METRICS

    return _table(dict(METRICS))


def _analyses() -> list[str]:
    from ..analyses import ANALYSES

    return _table(dict(ANALYSES))


def _training() -> list[str]:
    from ..ranges import range_text
    from ..training.config import TrainingConfig

    default = TrainingConfig()
    return [f"{f.name:<22} {getattr(default, f.name)!r:<12} {range_text(f)}".rstrip() for f in fields(TrainingConfig)]
