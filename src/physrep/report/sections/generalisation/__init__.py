"""The part of the page on shifted data: one figure and one sentence per kind of shift, and a table of degradations."""

from __future__ import annotations

from ....benchmark.directory import Bench
from ....benchmark.shift_cells import Cells, read_shift_cells
from ...section import Section
from .figures import SWEEPS, has_arrows, level_plot, pair_plot
from .sentences import CAPTIONS, TITLES, shift_sentence
from .table import degradation_table, leads_with_transfer, transfer_table


def generalisation_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """The section of the rows of ``analyses/generalisation.csv``; None if they hold no scores."""
    cells = read_shift_cells(rows)
    if not cells.shifts:
        return None
    section = Section("generalisation", "Generalisation: the frozen encoders on shifted data")
    section.sentences.append(_introduction(cells))
    for shift in cells.shifts:
        section.sentences.append(shift_sentence(cells, shift))
        title = TITLES.get(shift, shift)
        caption = f"{title[0].upper()}{title[1:]}. {CAPTIONS.get(shift, '')}".strip()
        caption += " Arrows: beyond the axis." if has_arrows(cells, shift) else ""
        alt = f"Test MSE of every encoder: {title}"
        plot = level_plot(cells, shift) if shift in SWEEPS else pair_plot(cells, shift)
        section.show(plot, bench.folder, f"generalisation_{shift}", alt, caption)
    section.sentences += cells.notes
    section.tables += [transfer_table(cells)] * leads_with_transfer(bench) + [degradation_table(cells)]
    return section


def _introduction(cells: Cells) -> str:
    probes = " or ".join(sorted(cells.probes))
    text = (
        f"Encoders and their probes ({probes}) stay as they were made on clean data; only for extrapolation and "
        "combinations the probe is fitted to a part of the training split. Every score stands beside that of the same "
        "test trajectories without the shift."
    )
    idle = [encoder.label for encoder in cells.encoders if not cells.informative(encoder)]
    if idle:
        names = ", ".join(idle)
        text += (
            f" {names}: clean MSE above 0.9 of a constant's, so there is little to lose, and no sentence ranks "
            f"{'them' if len(idle) > 1 else 'it'}."
        )
    return text
