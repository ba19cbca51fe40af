import pytest
import torch

from physrep.errors import PhysrepError
from physrep.nn.attentive import AttentiveProbe, choose_heads, normalise_tokens, pooled_forward
from tests.helpers.golden import assert_close, golden_cases, hash_input, load_hash_weights, tensors

FORMS = {
    "plain": lambda probe, tokens: probe(tokens),
    "pooled": lambda probe, tokens: probe.forward_normalised(normalise_tokens(tokens)),
}


def from_case(case):
    arguments = dict(case["constructor_arguments"])
    return AttentiveProbe(num_outputs=arguments.pop("num_classes"), **arguments)


@pytest.mark.golden
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("case", golden_cases("AttentiveClassifier"))
def test_golden(golden, case, form):
    probe = from_case(case)
    stored = tensors(golden, case)
    if "weights_formula" in case:
        load_hash_weights(probe, case)
        tokens = hash_input(case)
    else:
        probe.load_state_dict(stored["weights"])
        tokens = stored["input"]["x"]
    output = form(probe, tokens)
    assert_close(output, stored["output"]["y"], case["outputs"]["y"])
    if stored["grad"]:
        loss = 0.5 * output.square().mean()
        assert_close(loss, stored["output"]["loss"], case["outputs"]["loss"])
        names = list(stored["grad"])
        gradients = torch.autograd.grad(loss, [probe.get_parameter(name) for name in names])
        for name, gradient in zip(names, gradients, strict=True):
            assert_close(gradient, stored["grad"][name], case["grads"][name])


def random_probe(seed, embed_dim=24, num_heads=4):
    probe = AttentiveProbe(embed_dim, 3, num_heads, mlp_ratio=2.0).double()
    generator = torch.Generator().manual_seed(seed)
    for parameter in probe.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator)
    return probe


@pytest.mark.parametrize("tokens_per_window", [1, 2, 17])
@pytest.mark.parametrize("num_heads", [1, 4, 24])
def test_pooled_form_equals_plain_form(tokens_per_window, num_heads):
    probe = random_probe(0, num_heads=num_heads)
    tokens = torch.randn(5, tokens_per_window, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    results = []
    for form in FORMS.values():
        output = form(probe, tokens)
        results.append((output, torch.autograd.grad(output.pow(3).sum(), list(probe.parameters()))))
    (plain, plain_gradients), (pooled, pooled_gradients) = results
    torch.testing.assert_close(pooled, plain, rtol=1e-10, atol=1e-10)
    for gradient, expected in zip(pooled_gradients, plain_gradients, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)


def test_stacked_probes_equal_single_ones():
    probes = [random_probe(seed) for seed in range(3)]
    tokens = torch.randn(4, 6, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    names = dict(probes[0].named_parameters())
    stacked = {name: torch.stack([dict(probe.named_parameters())[name] for probe in probes]) for name in names}
    outputs = pooled_forward(stacked, normalise_tokens(tokens), num_heads=4)
    torch.testing.assert_close(outputs, torch.stack([probe(tokens) for probe in probes]))


def test_heads():
    assert [choose_heads(width) for width in (128, 12, 37, 1)] == [8, 6, 1, 1]
    with pytest.raises(PhysrepError, match="num_heads=8 does not divide the token width 12; use one of 1, 2, 3, 4, 6"):
        AttentiveProbe(12, 1, num_heads=8)
