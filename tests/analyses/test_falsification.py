"""The verdict on pixels comes out as planted, all four ways."""

from __future__ import annotations

import numpy as np
import pytest

from physrep.analyses.latent import Falsification, Parameters
from physrep.analyses.latent.evidence import evidence
from physrep.analyses.latent.verdict import EXPLAINED, MORE, NOTHING, UNDECIDED, Evidence, verdict
from physrep.metrics.score import Score
from tests.helpers.planted_latent import planted

COUNT, TIMES = 80, 6


def world() -> dict[str, np.ndarray]:
    """Pixels hold θ among eight other things; φ is nowhere in them."""
    generator = np.random.default_rng(0)
    theta, phi = generator.uniform(-1, 1, (2, COUNT))
    fade = np.exp(-0.2 * np.arange(TIMES))
    latent = generator.normal(size=(COUNT, 1, 8)) * np.cos(np.arange(TIMES)[:, None] * np.arange(8) / 9)
    latent[..., 0] = theta[:, None] * fade
    pixels = latent @ generator.normal(size=(8, 48)) + 0.05 * generator.normal(size=(COUNT, TIMES, 48))
    hidden = generator.normal(size=(COUNT, TIMES, 12))
    hidden[..., 0] = 2 * phi[:, None]
    return {
        "theta": theta,
        "phi": phi,
        "pixels": pixels,
        "linear": pixels @ generator.normal(size=(48, 20)) + 3,
        "noise": generator.normal(size=(COUNT, TIMES, 20)),
        "more": np.concatenate([latent[..., :3], hidden], -1) @ generator.normal(size=(15, 20)),
    }


@pytest.mark.parametrize(("kind", "expected"), [("linear", EXPLAINED), ("noise", NOTHING), ("more", MORE)])
def test_planted_embeddings_get_their_verdict(kind: str, expected: str) -> None:
    made = world()
    embeddings = {"encoder": made[kind], "rgb16": made["pixels"], "gray16": made["pixels"][..., :16]}
    context = planted(embeddings, {"theta": made["theta"], "phi": made["phi"]})
    rows = Parameters().answer(context) + Falsification().answer(context)
    found = evidence(rows, context.arrays, "heat", "encoder", ["rgb16", "gray16"])
    assert verdict(found) == expected, found
    assert found.share is not None
    if kind == "linear":
        assert found.share.low > 0.95 and found.r2["theta"].low > 0.5 and found.r2["phi"].high < 0.3
    if kind == "more":
        assert found.difference["phi"].low > 0.5 and abs(found.difference["theta"].value) < 0.01
    # Pixels mapped to the embedding at another time of the same simulation say less.
    table = {(r["target"], r["level"]): r["value"] for r in rows if r["analysis"] == "falsification"}
    if kind == "linear":
        assert table["pixels to embedding, shuffled time", "rgb16"] < 0.7 * table["pixels to embedding", "rgb16"]
        assert len(rows[-2]["splits"]) == context.seeds


def test_the_rule_waits_where_intervals_are_wide() -> None:
    wide = Evidence({"a": Score(0.5, 0.2, 0.8)}, {"a": Score(0.2, -0.1, 0.5)}, Score(0.4, 0.3, 0.5))
    assert verdict(wide) == UNDECIDED
    # Nothing is sure to be there, but much could be.
    assert verdict(Evidence({"a": Score(0.1, -0.4, 0.6)}, {}, None)) == UNDECIDED
    as_good = Evidence({"a": Score(0.5, 0.2, 0.8)}, {"a": Score(-0.1, -0.2, 0.01)}, Score(0.4, 0.3, 0.5))
    assert verdict(as_good) == EXPLAINED
    # Sure, but too little to matter.
    sliver = Evidence({"a": Score(0.9, 0.8, 1.0)}, {"a": Score(0.01, 0.005, 0.02)}, Score(0.4, 0.3, 0.5))
    assert verdict(sliver) == EXPLAINED
    # A linear image in its leading components, and yet a better basis: by which directions is open.
    basis = Evidence({"a": Score(0.9, 0.8, 1.0)}, {"a": Score(0.2, 0.1, 0.3)}, Score(0.97, 0.95, 0.99))
    assert verdict(basis) == UNDECIDED
