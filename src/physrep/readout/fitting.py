"""From a probe that was scored to a readout that can be asked: what `physrep probe` and benchmarks both do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PhysrepError
from ..probes.nested import fold_stores, pooled_store
from .background import Background
from .readout import Readout
from .storage import save_readout

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..probes import Predictions, Probe
    from ..tokens import LabelScaler, TokenStore
    from ..tokens.protocol import Division


class Readouts:
    """Readouts of one frozen learner; what does not depend on the probe is computed once, when the first is written.

    Args:
        learner: frozen.
        stores, splits: its tokens, and the clips, of train, valid and test.
        scaler: of the labels.
        stride: distance between the starts of windows.
        run: run directory that keeps the readouts.
        spectra: folder that keeps the spectra of the data set.
        division: of nested cross-validation, where the benchmark has that protocol.
    """

    def __init__(
        self,
        learner: Learner,
        stores: Mapping[str, TokenStore],
        splits: Mapping[str, ClipDataset],
        scaler: LabelScaler,
        stride: int,
        run: str | Path,
        spectra: str | Path,
        division: Division | None = None,
    ) -> None:
        self.learner, self.stores, self.splits, self.scaler = learner, stores, splits, scaler
        self.stride, self.run, self.spectra, self.division = stride, Path(run), Path(spectra), division
        self._background: Background | None = None

    def write(
        self,
        name: str,
        probe: Probe | None,
        predicted: Mapping[str, Predictions],
        make: Callable[[], Probe] | None = None,
    ) -> bool:
        """Store what `physrep predict` needs; a probe that cannot be stored is said in a line, its scores stand.

        Args:
            name: of the probe.
            probe: fitted; None for a learner's own reading, and where ``make`` is given.
            predicted: of valid and test.
            make: gives an unfitted probe, for nested cross-validation: none of its probes has seen the whole pool, so
                one is fitted to all folds but the first, on which it chooses. The intervals come from predictions out
                of fold, by probes that saw less, and are therefore rather too wide.

        Returns:
            Whether there is a readout now.
        """
        try:
            if make is not None and self.division is not None:
                probe = self._of_pool(make, self.division)
            if self._background is None:
                self._background = Background.of(
                    self.learner, self.stores, self.splits, self.scaler, self.stride, self.spectra, self.division
                )
            save_readout(Readout.fit(name, probe, predicted, self._background), self.run)
            return True
        except PhysrepError as error:
            text = f"{self.run.name}: no readout for `physrep predict` is stored: {error}"
            print(text, file=sys.stderr, flush=True)
            return False

    def _of_pool(self, make: Callable[[], Probe], division: Division) -> Probe:
        whole = pooled_store([self.stores[split] for split in division.pool])
        parts = fold_stores(whole, np.where(division.folds[0] == 0, 1, 2), test=0, valid=1)
        labels = {s: self.scaler.transform(p.labels, p.parameter_names).float() for s, p in parts.items()}
        return make().fit(parts["train"].tokens, labels["train"], parts["valid"].tokens, labels["valid"])
