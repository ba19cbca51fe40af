"""`physrep score`: encoders of others against the floors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import physrep
from physrep.benchmark.score import score
from physrep.checkpoints.foreign import shuffled
from physrep.checkpoints.frozen_encoder import FrozenEncoder, as_tokens
from physrep.cli.main import main
from physrep.cli.score import sentence
from physrep.cli.score_systems import quick_systems
from physrep.data import assign_splits, select_trajectories
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from tests.helpers import foreign_encoders

ENCODERS = foreign_encoders.__name__


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Waves whose speed spectra read, and whose ``tilt`` is the correlation of two fields of equal spectra."""
    rng, n = np.random.default_rng(0), 60
    tilt, speed = rng.uniform(-0.9, 0.9, n), rng.uniform(0.5, 2, n)
    common, own = rng.standard_normal((2, n, 12, 16, 16))
    wave = np.sin(speed[:, None] * np.arange(12) + rng.uniform(0, 6, (n, 1)))[..., None, None]
    c = tilt[:, None, None, None]
    fields = {"a": common + wave, "b": c * common + np.sqrt(1 - c**2) * own}
    made = physrep.from_numpy(
        {k: v.astype(np.float32) for k, v in fields.items()}, parameters={"tilt": tilt, "speed": speed}, name="pair"
    )
    root = tmp_path_factory.mktemp("score") / "pair"
    assigned = assign_splits(n, 0, (0.6, 0.2, 0.2))
    for split in ("train", "valid", "test"):
        rows = [i for i, name in enumerate(assigned) if name == split]
        physrep.write_well(root / "data" / split / "pair.hdf5", select_trajectories(made, rows))
    return root


def small(encoder: str, data: Path, out: Path, **options: object):
    view = DataConfig(path=str(data), parameters=options.pop("parameters", None))  # type: ignore[arg-type]
    return score({"encoder": encoder, **options}, view, out, num_frames=8, stride=4, probes=["ridge"], jobs=1)


def test_an_encoder_that_knows_what_the_floors_do_not(data: Path, tmp_path: Path) -> None:
    answer = small(ENCODERS + ":Knowing", data, tmp_path / "out", parameters=["tilt"])
    rows = {row.run: row for row in answer.rows}
    assert next(iter(rows)) == "constant-s0" and list(rows)[-1] == "encoder-s0" and answer.floor != "encoder-s0"
    assert {row.run for row in answer.rows if row.kind == "floor"} == set(rows) - {"encoder-s0"}
    assert rows["encoder-s0"].mse < 0.2
    assert answer.measured.width == 2 and answer.measured.tokens == 1
    stored = json.loads((tmp_path / "out" / "score.json").read_text())
    assert stored["floor"] == answer.floor and stored["gain"][0] == pytest.approx(answer.gain[0])
    again = small(ENCODERS + ":Knowing", data, tmp_path / "out", parameters=["tilt"])
    assert [row.mse for row in again.rows] == [row.mse for row in answer.rows]
    text = sentence(answer, "Power spectra")
    assert "gain" in text and "labelled trajectories" in text and "participation ratio" in text


def test_gain_and_increment_are_what_their_names_say(data: Path, tmp_path: Path) -> None:
    """Both parameters: the floors know the speed, the encoder the tilt alone, so it adds without being better at it."""
    answer = small(ENCODERS + ":Knowing", data, tmp_path / "out")
    rows = {row.run: row for row in answer.rows}
    floor, own = rows[answer.floor], rows["encoder-s0"]
    assert answer.gain[0] == pytest.approx(floor.mse - own.mse, abs=1e-6)
    assert own.each["tilt"] < 0.2 < own.each["speed"]
    assert answer.gain[1] <= answer.gain[0] <= answer.gain[2]
    # Alone it is worse than the floor, together with it better: the increment sees what the gain does not.
    assert answer.gain[0] < 0 < answer.increment[1] <= answer.increment[0] <= answer.increment[2]


def test_a_collapsed_encoder_is_warned_of(data: Path, tmp_path: Path) -> None:
    answer = small(ENCODERS + ":Dead", data, tmp_path / "out", parameters=["speed"])
    assert any("collapse" in line and "100 %" in line for line in answer.warnings)
    assert answer.gain[2] < 0 and answer.increment == (0, 0, 0) and answer.labels["encoder"] == float("inf")


