"""The page of a study: answers first, then every figure with a sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from ..files import read_json, write_text
from ..report.figures import save_figure
from ..report.style import number
from .config import FTCS, StudyConfig
from .data import StudyData
from .embed import colour_scales
from .figures import (
    Score,
    curves_figure,
    dots_figure,
    instability_figure,
    label,
    samples_figure,
    scatter_figure,
)
from .summary import Answer, Table, instability, scored, subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class Section:
    """A part of the page: heading, sentences, figures ``{uri, caption}``, and a table or None."""

    title: str
    text: list[str] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)
    table: dict[str, Any] | None = None


class Page:
    """Collects the sections of one study."""

    def __init__(
        self, config: StudyConfig, data: StudyData, rows: Sequence[dict[str, Any]], arrays: Mapping[str, np.ndarray],
        out: Path,
    ) -> None:  # fmt: skip
        self.config, self.data, self.arrays, self.out = config, data, arrays, out
        self.table = Table(config, rows)

    def figure(self, section: Section, figure: Figure, name: str, caption: str, vector: bool = True) -> None:
        """Save a figure and put it on the page."""
        uri = save_figure(figure, self.out / "figures" / f"{name}.png", vector=vector)
        section.figures.append({"uri": uri, "caption": caption})

    def scores(self, analysis: str, name: str, target: str, level: str, metric: str) -> dict[str, Score]:
        """``{modality: (value, low, high)}`` of one cell of the long table."""
        found: dict[str, Score] = {}
        for modality in self.table.modalities(analysis):
            row = self.table.get(analysis, name, target, level, modality, metric)
            if row is not None:
                found[modality] = (row["value"], row["low"], row["high"])
        return found

    def sections(self) -> list[Section]:
        """All that there is to show."""
        made = [self.samples()]
        if any(own.system == FTCS for own in self.config.sets.values()):
            made.append(self.unstable())
        for name in ("parameters", "classification", "koopman", "spatial_head", "falsification", "naming"):
            if name in self.config.analyses:
                made.append(getattr(self, name)())
        return [section for section in made if section.figures or section.table]

    def samples(self) -> Section:
        section = Section("What the models see")
        scales = colour_scales(self.config, self.data)
        ranges = "; ".join(f"{k} {v.name} from {v.low:.3g} to {v.high:.3g}" for k, v in scales.items())
        self.figure(
            section, samples_figure(self.config, self.data, scales), "samples",
            f"One simulation of each set in the colours that video models and pixels see. The range is fixed over all "
            f"simulations and frames of a set ({ranges}); x points down, y to the right.", vector=False,
        )  # fmt: skip
        lines = []
        for name, own in self.data.sets.items():
            rows = self.data.rows(name)
            values = {p: self.data.parameter(p, rows) for p in own["parameters"]}
            spread = ", ".join(f"{p} {v.min():.2g} to {v.max():.2g}" for p, v in values.items())
            lines.append([name, own["equation"], len(rows), own["field"], spread])
        section.table = {"head": ["set", "equation", "simulations", "field", "parameters, lowest to highest"],
                         "lines": lines, "note": "", "text": True}  # fmt: skip
        return section

    def unstable(self) -> Section:
        from ..systems.linear.ftcs_heat import STABILITY_LIMIT

        section = Section("The instability of the published heat data")
        scales = colour_scales(self.config, self.data)
        for name, own in self.config.sets.items():
            if own.system != FTCS:
                continue
            self.figure(
                section, instability_figure(self.data, name, scales[name], STABILITY_LIMIT), f"instability_{name}",
                "The explicit scheme of the published study (time step 0.1, spacing 1) below and above its limit "
                "α = 2.5. Beyond it rounding errors grow until the picture is saturated noise, sooner for larger α: "
                "α can then be read from the time at which the noise appears, which is no physics.", vector=False,
            )  # fmt: skip
            parts = instability(self.data, name, self.arrays, "simulation")
            if not parts:
                continue
            smooth = next((k for k, v in self.config.sets.items() if v.system == "heat"), None)
            head = ["R² of α, mean over time", "all runs", "stable, α ≤ 2.5", "unstable, α > 2.5"]
            lines = []
            for m in self.config.encoders:
                if m not in parts:
                    continue
                line = [
                    label(m, self.config.encoders[m]),
                    *(number(parts[m][k], 2) for k in ("all", "stable", "unstable")),
                ]
                if smooth:
                    row = self.table.get("parameters", smooth, "diffusivity", "simulation", m, "r2")
                    line.append(scored(row))
                lines.append(line)
            if smooth:
                head.append("exact integration")
            section.table = {
                "head": head, "lines": lines,
                "note": "One probe per modality, fitted on stable and unstable runs together as published; its "
                "test predictions, pooled over the splits, are scored on either side of the limit. R² within a part "
                "compares with the mean of that part. The last column is the same probe on exactly integrated heat, "
                "where α is drawn uniformly in its logarithm and scored there.",
            }  # fmt: skip
        return section

    def parameters(self) -> Section:
        section = Section(
            "Parameters from frozen embeddings",
            ["Ridge regression with the penalty tuned inside the training simulations. Dots: R² of the test "
             "predictions pooled over the splits; bars: 95 % intervals, a bootstrap over simulations; 0 is a constant "
             "guess. The shaded band is the interval of the reference pixels."],
        )  # fmt: skip
        levels = {"simulation": "mean over time", "three": "first, middle, last", "frame": "each frame"}
        lines = []
        for name, own in self.data.sets.items():
            for target, scale in own["parameters"].items():
                panels = [(levels[v], self.scores("parameters", name, target, v, "r2")) for v in levels]
                panels = [panel for panel in panels if panel[1]]
                if not panels:
                    continue
                self.figure(
                    section, dots_figure(self.config, panels, f"test R² of {target}, {name}"), f"r2_{name}_{target}",
                    f"How well {target} of {name} can be read: from the embedding averaged over time, from three "
                    "frames, and from a single frame at any time (where the probe does not know the time).",
                )  # fmt: skip
                chosen = self._shown("parameters")
                cut = [(m, *self._true_predicted(name, target, m, scale)) for m in chosen]
                self.figure(
                    section, scatter_figure(self.config, cut, target, scale == "log"), f"scatter_{name}_{target}",
                    f"Predicted against true {target} of {name} from the embedding averaged over time; each dot is a "
                    "test simulation, averaged over the splits in which it is in test"
                    + ("; hollow dots are numerically unstable." if cut[0][3] is not None else "."),
                )  # fmt: skip
                for colours in self.config.render.nuisance:
                    for m in self.table.modalities("parameters"):
                        before = self.table.get("parameters", name, target, "simulation", m, "r2")
                        after = self.table.get("parameters", name, target, f"simulation@{colours}", m, "r2")
                        if after is not None:
                            lines.append([f"{name}, {target}", label(m, self.config.encoders[m]),
                                          scored(before), colours, scored(after)])  # fmt: skip
        if lines:
            section.table = {
                "head": ["parameter", "modality", f"R², {self.config.render.colour_map}", "read in", "R²"],
                "lines": lines,
                "note": "Nuisance test: the probe is fitted on one colour map and read on another one. A "
                "representation of the physics would not care; a large negative R² says that the probe reads colours.",
            }  # fmt: skip
        return section

    def _shown(self, analysis: str) -> list[str]:
        """Subject, random control, own encoder, reference: at most four."""
        names = self.table.modalities(analysis)
        kinds = ("vjepa2", "run", "pretrain", "random_vjepa2")
        picked = [m for kind in kinds for m in names if self.table.kind(m) == kind][:3]
        return [*picked, self.config.reference]

    def _true_predicted(self, name: str, target: str, modality: str, scale: str) -> tuple[np.ndarray, np.ndarray, Any]:
        from ..metrics import cluster_means
        from ..systems.linear.ftcs_heat import STABILITY_LIMIT

        cluster, true, predicted = self.arrays[f"{name}/{target}/simulation/{modality}"]
        means, _ = cluster_means(np.stack([true, predicted], 1), cluster)
        means = np.exp(means) if scale == "log" else means
        unstable = means[:, 0] > STABILITY_LIMIT if self.config.sets[name].system == FTCS else None
        return means[:, 0], means[:, 1], unstable

    def classification(self) -> Section:
        section = Section("Which equation?")
        levels = {"simulation": "mean over time", "three": "first, middle, last"}
        panels = [(levels[v], self.scores("classification", "all", "set", v, "accuracy")) for v in levels]
        chance = 1 / len(self.config.sets)
        self.figure(
            section,
            dots_figure(self.config, panels, "accuracy", low=max(0.0, chance - 0.25), line=(chance, "chance")),
            "classification",
            "Accuracy of a linear classifier of the set on test simulations; dots are means over the splits, bars "
            "reach from the lowest to the highest split. Matched pairs are never divided between train and test.",
        )
        return section

    def koopman(self) -> Section:
        section = Section(
            "Linear dynamics in embedding space",
            ["z at the next time is a linear function of z (first order), or of z and the one before (second order), "
             "in 32 principal components. Rollouts of the test simulations start from their first two times."],
        )  # fmt: skip
        names = list(self.config.sets)
        names_scored = self.table.modalities("koopman")
        curves = [(n, {m: 1 - self.arrays[f"koopman/{n}/{m}"] for m in names_scored}) for n in names]
        self.figure(
            section,
            curves_figure(self.config, curves, "steps after the start", "relative squared error"),
            "rollout",
            "First-order rollouts of test simulations: squared error over that of the better of two plain guesses, "
            "nothing moves and the mean trajectory of the training set (gray line, 1). Lower is better.",
        )
        gains = [(n, self.scores("koopman", n, "order 2 - order 1", "frame", "gain")) for n in names]
        largest = max(score[0] for _, scores in gains for score in scores.values())
        high = min(1.0, max(0.1, 1.5 * largest))
        self.figure(
            section,
            dots_figure(self.config, gains, "gain of second over first order (skill)", -0.4 * high, high),
            "order",
            "What a second-order model gains over a first-order one from the same start; bars reach from the lowest to "
            "the highest split. A system whose state needs a rate (waves) should gain, one without (diffusion) not.",
        )
        head = ["set", "modality", "cosine", "still", "centred", "R² still", "R² mean", "skill", "shuffled", "radius"]
        lines = []
        for n in names:
            for m in self.table.modalities("koopman"):

                def cell(target: str, metric: str, n: str = n, m: str = m) -> str:
                    row = self.table.get("koopman", n, target, "frame", m, metric)
                    return number(row["value"], 2) if row else "–"

                lines.append([n, label(m, self.config.encoders[m]), cell("order 1", "rollout_cosine"),
                    cell("persistence", "rollout_cosine"), cell("order 1", "rollout_centred_cosine"),
                    cell("order 1", "rollout_r2_persistence"), cell("order 1", "rollout_r2_mean_trajectory"),
                    cell("order 1", "skill"), cell("shuffled time, order 1", "skill"),
                    cell("order 1", "spectral_radius")])  # fmt: skip
        section.table = {
            "head": head, "lines": lines,
            "note": "First-order rollouts, means over the splits. Cosine: as published, with the mean of the "
            "embeddings left in, which alone makes it high; still: the same of a model in which nothing moves; "
            "centred: of deviations from the mean trajectory of training. R² against persistence and against that "
            "mean; skill: against the better of both at each step; shuffled: skill when the frames of training are in "
            "random order. Radius: spectral radius of the operator.",
        }  # fmt: skip
        return section

    def spatial_head(self) -> Section:
        section = Section("Does knowing α help to predict spatial tokens?")
        kinds = {"real": "real α", "shuffled": "shuffled α", "none": "a = 1"}
        for name in self.config.sets:
            panels = [(text, self.scores("spatial_head", name, kind, "tokens", "r2_persistence"))
                      for kind, text in kinds.items()]  # fmt: skip
            if panels[0][1]:
                self.figure(
                    section, dots_figure(self.config, panels, f"one-step R² against persistence, {name}"),
                    f"spatial_head_{name}",
                    "x(t+1) = x(t) + a K x(t) on the spatial tokens, K one 3 × 3 kernel per channel by least squares: "
                    "the form of one explicit step of diffusion, with a the real α, a shuffled one, or 1. Bars reach "
                    "from the lowest to the highest split.",
                )  # fmt: skip
        return section

    def falsification(self) -> Section:
        section = Section("Embedding and pixels, mapped onto each other")
        head = ["set", "modality", "pixels to embedding", "same, time shuffled", "embedding to pixels",
                "same, time shuffled"]  # fmt: skip
        lines = []
        for name in self.config.sets:
            for m in self.table.modalities("falsification"):
                cells = [scored(self.table.get("falsification", name, f"{way}{end}", "frame", m, "r2"))
                         for way in ("pixels to embedding", "embedding to pixels")
                         for end in ("", ", shuffled time")]  # fmt: skip
                lines.append([name, label(m, self.config.encoders[m]), *cells])
        section.table = {
            "head": head, "lines": lines,
            "note": f"R² of the 32 leading components of the one, by ridge from 128 of the other "
            f"({label(self.config.reference, self.config.encoders[self.config.reference])}), mean and range over the "
            "splits. Shuffled time pairs each embedding with another time of the same simulation: what is left is "
            "what does not change along a simulation.",
        }  # fmt: skip
        return section

    def naming(self) -> Section:
        section = Section("Groups without labels")
        panels = [("adjusted Rand index", self.scores("naming", "all", "groups", "signature", "adjusted_rand"))]
        self.figure(
            section, dots_figure(self.config, panels, "agreement of k-means groups with the equations", -0.1),
            "naming", "Each simulation is described by five numbers of its path in embedding space (straightness, "
            "slowing down, turning, return, evenness), grouped by k-means with as many groups as equations.",
        )  # fmt: skip
        who = subject(self.table, "naming")
        if who is not None:
            head = ["signature", *self.config.sets]
            values = self.arrays[f"naming/{who}"]
            names = ("straightness", "slowing down (log)", "turning", "return", "evenness")
            lines = []
            for k, text in enumerate(names):
                own = [np.percentile(values[self.data.rows(n), k], (50, 25, 75)) for n in self.config.sets]
                lines.append([text, *(f"{number(v[0], 2)} ({number(v[1], 2)} to {number(v[2], 2)})" for v in own)])
            section.table = {"head": head, "lines": lines,
                             "note": f"{label(who, self.config.encoders[who])}: median and quartiles."}  # fmt: skip
        return section


def write_page(
    config: StudyConfig, data: StudyData, rows: Sequence[dict[str, Any]], arrays: Mapping[str, np.ndarray],
    answers: Sequence[Answer], notes: Sequence[str], videos: Sequence[Path], out: Path,
) -> Path:  # fmt: skip
    """Write ``study.html`` and ``figures/*.png``; returns the page."""
    from jinja2 import Environment, StrictUndefined

    folder = resources.files("physrep.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "study.html.j2").read_text(encoding="utf-8"))
    text = template.render(
        title=config.title,
        question=config.question,
        css=(folder / "page.css").read_text(encoding="utf-8"),
        environment=read_json(out / "environment.json"),
        answers=answers,
        notes=notes,
        sections=Page(config, data, rows, arrays, out).sections(),
        config=yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True),
        videos=[str(path.relative_to(out)) for path in videos],
    )
    write_text(out / "study.html", text)
    return out / "study.html"
