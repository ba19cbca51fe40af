"""The first screen of a study of transfer: what is left of the chosen learner and of the floors under each shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..benchmark.directory import Bench
from ..benchmark.entries import headline
from ..benchmark.headline import Fact, Lead
from ..benchmark.run_lines import Line, identified
from ..benchmark.shift_cells import Cell, Cells, read_shift_cells
from ..files import read_csv
from ..formats import number
from .sections.generalisation.sentences import TITLES, error, where
from .sections.generalisation.table import ANALYSIS, leads_with_transfer

if TYPE_CHECKING:
    from collections.abc import Iterable


def transfer_lead(bench: Bench, system: str) -> Lead | None:
    """Verdict and one number per shift, of the learner that is best on clean valid; None where it is not asked for.

    A reading counts by its largest MSE over the levels of a shift. It is compared with the floor that is best *under
    that shift on test*, which is in favour of the floors.
    """
    path = bench.folder / "analyses" / f"{ANALYSIS}.csv"
    if not leads_with_transfer(bench) or not path.is_file():
        return None
    cells = read_shift_cells(identified(bench, read_csv(path)))
    learner = headline(bench.entries, system).learner
    chosen = next((e for e in cells.encoders if learner is not None and e.title == learner.run), None)
    floors = [encoder for encoder in cells.encoders if encoder.kind == "floor"]
    if chosen is None or not floors:
        return None
    facts, better, known, shifts = [], 0, 0, 0
    for shift in cells.shifts:
        own, best = cells.worst(chosen, shift, by="value"), _best(cells, floors, shift)
        if own is None or best is None:
            continue
        floor, (subject, level, theirs) = best
        shifts += 1
        better += own[2].value < theirs.value
        known += own[2].value < own[2].constant
        title = TITLES.get(shift, shift)
        note = f"{where(own[0], own[1])}; clean {number(own[2].reference)}; best floor {floor.label} "
        note += f"{error(theirs.value)} ({where(subject, level)}); constant {number(own[2].constant)}"
        facts.append(Fact(f"{chosen.label}, {title}", error(own[2].value), note))
    if not shifts:
        return None
    verdict = (
        f"Made on clean data and tested on other: {chosen.label} stays below the best floor under {better} of {shifts} "
        f"shifts, and below a constant under {known}."
    )
    tone = "better" if 2 * better > shifts else "worse" if better == 0 else "unclear"
    return Lead(verdict, tone, chosen.colour, facts)


def _best(cells: Cells, floors: Iterable[Line], shift: str) -> tuple[Line, tuple[str, str, Cell]] | None:
    found = [(floor, one) for floor in floors if (one := cells.worst(floor, shift, by="value")) is not None]
    return min(found, key=lambda item: item[1][2].value, default=None)
