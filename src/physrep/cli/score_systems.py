"""`physrep score --systems`: one encoder on the data of several quick presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PhysrepError, nearest
from ..files import read_yaml
from ..settings import construct
from .presets import presets

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
    """Simulate, score and print, system after system; what an encoder cannot read is said and left out.

    Args:
        encoder: as `physrep.benchmark.score.score` takes it.
        names: of systems, or ``all``.
        out: folder; each system has its own in it, and shares no data with others.
        simulation: settings that replace those of the presets.
        view: ``num_frames``, ``stride`` and ``fields``; None: those of the preset.
        shared: further arguments of `score`.

    Raises:
        PhysrepError: an unknown system, or none could be scored.
    """
    from ..benchmark.config import read_config
    from ..benchmark.score import score
    from ..simulation import SimulationConfig, simulate
    from .score import lines

    known = quick_systems()
    chosen = list(known) if list(names) == ["all"] else list(dict.fromkeys(names))
    for name in chosen:
        if name not in known:
            raise PhysrepError(f"--systems {name!r} has no quick preset; {nearest(name, ['all', *known])}")
    found, refused = {}, {}
    for name in chosen:
        config = read_config(read_yaml(known[name]), str(known[name]))
        asked = construct(SimulationConfig, {**vars(config.simulation), **simulation}, "--simulation", str(known[name]))
        place = simulate(config.system, out / "data", asked, device=shared["device"])
        data = replace(config.data, path=str(place), fields=view["fields"] or config.data.fields)
        frames, stride = view["num_frames"] or config.num_frames, view["stride"] or config.eval_stride
        print(f"{name}: windows of {frames} frames, every {stride} frames", flush=True)
        try:
            found[name] = score(encoder, data, out / name, num_frames=frames, stride=stride, **shared)
        except PhysrepError as error:
            refused[name] = str(error)
            print(f"{name}: left out, {error}", flush=True)
            continue
        print("\n".join([*lines(found[name]), ""]), flush=True)
    if not found:
        raise PhysrepError(f"the encoder could be scored on no system ({next(iter(refused.values()))})")
    print("\n".join(_table(found, list(refused))))
    return 0


def _table(found: Mapping[str, Any], refused: Sequence[str]) -> list[str]:
    """One line per system: the best floor, the encoder, the gain and the increment."""
    form = "{:<18} {:<18} {:>7} {:>8}  {:<26} {:<26}"
    rows = [form.format("system", "best floor", "floor", "encoder", "gain [95 %]", "increment [95 %]").rstrip()]
    for name, answer in found.items():
        floor = next(row for row in answer.rows if row.run == answer.floor)
        gain, more = ("{:+.3f} [{:+.3f}, {:+.3f}]".format(*part) for part in (answer.gain, answer.increment))
        scores = f"{floor.mse:.3f}", f"{answer.rows[-1].mse:.3f}"
        rows.append(form.format(name, floor.label, *scores, gain, more).rstrip())
    rows += [f"{name:<18} left out" for name in refused]
    return [*rows, "test MSE of the z-scored parameters, 1 for a constant"]
