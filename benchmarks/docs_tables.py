"""The tables of scores in README.md and docs, from finished benchmarks.

    python benchmarks/docs_tables.py --store runs/quick --name quick_2026-11-27    # a small CSV in docs/tables
    python benchmarks/docs_tables.py                                               # write all tables anew

A table stands between ``<!-- scores NAME -->`` and ``<!-- end of scores -->``, where NAME is a file of docs/tables, or
``NAME without LABEL, LABEL``. It shows of every learner the probe with the lowest error on valid; several seeds are
averaged, with intervals over seeds and trajectories. A test holds the pages against the files.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pandas as pd

from physrep.benchmark.directory import Bench
from physrep.benchmark.entries import parameter_names
from physrep.benchmark.names import probe_name
from physrep.learners.identity import KINDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/results.md")
COLUMNS = ("group", "label", "title", "probe", "chosen", "seeds", "parameter", "metric", "value", "ci_low", "ci_high")
_BLOCK = re.compile(r"(<!-- scores (\S+)(?: without ([^>]*?))? -->\n).*?(<!-- end of scores -->)", re.S)


def stored(folder: Path) -> pd.DataFrame:
    """Scores on test per trajectory of every learner and probe of a finished benchmark."""
    entries = Bench.read(folder).entries
    names = (*parameter_names(entries), "mean")
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
            score.value,
            score.low,
            score.high,
        )
        for kind in KINDS
        for e in entries
        if e.kind == kind
        for metric in ("mse", "r2")
        for name in names
        for score in [e.score(name, metric)]
    ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def small(value: float) -> str:
    """Three decimals, two digits below a hundredth, one and a power of ten below a thousandth."""
    size = abs(value)
    text = f"{value:.3f}" if size >= 0.0095 else f"{value:.2g}" if size >= 0.001 else f"{value:.0e}"
    return re.sub(r"e-0?", "e−", text).replace("-", "−")


def table(scores: pd.DataFrame, without: tuple[str, ...] = ()) -> str:
    """Markdown of the probes chosen on valid.

    Args:
        scores: as of `stored`.
        without: labels of rows that are left out.
    """
    chosen = scores[scores["chosen"] & ~scores["label"].isin(without)]
    parameters = [name for name in dict.fromkeys(chosen["parameter"]) if name != "mean"]
    several = chosen["seeds"].nunique() > 1
    head = ["", "Learner", "Probe", *(f"MSE {name}" for name in parameters), "mean MSE [95%]", "mean R²"]
    head += ["seeds"] * several
    rows, before = [], ""
    for (group, label, probe), part in chosen.groupby(["group", "label", "probe"], sort=False):
        cells = part.set_index(["metric", "parameter"])
        mean = cells.loc[("mse", "mean")]
        rows.append(
            [
                group if group != before else "",
                label,
                probe_name(probe).replace("_", " "),
                *(small(cells.loc[("mse", name), "value"]) for name in parameters),
                f"{small(mean['value'])} [{small(mean['ci_low'])}, {small(mean['ci_high'])}]",
                f"{cells.loc[('r2', 'mean'), 'value']:.3f}".replace("-", "−"),
                *([str(part["seeds"].iloc[0])] if several else []),
            ]
        )
        before = group
    rule = ["---"] * 3 + ["---:"] * (len(head) - 3)
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *rows])


def written(text: str, tables: Path) -> str:
    """A page with all its tables made anew."""

    def block(found: re.Match[str]) -> str:
        without = tuple(part.strip() for part in (found[3] or "").split(",") if part.strip())
        scores = pd.read_csv(tables / f"{found[2]}.csv")
        return f"{found[1]}\n{table(scores, without)}\n{found[4]}"

    return _BLOCK.sub(block, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=None, help="folder of a finished benchmark")
    parser.add_argument("--name", default="", help="of its table in docs/tables")
    options = parser.parse_args()
    tables = ROOT / "docs" / "tables"
    if options.store:
        stored(options.store).to_csv(tables / f"{options.name}.csv", index=False, float_format="%.6g")
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        path.write_text(written(text, tables), encoding="utf-8")


if __name__ == "__main__":
    main()
