"""Encoder and readout together: arrays in, a table of parameters with intervals and verdicts out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clip import Clip
from ..run_directory import load_run, run_data
from .array_axes import ArrayAxes, WindowShape, array_recordings
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

    def predict(self, data: Any, **axes: Any) -> pandas.DataFrame:
        """One row per trajectory and parameter, with the columns of the command's table.

        Args:
            data: trajectories as an array ``(N, T, C, H, W)`` or ``(T, C, H, W)``; a `Clip` of windows of one
                trajectory; a data set or array of xarray with the dimensions (sample,) time and space, one variable
                per channel; or paths of files, as `physrep predict` takes them.
            axes: ``dt`` and ``dx`` of an array, and what else `ArrayAxes` has.

        Raises:
            PhysrepError: what is missing, or an array of another shape.
        """
        import pandas

        rows = []
        for recording in self.recordings(data, **axes):
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

    def recordings(self, data: Any, **axes: Any) -> list[Recording]:
        """The windows of every trajectory, as the encoder reads them; arguments and errors as of `predict`."""
        given = ArrayAxes.of(axes)
        stride, frames, step = (
            given.stride or self.readout.background.stride,
            self.learner.num_frames,
            self._data.frame_step,
        )
        if isinstance(data, Clip):
            return [Recording("clip", 0, data, {}, [])]
        if isinstance(data, (str, Path)) or (isinstance(data, (list, tuple)) and isinstance(data[0], (str, Path))):
            places = [data] if isinstance(data, (str, Path)) else data
            return list(recordings(places, self._data, frames, stride, step))
        return array_recordings(data, given, WindowShape(self.learner.channels, frames, step, stride))


def load_readout(run: str | Path, probe: str | None = None) -> Instrument:
    """The instrument that a run directory holds; see `Instrument` for arguments and errors.

    Args:
        run: run directory, or the folder of `physrep fit`.
        probe: which stored probe; default the best on valid.
    """
    return Instrument(run, probe)
