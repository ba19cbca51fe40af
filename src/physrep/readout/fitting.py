"""From a probe that was scored to a readout that can be asked: what `physrep probe` and benchmarks both do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PhysrepError
from ..probes.fit import fit_splits
from ..probes.nested import fold_stores, pooled_store
from ..probes.partial import for_labels, with_labels
from ..streams import say_line
from .background import Background
from .basis import Basis
from .held_out import HeldOut
from .readout import Readout
from .storage import save_readout

if TYPE_CHECKING:
    from ..probes import Predictions, Probe
    from ..tokens.protocol import Division


class Readouts:
    """Readouts of one frozen learner; what does not depend on the probe is computed once, when the first is written.

    Args:
        basis: the learner and its data.
        run: run directory that keeps the readouts.
    """

    def __init__(self, basis: Basis, run: str | Path) -> None:
        self.basis, self.run = basis, Path(run)
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
            predicted: of valid and test; what the intervals come from is said in `held_out`.
            make: gives an unfitted probe, for nested cross-validation: none of its probes has seen the whole pool, so
                one is fitted to all folds but the first, on which it chooses. The intervals come from predictions out
                of fold, by probes that saw less, and are therefore rather too wide.

        Returns:
            Whether there is a readout now.
        """
        try:
            if make is not None and self.basis.division is not None:
                probe = self._of_pool(make, self.basis.division)
            if self._background is None:
                self._background = Background.of(self.basis)
            held_out = HeldOut.of(probe, self.basis, predicted)
            if probe is not None:
                # It has served; a run does not keep it.
                probe.valid_grid_ = None
            save_readout(Readout.fit(name, probe, predicted, self._background, held_out), self.run)
            return True
        except PhysrepError as error:
            text = f"{self.run.name}: no readout for `physrep predict` is stored: {error}"
            say_line(text)
            return False

    def _of_pool(self, make: Callable[[], Probe], division: Division) -> Probe:
        whole = pooled_store([self.basis.stores[split] for split in division.pool])
        parts = fold_stores(whole, np.where(division.folds[0] == 0, 1, 2), test=0, valid=1)
        scaler = self.basis.scaler
        parts = {split: with_labels(part, scaler) for split, part in parts.items()}
        labels = {s: scaler.transform(p.labels, p.parameter_names, unknown="keep").float() for s, p in parts.items()}
        return fit_splits(for_labels(make(), parts, scaler), parts, labels)
