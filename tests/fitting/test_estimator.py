"""The estimator keeps the promises of scikit-learn, and finds a planted parameter."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import xarray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import physrep
from physrep.errors import PhysrepError
from physrep.fitting.estimator import ParameterEstimator
from physrep.simulation import SimulationConfig, simulate

# Fresh trajectories end beyond the training range now and then.
pytestmark = pytest.mark.filterwarnings("ignore:.* of .* trajectories lie outside:UserWarning")


def decaying(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Waves with two channels that decay at the rate y."""
    generator = np.random.default_rng(seed)
    rate, t = generator.uniform(0.5, 3.0, n), 0.1 * np.arange(8)
    x = np.arange(16) / 16
    phase = generator.uniform(0, 2 * np.pi, (n, 2))
    wave = np.sin(2 * np.pi * (x[:, None] + x)[None, None] + phase[:, :, None, None])
    decay = np.exp(-rate[:, None] * t)
    fields = decay[:, :, None, None, None] * wave[:, None]
    return (fields + 0.01 * generator.normal(size=fields.shape)).astype(np.float32), rate


@pytest.fixture(scope="module")
def fitted() -> ParameterEstimator:
    return ParameterEstimator(encoder="statistics", dt=0.1, dx=1 / 16, probes=("ridge",)).fit(*decaying())


@pytest.mark.parametrize("space", [1, 3])
def test_arrays_with_one_and_with_three_axes_of_space(space: int) -> None:
    n, points = 40, 16 if space == 1 else 8
    generator = np.random.default_rng(0)
    rate, phase = generator.uniform(0.5, 3.0, n), generator.uniform(0, 2 * np.pi, (n, 2))
    along = np.indices([points] * space).sum(0) / points
    wave = np.sin(2 * np.pi * along[None, None] + phase.reshape(n, 2, *[1] * space))
    decay = np.exp(-rate[:, None] * 0.1 * np.arange(6)).reshape(n, 6, *[1] * (space + 1))
    x = (decay * wave[:, None]).astype(np.float32)
    estimator = ParameterEstimator("spectra", dt=0.1, dx=[1 / points] * space, channels=["u", "v"], probes=("ridge",))
    estimator.fit(x[:32], rate[:32])
    assert np.abs(estimator.predict(x[32:]) - rate[32:]).max() < 0.3
    assert estimator.instrument_.readout.background.grid["dx"] == pytest.approx([1 / points] * space)
    one = estimator.instrument_.predict(x[32], dt=0.1, dx=1 / points, channels=["u", "v"])
    assert one["estimate"][0] == pytest.approx(estimator.predict(x[32:33])[0])
    with pytest.raises(PhysrepError, match=rf"reads fields on {'one axis' if space == 1 else 'three axes'} of space"):
        estimator.predict(decaying(3)[0])
    dims = ("sample", "time", *"xyz"[:space])
    data = xarray.Dataset({"u": (dims, x[:, :, 0]), "v": (dims, x[:, :, 1])})
    estimator.fit(data.isel(sample=slice(0, 32)), rate[:32])
    assert np.abs(estimator.predict(data.isel(sample=slice(32, None))) - rate[32:]).max() < 0.3


def test_a_planted_rate_is_found_with_intervals(fitted: ParameterEstimator) -> None:
    x, rate = decaying(80, seed=1)
    estimate, low, high = fitted.predict(x, return_interval=True)
    assert estimate.shape == low.shape == high.shape == rate.shape
    assert fitted.score(x, rate) > 0.95
    assert 0.75 <= ((low <= rate) & (rate <= high)).mean() <= 1.0
    noise = np.random.default_rng(0).normal(size=x[:3].shape).astype(np.float32)
    assert all(answer.word == "outside" for answer in fitted.ask(noise))


