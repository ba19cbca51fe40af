"""What the scores mean in physical units."""

from __future__ import annotations

from ...benchmark.directory import Bench
from ...benchmark.entries import stored_score, to_float
from ...benchmark.names import probe_name
from ...benchmark.run_lines import lines
from ..section import Section, Table

MEASURES = {"factor": "factor", "rmse": "RMS error", "mse_paper": "MSE, paper"}


def units(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """A table: typical factor or error of each parameter, and the paper's units; first seed of each run."""
    first = {}
    for row in rows:
        first.setdefault(row["title"], row["run"])
    rows = [row for row in rows if row["run"] == first[row["title"]]]
    measures = list(dict.fromkeys((row["parameter"], row["measure"]) for row in rows))
    body = []
    for line in lines(rows):
        cells = {(row["parameter"], row["measure"]): stored_score(row) for row in line.rows}
        body.append([line.name, probe_name(line.rows[0]["probe"]), *map(cells.get, measures)])
    known = {(row["parameter"], row["measure"]): row for row in rows}
    constant = [to_float(known[key]["constant"]) for key in measures]
    body.insert(0, ["Constant", "–", *constant])
    header = ["Learner", "Probe", *(f"{name}: {MEASURES[measure]}" for name, measure in measures)]
    caption = (
        "Per test trajectory, first seed, probe chosen on valid. Factor: by how much an estimate is typically off, "
        "exp of the RMS of ln(estimate / truth). MSE, paper: labels z-scored with the constants of the paper's code; "
        "on other data than the paper's compare it with the constant's value, not with the paper's table."
    )
    return Section("units", "In physical units", [], [], [Table.of(header, body, caption)])
