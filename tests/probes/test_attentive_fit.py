import itertools

import numpy as np
import pytest
import torch
from torch import nn

from physrep.errors import PhysrepError
from physrep.nn.attentive import normalise_tokens
from physrep.probes import AttentiveProbe, AttentiveProbeFit
from physrep.probes.attentive_fit import _schedule, _Stack

QUICK = {"epochs": 3, "batch_size": 16, "mlp_ratio": 1.0}


def planted(windows, seed, width=16, count=6):
    """Tokens of which one, marked by its first channel, carries the label in its second."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(windows, count, width, generator=generator)
    labels = torch.randn(windows, 1, generator=generator)
    marked = torch.randint(count, (windows,), generator=generator)
    tokens[..., :2] *= 0.3
    tokens[torch.arange(windows), marked, 0] = 5.0
    tokens[torch.arange(windows), marked, 1] = labels[:, 0]
    return tokens, labels


def test_finds_the_one_token_that_carries_the_label():
    train, valid, test = (planted(n, seed) for n, seed in ((600, 0), (150, 1), (200, 2)))
    probe = AttentiveProbeFit(learning_rates=(3e-3,), weight_decays=(0.01,), epochs=25, batch_size=32)
    probe.fit(*train, *valid)
    assert (probe.predict(test[0]) - test[1]).square().mean() < 0.1


def test_one_step_equals_adamw_on_the_plain_probe():
    tokens, labels = planted(16, 0)
    torch.manual_seed(0)
    model = AttentiveProbe(16, 1, mlp_ratio=2.0).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    grid = [(1e-2, 0.5), (3e-3, 0.0)]
    stack = _Stack(model, grid, "cpu")
    for factor in (0.5, 1.0):
        stack.step(normalise_tokens(tokens.double()), labels.double(), factor)
    for k, (rate, decay) in enumerate(grid):
        plain = AttentiveProbe(16, 1, mlp_ratio=2.0).double()
        plain.load_state_dict(model.state_dict())
        named = dict(plain.named_parameters())
        matrices = [p for name, p in named.items() if p.ndim == 2]
        others = [p for name, p in named.items() if p.ndim != 2]
        optimiser = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        )
        for factor in (0.5, 1.0):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
            optimiser.zero_grad()
            (plain(tokens.double()) - labels).square().mean().backward()
            optimiser.step()
        for name, parameter in named.items():
            if name.endswith("kv.bias"):
                # The key half has no effect, hence a gradient of rounding noise, which Adam blows up in the plain form.
                torch.testing.assert_close(stack.parameters[name][k][16:], parameter[16:])
                continue
            torch.testing.assert_close(stack.parameters[name][k], parameter, rtol=1e-7, atol=1e-9)


def test_choice_is_the_best_final_valid_loss():
    train, valid = planted(200, 0), planted(60, 1)
    probe = AttentiveProbeFit(learning_rates=(1e-9, 3e-3), weight_decays=(0.0, 0.3), epochs=8, batch_size=16)
    probe.fit(*train, *valid)
    final = probe.history[-1]
    assert probe.history.shape == (8, 4)
    assert probe.best_params_["learning_rate"] == 3e-3
    assert probe.best_params_["valid_mse"] == pytest.approx(float(final.min()))
    assert float((probe.predict(valid[0]) - valid[1]).square().mean()) == pytest.approx(float(final.min()), rel=1e-5)
    for k, entry in enumerate(probe.best_params_["grid"]):
        assert entry["early_valid_mse"] == pytest.approx(float(probe.history[:, k].min()))
        assert entry["early_epoch"] == int(probe.history[:, k].argmin()) + 1


def test_same_seed_same_probe_from_memory_map_cache_and_tensor(tmp_path):
    (tokens, labels), valid = planted(70, 0), planted(30, 1)
    half = tokens.half()
    np.save(tmp_path / "tokens.npy", half.numpy())
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    fits = [
        AttentiveProbeFit(**QUICK, seed=seed, memory_bytes=memory).fit(source, labels, *valid)
        for source, memory, seed in ((half, 2**31, 0), (mapped, 2**31, 0), (mapped, 0, 0), (mapped, 0, 1))
    ]
    predictions = [fit.predict(valid[0]) for fit in fits]
    assert torch.equal(predictions[0], predictions[1])
    assert torch.equal(predictions[0], predictions[2])
    assert not torch.equal(predictions[0], predictions[3])


def test_fit_does_not_touch_the_global_generator():
    state = torch.get_rng_state()
    AttentiveProbeFit(**QUICK).fit(*planted(20, 0), *planted(10, 1))
    assert torch.equal(state, torch.get_rng_state())


def test_schedule():
    factors = [_schedule(step, 100, 0.1) for step in range(100)]
    assert factors[0] == pytest.approx(1 / 11)
    assert factors[10] == 1.0
    assert all(a < b for a, b in itertools.pairwise(factors[:11]))
    assert all(a > b for a, b in itertools.pairwise(factors[10:]))
    assert 0 < factors[-1] < 1e-3


def test_faults_are_named():
    tokens, labels = planted(20, 0)
    with pytest.raises(PhysrepError, match="every attentive probe diverged"):
        AttentiveProbeFit(learning_rates=(1e30,), **QUICK).fit(tokens, labels, tokens, labels)
    broken = tokens.clone()
    broken[3, 2, 1] = torch.nan
    with pytest.raises(PhysrepError, match="NaN"):
        AttentiveProbeFit(**QUICK).fit(broken, labels, tokens, labels)
    with pytest.raises(PhysrepError, match="at least one"):
        AttentiveProbeFit(epochs=0)
    probe = AttentiveProbeFit(**QUICK).fit(tokens, labels, tokens, labels)
    with pytest.raises(PhysrepError, match="fitted on 16"):
        probe.predict(tokens[..., :8])
