"""The result table in LaTeX, for a paper: booktabs, intervals, the best label-free score in bold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..benchmark.entries import Entry, make_entries, metric_names, parameter_names
from ..benchmark.names import metric_name
from ..learners.identity import Identity
from .section import Table
from .tables import has_twins, page_table, twin_notes

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    "²": r"\textsuperscript{2}",
    "\u00a0": "~",
}


_TWINS = (
    "Untrained: mean MSE of the same architecture with its initial weights, read by the same probe. Directions:"
    " participation ratio of the mean tokens of test windows."
)


def escape(text: str) -> str:
    """Text as LaTeX prints it: special characters lose their meaning, line breaks become spaces."""
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))


def latex_table(
    rows: Iterable[Mapping[str, Any]],
    identities: Mapping[str, Identity] | None = None,
    level: str = "trajectory",
    all_probes: bool = False,
    over_seeds: Iterable[Mapping[str, Any]] = (),
) -> str:
    r"""A ``table`` environment: MSE on test with its 95% interval per parameter and mean, and the mean R2.

    Needs ``\usepackage{booktabs}``. Bold is the best score of each column among floors and learners, which see no
    labels before the probe; ceilings and fine-tuned networks are set below them and not compared.

    Args:
        rows: rows of ``results.csv``.
        identities: run name to kind, label and colour of its learner; others go by its name.
        level: ``"trajectory"`` or ``"window"``.
        all_probes: show every probe, not only the one with the lowest mean MSE on valid.
        over_seeds: rows of ``over_seeds.csv``, if several seeds were run.
    """
    entries = [entry for entry in make_entries(rows, identities, over_seeds) if entry.chosen or all_probes]
    systems = list(dict.fromkeys(entry.system for entry in entries))
    return "\n".join(_table([e for e in entries if e.system == system], system, level) for system in systems)


def _table(entries: Sequence[Entry], system: str, level: str) -> str:
    names, further, twins = ["mean", *parameter_names(entries)], metric_names(entries)[1:], has_twins(entries)
    count = next((entry.trajectories for entry in entries if entry.trajectories), 0)
    header = ["Learner", "Probe", *(f"MSE {escape(name)}" for name in names)]
    header += ["mean $R^2$" if metric == "r2" else f"mean {escape(metric_name(metric))}" for metric in further]
    header += ["untrained MSE", "directions"] * twins
    said = f" {_TWINS} {escape(' '.join(twin_notes(entries)))}".rstrip() if twins else ""
    caption = (
        f"Mean squared error of z-scored parameters on {f'{count} test trajectories' if count else 'test'}"
        f" of {escape(system)}, per {level}; a constant prediction has 1. Brackets: 95\\,\\% intervals over test"
        f" trajectories. Bold: best of the rows that see no labels before the probe.{said}"
    )
    lines = []
    for group in page_table(entries, system, names[1:], level):
        heading = rf"\multicolumn{{{len(header)}}}{{l}}{{\emph{{{escape(group['heading'])}}}}}"
        lines += [r"    \midrule", f"    {heading} \\\\"]
        for row in group["rows"]:
            # MSE of the mean and of each parameter, then the other scores of the mean.
            shown = sorted(row["cells"], key=lambda cell: cell["metric"] != "mse")
            cells = [_cell(cell) for cell in shown if cell["metric"] == "mse" or cell["parameter"] == "mean"]
            more = [row["twin"], row["directions"]] * twins
            texts = [escape(row["entry"].label), escape(row["probe"]), *cells, *map(escape, more)]
            lines.append(f"    {' & '.join(texts)} \\\\")
    label = "".join(c if c.isalnum() else "-" for c in system)
    return _environment(caption, label, f"ll{'r' * (len(header) - 2)}", header, lines)


def latex_of(table: Table, label: str) -> str:
    r"""A ``table`` environment of any table of the page, as it stands there. Needs ``\usepackage{booktabs}``."""
    frame = table.texts()
    kinds = "".join("r" if table.numeric(name) else "l" for name in frame.columns)
    header, *rows = ([escape(str(cell)) for cell in row] for row in (frame.columns, *frame.to_numpy().tolist()))
    lines = [r"    \midrule", *(f"    {' & '.join(row)} \\\\" for row in rows)]
    return _environment(escape(table.caption), label, kinds, header, lines)


def _environment(caption: str, label: str, kinds: str, header: Sequence[str], lines: Sequence[str]) -> str:
    top = [r"\begin{table}", r"  \centering", f"  \\caption{{{caption}}}", f"  \\label{{tab:{label}}}"]
    top += [f"  \\begin{{tabular}}{{{kinds}}}", r"    \toprule", f"    {' & '.join(header)} \\\\"]
    return "\n".join([*top, *lines, r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""])


def _cell(cell: Mapping[str, Any]) -> str:
    text = rf"\textbf{{{escape(cell['value'])}}}" if cell["best"] else escape(cell["value"])
    return text + (rf" {{\scriptsize {escape(cell['interval'])}}}" if cell["interval"] else "")
