"""The supervised ceiling: labels by name and scale, and a loss that is 1 for a constant."""

from __future__ import annotations

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners import Supervised
from tests.helpers.learner_clips import CONV, make_clip

SCALES = {"Reynolds": "log", "Schmidt": "linear"}


def supervised(**options) -> Supervised:
    torch.manual_seed(0)
    return Supervised(3, options.pop("parameters", SCALES), num_frames=8, **CONV, **options)


def with_statistics(learner: Supervised, clip) -> Supervised:
    values = {"Reynolds": clip.parameters[:, 0].double().log10(), "Schmidt": clip.parameters[:, 1].double()}
    learner.set_labels(
        {k: float(v.mean()) for k, v in values.items()}, {k: float(v.std(correction=0)) for k, v in values.items()}
    )
    return learner


def test_labels_are_z_scores_of_logarithms_where_logarithmic():
    clip = make_clip(batch=5)
    learner = supervised()
    learner.set_labels({"Reynolds": 2.5, "Schmidt": 3.0}, {"Reynolds": 0.5, "Schmidt": 2.0})
    expected = torch.stack([(clip.parameters[:, 0].log10() - 2.5) / 0.5, (clip.parameters[:, 1] - 3) / 2], dim=1)
    torch.testing.assert_close(learner.labels(clip), expected)


def test_order_of_the_columns_does_not_matter():
    clip = make_clip(batch=5)
    learner = with_statistics(supervised(parameters={"Schmidt": "linear", "Reynolds": "log"}), clip)
    other = with_statistics(supervised(), clip)
    torch.testing.assert_close(learner.labels(clip), other.labels(clip).flip(1))


def test_a_constant_prediction_costs_one():
    clip = make_clip(batch=5)
    learner = with_statistics(supervised(), clip)
    with torch.no_grad():
        learner.head[-1].weight.zero_()
        learner.head[-1].bias.zero_()
    terms = learner.loss(clip)
    assert terms["loss"].item() == pytest.approx(1, rel=1e-5)
    assert terms["mse_Reynolds"].item() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("hidden", [0, 16])
def test_it_learns(hidden):
    clip = make_clip(batch=5)
    learner = with_statistics(supervised(hidden=hidden), clip)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        learner.loss(clip)["loss"].backward()
        optimizer.step()
    assert learner.loss(clip)["loss"] < 0.2
    assert learner.predict(clip).shape == (5, 2)


def test_bad_labels():
    clip = make_clip()
    with pytest.raises(PhysrepError, match="no parameter 'Prandtl'"):
        supervised(parameters={"Prandtl": "log"}).loss(clip)
    with pytest.raises(PhysrepError, match="'log' or 'linear'"):
        supervised(parameters={"Reynolds": "logarithmic"})
    with pytest.raises(PhysrepError, match="no label statistics for parameter 'Schmidt'"):
        supervised().set_labels({"Reynolds": 1.0}, {"Reynolds": 1.0})
    with pytest.raises(PhysrepError, match="one value"):
        supervised().set_labels({"Reynolds": 1.0, "Schmidt": 1.0}, {"Reynolds": 0.0, "Schmidt": 1.0})
    clip.parameters[0, 0] = -1.0
    with pytest.raises(PhysrepError, match="not positive"):
        supervised().loss(clip)
