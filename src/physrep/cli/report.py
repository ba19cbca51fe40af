"""`physrep report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Rebuild the page of a finished benchmark."""
    p = parser("report", "Rebuild report.html and figures of a finished benchmark from its files.")
    p.add_argument("directory", type=str, help="folder that `physrep bench` wrote")
    p.add_argument("--format", type=str, default="text", help="of the printed table: text or markdown")
    values = p.parse_args(list(arguments))
    print(finish(Path(values.directory), values.format))
    return 0


def finish(folder: Path, style: str = "text") -> str:
    """Build the page; returns the table and where everything lies."""
    from ..errors import PhysrepError
    from ..report import build_report, markdown_table, text_table
    from ..report.source import read_table

    if style not in ("text", "markdown"):
        raise PhysrepError(f"--format {style!r} is unknown; give text or markdown.")
    page = build_report(folder)
    rows = read_table(folder / "results.csv")
    table = (text_table if style == "text" else markdown_table)(rows)
    places = [
        f"table   {folder / 'results.csv'}",
        f"page    {page}",
        f"figures {folder / 'figures'}",
        f"runs    {folder / 'runs'}",
    ]
    if (folder / "data").is_dir():
        places.append(f"data    {folder / 'data'}")
    return "\n".join(["", table, *places])
