"""What the numbers of one kind of shift say: who degrades most, who least, and more than the best floor or not."""

from __future__ import annotations

from ....benchmark.run_lines import Line
from ....benchmark.shift_cells import Cell, Cells
from ....formats import number

TITLES = {
    "extrapolation": "parameters beyond those that the probe has seen",
    "combinations": "combinations of parameters that the probe has not seen",
    "noise": "white noise on the fields",
    "gain": "unknown units",
    "missing_fields": "one channel replaced by its training mean",
    "resolution": "fields on a coarser grid",
    "time_step": "frames further apart in time",
    "window_length": "less of a trajectory",
    "initial_condition": "another family of initial conditions",
}
"""Kind of shift in words."""

CAPTIONS = {
    "extrapolation": "Filled: a probe that has not seen this part of the parameter's values. Hollow: a probe of as "
    "many trajectories of the whole range. Both are scored for that parameter on the same test trajectories of the "
    "part; dotted: the mean of the labels that the first probe has seen.",
    "combinations": "Filled: a probe that has not seen this quadrant of the two parameters, cut at their medians. "
    "Hollow: a probe of as many trajectories of the whole plane. Both on the same test trajectories, mean over "
    "parameters.",
    "noise": "Standard deviation of the noise as a fraction of each channel's; dotted: a constant prediction.",
    "gain": "Every trajectory is multiplied by a factor of its own, whose logarithm is uniform up to the level or its "
    "inverse; dotted: a constant prediction.",
    "missing_fields": "Hollow: clean. Filled: without this channel. Mean MSE over parameters; dotted: a constant.",
    "resolution": "Hollow: clean. Filled: coarsened, shown as it is or interpolated back to the grid of training. Mean "
    "MSE over parameters; dotted: a constant.",
    "time_step": "The time between frames grows, the number of frames stays; dotted: a constant prediction.",
    "window_length": "Left: windows per trajectory whose predictions are averaged. Right: known frames of a window, "
    "the last of them held for the rest. Mean MSE over parameters; dotted: a constant prediction.",
    "initial_condition": "Hollow: clean. Filled: the same parameters from other starts; dotted: a constant prediction.",
}
"""How to read the figure of a shift."""


MOST = 100.0
"""Ratios and errors above it are not told apart: such a readout is broken."""


def where(subject: str, level: str) -> str:
    """Subject and level as one phrase."""
    if not subject or " and " in subject:
        return level
    if subject in ("windows averaged", "frames available"):
        return f"{level} {subject}"
    return f"{subject} {level}" if level == "missing" else f"{subject}, {level}"


def times(ratio: float) -> str:
    """A ratio as text."""
    return f"more than {MOST:.0f} times" if ratio > MOST else f"{number(ratio, 1 if ratio >= 10 else 2)} times"


def error(value: float) -> str:
    """An MSE as text."""
    return f"above {MOST:.0f}" if value > MOST else number(value)


def shift_sentence(cells: Cells, shift: str) -> str:
    """Who degrades most and least at the level that is worst for it, among encoders that know something clean."""
    title = TITLES.get(shift, shift)
    found = [
        (encoder, *worst)
        for encoder in cells.encoders
        if cells.informative(encoder) and (worst := cells.worst(encoder, shift)) is not None
    ]
    head = f"{title[0].upper()}{title[1:]}"
    if not found:
        return f"{head}: no encoder that is better than a constant on clean data was scored."
    found.sort(key=lambda item: item[3].ratio)
    least, most = found[0], found[-1]
    text = f"{head}: {_degrades(*most, 'most')}"
    if len(found) > 1:
        text += f"; {_degrades(*least, 'least')}"
    best = min(found, key=lambda item: item[3].value)
    text += f". Lowest MSE where it is worst: {best[0].label}, {error(best[3].value)}."
    return text + _against_floor(cells, found)


def _degrades(encoder: Line, subject: str, level: str, cell: Cell, how: str) -> str:
    change = f"{times(cell.ratio)} its MSE, from {error(cell.reference)} to {error(cell.value)}"
    change += f", {where(subject, level)}"
    return f"{encoder.label} degrades {how} ({change})"


def _against_floor(cells: Cells, found: list[tuple[Line, str, str, Cell]]) -> str:
    """How many learners degrade more than the floor that is best on clean data."""
    floors = [item for item in found if item[0].kind == "floor"]
    learners = [item for item in found if item[0].kind == "learner"]
    if not floors or not learners:
        return ""
    clean = {encoder.title: cell.value for encoder in cells.encoders if (cell := cells.clean(encoder)) is not None}
    floor = min(floors, key=lambda item: clean[item[0].title])
    more = sum(item[3].ratio > floor[3].ratio for item in learners)
    verb = "degrades" if more == 1 else "degrade"
    return (
        f" {more} of {len(learners)} learners without labels {verb} more than the best floor, {floor[0].label} "
        f"({times(floor[3].ratio)})."
    )
