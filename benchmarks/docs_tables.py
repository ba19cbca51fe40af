"""The tables of README.md and of some pages of docs, from finished benchmarks.

    python benchmarks/docs_tables.py --store runs/quick --name quick_2026-11-27    # small CSVs in docs/tables
    python benchmarks/docs_tables.py                                               # write all tables anew

``--store`` keeps the scores as NAME.csv, all pairs of learners as differences_NAME.csv, and, where these analyses
are there, what learners add to the best floor as increment_NAME.csv and losses under shifts as generalisation_NAME.csv.
On a page a table stands between two comments:

    <!-- scores NAME -->, or <!-- scores NAME without LABEL, LABEL -->
    <!-- side by side HEAD = NAME; HEAD = NAME -->
    <!-- differences HEAD = NAME; HEAD = NAME -->
    <!-- increments HEAD = NAME; HEAD = NAME -->
    <!-- losses NAME -->
    <!-- shifts NAME -->
    <!-- end of table -->

Of every learner the probe with the lowest error on valid is shown; several seeds are averaged, with intervals over
seeds and trajectories. A test holds the pages against the files.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import docs_blocks
import pandas as pd

from physrep.benchmark.differences import difference_rows
from physrep.benchmark.directory import Bench
from physrep.benchmark.entries import parameter_names
from physrep.benchmark.run_lines import identified, line_score, lines
from physrep.learners.identity import KINDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/results.md", "docs/generalisation.md", "docs/systems.md")
COLUMNS = ("group", "label", "title", "probe", "chosen", "seeds", "parameter", "metric", "value", "ci_low", "ci_high")
RIVALS = ("JEPA (published)", "JEPA (clips)", "Masked pixels", "Next frame", "Operator")
"""Learners without labels that are trained by gradient descent: who differs from whom is shown of these."""

_BLOCK = re.compile(
    r"(<!-- (scores|side by side|differences|increments|losses|shifts) ([^>]+?) -->\n).*?(<!-- end of table -->)", re.S
)


def stored(bench: Bench) -> pd.DataFrame:
    """Scores on test per trajectory of every learner and probe of a finished benchmark."""
    names = (*parameter_names(bench.entries), "mean")
    rows = [
        (
            KINDS[e.kind],
            e.label,
            e.run,
            e.probe,
            e.chosen,
            len(e.runs),
            name,
            metric,
            found.value,
            found.low,
            found.high,
        )
        for kind in KINDS
        for e in bench.entries
        if e.kind == kind
        for metric in ("mse", "r2")
        for name in names
        for found in [e.score(name, metric)]
    ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def stored_differences(bench: Bench) -> pd.DataFrame:
    """All pairs of the page's section on differences, by labels."""
    labels = {entry.title: entry.label for entry in bench.entries}
    rows = difference_rows(bench, bench.systems[0]).replace({"a": labels, "b": labels})
    return rows.drop(columns="system")


def stored_increments(bench: Bench, analysis: Path) -> pd.DataFrame:
    """Of every title and probe what it adds to the floor, seeds together as on the page."""
    rows = [
        {str(key): str(value) for key, value in row.items()}
        for row in pd.read_csv(analysis, dtype=str, keep_default_na=False).to_dict("records")
        if row["parameter"] == "mean"
    ]
    found = []
    for probe in dict.fromkeys(row["probe"] for row in rows):
        own = identified(bench, [row for row in rows if row["probe"] == probe])
        label = {run.name: run.identity.label for run in bench.runs.values()}
        for line in lines(own):
            gain, alone = (line_score(own, line, quantity=quantity) for quantity in ("difference", "floor"))
            floor = next(row["floor"] for row in own)
            found.append(
                {
                    "label": label[line.runs[0]],
                    "probe": probe,
                    "floor": next(e.label for e in bench.entries if e.run == floor),
                    "seeds": len(line.runs),
                    "alone": alone.value,
                    "difference": gain.value,
                    "ci_low": gain.low,
                    "ci_high": gain.high,
                }
            )
    return pd.DataFrame(found)


def written(text: str, tables: Path) -> str:
    """A page with all its tables made anew."""

    def block(found: re.Match[str]) -> str:
        opening, kind, of, end = found.groups()
        if kind == "scores":
            name, _, without = of.partition(" without ")
            left_out = tuple(part.strip() for part in re.split(r",\s+(?![^(]*\))", without) if part.strip())
            body = docs_blocks.scores(pd.read_csv(tables / f"{name}.csv"), left_out)
        elif kind in ("losses", "shifts"):
            labels = pd.read_csv(tables / f"{of}.csv").set_index("title")["label"].to_dict()
            path = tables / f"generalisation_{of}.csv"
            if kind == "losses":
                body = docs_blocks.losses(pd.read_csv(path, dtype=str, keep_default_na=False), labels)
            else:
                body = docs_blocks.shifts(pd.read_csv(path), labels)
        else:
            heads = dict(part.strip().split(" = ") for part in of.split(";"))
            prefix = {"side by side": "", "differences": "differences_", "increments": "increment_"}[kind]
            read = {head: pd.read_csv(tables / f"{prefix}{name}.csv") for head, name in heads.items()}
            if kind == "differences":
                body = docs_blocks.differences(read, RIVALS)
            else:
                body = (docs_blocks.increments if kind == "increments" else docs_blocks.side_by_side)(read)
        return f"{opening}\n{body}\n{end}"

    return _BLOCK.sub(block, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=None, help="folder of a finished benchmark")
    parser.add_argument("--name", default="", help="of its tables in docs/tables")
    options = parser.parse_args()
    tables = ROOT / "docs" / "tables"
    if options.store:
        bench = Bench.read(options.store)
        found = {options.name: stored(bench), f"differences_{options.name}": stored_differences(bench)}
        if (analysis := options.store / "analyses" / "increment.csv").is_file():
            found[f"increment_{options.name}"] = stored_increments(bench, analysis)
        if (analysis := options.store / "analyses" / "generalisation.csv").is_file():
            found[f"generalisation_{options.name}"] = pd.read_csv(analysis)
        for name, table in found.items():
            table.to_csv(tables / f"{name}.csv", index=False, float_format="%.6g")
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        path.write_text(written(text, tables), encoding="utf-8")


if __name__ == "__main__":
    main()
