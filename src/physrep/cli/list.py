"""`physrep list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from .arguments import parser

KINDS = ("systems", "learners", "encoders", "probes", "metrics", "training")


def run(arguments: Sequence[str]) -> int:
    """List names."""
    p = parser("list", "List the names that configurations accept, with one line each.")
    p.add_argument("kind", type=str, nargs="?", default="all", help=", ".join(KINDS))
    values = p.parse_args(list(arguments))
    if values.kind not in (*KINDS, "all"):
        from ..errors import PhysrepError

        raise PhysrepError(f"there is no list of {values.kind!r}; known: {', '.join(KINDS)}.")
    for kind in KINDS if values.kind == "all" else (values.kind,):
        print(f"{kind}:")
        for line in globals()[f"_{kind}"]():
            print(f"  {line}")
    return 0


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def _systems() -> list[str]:
    import sys

    from ..systems import SYSTEMS

    lines = []
    for name, system in SYSTEMS.items():
        text = _first_line(sys.modules[type(system).__module__])
        resolution = "x".join(map(str, system.resolution))
        lines.append(f"{name:<22} {text}")
        lines.append(f"{'':<22} fields {', '.join(f.name for f in system.fields)}; axes {', '.join(system.axes)}")
        for p in system.parameters:
            low, high = system.resolved_ranges(system.resolution)[p.name]
            lines.append(
                f"{'':<22} {p.name} ({p.symbol}, {p.scale}): {p.meaning}; {low:.4g} to {high:.4g} at {resolution}"
            )
        lines.append(f"{'':<22} starts {', '.join(system.initial_conditions)}; mirrors {', '.join(system.mirrors)}")
    return lines


def _table(registry: dict[str, Any]) -> list[str]:
    return [f"{name:<22} {_first_line(thing)}" for name, thing in registry.items()]


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


def _training() -> list[str]:
    from ..pretraining import TrainingConfig

    default = TrainingConfig()
    return [f"{f.name:<22} {getattr(default, f.name)!r}" for f in fields(TrainingConfig)]
