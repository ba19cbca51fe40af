r"""From which errors the intervals come: those on trajectories that nothing of the readout was fitted or chosen on.

One rule for every run, the first that applies:

- **train**, if the encoder is a floor or an oracle, which saw no data, and the probe has a closed form: every training
  trajectory is predicted by a fit without it (`Probe.predict_left_out`). The settings were chosen on valid.
- **valid**, in folds, if the encoder learned from train: the weights were fitted on train, and of every fold the
  settings are those that are best on the other folds (`chosen_without`).
- **pool**, under nested cross-validation: every trajectory by the probe that had it neither in train nor in valid.
- **valid as it is**, for what a learner says by itself, and for a probe of the user's own that does not tell what its
  other settings predicted; the latter is said with every answer.

The half width of a conformal interval (`conformal`, `local_width`) is an order statistic of n errors, and its true
coverage is a draw of ``Beta(k, n + 1 - k)``: with 120 trajectories its standard deviation is 2.7 %, so that many errors
are worth more than any finer rule. Its promise is exact for errors of probes that saw none of these trajectories
(valid, but for the choice of settings); for those on train and the pool, of probes that differ a little from the one
that answers, it is that of the jackknife and of cross-conformal prediction, close to it for stable probes.

Source: Vovk, "Cross-conformal predictors", 2015, https://arxiv.org/abs/1208.0806; Barber et al., "Predictive inference
with the jackknife+", 2021, https://arxiv.org/abs/1905.02928.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..metrics import cluster_means
from ..probes.valid_grid import chosen_without
from .conformal import Conformal

if TYPE_CHECKING:
    from ..probes import Predictions, Probe
    from .basis import Basis

FOLDS = 10
TRAIN, VALID_FOLDS, VALID, POOL = "train", "valid folds", "valid", "pool"
"""`Conformal.source`."""


def valid_in_folds(probe: Probe, trajectory: np.ndarray, seed: int = 0) -> np.ndarray | None:
    """Predictions of valid ``(windows, P)``, each with the settings that are best on the other folds.

    Args:
        probe: fitted.
        trajectory: of every window of valid.
        seed: of the folds.

    Returns:
        None for a probe that does not tell what its other settings predicted.
    """
    if probe.valid_grid_ is None:
        return None
    names, index = np.unique(trajectory, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[index]
    return chosen_without(probe.valid_grid_, fold).numpy()


@dataclass(frozen=True)
class HeldOut:
    """Predictions whose errors make intervals.

    Attributes:
        prediction, target: z-scored, with shape ``(windows, P)``.
        trajectory: of every window.
        source: which of the cases above.
        fold: of every window of a pool, which is its own test; None where test is another split.
    """

    prediction: np.ndarray
    target: np.ndarray
    trajectory: np.ndarray
    source: str
    fold: np.ndarray | None = None

    @classmethod
    def of(cls, probe: Probe | None, basis: Basis, predicted: Mapping[str, Predictions], seed: int = 0) -> HeldOut:
        """By the rule above.

        Args:
            probe: fitted on train with valid; None for a learner's own reading.
            basis: the learner and its data.
            predicted: of valid and test.
            seed: of the folds.
        """
        if basis.division is not None:
            test, folds = predicted["test"], basis.division.folds[0]
            return cls(test.prediction, test.target, test.trajectory, POOL, folds[test.trajectory])
        valid = predicted["valid"]
        if probe is not None and not basis.learner.trainable and basis.learner.kind in ("floor", "oracle"):
            train = basis.stores["train"]
            labels = basis.scaler.transform(train.labels, train.parameter_names, unknown="keep")
            found = probe.predict_left_out(train.tokens, labels.float(), train.trajectory)
            if found is not None:
                return cls(found.double().numpy(), labels.double().numpy(), train.trajectory, TRAIN)
        held = None if probe is None else valid_in_folds(probe, valid.trajectory, seed)
        if held is not None:
            return cls(held, valid.target, valid.trajectory, VALID_FOLDS)
        return cls(valid.prediction, valid.target, valid.trajectory, VALID)

    def intervals(self, test: Predictions, level: float) -> tuple[Conformal, Conformal]:
        """Half widths of windows and of trajectories, with their coverage on test.

        Args:
            test: predictions of the readout.
            level: of the intervals.
        """
        mean, target = (cluster_means(values, self.trajectory)[0] for values in (self.prediction, self.target))
        windows = Conformal.fit(self.prediction, self.target, level, self.source, self.trajectory)
        whole = Conformal.fit(mean, target, level, self.source)
        if self.fold is not None:
            fold = cluster_means(self.fold[:, None], self.trajectory)[0][:, 0]
            crossed = windows.crossed(self.prediction, self.target, self.fold, self.trajectory)
            return crossed, whole.crossed(mean, target, fold)
        mean, target = (cluster_means(values, test.trajectory)[0] for values in (test.prediction, test.target))
        return windows.tested(test.prediction, test.target), whole.tested(mean, target)
