"""What encoders read of fields that have the spectra of real ones and random phases."""

from __future__ import annotations

from ...benchmark.directory import Bench
from ...benchmark.run_lines import line_score, lines
from ..section import Section, Table

HEADINGS = {"real": "real windows", "jointly": "twins, channels jointly", "alone": "twins, each channel alone",
            "space": "twins in space"}  # fmt: skip


def surrogates(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """A table: scores on real windows and on each kind of twin."""
    mean = [row for row in rows if row["parameter"] == "mean"]
    if not mean:
        return None
    kinds = [kind for kind in HEADINGS if any(row["twins"] == kind for row in mean)]
    body, beyond = [], []
    for line in lines(mean):
        found = [line_score(mean, line, twins=kind) for kind in kinds]
        body.append([line.name, *found])
        if "space" in kinds and found[0].high < found[kinds.index("space")].low:
            beyond.append(line.name)
    if "space" not in kinds:
        said = (
            "Twins of these kinds lose a decay in time as well: whether more than spectra is read, `space` would tell."
        )
    elif beyond:
        said = f"Read from more than two-point statistics, by intervals that do not meet: {', '.join(beyond)}."
    else:
        said = "No encoder reads clearly more from real windows than from twins with the same two-point statistics."
    caption = (
        "Test MSE per trajectory, mean over parameters; encoder frozen, probe fitted and scored on the same kind of "
        "window. Twins keep the power of every mode in space and time (jointly: cross-spectra too), in space that of "
        "every frame and how modes go on in time; phases are random."
    )
    header = ["Encoder", *(HEADINGS[kind] for kind in kinds)]
    return Section("surrogates", "More than spectra?", [said], [], [Table.of(header, body, caption)])
