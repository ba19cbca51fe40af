"""The viscosity of flows that another program computed, with scikit-learn's manners.

    python estimate.py [TRAJECTORIES]

The flows come from the solver beside this file (`vorticity.py`, NumPy alone), which shares no line with physrep's.
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from vorticity import DT, DX, decaying_flows

import physrep


def main(count: int = 150) -> None:
    """Fit, predict with intervals, and hand tokens to a regressor of scikit-learn."""
    fields, viscosity = decaying_flows(count, seed=0)
    known, new, y_known, y_new = train_test_split(fields, viscosity, test_size=0.3, random_state=0)

    estimator = physrep.ParameterEstimator(dt=DT, dx=DX, channels=["vorticity"], parameters=["viscosity"])
    estimator.fit(known, y_known)
    print(estimator.table_[["chosen", "learner", "probe", "valid", "test", "seconds"]].to_string(index=False))
    estimate, low, high = estimator.predict(new, return_interval=True)
    print(f"R2 on new flows: {estimator.score(new, y_new):.3f}")
    print(f"90 % intervals cover {np.mean((low <= y_new) & (y_new <= high)):.0%} of {len(new)}")
    print(f"first flow: {estimate[0]:.4f} [{low[0]:.4f}, {high[0]:.4f}], truth {y_new[0]:.4f}")
    foreign = np.random.default_rng(1).normal(size=new[:1].shape).astype(np.float32)
    print(f"noise instead of a flow: {estimator.ask(foreign)[0].word}")

    tokens = physrep.ParameterEstimator("spectra", dt=DT, dx=DX, probes=["ridge"])
    pipeline = make_pipeline(tokens, StandardScaler(), RidgeCV(np.logspace(-4, 4, 17)))
    pipeline.fit(known, np.log(y_known))
    print(f"pipeline on tokens of spectra, R2 of log viscosity: {pipeline.score(new, np.log(y_new)):.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
