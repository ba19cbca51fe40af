"""`physrep status`."""

from __future__ import annotations

from collections.abc import Sequence

from ..ranges import Range
from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Print the state of every run of a benchmark; the code is 1 if one has failed."""
    p = parser("status", "Which runs of a benchmark are done, running, queued, stopped or failed, and why.")
    p.add_argument("folder", type=str, help="folder of the benchmark, its --out")
    p.add_argument("--lines", type=int, default=5, help="lines of the log of a failed run")
    p.ranges = {"lines": Range(at_least=0, at_most=10**6)}
    values = p.parse_args(list(arguments))
    from ..benchmark.status import benchmark_status, summary

    states = benchmark_status(values.folder, values.lines)
    width = max(len(state.name) for state in states)
    for state in states:
        print(f"{state.name:<{width}}  {state.state:<8} {state.note}".rstrip())
        for line in state.log:
            print(f"    {line}")
    print(summary(states))
    return 1 if any(state.state == "failed" for state in states) else 0
