"""Markdown of what docs_tables.py keeps: scores, studies side by side, differences, increments, losses under shifts."""

from __future__ import annotations

import re

import pandas as pd

from physrep.benchmark.names import probe_name
from physrep.benchmark.shift_cells import read_shift_cells
from physrep.report.sections.generalisation.table import degradation_table


def small(value: float) -> str:
    """Three decimals, two digits below a hundredth, one and a power of ten below a thousandth."""
    size = abs(value)
    if value == 0:
        return "0"
    text = f"{value:.3f}" if size >= 0.0095 else f"{value:#.2g}" if size >= 0.001 else f"{value:.0e}"
    return re.sub(r"e-0?", "e−", text).replace("-", "−")


def short(label: str) -> str:
    """The label under which studies are set side by side: windows of the JEPA on clips are chosen for each system."""
    return "JEPA (clips)" if label.startswith("JEPA (clips") else label


def with_interval(row: pd.Series) -> str:
    """``0.107 [0.046, 0.170]``."""
    return f"{small(row['value'])} [{small(row['ci_low'])}, {small(row['ci_high'])}]"


def markdown(head: list[str], rows: list[list[str]], texts: int) -> str:
    """A table whose first columns are texts and the others numbers."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *rows])


def scores(table: pd.DataFrame, without: tuple[str, ...] = ()) -> str:
    """Every learner with the probe chosen on valid.

    Args:
        table: as of `docs_tables.stored`.
        without: labels of rows that are left out.
    """
    chosen = table[table["chosen"] & ~table["label"].isin(without)]
    parameters = [name for name in dict.fromkeys(chosen["parameter"]) if name != "mean"]
    several = chosen["seeds"].nunique() > 1
    head = ["", "Learner", "Probe", *(f"MSE {name}" for name in parameters), "mean MSE [95%]", "mean R²"]
    head += ["seeds"] * several
    rows, before = [], ""
    for (group, label, probe), part in chosen.groupby(["group", "label", "probe"], sort=False):
        cells = part.set_index(["metric", "parameter"])
        rows.append(
            [
                group if group != before else "",
                label,
                probe_name(probe).replace("_", " "),
                *(small(cells.loc[("mse", name), "value"]) for name in parameters),
                with_interval(cells.loc[("mse", "mean")]),
                f"{cells.loc[('r2', 'mean'), 'value']:.3f}".replace("-", "−"),
                *([str(part["seeds"].iloc[0])] if several else []),
            ]
        )
        before = group
    return markdown(head, rows, 3)


def losses(rows: pd.DataFrame, labels: dict[str, str]) -> str:
    """How many times its clean error an encoder makes at the level of every shift that is worst for it.

    Args:
        rows: of analyses/generalisation.csv, all cells as texts.
        labels: of runs, by title.
    """
    cells = read_shift_cells(rows.to_dict("records"))
    table = degradation_table(cells).frame.assign(encoder=[labels[encoder.title] for encoder in cells.encoders])
    head = [str(name) for name in table.columns]
    texts = [[small(cell) if isinstance(cell, float) else str(cell) for cell in row] for row in table.to_numpy()]
    return markdown(head, texts, 2)


def shifts(rows: pd.DataFrame, labels: dict[str, str]) -> str:
    """MSE of every encoder under every level of every shift, mean over parameters; the least of a column in bold.

    Args:
        rows: of analyses/generalisation.csv.
        labels: of runs, by title.
    """
    own = rows[(rows["parameter"] == "mean") & (rows["metric"] == "mse")]
    own = own.assign(
        head=[_head(*cell) for cell in own[["shift", "subject", "level"]].fillna("").to_numpy()],
        label=own["title"].map(labels),
    )
    values = own.pivot_table(index="label", columns="head", values="value", sort=False)
    least = values[~values.index.isin(own.loc[own["kind"].isin(["oracle", "ceiling"]), "label"])].min()
    body = []
    for label, row in values.iterrows():
        cells = [f"**{small(x)}**" if x == least[head] else small(x) for head, x in row.items()]
        body.append([str(label), *cells])
    return markdown(["encoder", *map(str, values.columns)], body, 1)


def _head(shift: str, subject: str, level: str) -> str:
    """Of a column: ``noise 20 %``, ``dt x 3``, ``16x16 points, as it is``."""
    if shift == "initial_condition":
        return f"other starts (`{level}`)"
    if shift in ("noise", "gain"):
        return f"{shift} {level.removeprefix('up to ')}"
    return ", ".join(part for part in (subject, level) if part) or shift.replace("_", " ")


def side_by_side(tables: dict[str, pd.DataFrame]) -> str:
    """Mean MSE of every learner in several tables of scores, with its interval and the number of its seeds."""
    chosen = {
        head: table[table["chosen"] & (table["metric"] == "mse") & (table["parameter"] == "mean")].assign(
            label=table["label"].map(short)
        )
        for head, table in tables.items()
    }
    labels = dict.fromkeys(label for table in chosen.values() for label in table["label"])
    order = {group: k for k, group in enumerate(dict.fromkeys(g for t in chosen.values() for g in t["group"]))}
    group_of = {label: group for table in chosen.values() for label, group in table[["label", "group"]].to_numpy()}
    rows = []
    for label in sorted(labels, key=lambda label: order[group_of[label]]):
        cells = []
        for table in chosen.values():
            own = table[table["label"] == label]
            seeds = "" if own.empty or own["seeds"].iloc[0] == 1 else f", {own['seeds'].iloc[0]} seeds"
            cells.append("" if own.empty else f"{with_interval(own.iloc[0])}{seeds}")
        rows.append([label, *cells])
    return markdown(["", *chosen], rows, 1)


def signed(value: float) -> str:
    """`small` with its sign."""
    return small(value) if value < 0 else f"+{small(value)}"


def differences(tables: dict[str, pd.DataFrame], labels: tuple[str, ...]) -> str:
    """Mean MSE of the first minus that of the second of each pair of labels, with interval and Holm's p."""
    rows = []
    tables = {head: table.assign(a=table["a"].map(short), b=table["b"].map(short)) for head, table in tables.items()}
    for i, a in enumerate(labels):
        for b in labels[i + 1 :]:
            cells = []
            for table in tables.values():
                own = table[((table["a"] == a) & (table["b"] == b)) | ((table["a"] == b) & (table["b"] == a))]
                if own.empty:
                    cells.append("")
                    continue
                row = own.iloc[0]
                value, low, high = row["value"], row["ci_low"], row["ci_high"]
                if row["a"] == b:
                    value, low, high = -value, -high, -low
                star = "*" if row["p_holm"] < 0.05 else ""
                cells.append(f"{signed(value)} [{signed(low)}, {signed(high)}]{star}")
            rows.append([a, b, *cells])
    return markdown(["row", "minus", *tables], rows, 2)


def increments(tables: dict[str, pd.DataFrame]) -> str:
    """Test MSE of a floor with each representation beside it, minus that of the floor alone; the floor in the head."""
    tables = {head: table.assign(label=table["label"].map(short)) for head, table in tables.items()}
    labels = dict.fromkeys(label for table in tables.values() for label in table["label"])
    rows = []
    for label in labels:
        cells = []
        for table in tables.values():
            own = table[table["label"] == label]
            if own.empty:
                cells.append("")
                continue
            row = own.iloc[0]
            cells.append(f"{signed(row['difference'])} [{signed(row['ci_low'])}, {signed(row['ci_high'])}]")
        rows.append([label, *cells])
    heads = [f"{head}: {t['floor'].iloc[0]} alone {small(t['alone'].iloc[0])}" for head, t in tables.items()]
    return markdown(["beside the floor", *heads], rows, 1)
