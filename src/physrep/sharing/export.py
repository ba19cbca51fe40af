"""A run as a program that needs no physrep: torch.export or ONNX, with a small JSON file that says what goes in.

The program takes raw fields float32 ``(B, C, T, H, W)``, channels in the order of the JSON file, and normalises them
itself. After it is written it is loaded by another Python, in which physrep cannot be imported, and must give what the
run gives on the same windows.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.config import DataConfig
from ..errors import PhysrepError, one_line
from ..files import atomic_path, write_json
from ..learners.base import Learner
from ..learners.joined import joining
from ..leftovers import temporary_folder
from ..nn.plain import plain_operators
from ..readout.storage import read_readout
from ..run_directory import load_run, run_data
from .exported import ExportedEncoder, ExportedReadout, ExportedWindow

FORMATS = {"torch": ".pt2", "onnx": ".onnx"}
TOLERANCE = {"torch": 1e-5, "onnx": 1e-3}
"""Largest difference from the run, in standard deviations of an output, that is still called equal."""

CHECK = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "physrep":
            raise ImportError("physrep is not to be imported here")
sys.meta_path.insert(0, Refused())
import numpy as np
program, inputs, outputs = sys.argv[1:]
fields = np.load(inputs)
if program.endswith(".onnx"):
    import onnxruntime
    session = onnxruntime.InferenceSession(program, providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: fields})
else:
    import torch
    found = torch.export.load(program).module()(torch.from_numpy(fields))
    found = [part.numpy() for part in (found if isinstance(found, (tuple, list)) else [found])]
np.savez(outputs, *found)
assert "physrep" not in sys.modules
"""
"""What the other Python runs: program, file of fields, file of outputs."""


def export(
    run: str | Path,
    out: str | Path | None = None,
    *,
    format: str = "torch",
    with_readout: bool = False,
    probe: str | None = None,
    data: str | None = None,
) -> dict[str, Any]:
    """Write a run as ``NAME.pt2`` (or ``.onnx``) and ``NAME.json``, and prove that it gives the same elsewhere.

    Args:
        run: run directory.
        out: the program; default ``encoder`` with the suffix of the format, in the run directory.
        format: ``torch`` or ``onnx`` (needs ``physrep[onnx]``).
        with_readout: give the physical parameters of every window with their interval as well.
        probe: whose readout; default the best on valid.
        data: data set, where that of the run has moved.

    Returns:
        What the JSON file holds, with ``program``, its path.

    Raises:
        PhysrepError: the encoder or its readout is no program of torch operations, there is no readout, or the program
            gives something else than the run.
    """
    if format not in FORMATS:
        raise PhysrepError(f"--format is {format!r}; use {' or '.join(FORMATS)}.")
    if format == "onnx":
        _need_onnx()
    run = Path(run)
    learner, config = load_run(run)
    if joining(learner) is not None:
        raise PhysrepError(
            f"{run}: joins the windows of a trajectory, and a program is given one window at a time; ask it by "
            "`physrep predict`, or export a run with join_windows false."
        )
    path = Path(out) if out is not None else run / f"encoder{FORMATS[format]}"
    if path.suffix != FORMATS[format]:
        raise PhysrepError(f"{path}: a program of --format {format} has the suffix {FORMATS[format]}; name it so.")
    window, examples = _windows(learner, run_data(config, data))
    module = _module(run, learner, window, with_readout, probe)
    wanted = _of_module(module, examples)
    with plain_operators(), torch.no_grad():
        program, free = _traced(module.eval(), examples, config["learner"])
    compared = examples if free else examples[:1]
    with temporary_folder(path.name, path.parent) as folder:
        made = folder / path.name
        _write(program, made, module, examples, format, free)
        difference = _verify(made, path, compared, [part[: len(compared)] for part in wanted], format)
        # Only what was proved takes the place of an earlier program.
        with atomic_path(path) as temporary:
            made.replace(temporary)
    description = _description(module, window, free, config, format, learner, with_readout) | {"difference": difference}
    write_json(path.with_suffix(".json"), description)
    return {**description, "program": str(path)}


def _windows(learner: Learner, data: DataConfig) -> tuple[ExportedWindow, Tensor]:
    """What the run's windows are, and up to three of valid as raw fields."""
    train = data.open("train")
    frames = learner.num_frames
    starts = train.windows(frames, frames, data.frame_step)[:3]
    clip = train.clip(starts, frames, data.frame_step)
    channels = learner.channels or clip.channels
    missing = [name for name in channels if name not in clip.channels]
    if missing:
        raise PhysrepError(f"{data.path}: has no channel {missing[0]!r}, which the run reads; give its --data.")
    fields = clip.fields[:, [clip.channels.index(name) for name in channels]].float().contiguous()
    if any(points is not None for points in clip.coordinates):
        raise PhysrepError(f"{data.path}: has an uneven grid, which a program does not keep; use `physrep predict`.")
    return ExportedWindow(tuple(channels), frames, tuple(fields.shape[3:]), clip.dt, clip.dx, clip.periodic), fields


