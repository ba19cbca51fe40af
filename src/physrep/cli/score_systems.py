"""`physrep score --systems`: one encoder on the data of several quick presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PhysrepError, nearest
from ..files import read_yaml
from ..settings import construct
from .presets import presets

if TYPE_CHECKING:
    from ..data.config import DataConfig
    from ..simulation import SimulationConfig

PREFIX = "quick"


def quick_systems() -> dict[str, Path]:
    """System to the quick preset that simulates it."""
    found = {}
    for name, path in presets().items():
        if name == PREFIX or name.startswith(f"{PREFIX}_"):
            found[read_yaml(path)["system"]] = path
    return found


def score_systems(
    encoder: Mapping[str, Any],
    names: Sequence[str],
    out: Path,
    simulation: Mapping[str, Any],
    view: Mapping[str, Any],
    shared: Mapping[str, Any],
) -> int:
    """Try the encoder on clips of every system, then simulate, score and print, system after system.

    What an encoder cannot be fed with is said and left out before anything is simulated.

    Args:
        encoder: as `physrep.benchmark.score.score` takes it.
        names: of systems, or ``all``.
        out: folder; each system has its own in it, and shares no data with others.
        simulation: settings that replace those of the presets.
        view: ``num_frames``, ``stride`` and ``fields``; None: those of the preset.
        shared: further arguments of `score`.

    Raises:
        PhysrepError: an unknown system, settings that do not fit, no system that the encoder can be fed with, or a
            system failed later; the others are scored first, and each that failed is named with its reason.
    """
    from ..benchmark.score import score
    from ..simulation import simulate
    from .score import table_lines

    asked = {name: _request(name, path, simulation, view) for name, path in chosen_systems(names).items()}
    refused = _refused(encoder, asked)
    found, failed = {}, {}
    for name, one in asked.items():
        if name in refused:
            continue
        print(f"{name}: windows of {one.num_frames} frames, every {one.stride} frames", flush=True)
        try:
            place = simulate(name, out / "data", one.simulation, device=shared["device"])
            data = replace(one.data, path=str(place))
            found[name] = score(encoder, data, out / name, num_frames=one.num_frames, stride=one.stride, **shared)
        except PhysrepError as error:
            failed[name] = str(error)
            print(f"{name}: failed, {error}", flush=True)
            continue
        print("\n".join([*table_lines(found[name]), ""]), flush=True)
    if found:
        print("\n".join(_table(found, _reasons("left out", refused) | _reasons("failed", failed))))
    if failed:
        listed = "; ".join(f"{name}: {text}" for name, text in failed.items())
        raise PhysrepError(f"{len(failed)} of {len(asked)} systems failed. {listed}")
    return 0


@dataclass(frozen=True)
class _Request:
    """What is simulated, and the windows that are taken of it."""

    simulation: SimulationConfig
    data: DataConfig
    num_frames: int
    stride: int


def chosen_systems(names: Sequence[str]) -> dict[str, Path]:
    """System to preset of what ``--systems`` names.

    Raises:
        PhysrepError: a name has no quick preset.
    """
    known = quick_systems()
    for name in names:
        if name not in ("all", *known):
            raise PhysrepError(f"--systems {name!r} has no quick preset; {nearest(name, ['all', *known])}")
    return known if "all" in names else {name: known[name] for name in names}


def _request(name: str, path: Path, simulation: Mapping[str, Any], view: Mapping[str, Any]) -> _Request:
    from ..benchmark.config import read_config
    from ..simulation import SimulationConfig
    from ..simulation.request import resolve_request

    config = read_config(read_yaml(path), str(path))
    asked = construct(SimulationConfig, {**vars(config.simulation), **simulation}, "--simulation", str(path))
    resolve_request(name, asked)  # settings that the system refuses are said before the first one is simulated
    data = replace(config.data, fields=view["fields"] or config.data.fields)
    return _Request(asked, data, view["num_frames"] or config.num_frames, view["stride"] or config.eval_stride)


def _refused(encoder: Mapping[str, Any], asked: Mapping[str, _Request]) -> dict[str, str]:
    """System to why the encoder cannot be fed with its clips.

    Raises:
        PhysrepError: none of them can.
    """
    from ..benchmark.feed import try_encoder
    from ..benchmark.plan import chosen_channels
    from ..training.clip_shape import shape_of_system

    refused = {}
    for name, one in asked.items():
        points = one.data.resolution or one.simulation.resolution
        shape = shape_of_system(name, points, one.simulation.save_dt, one.data.frame_step)
        try:
            try_encoder(encoder, chosen_channels(shape, one.data), one.num_frames)
        except PhysrepError as error:
            refused[name] = str(error)
            print(f"{name}: left out, {error}", flush=True)
    if len(refused) == len(asked):
        listed = "; ".join(f"{name}: {text}" for name, text in refused.items())
        raise PhysrepError(f"the encoder can be fed with no system, so nothing was simulated. {listed}")
    return refused


def _reasons(what: str, systems: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{what}: {text}" for name, text in systems.items()}


def _table(found: Mapping[str, Any], others: Mapping[str, str]) -> list[str]:
    """One line per system: the best floor, the encoder, the gain and the increment."""
    form = "{:<18} {:<18} {:>7} {:>8}  {:<26} {:<26}"
    rows = [form.format("system", "best floor", "floor", "encoder", "gain [95 %]", "increment [95 %]").rstrip()]
    for name, answer in found.items():
        floor = next(row for row in answer.rows if row.run == answer.floor)
        gain, more = ("{:+.3f} [{:+.3f}, {:+.3f}]".format(*part) for part in (answer.gain, answer.increment))
        scores = f"{floor.mse:.3f}", f"{answer.rows[-1].mse:.3f}"
        rows.append(form.format(name, floor.label, *scores, gain, more).rstrip())
    rows += [f"{name:<18} {text}" for name, text in others.items()]
    return [*rows, "test MSE of the z-scored parameters, 1 for a constant"]
