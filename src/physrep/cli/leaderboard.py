"""`physrep leaderboard`."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PhysrepError
from ..ranges import Range
from .arguments import parser, require_results


def run(arguments: Sequence[str]) -> int:
    """Print one line per encoder over all systems of some studies."""
    p = parser("leaderboard", "One line per encoder over all systems of finished studies, by mean rank on test.")
    p.add_argument("directories", type=str, nargs="+", help="folders that `physrep bench` or `physrep compare` wrote")
    p.add_argument("--format", type=str, default="text", help="text, markdown or csv")
    p.add_argument("--common", action="store_true", help="rank only encoders that were run on every system")
    p.add_argument("--n-resamples", type=int, default=2000, help="of the bootstrap")
    p.ranges = {"n_resamples": Range(at_least=1, at_most=10**7)}
    values = p.parse_args(list(arguments))
    require_results(values.directories)
    from ..benchmark.leaderboard import leaderboard
    from ..benchmark.studies import read_studies
    from ..report.leaderboard_formats import FORMATS, format_board

    if values.format not in FORMATS:
        raise PhysrepError(f"--format {values.format!r} is unknown; give one of {', '.join(FORMATS)}.")
    lines, systems = leaderboard(read_studies(values.directories), common=values.common, n_resamples=values.n_resamples)
    print(format_board(lines, systems, values.format), end="")
    return 0
