"""A request for a simulation, checked against its system and with the defaults of the system filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..data.splits import split_counts
from ..errors import PhysrepError, nearest
from ..files import content_hash, read_json
from ..ranges import check_ranges
from ..systems import SYSTEMS, System
from .config import MARK, SimulationConfig


@dataclass(frozen=True)
class Request:
    """A checked `SimulationConfig`.

    Attributes:
        settings: all settings with defaults filled in, as plain data.
        resolved: whether the grid resolves all of the ranges.
        partner: the settings of the data set that this one is matched to, or None.
    """

    settings: dict[str, Any]
    resolved: bool
    partner: dict[str, Any] | None = None

    @property
    def system(self) -> System:
        """The system."""
        return SYSTEMS[self.settings["system"]]

    @property
    def key(self) -> str:
        """Hash of the settings."""
        return content_hash(self.settings)


def known_system(name: str) -> System:
    """The system called ``name``, or a `PhysrepError` with the nearest name."""
    if name not in SYSTEMS:
        raise PhysrepError(f"there is no system {name!r}; {nearest(name, list(SYSTEMS))}")
    return SYSTEMS[name]


def resolve_request(name: str, config: SimulationConfig) -> Request:
    """Check ``config`` for the system called ``name``.

    Raises:
        PhysrepError: an unknown name, a bad value, or a range that the grid does not resolve.
    """
    system = known_system(name)
    check_ranges(config, name)
    partner = None
    if config.matched_to is not None:
        partner = _partner(config.matched_to)
        config = _like(config, partner)
    resolution = list(system.check_resolution(config.resolution or system.resolution))
    split_counts(config.trajectories, config.splits)
    options = system.check_options(config.options)
    limits = system.option_limits(resolution, options)
    ranges = {**_clipped(system.default_ranges(resolution), limits), **{k: tuple(v) for k, v in config.ranges.items()}}
    for key, value in ranges.items():
        if len(value) != 2:
            raise PhysrepError(f"{name}: range of {key} is {list(value)}; give [low, high].")
    for key, (low, high) in limits.items():
        if ranges[key][0] < low or ranges[key][1] > high * (1 + 1e-9):
            chosen = ", ".join(f"{name}={value}" for name, value in options.items())
            raise PhysrepError(
                f"{name}: with {chosen} this grid allows {key} in [{low:.4g}, {high:.4g}], not {list(ranges[key])}; "
                "take a finer grid, a smaller range or another option."
            )
    complaint = system.check_ranges(resolution, ranges)
    if complaint and not config.allow_underresolved:
        raise PhysrepError(f"{complaint}; {finer_grid(system, resolution, ranges)}, or --allow-underresolved.")
    family = config.initial_condition or system.initial_conditions[0]
    if family not in system.initial_conditions:
        raise PhysrepError(
            f"{name}: there is no initial condition {family!r}; {nearest(family, list(system.initial_conditions))}"
        )
    settings = {
        **asdict(config),
        "system": name,
        "resolution": resolution,
        "frames": config.frames or system.frames,
        "save_dt": config.save_dt or system.save_dt,
        "initial_condition": family,
        "options": options,
        "ranges": {key: [float(v) for v in value] for key, value in ranges.items()},
        "matched_to": None if partner is None else content_hash(partner),
    }
    if config.test_seed is None:
        del settings["test_seed"]  # as in data sets from before there was one
    elif config.test_seed == config.seed:
        raise PhysrepError(f"{name}: test_seed is {config.test_seed}, as seed; give another one, or leave it out.")
    elif partner is not None:
        raise PhysrepError("matched_to: test_seed follows from the partner's data set; leave it out.")
    if config.replicates == 1:
        del settings["replicates"]  # as in data sets from before there were any
    elif partner is not None:
        raise PhysrepError("matched_to: parameters follow from the partner's data set; leave replicates out.")
    return Request(settings, resolved=complaint is None, partner=partner)


def _clipped(
    ranges: Mapping[str, tuple[float, float]], limits: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, ...]]:
    """``ranges`` inside ``limits``; a range that would be empty stays, and is then complained of."""
    inside: dict[str, tuple[float, ...]] = dict(ranges)
    for key, (low, high) in limits.items():
        clipped = (max(low, ranges[key][0]), min(high, ranges[key][1]))
        if clipped[0] < clipped[1]:
            inside[key] = clipped
    return inside


def finer_grid(system: System, resolution: list[int], ranges: Mapping[str, Sequence[float]]) -> str:
    """What would do: the first of a few doublings of the grid that resolves ``ranges``."""
    for doubling in (2, 4, 8):
        finer = [doubling * n for n in resolution]
        if system.check_ranges(finer, ranges) is None:
            return f"take --resolution {' '.join(map(str, finer))}, a smaller range"
    return "take a smaller range (8 times finer in each direction does not do)"


def _partner(folder: str) -> dict[str, Any]:
    path = Path(folder) / MARK
    if not path.exists():
        raise PhysrepError(f"{folder}: holds no {MARK}, so it is not a data set that physrep simulated.")
    return read_json(path)


def _like(config: SimulationConfig, partner: dict[str, Any]) -> SimulationConfig:
    """The settings of a matched partner, which must not be given a second time."""
    shared = ("trajectories", "resolution", "frames", "save_dt", "seed", "initial_condition", "splits", "per_file")
    default = SimulationConfig()
    for name in (*shared, "ranges"):
        if getattr(config, name) != getattr(default, name):
            raise PhysrepError(f"matched_to: {name} follows from the partner's data set; leave it out.")
    return SimulationConfig(
        **{name: partner[name] for name in shared},
        options=config.options,
        precision=config.precision,
        allow_underresolved=config.allow_underresolved,
        matched_to=config.matched_to,
    )