def test_intervals_come_from_many_errors_of_trajectories_that_the_probe_had_not_seen(
    fitted: ParameterEstimator,
) -> None:
    """Errors of the fit itself would be too small, and those on the 12 of validation give 11 / 13 to anything."""
    whole = fitted.instrument_.readout.trajectories
    assert (whole.source, whole.n_valid, whole.n_test) == ("train", 36, 12)
    x, rate = decaying(400, seed=2)
    _, low, high = fitted.predict(x, return_interval=True)
    # The order statistic of 36 errors covers 90 % with a standard deviation of 5 %.
    assert 0.8 <= ((low <= rate) & (rate <= high)).mean() < 1.0


def test_an_estimate_outside_of_what_was_learned_warns(fitted: ParameterEstimator) -> None:
    x, _ = decaying(8, seed=1)
    with pytest.warns(
        UserWarning, match=r"2 of 2 trajectories lie outside of what was learned, number 0: tokens unlike"
    ):
        fitted.predict(np.random.default_rng(0).normal(size=x[:2].shape))
    larger = fitted.ask(np.tile(x[:2], (1, 1, 1, 1, 2)))  # two periods: the same waves in a box of another size
    assert all(a.word != "inside" and "16 x 32 points, trained on 16 x 16" in a.reasons for a in larger)


def test_fit_prints_nothing_unless_it_is_asked_to(capfd: pytest.CaptureFixture[str]) -> None:
    x, rate = decaying(20)
    for verbose in (False, True):
        ParameterEstimator("statistics", dt=0.1, dx=1 / 16, probes=("ridge",), verbose=verbose).fit(x, rate)
        told = capfd.readouterr()
        assert bool(told.out + told.err) is verbose, told


def test_auto_chooses_on_validation_and_shows_its_table() -> None:
    estimator = ParameterEstimator(dt=0.1, dx=1 / 16, probes=("ridge",)).fit(*decaying())
    table = estimator.table_
    assert {"statistics", "spectra", "classical", "operator_discovery"} <= set(table["learner"])
    assert table["chosen"].tolist() == [True] + [False] * (len(table) - 1)
    numbers = table["valid"].dropna().tolist()
    assert numbers == sorted(numbers) and len(numbers) >= 3
    assert (table["valid"].isna() == (table["failure"] != "")).all()


def test_parameters_are_those_of_scikit_learn(fitted: ParameterEstimator) -> None:
    given = {"encoder": "spectra", "dt": 0.5, "probes": ("knn",), "random_state": 3}
    estimator = ParameterEstimator(**given)
    assert given.items() <= estimator.get_params().items()
    assert estimator.set_params(dt=2.0) is estimator and estimator.dt == 2.0
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params() and not hasattr(copy, "instrument_")
    with pytest.raises(NotFittedError):
        copy.predict(decaying(2)[0])
    with pytest.raises(NotFittedError):
        copy.transform(decaying(2)[0])
    with pytest.raises(ValueError, match="Invalid parameter"):
        estimator.set_params(colour="red")
    assert "ParameterEstimator" in repr(estimator)


def test_fit_changes_neither_its_input_nor_its_arguments_and_repeats(fitted: ParameterEstimator) -> None:
    x, y = decaying()
    before, known = (x.copy(), y.copy()), fitted.get_params()
    other = clone(fitted).fit(x, y)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert other.get_params() == known
    new = decaying(5, seed=2)[0]
    np.testing.assert_array_equal(other.predict(new), fitted.predict(new))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(new), fitted.predict(new))


def test_predictions_do_not_depend_on_the_company(fitted: ParameterEstimator) -> None:
    x = decaying(6, seed=3)[0]
    one_by_one = np.concatenate([fitted.predict(x[i : i + 1]) for i in range(6)])
    np.testing.assert_allclose(one_by_one, fitted.predict(x), rtol=1e-6)
    np.testing.assert_allclose(fitted.predict(x[::-1]), fitted.predict(x)[::-1], rtol=1e-6)


