"""Encoder and readout together: arrays in, a table of parameters with intervals and verdicts out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..clip import Clip
from ..data.convert import from_xarray
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
        periodic: Sequence[bool] | bool | None = None,
        stride: int | None = None,
    ) -> pandas.DataFrame:
        """One row per trajectory and parameter, with the columns of the command's table.

        Args:
            data: trajectories as an array ``(N, T, C, H, W)`` or ``(T, C, H, W)``; a `Clip` of windows of one
                trajectory; a data set or array of xarray with the dimensions (sample,) time and space, one variable
                per channel; or paths of files, as `physrep predict` takes them.
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
        for recording in self.recordings(data, dt=dt, dx=dx, channels=channels, periodic=periodic, stride=stride):
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

    def recordings(
        self,
        data: Any,
        *,
        dt: float | None = None,
        dx: Sequence[float] | float | None = None,
        channels: Sequence[str] | None = None,
        periodic: Sequence[bool] | bool | None = None,
        stride: int | None = None,
    ) -> list[Recording]:
        """The windows of every trajectory, as the encoder reads them; arguments and errors as of `predict`."""
        stride = stride or self.readout.background.stride
        if isinstance(data, Clip):
            return [Recording("clip", 0, data, {}, [])]
        if isinstance(data, (str, Path)) or (isinstance(data, (list, tuple)) and isinstance(data[0], (str, Path))):
            places = [data] if isinstance(data, (str, Path)) else data
            return list(recordings(places, self._data, self.learner.num_frames, stride, self._data.frame_step))
        if hasattr(data, "coords"):
            data, dt, dx, channels = _from_xarray(data, dt, dx, channels)
        return self._from_array(np.asarray(data), dt, dx, channels, periodic, stride)

    def _from_array(
        self,
        array: np.ndarray,
        dt: float | None,
        dx: Sequence[float] | float | None,
        channels: Sequence[str] | None,
        periodic: Sequence[bool] | bool | None,
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
        first, second = np.broadcast_to(True if periodic is None else np.asarray(periodic, dtype=bool), (2,)).tolist()
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
                periodic=(first, second),
                trajectory=torch.zeros(len(starts), dtype=torch.int64),
                start=torch.tensor(starts),
            )
            found.append(Recording("array", number, clip, {}, [start * float(dt) for start in starts]))
        return found


def load_readout(run: str | Path, probe: str | None = None) -> Instrument:
    """The instrument that a run directory holds; see `Instrument` for arguments and errors."""
    return Instrument(run, probe)


def _from_xarray(
    data: Any, dt: float | None, dx: Sequence[float] | float | None, channels: Sequence[str] | None
) -> tuple[np.ndarray, float, tuple[float, ...], list[str]]:
    """Array ``(N, T, C, H, W)``, dt, dx and channels; dimensions are found by name (see `from_xarray`)."""
    unknown = [str(axis) for axis in data.dims if axis not in data.coords and str(axis) not in ("sample", "trajectory")]
    if unknown and (dt is None or dx is None):
        raise PhysrepError(f"the dimension {unknown[0]} has no coordinates; give dt and dx.")
    spacing = None if dx is None else np.broadcast_to(np.asarray(dx, dtype=np.float64), (2,)).tolist()
    found = from_xarray(data, dt=dt, dx=spacing, name="xarray")
    names = list(channels) if channels is not None else list(found.fields)
    missing = [name for name in names if name not in found.fields]
    if missing:
        raise PhysrepError(f"there is no variable {missing[0]!r}; there are {', '.join(found.fields)}.")
    array = np.stack([found.fields[name].numpy() for name in names], axis=2)
    steps = tuple(float(points[1] - points[0]) for points in found.coordinates.values())
    return array, float(found.time[1] - found.time[0]), steps, names
