"""Attention of the probe: the published formula, and mass where the planted parameter is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from physrep.analyses.attention import attention_of, tokens_used
from physrep.nn.attentive import AttentiveProbe, attention_weights
from physrep.probes import AttentiveProbeFit
from physrep.tokens import TokenStore


def test_weights_give_the_probes_own_pooling() -> None:
    torch.manual_seed(0)
    probe = AttentiveProbe(12, 2, num_heads=3)
    for parameter in probe.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    tokens = torch.randn(4, 7, 12)
    weights = attention_weights(probe, tokens)
    torch.testing.assert_close(weights.sum(2), torch.ones(4, 3))
    block = probe.pooler.cross_attention_block
    values = block.xattn.kv(block.norm1(tokens))[..., 12:].unflatten(-1, (3, 4)).transpose(1, 2)
    ours = (weights.unsqueeze(2) @ values).squeeze(2).flatten(1)
    theirs = block.xattn(probe.pooler.query_tokens.expand(4, -1, -1), block.norm1(tokens)).squeeze(1)
    torch.testing.assert_close(ours, theirs)


def test_attention_goes_where_the_parameter_is() -> None:
    # Token 5 carries the parameter and a mark; the others carry noise.
    rng = np.random.default_rng(0)
    stores = {}
    for split, count in (("train", 400), ("valid", 50), ("test", 50)):
        labels = rng.normal(size=count)
        tokens = rng.normal(size=(count, 8, 16))
        tokens[:, 5, 0], tokens[:, 5, 1] = 3 * labels, 6.0
        trajectory = np.arange(count)
        stores[split] = TokenStore(
            tokens.astype(np.float32), labels[:, None], trajectory, np.zeros(count, int), ("nu",)
        )
    target = {split: torch.from_numpy(store.labels).float() for split, store in stores.items()}
    probe = AttentiveProbeFit([3e-3], [0.01], epochs=40)
    probe.fit(stores["train"].tokens, target["train"], stores["valid"].tokens, target["valid"])
    weights = attention_of(probe.model, stores["test"])
    assert weights.shape == (50, 8) and int(weights.mean(0).argmax()) == 5
    assert float(weights[:, 5].mean()) > 0.5


def test_share_of_tokens_used_by_hand() -> None:
    assert tokens_used(torch.full((3, 4), 0.25)) == pytest.approx(1.0)
    assert tokens_used(torch.tensor([[1.0, 0.0, 0.0, 0.0]])) == pytest.approx(0.25)
    assert tokens_used(torch.tensor([[0.5, 0.5, 0.0, 0.0]])) == pytest.approx(0.5)
