"""The picture of README.md: sample fields, and its first table as dots with intervals.

    python benchmarks/readme_picture.py --samples runs/quick --out docs/images/quick.png

The scores are those of the table in README.md, so picture and table cannot differ; the fields are those of any run of
configs/quick.yaml.
"""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from physrep.benchmark.directory import Bench
from physrep.files import read_json
from physrep.learners import LEARNERS
from physrep.learners.identity import KINDS, identity
from physrep.report.draw import Reference, dots, images, save_figure
from physrep.report.fields import sample_pictures
from physrep.report.style import paper

ROOT = Path(__file__).resolve().parent.parent


def table(text: str) -> pd.DataFrame:
    """Rows of `physrep.report.draw.dots` from the first table of a page that has a column ``mean MSE [95%]``."""
    lines = iter(text.splitlines())
    header = next(line for line in lines if line.startswith("|") and "mean MSE [95%]" in line)
    names = [cell.strip() for cell in header.strip().strip("|").split("|")]
    colours = {found.label: found.colour for found in (identity(LEARNERS[name], name) for name in LEARNERS)}
    rows, group = [], ""
    for line in lines:
        if not line.startswith("|"):
            break
        cells = dict(zip(names, (cell.strip() for cell in line.strip().strip("|").split("|")), strict=False))
        if set(line) <= set("|-: "):
            continue
        group = cells[""] or group
        label = re.sub(r"\s*\(\d{4}-[^)]*\)$", "", cells["Learner"])
        form = colours.get(label) or colours.get(re.sub(r"\s*\([^)]*\)$", "", label), "#555555")
        value, low, high = (
            float(x.replace("−", "-")) for x in re.findall(r"[−-]?[\d.]+(?:e[−-]?\d+)?", cells["mean MSE [95%]"])
        )
        rows.append({"name": f"{label}, {cells['Probe']}", "group": group, "value": value, "low": low, "high": high,
                     "colour": form})  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    """Draw and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, required=True, help="a run of configs/quick.yaml")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "quick.png")
    options = parser.parse_args()
    rows = table((ROOT / "README.md").read_text(encoding="utf-8"))
    bench = Bench.read(options.samples)
    # A form of a learner has a colour of its own, which its run has stored.
    stored = [read_json(path) for path in sorted(options.samples.glob("runs/*/summary.json"))]
    forms = {summary["label"]: summary["colour"] for summary in stored if summary.get("colour")}
    rows["colour"] = [forms.get(n.rpartition(", ")[0], c) for n, c in zip(rows["name"], rows["colour"], strict=True)]
    low = 10.0 ** math.floor(math.log10(min(x for x in (*rows["low"], *rows["value"]) if x > 0)))
    # A lower end that is not distinguishable from 0 has no place on a logarithm.
    rows["low"] = rows["low"].clip(lower=low)
    floors = rows.loc[rows["group"] == KINDS["floor"], "value"]
    with paper():
        figure = Figure(figsize=(11.0, 3.7), layout="constrained")
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.05, 1.0], wspace=0.04)[0]
        if bench.samples is not None:
            images(left, *sample_pictures(bench.samples, bench.data, trajectories=2, frames=3, channels=2))
        ax = right.subplots()
        lines = [
            Reference(1.0, "constant", "#8a8a8a", dashed=True),
            Reference(min(floors.tolist()), "best floor", "#8a8a8a"),
        ]
        dots(ax, rows, limits=(low, 2.0), log=True, values=False, references=lines)
        ax.set_xlabel("mean test MSE with 95% interval, lower is better")
        ax.set_title("shear_flow: Reynolds and Schmidt number from frozen tokens", pad=15)
    save_figure(figure, options.out, "Sample fields and scores", dpi=160)


if __name__ == "__main__":
    main()
