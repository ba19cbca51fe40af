"""DISCO against the published code: tokens, latent, weights, operator, prediction, gradients, checkpoint layout."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import Tensor

from physrep.checkpoints.disco import UNUSED, convert
from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import DISCO
from physrep.learners.disco import WELL_STATES
from physrep.nn.disco import Disco
from physrep.nn.disco_hypernetwork import DiscoHypernetwork
from physrep.nn.disco_operator import DiscoOperator
from tests.helpers.golden import assert_close, golden_cases, golden_directory, tensors

pytestmark = pytest.mark.golden

CASES = golden_cases("DISCO")
RUNS = [
    pytest.param(case.values[0], run, id=f"{case.id}-{run}", marks=case.marks)
    for case in CASES
    for run in case.values[0].get("runs", {"none": {}})
]
Data = dict[str, dict[str, Tensor]]


def load(case: dict[str, Any]) -> Data:
    directory = golden_directory()
    assert directory is not None
    return tensors(directory, case)


def official(case: dict[str, Any], data: Data) -> dict[str, Tensor]:
    """The state dict as the published code would save it, with noise in what no computation reads."""
    shapes = case["not_stored_placeholder_keys"]
    return data["weights"] | {key: torch.randn(shape) for key, shape in shapes.items()}


def channels_of(case: dict[str, Any], run: str) -> list[str]:
    names = {column: name for name, column in WELL_STATES.items()}
    return [names[column] for column in case["runs"][run]["state_labels"]]


def learner_of(case: dict[str, Any], data: Data, run: str, **options: Any) -> DISCO:
    """The learner that `convert` describes, in evaluation."""
    spec, frames = case["runs"][run], data["input"][f"{run}.x"].shape[1]
    groups = case["constructor_arguments"]["groups"]
    found = convert(official(case, data), channels_of(case, run), spec["dataset"], frames, groups)
    options = {"steps": case["constructor_arguments"]["max_steps"], "rtol": spec["rtol"], **options}
    assert found.learner == "disco"
    learner = DISCO(found.in_channels, found.num_frames, **found.options, **options)
    missing, unexpected = learner.load_state_dict(found.state, strict=False)
    assert not unexpected and set(missing) <= {"field_mean", "field_std", "channel_names"}
    placeholders = set(case["not_stored_placeholder_keys"])
    assert placeholders <= set(found.unused)
    assert (
        set(found.unused) | {key.removeprefix("model.") for key in found.state} == set(data["weights"]) | placeholders
    )
    return learner.eval()


@pytest.mark.parametrize(("case", "run"), RUNS)
def test_every_stage_of_the_published_model(case: dict[str, Any], run: str) -> None:
    data = load(case)
    learner = learner_of(case, data, run)
    model, rules, spec = learner.model, case["outputs"], case["runs"][run]
    seen: dict[str, Tensor] = {}
    for i, block in enumerate(model.hpnn.blocks):
        block.register_forward_hook(lambda _, __, y, i=i: seen.update({f"block{i}": y.movedim(-1, 2).unsqueeze(-1)}))
    x, labels = data["input"][f"{run}.x"].transpose(1, 2), data["input"][f"{run}.state_labels"]
    assert learner.labels(channels_of(case, run)) == labels.tolist()
    with torch.no_grad():
        z = model.tokens(x, labels).mean(1)
        theta = model.theta(z)
        seen |= {
            "theta_latent": z,
            "theta": theta[:, :: rules[f"{run}.theta"]["stride"]],
            "operator_rhs": model.operator(theta, data["input"][f"{run}.operator_state"]),
            "y": model(x, labels, units=spec["predict_normed"]).unsqueeze(1),
        }
    names = [key.removeprefix(f"{run}.") for key in rules if key.startswith(f"{run}.")]
    for name in names:
        assert_close(seen[name], data["output"][f"{run}.{name}"], rules[f"{run}.{name}"])
    total = rules[f"{run}.theta"]["abs_sum_full"]
    assert float(theta.double().abs().sum()) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(("case", "run"), RUNS)
def test_a_published_checkpoint_reads_channels_by_name(case: dict[str, Any], run: str) -> None:
    data = load(case)
    learner, channels = learner_of(case, data, run), channels_of(case, run)
    learner.set_normalisation(channels, [0.5] * len(channels), [2.0] * len(channels))
    x = data["input"][f"{run}.x"].transpose(1, 2)
    order, index = list(range(len(channels)))[::-1], torch.arange(len(x))
    fields = (2 * x + 0.5)[:, order]
    names = tuple(channels[i] for i in order)
    clip = Clip(fields, torch.zeros(len(x), 0), names, (), 1.0, (1.0, 1.0), (True, True), index, index)
    rule = dict(case["outputs"][f"{run}.theta_latent"])
    rule["suggested_atol"] *= 3  # standardising other units rounds differently
    with torch.no_grad():
        assert_close(learner.encode(clip)[:, 0], data["output"][f"{run}.theta_latent"], rule)


@pytest.mark.parametrize("adjoint", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", CASES)
def test_gradients(case: dict[str, Any], adjoint: bool) -> None:
    data = load(case)
    (run,) = {key.split("::")[0] for key in case["grads"]}
    learner = learner_of(case, data, run, adjoint=adjoint)
    x, labels = data["input"][f"{run}.x"].transpose(1, 2), data["input"][f"{run}.state_labels"]
    y = learner.model(x, labels, units=case["runs"][run]["predict_normed"])
    (0.5 * y.square().mean()).backward()
    parameters = dict(learner.model.named_parameters())
    for key, rule in case["grads"].items():
        gradient = parameters[key.split("::")[1]].grad
        assert gradient is not None
        assert_close(gradient, data["grad"][key], rule)


@pytest.mark.parametrize("case", CASES)
def test_scales_of_a_new_operator_are_those_of_the_published_ones(case: dict[str, Any]) -> None:
    data = load(case)
    for name, spec in case["dataset_specs"].items():
        operator = DiscoOperator(spec["in_channels"], spec["boundary_conditions"] == "periodic")
        shapes = case["not_stored_placeholder_keys"]
        stored = {
            k.removeprefix(f"opnns.{name}."): tuple(v) for k, v in shapes.items() if k.startswith(f"opnns.{name}.")
        }
        assert {f"{key}.weight": shape for key, shape in operator.shapes.items()} == stored
        assert operator.size == case["n_operator_parameters"][name]
        # Stored is the largest of one draw, computed the bound of the distribution.
        ratio = operator.scales() / data["weights"][f"theta_norm_{name}"]
        assert float(ratio.min()) > 0.9999 and float(ratio.max()) < 1.05


@pytest.mark.parametrize("case", CASES)
def test_refused_checkpoints(case: dict[str, Any]) -> None:
    data = load(case)
    state, run = official(case, data), next(iter(case["runs"]))
    channels, dataset = channels_of(case, run), case["runs"][run]["dataset"]
    for arguments, message in [
        (({}, channels), "no DISCO checkpoint"),
        ((state, channels), "several datasets"),
        ((state, channels, "planets"), "no dataset 'planets'"),
        ((state, [*channels[:-1], "vorticity"], dataset), "no channel 'vorticity'"),
        ((state, channels[:-1], dataset), "not for"),
    ]:
        with pytest.raises(PhysrepError, match=message):
            convert(*arguments)


def test_full_size() -> None:
    directory = golden_directory()
    if directory is None or not (directory / "full_size_keys.json").is_file():
        pytest.skip("no full_size_keys.json")
    published = json.loads((directory / "full_size_keys.json").read_text())["disco_hypernetwork_384"]["state_dict"]
    with torch.device("meta"):
        model = Disco(DiscoHypernetwork(29), 384, DiscoOperator(4, True), 768, "shear_flow")
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    trunk = {key.removeprefix("hpnn."): shape for key, shape in shapes.items() if key.startswith("hpnn.")}
    unused = {key for key in published if UNUSED.match(f"hpnn.{key}")}
    unused -= {key for key in unused if "input_heads.2" in key and not key.startswith("blocks.0.")}
    assert trunk == {key: shape for key, shape in published.items() if key not in unused}
    assert shapes["param_gen_adim.weight"] == [65536, 768] and shapes["param_gen_dim.2.weight"] == [92512, 768]
    assert shapes["param_gen_channels.shear_flow.weight"] == [576, 768]
