"""`physrep push`."""

from __future__ import annotations

from collections.abc import Sequence

from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Share a run."""
    p = parser(
        "push",
        "Share RUN at TARGET: config, weights, statistics, readouts, scores and a card. Paths of this machine and "
        "credentials are taken out.",
    )
    p.add_argument("run", type=str, help="run directory, e.g. runs/quick/runs/jepa-s0")
    p.add_argument("target", type=str, help="hf:OWNER/NAME, or a folder")
    p.add_argument("--private", action="store_true", help="make a private repository")
    values = p.parse_args(list(arguments))
    from ..run_directory import read_run_config

    read_run_config(values.run)
    from ..sharing import push

    print(f"{push(values.run, values.target, values.private)}; elsewhere: physrep pull {values.target} OUT")
    return 0
