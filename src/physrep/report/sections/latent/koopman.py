"""Linear dynamics in embedding space."""

from __future__ import annotations

import numpy as np

from ....analyses.latent.koopman import SWEEP
from ....benchmark.latent_table import LatentTable, row_score
from ....metrics.score import Score
from ...section import Section, Table
from .plots import curves_plot, dots_plot, spectrum_plot, sweep_plot
from .table import add_figure

COLUMNS = (
    ("cosine", "order 1", "rollout_cosine", 3),
    ("still", "persistence", "rollout_cosine", 3),
    ("centred", "order 1", "rollout_centred_cosine", 2),
    ("R² still", "order 1", "rollout_r2_persistence", 2),
    ("R² mean", "order 1", "rollout_r2_mean_trajectory", 2),
    ("one step", "order 1", "one_step_skill", 2),
    ("shuffled", "shuffled time, order 1", "skill", 2),
    ("radius", "order 1", "spectral_radius", 3),
)
"""Heading, target, metric and decimals of the table of scores."""


def koopman(table: LatentTable) -> Section:
    """Rollouts, order, spectra, sweep, baselines, shared operator."""
    section = Section(
        "koopman",
        "Linear dynamics in embedding space",
        ["z at the next time is a linear function of z (first order), or of z and the one before (second order), in 32 "
         "principal components of the training simulations. Rollouts start from the first two times of simulations out "
         "of fold. The skill is R² against the better of two plain guesses at every step: nothing moves, and the mean "
         "trajectory of the training simulations. Brackets and bars are 95 % intervals over simulations."],
    )  # fmt: skip
    names, modalities = table.sets("koopman"), table.modalities("koopman")
    panels = [(n, {m: table.arrays[f"koopman/{n}/{m}"] for m in modalities}) for n in names]
    add_figure(
        table, section, curves_plot(table.who, panels, "steps after the start", "relative squared error"), "rollout",
        "First-order rollouts: squared error over that of the better of the two plain guesses (gray line, 1). Lower is "
        "better; curves that leave the picture have blown up.",
    )  # fmt: skip
    gains = [(n, table.scores("koopman", n, "order 2 - order 1", "frame", "gain")) for n in names]
    largest = max(score[0] for _, scores in gains for score in scores.values())
    high = min(1.0, max(0.1, 1.5 * largest))
    plot = dots_plot(table, gains, "gain of second over first order (skill)", low=-0.4 * high, high=high)
    add_figure(
        table, section, plot, "order",
        "What a second-order model gains over a first-order one from the same start. One operator is shared by all "
        "simulations of a set: two times also tell the rate of a simulation, so that diffusion gains too where its "
        "diffusivity varies.",
    )  # fmt: skip
    lines = [
        (n, [(m, table.arrays[f"spectrum/{n}/{m}/1"], table.arrays[f"spectrum/{n}/{m}/2"])
             for m in dict.fromkeys([*table.shown("koopman"), *table.floors("koopman")[:1]])])
        for n in names
    ]  # fmt: skip
    add_figure(
        table, section, spectrum_plot(table.who, lines), "spectrum",
        "Eigenvalues of the operators of the first fold, filled: first order, rings: second order. The gray arc is the "
        "unit circle. On the positive axis modes decay, off it they turn; outside of the unit circle they grow. "
        "Eigenvalues beyond 1.3 are drawn at the edge.",
    )  # fmt: skip
    sweeps = [(n, {m: _sweep(table, n, m) for m in modalities}) for n in names]
    add_figure(
        table, section, sweep_plot(table.who, sweeps), "sweep",
        "Skill over the number of latent components, scored on all 64: components that are left out stay as they "
        "were. Values below −0.5 are drawn at the edge.",
    )  # fmt: skip
    lines = []
    for n, m in table.pairs("koopman"):
        skills = [row_score(table.get("koopman", n, order, "frame", m, "skill")) for order in ("order 1", "order 2")]
        cells = [table.value("koopman", n, target, "frame", m, metric) for _, target, metric, _ in COLUMNS]
        lines.append([n, table.label(m), *skills, *cells])
    distances = [r["high"] for r in table.rows if r["metric"] == "dmd_distance"]
    scores = Table.of(
        ["set", "modality", "skill, order 1", "skill, order 2", *(head for head, *_ in COLUMNS)],
        lines, "Skill: see above. Cosine: as published, of rollouts with the mean of the embeddings left in, which "
        "alone makes it high; still: the same of a model in which nothing moves; centred: of deviations from the mean "
        "trajectory. R² against persistence and against that mean. One step: skill of one-step predictions. Shuffled: "
        "skill when the times of training are in random order. Radius: spectral radius, mean over the folds. An "
        "independent implementation (exact DMD of PyDMD) finds the same eigenvalues of both orders: largest "
        f"distance {max(distances, default=0.0):.0e}, median {float(np.median(distances or [0.0])):.0e}"
        " (large only where components are nearly dependent).",
        {"skill, order 1": 2, "skill, order 2": 2, **{head: digits for head, *_, digits in COLUMNS}},
    )  # fmt: skip
    section.tables.append(scores)
    if len(names) > 1:
        section.tables.append(_shared(table))
    return section


def _sweep(table: LatentTable, name: str, modality: str) -> dict[int, Score]:
    rows = {size: table.get("koopman", name, f"{size} components", "frame", modality, "sweep") for size in SWEEP}
    return {size: score for size, row in rows.items() if (score := row_score(row)) is not None}


def _shared(table: LatentTable) -> Table:
    kinds = (("own operator", "skill"), ("shared operator", "skill"), ("own - shared", "gain"))
    lines = []
    for n, m in table.pairs("koopman"):
        cells = [row_score(table.get("koopman", n, target, "frame", m, metric)) for target, metric in kinds]
        lines.append([n, table.label(m), *cells])
    return Table.of(
        ["set", "modality", "operator of the set", "one for all sets", "difference"],
        lines,
        "Skill of first-order rollouts in the principal components of all sets together.",
        2,
    )