FOREIGN = {
    "output object": (
        ENCODERS + ":OutputObject",
        {"layout": "BTCHW", "channels": "each"},
        (2 * 4 * 4, 12),
    ),
    "frames first": (ENCODERS + ":FramesFirst", {"layout": "BTCHW"}, (4 * 4, 12)),
    "one size only": (
        ENCODERS + ":OnlySquares",
        {"layout": "BCHW", "size": 32, "channels": "first3", "normalise": "imagenet"},
        (8 * 16, 12),
    ),
    "one vector": (ENCODERS + ":OneVector", {"layout": "BTHWC", "normalise": "none"}, (1, 12)),
    "pooled": (ENCODERS + ":FramesFirst", {"layout": "BTCHW", "pool": "mean"}, (1, 12)),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_adapters(name: str, data: Path) -> None:
    from physrep.benchmark.feed import feed_batch

    encoder, options, shape = FOREIGN[name]
    measured = feed_batch({"encoder": encoder, **options}, DataConfig(path=str(data)), 8)
    assert (measured.tokens, measured.width) == shape and measured.seconds > 0


def test_a_foreign_encoder_on_the_command_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        ENCODERS + ":OutputObject",
        "--data",
        str(data),
        "--layout",
        "BTCHW",
        "--channels",
        "mean",
    ]
    rest = ["--num_frames", "8", "--stride", "4", "--probes", "ridge", "--jobs", "1", "--encoder_options.dim", "6"]
    assert main(["score", *arguments, *rest, "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    for row in ("Constant", "Field statistics", "Power spectra", "Classical", "Its random weights", "Frozen encoder"):
        assert row in out
    assert "best floor" in out and "16 x 6 per window" in out
    assert main(["score", *arguments[:3], *rest, "--out", str(tmp_path / "other")]) == 2
    assert "see --layout, --channels, --size" in capsys.readouterr().err


def frozen(**options: object) -> FrozenEncoder:
    torch.manual_seed(0)
    return FrozenEncoder(2, 8, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_from_a_file_and_the_initial_ones_as_floor(suffix: str, tmp_path: Path) -> None:
    torch.manual_seed(7)
    trained = foreign_encoders.FramesFirst(2)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": {f"module.encoder.{k}": v for k, v in trained.state_dict().items()}}, path)
    else:
        save_file(trained.state_dict(), path)
    name = ENCODERS + ":FramesFirst"
    loaded = frozen(encoder=name, weights=str(path))
    assert all(torch.equal(v, trained.state_dict()[k]) for k, v in loaded.encoder.state_dict().items())
    floor = frozen(encoder=name, weights=str(path), random_weights=True, seed=3)
    assert floor.kind == "floor" and loaded.kind == "learner"
    assert not torch.equal(floor.encoder.state_dict()["project.weight"], trained.project.weight)
    with pytest.raises(PhysrepError, match=r"project.weight has shape .* wants .*--encoder_options"):
        frozen(encoder=name, weights=str(path), encoder_options={"dim": 6})
    torch.save({"other": torch.zeros(2)}, tmp_path / "wrong.pth")
    with pytest.raises(PhysrepError, match=r"lacks 2 of 2 weights of FramesFirst, the first being project.weight"):
        frozen(encoder=name, weights=str(tmp_path / "wrong.pth"))


def test_an_exported_program_and_its_shuffled_weights(tmp_path: Path) -> None:
    torch.manual_seed(7)
    module = foreign_encoders.FramesFirst(2).eval()
    batch = torch.export.Dim("batch", min=1, max=512)
    program = torch.export.export(module, (torch.zeros(4, 8, 2, 16, 16),), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "encoder.pt2")
    loaded = frozen(encoder=str(tmp_path / "encoder.pt2"), layout="BTCHW").eval()
    x = torch.randn(3, 2, 8, 16, 16)
    wanted = module(x.transpose(1, 2)).flatten(2).transpose(1, 2)
    assert torch.allclose(loaded._tokens(x), wanted)
    floor = frozen(encoder=str(tmp_path / "encoder.pt2"), layout="BTCHW", random_weights=True).eval()
    assert not torch.allclose(floor._tokens(x), wanted)
    with pytest.raises(PhysrepError, match="holds its own"):
        frozen(encoder=str(tmp_path / "encoder.pt2"), weights="weights.pth")
    (tmp_path / "broken.pt2").write_bytes(b"no program")
    with pytest.raises(PhysrepError, match="is no exported program"):
        frozen(encoder=str(tmp_path / "broken.pt2"))


def test_a_model_of_the_transformers_library(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.VideoMAEConfig(image_size=16, patch_size=8, num_frames=8, tubelet_size=2, **sizes)
    transformers.VideoMAEModel(config).save_pretrained(tmp_path / "model")
    loaded = frozen(encoder=f"hf:{tmp_path / 'model'}", layout="BTCHW", channels="first3", normalise="imagenet").eval()
    assert loaded._tokens(torch.randn(2, 3, 8, 16, 16)).shape == (2, 16, 8)


def test_shuffled_weights_keep_their_values() -> None:
    module = nn.Linear(8, 8)
    fresh = shuffled(module, 1)
    assert torch.equal(fresh.weight.flatten().sort().values, module.weight.flatten().sort().values)
    assert not torch.equal(fresh.weight, module.weight) and torch.equal(shuffled(module, 1).weight, fresh.weight)


def test_outputs_become_tokens() -> None:
    wanted, encoder = torch.arange(24.0).view(2, 3, 4), nn.Identity()
    maps = wanted.transpose(1, 2)
    for output in (wanted, (wanted, None), {"logits": maps[..., 0], "last_hidden_state": wanted}, maps[..., None]):
        assert torch.equal(as_tokens(output, 2, encoder), wanted)
    assert as_tokens(torch.zeros(2, 5), 2, encoder).shape == (2, 1, 5)
    for output in (None, torch.zeros(3, 5), torch.zeros(2, 5, dtype=torch.long), {"loss": 1.0}, torch.zeros(2)):
        with pytest.raises(PhysrepError, match="tokens are"):
            as_tokens(output, 2, encoder)


def test_imagenet_range() -> None:
    learner = frozen(encoder=ENCODERS + ":OutputObject", channels="mean", normalise="imagenet")
    low, high = (learner._coloured(torch.full((1, 3, 1, 2, 2), value)) for value in (-5.0, 5.0))
    mean, std = (torch.tensor(part) for part in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert torch.allclose(low[0, :, 0, 0, 0], -mean / std) and torch.allclose(high[0, :, 0, 0, 0], (1 - mean) / std)


def test_unknown_choices_are_named() -> None:
    for option, value in (("layout", "TBCHW"), ("channels", "some"), ("normalise", "max"), ("pool", "max")):
        with pytest.raises(PhysrepError, match=f"{option} is '{value}'; use one of"):
            frozen(encoder="conv3d", **{option: value})
    with pytest.raises(PhysrepError, match="choose channels each, mean or first3"):
        frozen(encoder="conv3d", normalise="imagenet")


def test_what_a_built_encoder_does_not_use_is_refused(tmp_path: Path) -> None:
    for place in (str(tmp_path), "hf:nowhere", "nowhere.pt2"):
        with pytest.raises(PhysrepError, match="--encoder_options goes with a class"):
            frozen(encoder=place, encoder_options={"nonsense": 1})
    for option, value in (("layout", "BTCHW"), ("channels", "mean"), ("normalise", "none"), ("size", 16)):
        with pytest.raises(PhysrepError, match=f"--{option} has no effect: .* is a run"):
            frozen(encoder=str(tmp_path), **{option: value})


def test_systems_are_simulated_and_scored_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["score", "conv3d", "--systems", "shear_flow", "--out", str(tmp_path), "--probes", "ridge"]
    sizes = {"trajectories": "24", "resolution": "[16, 32]", "frames": "12", "ranges": "{Reynolds: [20, 60]}"}
    small = [word for name, value in sizes.items() for word in (f"--simulation.{name}", value)]
    encoder = ["--encoder_options.dims", "[8]", "--encoder_options.strides", "[[2, 2, 2]]"]
    assert main([*words, *small, "--num-frames", "4", "--stride", "8", "--jobs", "1", *encoder]) == 0
    said = capsys.readouterr().out
    assert "best floor" in said and said.splitlines()[-2].startswith("shear_flow ")
    assert (tmp_path / "shear_flow" / "score.json").is_file()
    assert main([*words[:3], "hear_flow", "--out", str(tmp_path)]) == 2
    assert "did you mean 'shear_flow'" in capsys.readouterr().err
    assert main([*words[:2], "--data", str(tmp_path), "--simulation.trajectories", "3"]) == 2
    assert "goes with --systems" in capsys.readouterr().err


def test_quick_presets_have_one_system_each() -> None:
    systems = quick_systems()
    assert {"shear_flow", "active_matter", "rayleigh_benard", "gray_scott_3d", "vicsek"} == set(systems)
    assert len({str(path) for path in systems.values()}) == len(systems)


class OfLargeGrids(nn.Module):
    """Wants windows of at least 33 points along y."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv3d(4, 8, (2, 1, 33), 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).flatten(2).mT


def of_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    monkeypatch.setattr(
        "physrep.cli.score_systems.quick_systems", lambda: {n: p for n, p in KNOWN.items() if n in names}
    )
    small = ["--simulation.trajectories", "24", "--simulation.frames", "8", "--num-frames", "4", "--probes", "ridge"]
    return ["score", f"{__name__}:OfLargeGrids", "--systems", "all", "--out", str(tmp_path), *small]


KNOWN = quick_systems()


def test_an_encoder_is_tried_before_anything_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("physrep.simulation.simulate", lambda *a, **k: pytest.fail("simulated"))
    assert main(of_large(tmp_path, monkeypatch, "active_matter")) == 2
    said = capsys.readouterr()
    assert "nothing was simulated. active_matter: encoder OfLargeGrids refuses fields" in said.err
    assert not (tmp_path / "data").exists()


def test_systems_that_fail_are_named_with_their_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(name: str, *rest: object, **others: object) -> Path:
        raise PhysrepError(f"{name}: the disk is full; free space.")

    monkeypatch.setattr("physrep.simulation.simulate", full)
    assert main(of_large(tmp_path, monkeypatch, *KNOWN)) == 2
    said = capsys.readouterr()
    assert "active_matter: left out, encoder OfLargeGrids refuses fields" in said.out
    assert "rayleigh_benard: left out, " in said.out
    assert f"1 of {len(KNOWN)} systems failed. shear_flow: shear_flow: the disk is full" in said.err
