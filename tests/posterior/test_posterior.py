"""The posterior is that of the calculus where it is known, and calibration sees who is too sure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.benchmark import bench, read_config
from physrep.errors import PhysrepError
from physrep.files import read_csv
from physrep.posterior import NeuralPosterior, Summary, calibrate, refine
from physrep.posterior.tempering import Tempering
from physrep.report import build_report

pytest.importorskip("sbi")

SIGMA = 0.5


def linear_gaussian(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """θ ~ N(0, 1) in two dimensions, s = A θ + σ ε."""
    generator = torch.Generator().manual_seed(seed)
    theta = torch.randn(n, 2, generator=generator)
    return theta, theta @ _map().T + SIGMA * torch.randn(n, 3, generator=generator)


def _map() -> torch.Tensor:
    return torch.tensor([[1.0, 0.0], [0.5, 1.0], [0.0, 0.5]])


def fitted_to(n: int, seed: int = 0, members: int = 2) -> NeuralPosterior:
    theta, summary = linear_gaussian(n, seed)
    wide, valid = torch.full((2,), 4.0), n // 5
    known = theta[valid:], summary[valid:], theta[:valid], summary[:valid]
    return NeuralPosterior(members=members, epochs=60, hidden=24).fit(*known, -wide, wide)


@pytest.fixture(scope="module")
def fitted() -> NeuralPosterior:
    return fitted_to(2400)


def test_the_linear_gaussian_posterior_is_reproduced(fitted: NeuralPosterior) -> None:
    """Mean (AᵀA/σ² + 1)⁻¹ Aᵀ s / σ² and covariance (AᵀA/σ² + 1)⁻¹."""
    a = _map()
    covariance = torch.linalg.inv(a.T @ a / SIGMA**2 + torch.eye(2))
    _, summary = linear_gaussian(20, 1)
    mean = summary @ a @ covariance / SIGMA**2
    draws = fitted.sample(summary, 500)
    spread = covariance.diagonal().sqrt()
    assert float(((draws.mean(0) - mean) / spread).abs().mean()) < 0.2
    assert torch.allclose(draws.std(0).mean(0), spread, rtol=0.15)
    correlation = np.mean([np.corrcoef(draws[:, i].T)[0, 1] for i in range(20)])
    assert correlation == pytest.approx(float(covariance[0, 1] / spread.prod()), abs=0.1)


def test_calibrated_draws_pass_and_others_do_not(fitted: NeuralPosterior) -> None:
    theta, summary = linear_gaussian(300, 2)
    draws = fitted.sample(summary, 100).numpy()
    found = calibrate(draws, theta.numpy())
    assert found.p_values.min() > 0.005 and found.tarp_p > 0.005
    assert np.abs(found.coverage - found.levels).max() < 0.12
    narrow = draws.mean(0) + 0.4 * (draws - draws.mean(0))
    assert calibrate(narrow, theta.numpy()).p_values.max() < 1e-4
    assert calibrate(narrow, theta.numpy()).tarp_p < 1e-4
    shifted = calibrate(draws + 0.5, theta.numpy())
    assert shifted.p_values.max() < 1e-4


def test_seeded_and_inside_the_box(fitted: NeuralPosterior) -> None:
    _, summary = linear_gaussian(3, 3)
    assert torch.equal(fitted.sample(summary, 50), fitted.sample(summary, 50))
    assert not Path("sbi-logs").exists(), "nothing is written where the command is called"
    theta, known = linear_gaussian(100, 4)
    small = NeuralPosterior("mdn", members=1, epochs=2).fit(theta[20:], known[20:], theta[:20], known[:20])
    draws = small.sample(100 * known[:2], 30)
    assert (draws >= small.box.low).all() and (draws <= small.box.high).all() and draws.shape == (30, 2, 2)
    assert (small.box.low >= theta[20:].amin(0) - 0.1).all() and (small.box.high <= theta[20:].amax(0) + 0.1).all()


def test_few_trajectories_do_not_make_it_too_sure() -> None:
    """A single flow of 120 trajectories that is trained to its end is; ensemble, stopping and tempering are not."""
    theta, summary = linear_gaussian(300, 8)
    draws = fitted_to(150, seed=7, members=4).sample(summary, 200).numpy()
    assert calibrate(draws, theta.numpy()).p_values.min() > 0.002
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    assert ((low <= theta.numpy()) & (theta.numpy() <= high)).mean() > 0.82


def test_the_density_of_a_tempered_posterior_integrates_to_one(fitted: NeuralPosterior) -> None:
    _, summary = linear_gaussian(1, 5)
    axis = torch.linspace(-4, 4, 81)
    grid = torch.cartesian_prod(axis, axis)
    density = fitted.log_prob(grid, summary.expand(len(grid), -1)).exp()
    assert float(density.sum()) * 0.1**2 == pytest.approx(1, abs=0.03)


def test_beyond_the_box_of_the_prior_the_density_is_zero(fitted: NeuralPosterior) -> None:
    _, summary = linear_gaussian(3, 5)
    theta = torch.tensor([[0.0, 0.0], [0.0, 4.2], [-4.2, 0.0]])
    assert torch.isfinite(fitted.log_prob(theta, summary)).tolist() == [True, False, False]


def test_tempering_widens_what_is_too_narrow() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(2000, 2, generator=generator)
    draws = 0.5 * torch.randn(400, 2000, 2, generator=generator) + torch.tensor([0.0, 0.3])
    found = Tempering.fit(draws, truth)
    assert 1.6 < float(found.factor[0]) < 2.1 and float(found.shift[1]) < -0.3
    few = Tempering.fit(draws[:, :10], truth[:10])
    assert 1 < float(few.factor[0]) < 1.6, "few trajectories move it less"


def test_rounds_of_simulation_sharpen_the_posterior_of_one_observation() -> None:
    """A narrow likelihood that 150 draws of the prior hardly resolve; the truth stays inside of every box."""

    def simulate(theta: torch.Tensor, number: int) -> torch.Tensor:
        return theta @ _map().T + 0.02 * torch.randn(len(theta), 3, generator=torch.Generator().manual_seed(number))

    theta = 2 * torch.rand(150, 2, generator=torch.Generator().manual_seed(50)) - 1
    truth = torch.tensor([[0.3, -0.2]])
    make = lambda seed: NeuralPosterior(members=1, epochs=40, hidden=16, seed=seed)  # noqa: E731
    summary = simulate(theta, 51)
    first = make(0).fit(theta[:120], summary[:120], theta[120:], summary[120:])
    found = refine(simulate, simulate(truth, 52), theta, summary, first, 2, 150, make, seed=1)
    spread = [float(own.draws.std(0).mean()) for own in found]
    assert len(found) == 3 and spread[2] < 0.6 * spread[0]
    for own in found:
        assert ((own.low <= truth[0]) & (truth[0] <= own.high)).all()
    assert (found[2].high - found[2].low < 0.5 * (found[0].high - found[0].low)).all()
    assert ((found[2].draws.mean(0) - truth[0]).abs() < 4 * found[2].draws.std(0)).all()
    with pytest.raises(PhysrepError, match="1 rounds of 10 simulations are too few; give at least 1 round of 50"):
        refine(simulate, simulate(truth, 52), theta, summary, first, 1, 10, make)


def test_summaries_of_train_are_out_of_fold() -> None:
    """Of tokens that say nothing, they say nothing: those of a regression on what it was fitted to would."""
    generator = np.random.default_rng(0)
    tokens = generator.normal(size=(300, 1, 40)).astype(np.float32)
    trajectory = np.repeat(np.arange(150), 2)
    theta = torch.from_numpy(generator.normal(size=(150, 1))).float()
    summary = Summary()
    known = summary.fit(tokens, trajectory, theta)
    assert known.shape == (150, 1) and abs(np.corrcoef(known[:, 0], theta[:, 0])[0, 1]) < 0.25
    tokens[:, 0, 0] = theta.numpy()[trajectory, 0]
    known = summary.fit(tokens, trajectory, theta)
    assert np.corrcoef(known[:, 0], theta[:, 0])[0, 1] > 0.8
    new = summary(tokens[:10], trajectory[:10])
    assert torch.allclose(new, known[:5], atol=0.5)


@pytest.mark.slow
def test_a_benchmark_says_which_posterior_is_calibrated(tmp_path: Path) -> None:
    settings = {"ranges": {"diffusivity": [1e-3, 5e-3]}, "resolution": [16, 16], "frames": 8, "save_dt": 0.05}
    config = {
        "system": "heat",
        "simulation": {**settings, "trajectories": 240, "splits": [0.5, 0.15, 0.35]},
        "num_frames": 4,
        "eval_stride": 2,
        "encoder_options": {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]]},
        "training": {"steps": 20, "batch_size": 16, "probe_every": 0},
        "runs": [{"learner": "spectra"}, {"learner": "jepa"}],
        "analyses": {
            "posterior": {
                "epochs": 60,
                "draws": 100,
                "features": ["tokens", "both"],
                "rounds": 1,
                "simulations": 100,
                "amortised": 40,
            }
        },
        "n_resamples": 20,
        "jobs": 1,
    }
    bench(read_config(config, "test"), tmp_path)
    rows = read_csv(tmp_path / "analyses" / "posterior.csv")
    scores = {(r["learner"], r["features"]): r for r in rows if r["row"] == "score" and r["parameter"] == "diffusivity"}
    assert set(scores) == {("spectra", "tokens"), ("jepa", "tokens"), ("jepa", "both")}
    assert all(0 <= float(row["p_value"]) <= 1 for row in scores.values())
    assert float(scores["spectra", "tokens"]["width"]) < 0.5, "and not because nothing is known"
    rounds = [r for r in rows if r["row"] == "round" and r["learner"] == "spectra"]
    assert [r["place"] for r in rounds] == ["0", "1"] and int(rounds[1]["pairs"]) >= 100
    assert float(rounds[1]["box_low"]) <= float(rounds[1]["truth"]) <= float(rounds[1]["box_high"])
    page = build_report(tmp_path).read_text()
    assert "posterior" in page and "rank of the truth" in page
    assert "After each round of simulation" in page


@pytest.mark.slow
def test_ranks_of_a_floor_and_of_a_learner_are_uniform(tmp_path: Path) -> None:
    """With 600 trajectories to learn from; with 160 a floor that knows much is a quarter of its width off (p 0.003)."""
    config = {
        "system": "heat",
        "simulation": {
            "ranges": {"diffusivity": [1e-3, 5e-3]}, "resolution": [16, 16], "frames": 10, "save_dt": 0.05,
            "trajectories": 900, "splits": [0.67, 0.17, 0.16],
        },
        "num_frames": 4,
        "eval_stride": 2,
        "encoder_options": {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]]},
        "training": {"steps": 20, "batch_size": 16, "probe_every": 0},
        "runs": [{"learner": "spectra"}, {"learner": "jepa"}],
        "probes": {"ridge": {}},
        "analyses": {"posterior": {"epochs": 60, "draws": 100, "features": ["tokens"]}},
        "n_resamples": 20,
        "jobs": 1,
    }  # fmt: skip
    bench(read_config(config, "test"), tmp_path)
    rows = [row for row in read_csv(tmp_path / "analyses" / "posterior.csv") if row["row"] == "score"]
    sbc = {row["learner"]: float(row["p_value"]) for row in rows if row["parameter"] == "diffusivity"}
    tarp = {row["learner"]: float(row["p_value"]) for row in rows if row["parameter"] == "all"}
    assert set(sbc) == {"spectra", "jepa"} and min(*sbc.values(), *tarp.values()) > 0.01, (sbc, tarp)


def test_too_few_trajectories_are_refused() -> None:
    with pytest.raises(PhysrepError, match="too few"):
        NeuralPosterior().fit(torch.randn(10, 1), torch.randn(10, 2), torch.randn(9, 1), torch.randn(9, 2))
    with pytest.raises(PhysrepError, match="maf, nsf, mdn"):
        NeuralPosterior("flow")
