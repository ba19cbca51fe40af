"""`physrep push`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..data.names import SPLITS
from ..streams import say_line
from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Share a run or a data set."""
    p = parser(
        "push",
        "Share SOURCE at TARGET with a card: a run (config, weights, statistics, readouts, scores) or a data set "
        "(files, statistics, how it was made). Paths of this machine and credentials are taken out of what lies beside "
        "the files.",
    )
    p.add_argument("source", type=str, help="run directory, e.g. runs/quick/runs/jepa-s0, or folder of a data set")
    p.add_argument("target", type=str, help="hf:OWNER/NAME, of a data set hf:datasets/OWNER/NAME, or a folder")
    p.add_argument("--private", action="store_true", help="make a private repository")
    p.add_argument("--licence", type=str, default="", help="of a data set: an identifier of SPDX, e.g. cc-by-4.0")
    values = p.parse_args(list(arguments))
    if not any((Path(values.source) / "data" / split).is_dir() for split in SPLITS):
        from ..run_directory import read_run_config

        read_run_config(values.source)
    from ..sharing import push

    where = push(values.source, values.target, values.private, values.licence, say_line)
    print(f"{where}; elsewhere: physrep pull {values.target} OUT")
    return 0
