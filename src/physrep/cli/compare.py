"""`physrep compare`."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PhysrepError
from .arguments import parser, require_results


def run(arguments: Sequence[str]) -> int:
    """Merge finished studies into one table and one page."""
    p = parser(
        "compare",
        "Merge finished studies, of the same or of different systems, into one results.csv and one page. Studies of "
        "one system must have the same test set.",
    )
    p.add_argument("directories", type=str, nargs="+", help="folders that `physrep bench` wrote")
    p.add_argument("--out", type=str | None, default=None, help="folder for the merged table and page")
    values = p.parse_args(list(arguments))
    if not values.out:
        raise PhysrepError("--out is missing; name a folder for the comparison, e.g. --out runs/all.")
    require_results(values.directories)
    from ..benchmark.compare import compare
    from ..report import build_report

    done = compare(values.directories, values.out)
    build_report(done.folder)
    for sentence in done.duplicates:
        print(sentence)
    print(f"table   {done.folder / 'results.csv'}\npage    {done.folder / 'report.html'}")
    return 0
