"""What a study of frozen video models is: sets of simulations, their pictures, encoders, analyses. One YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..errors import PhysrepError, nearest
from ..ranges import SEEDS, check_path_name, check_ranges, check_unique_names, setting
from ..settings import construct
from ..training.config import TrainingConfig

EXAMPLE = "configs/study_heat.yaml"

FTCS = "heat_ftcs"
"""The published heat data: explicit, unstable for α above 2.5; no `System`, see `physrep.systems.linear.ftcs_heat`."""

ANALYSES = ("parameters", "koopman", "spatial_head", "falsification", "classification", "naming")
"""Parts of a study, in the order of the page."""


@dataclass
class SetConfig:
    """One equation, simulated many times with varying parameters.

    Attributes:
        system: key of `physrep.systems.SYSTEMS`, or ``heat_ftcs``, the published unstable data.
        trajectories: number of trajectories; default the study's.
        ranges: parameter ranges ``{name: [low, high]}``; default the system's.
        initial_condition: family of starts; default the study's.
        save_dt: time between frames; default the system's.
        grid: points per axis to simulate on, a multiple of the study's ``resolution``, to which fields are averaged.
        field: the channel that is shown; default the first one.
        colour_range: ``[low, high]`` of the colour map, fixed over the set; default the study's.
        matched_to: another set of this study whose starts this one shares, pair by pair; only for ``heat``, whose
            diffusivity is then matched to the partner's gradients (`physrep.systems.linear.matched_pairs`).
        skip: stored frames before the first one that is shown.
    """

    system: str
    trajectories: int | None = setting(None, at_least=8, at_most=10**6)
    ranges: dict[str, list[float]] = setting(factory=dict, at_least=-1e30, at_most=1e30)
    initial_condition: str | None = None
    save_dt: float | None = setting(None, above=0, at_most=1e12)
    grid: int | None = setting(None, at_least=4, at_most=10**5)
    field: str | None = None
    colour_range: list[float] | None = setting(None, length=2, at_least=-1e30, at_most=1e30)
    matched_to: str | None = None
    skip: int = setting(0, at_least=0, at_most=10**6)


@dataclass
class RenderConfig:
    """How fields become pictures.

    Attributes:
        colour_map: Matplotlib's name.
        colour_range: ``[low, high]``, the same for every simulation and frame; values outside take the end colours.
            Default: 0 to the largest value of each set, or the largest magnitude both ways if it has values below 0.
        nuisance: further colour maps; the probe fitted on ``colour_map`` is scored on them as well.
        size: side of the picture in pixels; default the grid's.
    """

    colour_map: str = "inferno"
    colour_range: list[float] | None = setting(None, length=2, at_least=-1e30, at_most=1e30)
    nuisance: list[str] = field(default_factory=list)
    size: int | None = setting(None, at_least=4, at_most=10**5)


@dataclass
class EncoderConfig:
    """A frozen encoder of a study.

    Attributes:
        kind: ``vjepa2`` (pretrained; skipped with one sentence where its weights are not at hand), ``random_vjepa2``
            (the same architecture, weights drawn at random), ``run`` (a run directory), ``pretrain`` (a learner
            trained here first, on fields of other simulations of the same equations), ``statistics`` (moments and mean
            squared derivatives of the field, in windows: a floor with hardly any numbers), ``pixels``.
        source: of vjepa2 a local folder or a hub id; of ``run`` its directory; of ``pretrain`` a learner's name; of
            ``pixels`` one of rgb16, gray16, rgb32, centre16.
        options: of ``random_vjepa2``, keys of the model's configuration; of ``pretrain``, of the learner.
        num_frames: of ``pretrain`` and ``statistics``, frames per window.
        stride: of the same and of ``run``, frames between the starts of windows.
        trajectories: of ``pretrain``, number of trajectories per set to learn from.
        training: of ``pretrain``.
        seed: of random weights and training.
    """

    kind: Literal["vjepa2", "random_vjepa2", "run", "pretrain", "statistics", "pixels"]
    source: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    num_frames: int = setting(8, at_least=1, at_most=10**6)
    stride: int = setting(2, at_least=1, at_most=10**6)
    trajectories: int = setting(200, at_least=1, at_most=10**6)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    seed: int = setting(0, at_least=0, at_most=SEEDS)


@dataclass
class StudyConfig:
    """A study.

    Attributes:
        title: heading of the page.
        question: one sentence under it.
        resolution: points per axis of the fields.
        frames: frames per simulation.
        trajectories: trajectories per set.
        initial_condition: family of starts.
        seed: of the simulations.
        systems: name of a set of trajectories to its system, ranges and starts.
        render: colour map and range.
        encoders: name to encoder, in the order of the tables.
        reference: the modality that the others are compared with, normally the best of the pixels.
        analyses: which parts to do; see `ANALYSES`.
        settings: ``{analysis: {setting: value}}``, arguments of the analyses.
        splits: seeds of the division into outer folds (0, 1, ...).
        test: fraction of the simulations in one outer fold.
        batch_size: clips per forward pass.
        keep_grid: store the spatial tokens too (float16); the spatial head needs them.
        videos: simulations per set of which a video is written.
    """

    title: str = "A frozen video model and a field"
    question: str = "What does a frozen video model know of the physics, and is it more than pixels?"
    resolution: int = setting(64, at_least=4, at_most=10**5)
    frames: int = setting(32, at_least=4, at_most=10**6)
    trajectories: int = setting(200, at_least=8, at_most=10**6)
    initial_condition: str = "diverse"
    seed: int = setting(0, at_least=0, at_most=SEEDS)
    systems: dict[str, SetConfig] = field(default_factory=dict)
    render: RenderConfig = field(default_factory=RenderConfig)
    encoders: dict[str, EncoderConfig] = field(default_factory=dict)
    reference: str = "rgb16"
    analyses: list[str] = field(default_factory=lambda: ["parameters", "koopman", "falsification"])
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    splits: int = setting(5, at_least=1, at_most=1000)
    test: float = setting(0.25, above=0, below=1)
    batch_size: int = setting(8, at_least=1, at_most=10**6)
    keep_grid: bool = True
    videos: int = setting(1, at_least=0, at_most=10**6)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def read_study_config(values: Mapping[str, Any], source: str) -> StudyConfig:
    """A `StudyConfig` from plain data, checked.

    Raises:
        PhysrepError: an unknown key or name, a wrong type, or settings that do not go together.
    """
    config = construct(StudyConfig, values, source, EXAMPLE)
    check_config(config, source)
    return config


def check_config(config: StudyConfig, where: str) -> None:
    """Refuse what cannot work, before anything is simulated."""
    for name in (*config.systems, *config.encoders):
        check_path_name(name, f"{where}: a set's or encoder's name")
    check_unique_names(config.systems, f"{where}: systems: two sets")
    check_unique_names(config.encoders, f"{where}: encoders: two encoders")
    if not config.systems or not config.encoders:
        raise PhysrepError(f"{where}: a study needs at least one set and one encoder; see {EXAMPLE}.")
    for name in config.analyses:
        if name not in ANALYSES:
            raise PhysrepError(f"{where}: analyses: there is no {name!r}; {nearest(name, list(ANALYSES))}")
        if name in ("classification", "naming") and len(config.systems) < 2:
            raise PhysrepError(f"{where}: analyses: {name} needs at least two sets, this study has one.")
    for name in config.settings:
        if name not in ANALYSES:
            raise PhysrepError(f"{where}: settings: there is no {name!r}; {nearest(name, list(ANALYSES))}")
    if config.reference not in config.encoders:
        raise PhysrepError(
            f"{where}: reference is {config.reference!r}, which is no encoder of this study; "
            f"{nearest(config.reference, list(config.encoders))}"
        )
    check_ranges(config, source=where)
    for name, own in config.systems.items():
        _check_set(name, own, config, where)
    for name, encoder in config.encoders.items():
        _check_encoder(name, encoder, config, where)
    _check_range(config.render.colour_range, f"{where}: render")


def _check_set(name: str, own: SetConfig, config: StudyConfig, where: str) -> None:
    from ..systems import SYSTEMS

    place = f"{where}: systems.{name}"
    known = [*SYSTEMS, FTCS]
    if own.system not in known:
        raise PhysrepError(f"{place}: there is no system {own.system!r}; {nearest(own.system, known)}")
    if own.system != FTCS and len(SYSTEMS[own.system].axes) != 2:
        raise PhysrepError(f"{place}: {own.system} is not two-dimensional, so there is no picture of it.")
    if own.grid is not None and own.grid % config.resolution:
        raise PhysrepError(f"{place}: grid {own.grid} must be a multiple of the resolution {config.resolution}.")
    if own.matched_to is not None:
        partner = config.systems.get(own.matched_to)
        if partner is None or partner.matched_to is not None or own.system != "heat":
            raise PhysrepError(
                f"{place}: matched_to {own.matched_to!r}: only a set of heat can be matched, and to another set of "
                f"this study that is not matched itself; known: {', '.join(config.systems)}."
            )
        if own.trajectories not in (None, partner.trajectories):
            raise PhysrepError(f"{place}: trajectories follow from the partner's {own.matched_to!r}; leave them out.")
        for key in ("ranges", "initial_condition", "save_dt", "grid"):
            if getattr(own, key):
                raise PhysrepError(f"{place}: {key} follows from the partner {own.matched_to!r}; leave it out.")
    _check_range(own.colour_range, place)


def _check_range(value: list[float] | None, place: str) -> None:
    if value is not None and (len(value) != 2 or not value[0] < value[1]):
        raise PhysrepError(f"{place}: colour_range is {value}; give [low, high] with low < high.")


def _check_encoder(name: str, encoder: EncoderConfig, config: StudyConfig, where: str) -> None:
    place = f"{where}: encoders.{name}"
    if encoder.kind == "pixels":
        from ..learners.video_pixels import PIXELS

        if encoder.source not in PIXELS:
            raise PhysrepError(f"{place}: there are no pixels {encoder.source!r}; {nearest(encoder.source, PIXELS)}")
        return
    if encoder.kind in ("vjepa2", "run", "pretrain") and not encoder.source:
        what = {"vjepa2": "a folder or hub id", "run": "a run directory", "pretrain": "a learner"}[encoder.kind]
        raise PhysrepError(f"{place}: source is missing; name {what}.")
    if encoder.kind in ("pretrain", "statistics"):
        encoder.training.check()
        if encoder.num_frames > config.frames:
            raise PhysrepError(f"{place}: num_frames {encoder.num_frames} must not exceed frames {config.frames}.")
