"""Readouts as files of a run directory: tensors and plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import PhysrepError, one_line
from ..files import read_record, readable, write_record, write_tensors
from ..learners.spectra import Spectra
from ..probes.partial import PartialProbe
from ..tokens import LabelScaler
from .background import Background
from .conformal import Conformal
from .readout import Readout
from .remedy import FIT, RESULTS, making_command, no_readout, readout_names
from .state import pack, unpack


def save_readout(readout: Readout, run: str | Path) -> None:
    """Write ``readout_NAME.safetensors`` and ``readout_NAME.json``.

    Args:
        readout: a fitted readout with its intervals.
        run: run directory.

    Raises:
        PhysrepError: the probe holds something that is neither a tensor nor plain data.
    """
    tensors: dict[str, Tensor] = {}
    background, spectra = readout.background, readout.background.spectra
    content = {
        "name": readout.name,
        "probe": pack(readout.probe, tensors, "probe"),
        "probe_class": _path_of(readout.probe),
        # The order of the probe's columns, which the keys of a JSON object do not keep.
        "parameters": list(background.scaler.names),
        "scaler": background.scaler.to_dict(),
        "ranges": background.ranges,
        **{level: _intervals(getattr(readout, level), tensors, level) for level in ("windows", "trajectories")},
        "novelty": pack(background.novelty, tensors, "novelty"),
        "neighbours": pack(background.neighbours, tensors, "neighbours"),
        "spectra": {
            "num_frames": spectra.num_frames,
            "channels": list(spectra.channels),
            "mean": spectra.field_mean.tolist(),
            "std": spectra.field_std.tolist(),
        },
        "grid": background.grid,
        "stride": background.stride,
        "quality": readout.quality,
        "valid": readout.valid,
        "false_alarms": list(readout.false_alarms),
    }
    write_tensors(Path(run) / f"readout_{readout.name}.safetensors", tensors)
    write_record(Path(run) / f"readout_{readout.name}.json", content)


def chosen_run(folder: str | Path) -> Path:
    """The run directory to ask: the folder itself, or, in one of `physrep fit`, the run that was chosen.

    Raises:
        PhysrepError: a benchmark, of which one run must be named, or a fit that has not finished.
    """
    folder = Path(folder)
    if (folder / FIT).is_file():
        name = read_record(folder / FIT).get("chosen")
        if not name:
            raise PhysrepError(f"{folder}: the fit has not finished; call `physrep fit` again, it goes on.")
        return folder / "runs" / name
    if (folder / "runs").is_dir() and (folder / RESULTS).is_file():
        runs = sorted(path.name for path in (folder / "runs").iterdir() if readout_names(path))
        if not runs:
            raise no_readout(folder)
        raise PhysrepError(f"{folder}: is a benchmark; name one of its runs: {folder}/runs/ + {', '.join(runs)}.")
    return folder


def read_readout(run: str | Path, name: str | None = None) -> Readout:
    """A stored readout; the one with the lowest error on valid where none is named.

    Args:
        run: run directory of `physrep probe`, or one below ``runs/`` of a benchmark.
        name: of its probe.

    Raises:
        PhysrepError: there is none, none of that name, or it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    run, names = Path(run), readout_names(run)
    if not names:
        raise no_readout(run)
    if name is not None and name not in names:
        raise PhysrepError(f"{run}: holds no readout of the probe {name!r}; it has {', '.join(names)}.")
    stored = {
        key: read_record(run / f"readout_{key}.json", "name", "probe", "spectra", "valid")
        for key in ([name] if name else names)
    }
    chosen = min(stored, key=lambda key: stored[key].get("valid", float("inf")))
    content, file = stored[chosen], run / f"readout_{chosen}.safetensors"
    try:
        return _readout(content, load_file(readable(file)))
    except PhysrepError:
        raise
    except (OSError, SafetensorError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise PhysrepError(
            f"{file}: is no complete readout of this version ({one_line(error, 120)}); delete readout_* of {run}, then "
            f"`{making_command(run)} makes it again."
        ) from error


def _readout(content: dict[str, Any], tensors: dict[str, Tensor]) -> Readout:
    own = content["spectra"]
    spectra = Spectra(len(own["channels"]), int(own["num_frames"]))
    spectra.set_normalisation(own["channels"], own["mean"], own["std"])
    background = Background(
        LabelScaler.from_dict(content["scaler"], content["parameters"]),
        {key: (float(low), float(high)) for key, (low, high) in content["ranges"].items()},
        content["grid"],
        int(content["stride"]),
        spectra.eval(),
        unpack(content["novelty"], tensors),
        unpack(content["neighbours"], tensors),
    )
    edge, outside = content["false_alarms"]
    return Readout(
        content["name"],
        background,
        _conformal(content["windows"], tensors),
        _conformal(content["trajectories"], tensors),
        unpack(content["probe"], tensors, content["probe_class"]),
        float(content["quality"]),
        float(content["valid"]),
        (float(edge), float(outside)),
    )


def _intervals(found: Conformal, tensors: dict[str, Tensor], level: str) -> dict[str, Any]:
    return {**vars(found), "local": pack(found.local, tensors, f"{level}.local")}


def _conformal(content: dict[str, Any], tensors: dict[str, Tensor]) -> Conformal:
    local = unpack(content.get("local", {"list": []}), tensors)
    return Conformal(**{**content, "local": local})


def _path_of(probe: Any) -> str | None:
    own = probe.probe if isinstance(probe, PartialProbe) else probe
    return None if own is None else f"{type(own).__module__}:{type(own).__qualname__}"
