"""The posterior is that of the calculus where it is known, and calibration sees who is too sure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.benchmark import bench, read_config
from physrep.errors import PhysrepError
from physrep.files import read_csv
from physrep.posterior import NeuralPosterior, Summary, calibrate
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


@pytest.fixture(scope="module")
def fitted() -> NeuralPosterior:
    theta, summary = linear_gaussian(2000, 0)
    wide = torch.full((2,), 6.0)
    return NeuralPosterior(epochs=30).fit(theta, summary, -wide, wide)


def test_the_linear_gaussian_posterior_is_reproduced(fitted: NeuralPosterior) -> None:
    """Mean (AᵀA/σ² + 1)⁻¹ Aᵀ s / σ² and covariance (AᵀA/σ² + 1)⁻¹."""
    a = _map()
    covariance = torch.linalg.inv(a.T @ a / SIGMA**2 + torch.eye(2))
    _, summary = linear_gaussian(20, 1)
    mean = summary @ a @ covariance / SIGMA**2
    draws = fitted.sample(summary, 1000)
    spread = covariance.diagonal().sqrt()
    assert float(((draws.mean(0) - mean) / spread).abs().mean()) < 0.2
    assert torch.allclose(draws.std(0).mean(0), spread, rtol=0.15)
    correlation = np.mean([np.corrcoef(draws[:, i].T)[0, 1] for i in range(20)])
    assert correlation == pytest.approx(float(covariance[0, 1] / spread.prod()), abs=0.1)


def test_calibrated_draws_pass_and_others_do_not(fitted: NeuralPosterior) -> None:
    theta, summary = linear_gaussian(300, 2)
    draws = fitted.sample(summary, 200).numpy()
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
    small = NeuralPosterior("mdn", epochs=2).fit(theta, known)
    draws = small.sample(100 * known[:2], 30)
    assert (draws >= theta.amin(0)).all() and (draws <= theta.amax(0)).all() and draws.shape == (30, 2, 2)


def test_summary_whitens_what_varies() -> None:
    generator = np.random.default_rng(0)
    tokens = generator.normal(size=(450, 4, 5)).astype(np.float32)
    trajectory = np.repeat(np.arange(150), 3)
    summary = Summary(6).fit(tokens, trajectory)(tokens, trajectory)
    assert summary.shape == (150, 6)
    assert torch.allclose(summary.T @ summary / 150, torch.eye(6), atol=1e-4)


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
        "analyses": {"posterior": {"epochs": 60, "draws": 100, "features": ["tokens", "both"]}},
        "resamples": 20,
        "jobs": 1,
    }
    bench(read_config(config, "test"), tmp_path)
    rows = read_csv(tmp_path / "analyses" / "posterior.csv")
    scores = {(r["learner"], r["features"]): r for r in rows if r["row"] == "score" and r["parameter"] == "diffusivity"}
    assert set(scores) == {("spectra", "tokens"), ("jepa", "tokens"), ("jepa", "both")}
    assert all(0 <= float(row["p_value"]) <= 1 for row in scores.values())
    assert float(scores["spectra", "tokens"]["width"]) < 0.5, "and not because nothing is known"
    page = build_report(tmp_path).read_text()
    assert "posterior" in page and "rank of the truth" in page


def test_too_few_trajectories_are_refused() -> None:
    with pytest.raises(PhysrepError, match="too few"):
        NeuralPosterior().fit(torch.randn(10, 1), torch.randn(10, 2))
    with pytest.raises(PhysrepError, match="maf, nsf or mdn"):
        NeuralPosterior("flow")
