r"""Intervals from the errors on training trajectories that the probe had not seen, instead of those on valid.

The half width of a conformal interval is an order statistic of n errors, and its true coverage is a draw of
``Beta(k, n + 1 - k)``: with the 120 valid trajectories of a small data set its standard deviation is 2.7 %, so that an
interval of 90 % may cover 85 or 96 %. Of a probe in closed form, every training trajectory can be predicted by a fit
without it (in folds), which makes n several times larger. Such a probe saw a tenth less, so errors are rather too large
than too small; valid, on which the probe chose its settings, is not among them.

Source: Vovk, "Cross-conformal predictors", 2015, https://arxiv.org/abs/1208.0806; Barber et al., "Predictive inference
with the jackknife+", 2021, https://arxiv.org/abs/1905.02928.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..metrics import cluster_means
from .conformal import Conformal

if TYPE_CHECKING:
    from ..probes import Predictions, Probe
    from ..tokens import LabelScaler, TokenStore

FOLDS = 10


def cross_conformal(
    probe: Probe,
    stores: Mapping[str, TokenStore],
    scaler: LabelScaler,
    test: Predictions,
    level: float,
    seed: int = 0,
) -> tuple[Conformal, Conformal] | None:
    """Half widths of windows and of trajectories; None for a probe that cannot be refitted in closed form.

    Args:
        probe: fitted.
        stores: tokens of train and valid, of an encoder that took no gradient steps on them.
        scaler: of the labels.
        test: predictions of ``probe``, on which the coverage is measured.
        level: of the intervals.
        seed: of the folds.
    """
    if probe.refitted() is None:
        return None
    train, valid = stores["train"], stores["valid"]
    y, y_valid = (scaler.transform(part.labels, part.parameter_names).float() for part in (train, valid))
    names, index = np.unique(train.trajectory, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[index]
    predicted = np.zeros(y.shape)
    for number in range(min(FOLDS, len(names))):
        own, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        again = probe.refitted()
        assert again is not None
        again.fit(train.tokens[rest], y[rest], valid.tokens, y_valid)
        predicted[own] = again.predict(train.tokens[own]).numpy()
    target = y.double().numpy()
    windows = Conformal.fit(predicted, target, level, CROSS).tested(test.prediction, test.target)
    means = [cluster_means(values, train.trajectory)[0] for values in (predicted, target)]
    whole = [cluster_means(values, test.trajectory)[0] for values in (test.prediction, test.target)]
    return windows, Conformal.fit(means[0], means[1], level, CROSS).tested(whole[0], whole[1])


CROSS = "train"
"""`Conformal.source` of these intervals."""