def _module(
    run: Path, learner: Learner, window: ExportedWindow, with_readout: bool, probe: str | None
) -> ExportedEncoder:
    if not with_readout:
        return ExportedEncoder(learner, window)
    readout = read_readout(run, probe)
    if readout.probe is None:
        raise PhysrepError(
            f"{run}: its readout {readout.name!r} is the learner's own, not a probe of tokens; name a --probe, or "
            "leave --with-readout out."
        )
    return ExportedReadout(learner, window, readout)


@torch.no_grad()
def _of_module(module: ExportedEncoder, fields: Tensor) -> list[np.ndarray]:
    found = module(fields)
    return [part.numpy() for part in (found if isinstance(found, tuple) else (found,))]


def _traced(module: ExportedEncoder, fields: Tensor, learner: str) -> tuple[Any, bool]:
    """The program, and whether its batch may be of any size; else it takes single windows.

    torch cannot follow what leaves its tensors (NumPy, SciPy, sizes that hang on values): then there is no program.
    """
    reason = ""
    for free in (True, False):
        example = fields[:2] if free else fields[:1]
        shapes = ({0: torch.export.Dim("batch", min=1)},) if free else None
        try:
            with _quiet():
                program = torch.export.export(module, (example,), dynamic_shapes=shapes, strict=False)
        except Exception as error:  # tracing raises whatever the code under it does
            reason = one_line(error, 160)
            continue
        own = sorted({str(node.target) for node in program.graph.nodes if node.op == "call_function"} & _own(program))
        if own:
            raise PhysrepError(f"learner {learner!r} uses operations that only physrep has ({own[0]}); not exported.")
        return program, free
    what = "with its readout " if isinstance(module, ExportedReadout) else ""
    raise PhysrepError(
        f"learner {learner!r} {what}is no program of torch operations, so it cannot be exported ({reason}); ask it by "
        "`physrep predict`, or export an encoder of torch."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch prints and logs of programs that it cannot follow: the error says it in one sentence."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _own(program: Any) -> set[str]:
    """Names of the operations of a program that torch itself does not bring."""
    known = ("aten", "prim", "prims", "_operator", "math", "builtins", "higher_order", "torch")
    names = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    return {name for name in names if "::" in name and not name.startswith(known)} | {
        name for name in names if name.startswith("physrep")
    }


def _write(program: Any, path: Path, module: ExportedEncoder, fields: Tensor, format: str, free: bool) -> None:
    if format == "torch":
        torch.export.save(program, path)
        return
    try:
        with _quiet():
            made = torch.onnx.export(program, dynamo=True, input_names=["fields"], output_names=list(module.outputs))
        assert made is not None
        made.save(str(path), external_data=False)
    except Exception as error:  # the exporter raises many kinds
        reason = one_line(error, 160)
        raise PhysrepError(f"{path.name}: ONNX cannot express the encoder ({reason}); use --format torch.") from error


def _verify(program: Path, path: Path, fields: Tensor, wanted: list[np.ndarray], format: str) -> float:
    """Largest difference of what another Python, without physrep, makes of the program, in standard deviations.

    Files lie beside the program, in its temporary folder; errors name ``path``, which it is to become.
    """
    folder = program.parent.resolve()
    inputs, outputs = folder / "fields.npy", folder / "outputs.npz"
    np.save(inputs, fields.numpy())
    # Isolated: neither the working folder nor PYTHONPATH is looked into.
    command = [sys.executable, "-I", "-c", CHECK, str(folder / program.name), str(inputs), str(outputs)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        reason = " ".join((done.stderr.strip().splitlines() or ["no reason"])[-1].split())[:200]
        raise PhysrepError(f"{path}: cannot be run without physrep ({reason}); this is a fault, please report it.")
    with np.load(outputs) as file:
        found = [file[name] for name in file.files]
    worst = 0.0
    for own, other in zip(wanted, found, strict=True):
        spread = float(own.std()) or 1.0
        worst = max(worst, float(np.abs(own.astype(np.float64) - other).max()) / spread)
    if not worst <= TOLERANCE[format]:
        raise PhysrepError(
            f"{path}: the program differs from the run by {worst:.2g} standard deviations, more than "
            f"{TOLERANCE[format]:g}; it was not kept."
        )
    return worst


def _description(
    module: ExportedEncoder,
    window: ExportedWindow,
    free: bool,
    config: Mapping[str, Any],
    format: str,
    learner: Learner,
    with_readout: bool,
) -> dict[str, Any]:
    known = {
        "format": format, "learner": config["learner"], "physrep": config.get("physrep"), "torch": torch.__version__,
        "input": {
            "name": "fields", "type": "float32", "axes": ["B", "C", "T", "H", "W"],
            "shape": ["any" if free else 1, *window.size],
            "channels": list(window.channels), "values": "raw: the program normalises them itself",
            "mean": learner.field_mean.tolist(), "std": learner.field_std.tolist(),
            "dt": window.dt, "dx": list(window.dx), "periodic": list(window.periodic),
        },
        "outputs": list(module.outputs),
    }  # fmt: skip
    if with_readout and isinstance(module, ExportedReadout):
        scaler = module.scaler
        known["parameters"] = list(scaler.names)
        known["interval"] = "of a single window; that of a recording's mean is narrower, see `physrep predict`"
    return known


def _need_onnx() -> None:
    if not all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime")):
        raise PhysrepError("--format onnx needs onnxscript and onnxruntime; pip install physrep[onnx].")
