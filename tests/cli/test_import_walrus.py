"""Walrus' weights become a run: the layout of the published files, and the numbers that the public code gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from physrep.checkpoints.walrus import CONFIG, convert
from physrep.cli.main import main
from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import Walrus
from physrep.learners.walrus import FIELDS
from physrep.run_directory import load_run
from tests.helpers.imported_runs import assert_is_probed
from tests.helpers.walrus_file import drawn, published

SHEAR = ("pressure", "tracer", "velocity_x", "velocity_y")
SMALL: dict[str, Any] = {"dim": 32, "inner": 8, "blocks": 2, "heads": 2, "tokens": 4}
GOLDEN = [
    [4.831433296203613, -0.0972641110420227, -3.3122916221618652],
    [3.9312081336975098, -0.9424226880073547, -3.267310380935669],
    [4.662548065185547, 0.01838439702987671, -3.052123546600342],
    [4.434756755828857, -2.4839868545532227, -3.1084842681884766],
]
"""Entries 0, 10, 31 of tokens 0, 21, 40, 59 of the first window below: the public code of the stem, of both kinds of
attention and of the norms (github.com/DJ-Fear/walrus_steering, commit d568140, layer scale 1), with the columns and the
margins of github.com/PolymathicAI/walrus, on 2026-11-27."""


def clip(channels=SHEAR, frames: int = 3, size=(16, 32), periodic=(True, False)) -> Clip:
    fields = drawn("fields", (2, len(channels), frames, *size)) + 0.2
    nobody = torch.zeros(2, dtype=torch.long)
    return Clip(fields, torch.zeros(2, 0), channels, (), 0.1, (0.1,) * len(size), periodic, nobody, nobody)


def learner_of(channels, **options) -> Walrus:
    imported = convert(published(), channels, 3, tokens=4, **options)
    learner = Walrus(imported.in_channels, imported.num_frames, **imported.options)
    learner.load_state_dict(imported.state, strict=False)
    return learner


def test_tokens_are_those_of_the_public_code() -> None:
    names = ("tracer", "velocity_x", "velocity_y")
    tokens = learner_of(names, cells=None, size=(16, 32)).encode(clip(names))
    assert tokens.shape == (2, 3 * 4 * 5, 32)  # a token more along the axis with boundaries
    torch.testing.assert_close(tokens[0, [0, 21, 40, 59]][:, [0, 10, 31]], torch.tensor(GOLDEN), atol=1e-4, rtol=1e-4)
    assert tokens.mean().item() == pytest.approx(0.3968716, abs=1e-4)
    assert tokens.std(correction=1).item() == pytest.approx(2.3958652, abs=1e-4)


def test_a_file_of_the_published_layout_is_imported_and_probed(tmp_path: Path, capsys) -> None:
    tensors, file, run = published(), tmp_path / "walrus.pt", tmp_path / "run"
    torch.save({"app": {"model": tensors}}, file)
    own = {"closed_boundary": 0, "open_boundary": 1, "bias_correction": 2, **FIELDS}
    settings = {"model": {"causal_in_time": True}, "data": {"field_index_map_override": own}}
    (tmp_path / CONFIG).write_text(yaml.safe_dump(settings))
    words = ["import-checkpoint", file, "--as", "walrus", "--out", run, "--channels", *SHEAR, "--num-frames", 3]
    words += ["--options.tokens", 4, "--options.cells", 2, "--options.layer", 2]
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    assert f"columns of fields by {CONFIG}" in said and "pressure in column 3, tracer in column 54" in said
    assert "left out: blocks.2." in said
    learner, _ = load_run(run)
    assert isinstance(learner, Walrus) and learner.kind == "learner" and learner.label == "Walrus (frozen)"
    state = learner.backbone.state_dict()
    assert all(torch.equal(state[key], tensors[key].expand_as(state[key])) for key in state)
    assert learner.encode(clip()).shape == (2, 3 * 2 * 2, 32) and learner.grid(3, 16, 32) == (3, 2, 2)
    assert_is_probed(run, tmp_path, capsys)


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    for change, message in (
        ({"embed.2.proj1.weight": None}, "holds no Walrus for 2 axes"),
        ({"blocks.1.space_mixing.attn_out.weight": None}, "lacks 'blocks.1.space_mixing.attn_out.weight'"),
        ({"blocks.1.time_mixing.norm1.weight": torch.ones(31)}, r"has shape \(31,\), wanted \(32,\)"),
        ({"ape": torch.zeros(1, 1, 32, 4, 4, 1)}, "has 'ape'"),
    ):
        changed = {key: value for key, value in (published() | change).items() if value is not None}
        with pytest.raises(PhysrepError, match=message):
            convert(changed, SHEAR)
    with pytest.raises(PhysrepError, match="none of the channels salinity has a place"):
        convert(published(), ("salinity",))
    table = {"data": {"field_index_map_override": {"pressure": 3}}}
    for text, message in (
        (table | {"model": {"causal_in_time": False}}, "causal_in_time is False"),
        (table | {"model": {"encoder": {"activation": {"_target_": "torch.nn.GELU"}}}}, "torch.nn.GELU"),
        ({"data": {}}, "field_index_map_override"),
        ({"data": {"field_index_map_override": {"pressure": 67}}}, "column 67 of channel 'pressure' does not exist"),
    ):
        (tmp_path / CONFIG).write_text(yaml.safe_dump(text))
        with pytest.raises(PhysrepError, match=message):
            convert(published(), ("pressure",), folder=tmp_path)


def test_frequencies_that_differ_between_axes_are_read() -> None:
    same, other = published(), published()
    for i in range(3):
        value = other.pop(f"blocks.{i}.space_mixing.rotary_emb.freqs")
        other |= {f"blocks.{i}.space_mixing.rotary_emb.freqs.{axis}": value * (axis + 1) for axis in range(3)}
    first, second = (convert(tensors, SHEAR, 3).state for tensors in (same, other))
    key = "backbone.blocks.1.space_mixing.rotary_emb.freqs"
    assert torch.equal(first[key].expand(3, -1) * torch.tensor([[1.0], [2.0], [3.0]]), second[key])


def test_the_rule_from_our_fields_to_theirs() -> None:
    floor = Walrus(4, 3, **SMALL)
    assert floor.kind == "floor" and floor.label == "Walrus (random weights)"
    assert floor.places(("salinity", "tracer", "velocity_y")) == {"tracer": 54, "velocity_y": 5}
    assert floor.left_out(("salinity", "tracer")) == ["salinity"]
    other = Walrus(4, 3, columns={"salinity": 9, "tracer": -1}, **SMALL)
    assert other.places(("salinity", "tracer")) == {"salinity": 9}
    assert floor.present(("tracer", "velocity_x", "D_xy", "c_zz")) == 1 + 3 + 9 + 1
    assert floor.sizes((10, 17)) == (16, 32) and floor.sizes((33, 1000)) == (48, 128)
    assert Walrus(4, 3, blocks=1, dim=32, inner=8, heads=2).sizes((256, 512)) == (256, 512)
    images, places = floor.inputs(clip(("velocity_y", "salinity", "tracer", "pressure")))
    assert list(places) == ["velocity_y", "tracer", "pressure"] and images.shape == (2, 3, 3, 16, 32)
    torch.testing.assert_close(images.square().mean((1, 3, 4)), torch.ones(2, 3))
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"size": [16, 20]}, "each 4 times one of"),
        ({"layer": 3}, "layer is 3"),
        ({"boundary": "wall"}, "boundary is 'wall'"),
        ({"columns": {"tracer": 2}}, "column 2 of channel 'tracer' does not exist"),
        ({"frame_stride": 4}, "frame_stride is 4"),
    )
    for options, message in refused:
        with pytest.raises(PhysrepError, match=message):
            Walrus(4, 3, **SMALL | options)


def test_a_frame_sees_itself_and_those_before_it() -> None:
    learner = learner_of(SHEAR)
    early = learner.backbone(*arguments(clip()))
    late = clip()
    late.fields[:, :, 2] = -late.fields[:, :, 2]  # the root mean square stays
    changed = learner.backbone(*arguments(late))
    torch.testing.assert_close(changed[:, :2], early[:, :2])
    assert (changed[:, 2] - early[:, 2]).abs().max() > 0.1


def arguments(of: Clip):
    return of.fields.transpose(1, 2), [3, 54, 4, 5], 5, [(2, 2), (4, 2)], of.periodic


def test_three_axes_of_space() -> None:
    learner = learner_of(("density", "velocity_x"), axes=3, cells=1)
    windows = clip(("density", "velocity_x"), 3, (16, 16, 20), (True, False, True))
    tokens = learner.encode(windows)
    assert tokens.shape == (2, 3, 32) and tokens.isfinite().all() and learner.grid(3, 16, 16, 20) == (3, 1, 1, 1)
    with pytest.raises(PhysrepError, match="on 3 axes"):
        learner.encode(clip())


@pytest.mark.slow
def test_an_imported_run_is_a_row_beside_its_initial_weights(tmp_path: Path, capsys) -> None:
    torch.save(published(), tmp_path / "walrus.pt")
    words = ["import-checkpoint", tmp_path / "walrus.pt", "--as", "walrus", "--out", tmp_path / "run"]
    words += ["--channels", *SHEAR, "--num-frames", 3, "--options.tokens", 4, "--options.cells", 1]
    assert main([str(word) for word in words]) == 0
    text = f"""
        system: shear_flow
        simulation: {{trajectories: 12, resolution: [16, 32], frames: 6, save_dt: 0.05,
                     ranges: {{Reynolds: [20, 90]}}, splits: [0.5, 0.25, 0.25]}}
        num_frames: 3
        eval_stride: 2
        probes: {{ridge: {{}}}}
        analyses: {{}}
        runs:
          - {{learner: walrus, init_from: {tmp_path}/run}}
          - {{learner: walrus, name: initial, init_from: {tmp_path}/run, options: {{random_weights: true}}}}
        """
    (tmp_path / "bench.yaml").write_text(text)
    (tmp_path / "wrong.yaml").write_text(text.replace("num_frames: 3", "num_frames: 4"))
    assert main(["bench", str(tmp_path / "wrong.yaml"), "--out", str(tmp_path / "no")]) == 2
    assert "is 'walrus' on 3 frames, but 'walrus' on 4 is wanted" in capsys.readouterr().err
    assert main(["bench", str(tmp_path / "bench.yaml"), "--out", str(tmp_path / "bench")]) == 0
    table = capsys.readouterr().out
    assert "Walrus (frozen)" in table and "Walrus (random weights)" in table
    own, initial = (load_run(tmp_path / "bench" / "runs" / f"{name}-s0")[0] for name in ("walrus", "initial"))
    assert torch.equal(own.backbone.encoder_dummy, published()["encoder_dummy"]) and own.kind == "learner"  # pyright: ignore
    assert torch.equal(initial.backbone.encoder_dummy, torch.ones(1)) and initial.kind == "floor"  # pyright: ignore
    assert own.field_std.tolist() == [1.0] * 4  # raw fields, as when it was imported
