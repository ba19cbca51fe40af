"""Encoder and readout together: arrays in, a table of parameters with intervals and verdicts out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clip import Clip
from ..run_directory import load_run, run_data
from .array_axes import ArrayAxes, WindowShape, array_recordings
from .posteriors import run_posterior
from .recordings import Recording, recordings
from .storage import chosen_run, read_readout

if TYPE_CHECKING:
    import pandas

    from ..learners.base import Learner
    from ..posterior import TokenPosterior
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
        self.run = chosen_run(run)
        self.learner, self._config = load_run(self.run)
        self.readout = read_readout(self.run, probe)
        self._posteriors: dict[str, TokenPosterior] = {}
        self._data = run_data(self._config)

    def predict(self, data: Any, **axes: Any) -> pandas.DataFrame:
        """One row per trajectory and parameter, with the columns of the command's table.

        Args:
            data: trajectories as an array ``(N, T, C, H, W)`` or ``(T, C, H, W)``, with as many
                axes of space as the encoder was trained on; a `Clip` of windows of one
                trajectory; a data set or array of xarray with the dimensions (sample,) time and space, one variable
                per channel; or paths of files, as `physrep predict` takes them.
            axes: ``dt`` and ``dx`` of an array, and what else `ArrayAxes` has.

        Raises:
            PhysrepError: what is missing, or an array of another shape.
        """
        import pandas

        rows = []
        for recording in self.recordings(data, **axes):
            answer = self.ask(recording.clip, units=recording.units)
            for k, name in enumerate(answer.parameters):
                numbers = {"estimate": answer.estimate[k], "low": answer.low[k], "high": answer.high[k]}
                place = {"source": recording.source, "trajectory": recording.trajectory, "parameter": name}
                reasons = "; ".join(answer.reasons)
                rows.append({**place, **numbers, "inside": answer.word, "reasons": reasons})
        return pandas.DataFrame(rows)

    def posterior(self, data: Any, features: str = "tokens", draws: int = 1000, **axes: Any) -> pandas.DataFrame:
        """Draws of the posterior (extra ``posterior``): one row per trajectory and draw, one column per parameter.

        The posterior is fitted to the tokens of the run when it is first asked for, and kept in the run.

        Args:
            data, axes: as of `predict`.
            features: what it is given: ``tokens``, ``spectra`` or ``both``.
            draws: per trajectory.

        Raises:
            PhysrepError: as of `predict`; no tokens in the run, or `sbi` is not installed.
        """
        import pandas

        parts = []
        for recording in self.recordings(data, **axes):
            answer = self.ask(recording.clip, features, draws, recording.units)
            assert answer.posterior is not None
            part = pandas.DataFrame(answer.posterior.values, columns=list(answer.parameters))
            place = {"source": recording.source, "trajectory": recording.trajectory, "inside": answer.word}
            parts.append(part.assign(**place, draw=range(len(part))))
        found = pandas.concat(parts, ignore_index=True)
        return found.loc[:, ["source", "trajectory", "inside", "draw", *self.readout.scaler.names]]

    def ask(
        self, clip: Clip, posterior: str | None = None, draws: int = 1000, units: Mapping[str, str] | None = None
    ) -> Answer:
        """Everything that the readout says of the windows of one trajectory.

        Args:
            clip: the windows.
            posterior: features of a posterior to draw from too: ``tokens``, ``spectra`` or ``both``.
            draws: of it.
            units: that the recording states, by what they are of (`physrep.data.units`).
        """
        if posterior is None:
            return self.readout.ask(self.learner, clip, units=units)
        if posterior not in self._posteriors:
            self._posteriors[posterior] = run_posterior(self.run, self.readout, self._config, posterior)
        return self.readout.ask(self.learner, clip, (posterior, self._posteriors[posterior]), draws, units)

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
        space = len(self.readout.background.grid["shape"])
        shape = WindowShape(self.learner.channels, frames, step, stride, space)
        return array_recordings(data, given, shape)


def load_readout(run: str | Path, probe: str | None = None) -> Instrument:
    """The instrument that a run directory holds; see `Instrument` for arguments and errors.

    Args:
        run: run directory, or the folder of `physrep fit`.
        probe: which stored probe; default the best on valid.
    """
    return Instrument(run, probe)