def test_tokens_in_a_pipeline() -> None:
    x, y = decaying(50)
    tokens = ParameterEstimator(encoder="statistics", dt=0.1, dx=1 / 16, probes=("ridge",))
    pipeline = make_pipeline(tokens, StandardScaler(), Ridge(1e-3))
    assert cross_val_score(pipeline, x, y, cv=2).min() > 0.9
    table = tokens.fit(x, y).transform(x)
    assert table.shape[0] == 50 and table.ndim == 2 and np.isfinite(table).all()
    assert clone(tokens).set_params(pool="none").fit_transform(x, y).ndim == 4


def test_names_of_many_parameters_and_xarray() -> None:
    x, rate = decaying()
    y = pandas.DataFrame({"rate": rate, "half_life": np.log(2) / rate})
    estimator = ParameterEstimator("statistics", dt=0.1, dx=1 / 16, channels=["u", "v"]).fit(x, y)
    assert estimator.parameters_ == ("rate", "half_life") and set(estimator.coverage_) == {"rate", "half_life"}
    assert estimator.predict(x[:4]).shape == (4, 2)
    np.testing.assert_allclose(estimator.predict(x)[:, 0], rate, rtol=0.3)
    axes = {"sample": np.arange(60), "time": 0.1 * np.arange(8), "x": np.arange(16) / 16, "y": np.arange(16) / 16}
    fields = {name: (tuple(axes), x[:, :, k]) for k, name in enumerate("uv")}
    dataset = xarray.Dataset(fields, coords=axes)
    labelled = ParameterEstimator("statistics").fit(dataset, y)
    np.testing.assert_allclose(labelled.predict(dataset), estimator.predict(x), rtol=1e-3)


def test_a_path_brings_its_labels(tmp_path: Path) -> None:
    settings = SimulationConfig(trajectories=60, resolution=[16, 16], frames=10, splits=[0.5, 0.25, 0.25])
    root = simulate("heat", tmp_path, settings, workers=1)
    estimator = physrep.ParameterEstimator("spectra", probes=("ridge",), out=str(tmp_path / "fit")).fit(str(root))
    assert estimator.parameters_ == ("diffusivity",)
    assert len(physrep.load_readout(tmp_path / "fit").predict(root)) == 60
    with pytest.raises(PhysrepError, match="leave y out"):
        estimator.fit(str(root), [1.0])


BAD: list[tuple[Any, Any, str]] = [
    (np.zeros((3, 4)), [1, 2, 3], r"\(N, T, C, H, W\)"),
    (np.full((3, 8, 1, 8, 8), np.nan), [1, 2, 3], "NaN"),
    (np.zeros((3, 8, 1, 8, 8), complex), [1, 2, 3], "real"),
    (np.zeros((3, 8, 1, 8, 8)), [1, 2], "2 values"),
    (np.zeros((3, 8, 1, 8, 8)), [1, np.inf, 2], "infinity"),
    (np.zeros((3, 8, 1, 8, 8)), [1, np.nan, 2], "2 labelled trajectories cannot fill the splits"),
    (np.zeros((3, 8, 1, 8, 8)), ["a", "b", "c"], "no number"),
    (np.zeros((3, 8, 1, 8, 8)), None, "y is missing"),
    ([np.zeros((8, 1, 8, 8)), np.zeros((9, 1, 8, 8))], [1, 2], "several shapes"),
]


@pytest.mark.parametrize(("x", "y", "sentence"), BAD)
def test_bad_input_is_a_value_error(x: Any, y: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ParameterEstimator("statistics").fit(x, y)


def test_steps_of_another_number_of_axes_are_a_value_error() -> None:
    for wrong in ({"dx": [1.0, 1.0, 1.0]}, {"periodic": [True, True, False]}):
        with pytest.raises(ValueError, match="one for each of the two axes of space"):
            ParameterEstimator("statistics", **wrong).fit(*decaying(20))


def test_a_learner_needs_a_budget() -> None:
    with pytest.raises(PhysrepError, match="budget"):
        ParameterEstimator("jepa").fit(*decaying(20))
    with pytest.raises(PhysrepError, match="spectra"):
        ParameterEstimator("spectraa").fit(*decaying(20))
