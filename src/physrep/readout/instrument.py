"""Encoder and readout together: arrays in, a table of parameters with intervals and verdicts out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..clip import Clip
from ..errors import PhysrepError
from ..run_directory import load_run, run_data
from .recordings import Recording, recordings
from .storage import chosen_run, read_readout

if TYPE_CHECKING:
    import pandas

    from ..learners.base import Learner
    from .answer import Answer
    from .readout import Readout


class Instrument:
    """A frozen learner and its readout, of one run directory.

    Args:
        run: run directory of `physrep probe`, one below ``runs/`` of a benchmark, or the folder of `physrep fit`.
        probe: which stored probe; default the best on valid.

    Raises:
        PhysrepError: the run holds no weights or no readout.
    """

    learner: Learner
    readout: Readout

    def __init__(self, run: str | Path, probe: str | None = None) -> None:
        run = chosen_run(run)
        self.learner, self._config = load_run(run)
        self.readout = read_readout(run, probe)
        self._data = run_data(self._config)

    def predict(
        self,
        data: Any,
        *,
        dt: float | None = None,
        dx: Sequence[float] | float | None = None,
        channels: Sequence[str] | None = None,
        periodic: Sequence[bool] | None = None,
        stride: int | None = None,
    ) -> pandas.DataFrame:
        """One row per trajectory and parameter, with the columns of the command's table.

        Args:
            data: trajectories as an array ``(N, T, C, H, W)`` or ``(T, C, H, W)``; a `Clip` of windows of one
                trajectory; a data set or array of xarray with the dimensions time, then space, one variable per
                channel; or paths of files, as `physrep predict` takes them.
            dt: time between frames; needed for arrays.
            dx: spacing per axis; needed for arrays.
            channels: names of the C channels; default those that the encoder reads, in its order.
            periodic: per axis; default periodic.
            stride: distance between the starts of windows; default that of the fit.

        Raises:
            PhysrepError: what is missing, or an array of another shape.
        """
        import pandas

        rows = []
        for recording in self._recordings(data, dt, dx, channels, periodic, stride or self.readout.background.stride):
            answer = self.ask(recording.clip)
            for k, name in enumerate(answer.parameters):
                numbers = {"estimate": answer.estimate[k], "low": answer.low[k], "high": answer.high[k]}
                place = {"source": recording.source, "trajectory": recording.trajectory, "parameter": name}
                reasons = "; ".join(answer.reasons)
                rows.append({**place, **numbers, "inside": answer.word, "reasons": reasons})
        return pandas.DataFrame(rows)

    def ask(self, clip: Clip) -> Answer:
        """Everything that the readout says of the windows of one trajectory."""
        return self.readout.ask(self.learner, clip)

    def _recordings(
        self,
        data: Any,
        dt: float | None,
        dx: Sequence[float] | float | None,
        channels: Sequence[str] | None,
        periodic: Sequence[bool] | None,
        stride: int,
    ) -> list[Recording]:
        if isinstance(data, Clip):
            return [Recording("clip", 0, data, {}, [])]
        if isinstance(data, (str, Path)) or (isinstance(data, (list, tuple)) and isinstance(data[0], (str, Path))):
            places = [data] if isinstance(data, (str, Path)) else data
            return list(recordings(places, self._data, self.learner.num_frames, stride, self._data.frame_step))
        if hasattr(data, "to_array") or hasattr(data, "coords"):
            data, dt, dx, channels = _from_xarray(data, dt, dx, channels)
        return self._from_array(np.asarray(data), dt, dx, channels, periodic, stride)

    def _from_array(
        self,
        array: np.ndarray,
        dt: float | None,
        dx: Sequence[float] | float | None,
        channels: Sequence[str] | None,
        periodic: Sequence[bool] | None,
        stride: int,
    ) -> list[Recording]:
        array = array[None] if array.ndim == 4 else array
        if array.ndim != 5:
            raise PhysrepError(
                f"the array has the shape {array.shape}; give (N, T, C, H, W), or (T, C, H, W) of one trajectory."
            )
        if dt is None or dx is None:
            raise PhysrepError("give dt, the time between frames, and dx, the spacing, with an array.")
        names = tuple(channels) if channels is not None else self.learner.channels
        if len(names) != array.shape[2]:
            raise PhysrepError(f"the array has {array.shape[2]} channels; name each of them with channels=[...].")
        if not np.isfinite(array).all():
            raise PhysrepError("the array holds NaN or infinity; leave these trajectories out.")
        frames, step = self.learner.num_frames, self._data.frame_step
        span = (frames - 1) * step + 1
        if array.shape[1] < span:
            raise PhysrepError(f"the array has {array.shape[1]} frames, but a window of this encoder needs {span}.")
        starts = list(range(0, array.shape[1] - span + 1, stride))
        spacing = np.broadcast_to(np.asarray(dx, dtype=np.float64), (2,)).tolist()
        found = []
        for number, trajectory in enumerate(array):
            fields = np.stack([trajectory[s : s + span : step].swapaxes(0, 1) for s in starts]).astype(np.float32)
            clip = Clip(
                fields=torch.from_numpy(fields),
                parameters=torch.empty(len(starts), 0, dtype=torch.float64),
                channels=names,
                parameter_names=(),
                dt=float(dt) * step,
                dx=tuple(spacing),
                periodic=tuple(periodic) if periodic is not None else (True, True),
                trajectory=torch.zeros(len(starts), dtype=torch.int64),
                start=torch.tensor(starts),
            )
            found.append(Recording("array", number, clip, {}, [start * float(dt) for start in starts]))
        return found


def load_readout(run: str | Path, probe: str | None = None) -> Instrument:
    """The instrument that a run directory holds; see `Instrument` for arguments and errors."""
    return Instrument(run, probe)


def _from_xarray(data: Any, dt: Any, dx: Any, channels: Any) -> tuple[np.ndarray, Any, Any, Any]:
    """Array ``(T, C, H, W)``, dt, dx and channels of a Dataset or DataArray with dimensions time and two of space."""
    if hasattr(data, "data_vars"):
        channels = list(data.data_vars) if channels is None else list(channels)
        first = data[channels[0]]
        array = np.stack([np.asarray(data[name]) for name in channels], axis=1)
    else:
        first, array = data, np.asarray(data)[:, None]
        channels = [str(data.name)] if channels is None and data.name else channels
    if first.ndim != 3:
        raise PhysrepError(f"the variable {first.name} has the dimensions {first.dims}; give (time, x, y).")
    known = [np.asarray(first[axis], dtype=np.float64) for axis in first.dims if axis in first.coords]
    steps = [float(np.diff(values).mean()) for values in known]
    if len(steps) == 3:
        dt, dx = steps[0] if dt is None else dt, tuple(steps[1:]) if dx is None else dx
    return array, dt, dx, channels
