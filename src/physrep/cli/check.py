"""`physrep check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..ranges import Range
from .arguments import add_data_root, dataset_path, parser


def run(arguments: Sequence[str]) -> int:
    """Validate files."""
    p = parser(
        "check",
        "Validate a file, a split or a data set in The Well's format. Names every fault with its remedy. "
        "Exit code 0: valid; 1: faults; 2: not readable.",
    )
    p.add_argument("path", type=str, help="file, folder of files, or data set folder, or the address of one")
    p.add_argument("--quick", action="store_true", help="read the first and last frames only, not all values")
    p.add_argument(
        "--time-limit",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="without progress for so long, a file counts as damaged; 0: no limit",
    )
    p.add_argument(
        "--allow-shared-starts",
        action="store_true",
        help="trajectories of two splits may start from the same frame if their parameters differ",
    )
    add_data_root(p, "PATH is then the NAME of a data set")
    p.ranges = {"time_limit": Range(at_least=0, at_most=1e9)}
    values = p.parse_args(list(arguments))
    path = values.path if values.data_root is None else dataset_path(values.path, values.data_root)
    if "://" not in path and not Path(path).exists():
        print(f"{path}: no such file or folder; check the path.\n{path}: not readable")
        return 2
    from ..data import check, exit_code

    faults = check(
        path,
        quick=values.quick,
        time_limit=values.time_limit,
        allow_shared_starts=values.allow_shared_starts,
    )
    for fault in faults:
        print(fault)
    code = exit_code(faults)
    warnings = sum(fault.severity == "warning" for fault in faults)
    verdict = {0: "valid", 1: "faults found", 2: "not readable"}[code]
    print(f"{path}: {verdict}" + (f" ({warnings} warning{'s' * (warnings > 1)})" if warnings else ""))
    return code
