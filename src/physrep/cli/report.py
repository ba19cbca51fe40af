"""`physrep report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import PhysrepError
from .arguments import parser, require_results

FORMATS = ("text", "markdown", "latex")


def run(arguments: Sequence[str]) -> int:
    """Rebuild the page of a finished benchmark."""
    p = parser("report", "Rebuild report.html and figures of a finished benchmark from its files, and print its table.")
    p.add_argument("directory", type=str, help="folder that `physrep bench` or `physrep compare` wrote")
    p.add_argument("--format", type=str, default="text", help=f"of the printed table: {', '.join(FORMATS)}")
    values = p.parse_args(list(arguments))
    print(finish(Path(values.directory), values.format))
    return 0


def finish(folder: Path, style: str = "text") -> str:
    """Build the page; returns the table and, but for LaTeX, where everything lies.

    LaTeX comes alone, so that ``physrep report DIR --format latex > table.tex`` is a file that compiles.
    """
    if style not in FORMATS:
        raise PhysrepError(f"--format {style!r} is unknown; give one of {', '.join(FORMATS)}.")
    require_results([str(folder)])
    from ..benchmark.directory import Bench, read_over_seeds
    from ..report import build_report, latex_table, markdown_table, text_table
    from ..report.latex import latex_of
    from ..report.sections.search import search_table

    page = build_report(folder)
    bench = Bench.read(folder)
    tables = {"text": text_table, "markdown": markdown_table, "latex": latex_table}
    table = tables[style](bench.rows, bench.identities, over_seeds=read_over_seeds(folder))
    if style == "latex":
        trials = search_table(bench)
        return "\n".join([table, *([latex_of(trials, "search")] if trials else [])]).rstrip("\n")
    places = [
        f"table   {folder / 'results.csv'}",
        f"page    {page}",
        f"figures {folder / 'figures'}",
        f"runs    {folder / 'runs'}",
    ]
    if (folder / "data").is_dir():
        places.append(f"data    {folder / 'data'}")
    return "\n".join(["", table, *places])
