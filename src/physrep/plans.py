"""What a long command would do, what of it is there already, and what it costs: the text behind ``--plan``."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from .progress import duration

THERE, TO_DO = "there", "to do"


@dataclass(frozen=True)
class PlanStep:
    """One part of the work. What is not known is NaN.

    Attributes:
        name: what is made.
        state: ``there``, ``to do``, or how far it is.
        seconds: time that is left, on this machine.
        flops: floating-point operations that are left.
        disk: bytes that it will write.
        memory: bytes that its tensors take at most.
        note: what else is to be said.
    """

    name: str
    state: str = TO_DO
    seconds: float = 0.0
    flops: float = 0.0
    disk: float = 0.0
    memory: float = 0.0
    note: str = ""


def plan_text(title: str, steps: Sequence[PlanStep], device: str, jobs: int = 1, notes: Sequence[str] = ()) -> str:
    """The plan as a table with a last row for everything.

    Args:
        title: first line.
        steps: parts of the work, in order.
        device: where it computes.
        jobs: steps that run side by side; the time of all is no less than that of the longest.
        notes: sentences below the table.
    """
    memory = "GPU memory" if device != "cpu" else "memory"
    head = ("", "state", "operations", "time", "disk", memory)
    rows = [head, *(_cells(step) for step in steps)]
    known = [step.seconds for step in steps if math.isfinite(step.seconds)]
    whole = PlanStep(
        f"all, {jobs} at a time" if jobs > 1 else "all",
        "",
        max([sum(known) / jobs, *known]) if known else math.nan,
        sum(step.flops for step in steps if math.isfinite(step.flops)),
        sum(step.disk for step in steps if math.isfinite(step.disk)),
        sum(sorted((s.memory for s in steps if math.isfinite(s.memory)), reverse=True)[:jobs]),
    )
    rows.append(_cells(whole))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                row[1].ljust(widths[1]),
                *(c.rjust(w) for c, w in zip(row[2:], widths[2:], strict=True)),
            ]
        )
        for row in rows
    ]
    unknown = [step.name for step in steps if not math.isfinite(step.seconds)]
    said = [f"{step.name}: {step.note}" for step in steps if step.note]
    if unknown:
        said.append(f"not measured, and not in the sum: {', '.join(unknown)}")
    if any(step.seconds for step in steps) and (busy := _others()):
        said.append(busy)
    return "\n".join([title, "", *(line.rstrip() for line in lines), "", *said, *notes]).rstrip()


def _others() -> str:
    """A sentence if other processes took the cores while times were measured."""
    cores = os.cpu_count() or 1
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # not known on every system
        return ""
    return f"this machine is busy (load {load:.1f} on {cores} cores): free, it is faster" if load > cores + 1 else ""


def _cells(step: PlanStep) -> tuple[str, ...]:
    return (
        step.name,
        step.state,
        _operations(step.flops),
        duration(step.seconds) if step.seconds or step.state in ("", TO_DO) else "",
        size(step.disk),
        size(step.memory),
    )


def _operations(flops: float) -> str:
    return f"{flops:.1e}" if math.isfinite(flops) and flops > 0 else ""


def size(bytes_: float) -> str:
    """Bytes as MB or GB of 10⁶ and 10⁹; empty for none."""
    if not math.isfinite(bytes_) or bytes_ <= 0:
        return ""
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{max(bytes_ / 1e6, 0.1):.1f} MB"
