"""The command line: fast help, exit codes, one sentence for bad input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from physrep.cli.arguments import apply_overrides, split_overrides
from physrep.cli.main import COMMANDS, main
from physrep.errors import PhysrepError
from tests.helpers.small_data import TINY_ENCODER, write_waves


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_waves(tmp_path_factory.mktemp("data"))


def test_help_imports_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from physrep.cli.main import main; main(['--help']); print({'torch', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set()")
    assert "physrep bench configs/quick.yaml" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"physrep {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulat"], "did you mean 'simulate'"),
        (["simulate", "shear_flo", "--out", "OUT"], "did you mean 'shear_flow'"),
        (["simulate", "shear_flow"], "out"),
        (["simulate", "shear_flow", "--out", "OUT", "--range", "Reynolds"], "NAME=LOW:HIGH"),
        (["bench", "nowhere.yaml", "--out", "OUT"], "no such file"),
        (["bench", "BROKEN", "--out", "OUT"], "is not valid YAML"),
        (["bench", "TYPO", "--out", "OUT"], "did you mean 'training'"),
        (["bench", "GOOD"], "--out is missing"),
        (["pretrain", "jeppa", "--data", "DATA", "--out", "OUT"], "did you mean 'jepa'"),
        (["pretrain", "jepa", "--data", "nowhere", "--out", "OUT"], "nowhere"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--training.stps", "3"], "did you mean 'steps'"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--fields", "density"], "density"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--data.fields", "[density]"], "density"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--resample", "nearest"], "resample"),
        (["pretrain", "jepa", "--data", "DATA", "--out", "OUT", "--num_frames", "99"], "frames"),
        (["probe", "runs/none"], "no run directory"),
        (["embed", "torch.nn:Idntity", "--data", "DATA"], "did you mean 'Identity'"),
        (["embed", "torch.nn:Identity", "--data", "DATA", "--num_frames", "4"], "tokens"),
        (["report", "OUT"], "results.csv"),
        (["compare", "OUT"], "--out is missing"),
        (["leaderboard", "OUT"], "results.csv"),
        (["probe", "torch.nn:Identity", "--data", "DATA", "--labels", "none.csv"], "none.csv"),
        (["list", "sistems"], "known: systems"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    arguments: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text("runs: [\n")
    (tmp_path / "typo.yaml").write_text("trainig: {}\n")
    (tmp_path / "good.yaml").write_text("runs: [{learner: constant}]\n")
    places = {
        "OUT": tmp_path / "out",
        "DATA": data,
        "BROKEN": tmp_path / "broken.yaml",
        "TYPO": tmp_path / "typo.yaml",
        "GOOD": tmp_path / "good.yaml",
    }
    code = main([str(places.get(word, word)) for word in arguments])
    error = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert message in error[-1]
    assert "Traceback" not in "".join(error)


def test_pretrain_probe_and_report_of_a_run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = TINY_ENCODER["encoder_options"]
    out = tmp_path / "run"
    assert (
        main(
            ["pretrain", "jepa", "--data", str(data), "--out", str(out), "--encoder", "conv3d", "--num_frames", "4"]
            + ["--training.steps", "4", "--training.batch_size", "4", "--device", "cpu"]
            + [word for key, value in options.items() for word in (f"--encoder_options.{key}", str(value))]
        )
        == 0
    )
    assert main(["probe", str(out), "--stride", "4"]) == 0
    beside = sorted(tmp_path.iterdir())
    assert main(["probe", str(out), "--stride", "4", "--out", str(tmp_path / "mine")]) == 0
    assert sorted(tmp_path.iterdir()) == sorted([*beside, tmp_path / "mine"])
    assert {"predictions_ridge.npz", "probe_ridge.json"} <= {path.name for path in (tmp_path / "mine").iterdir()}
    printed = capsys.readouterr().out
    assert "trajectory  rate" in printed
    assert (out / "predictions_ridge.npz").is_file()


def test_an_encoder_by_import_path(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pooling_encoder.py").write_text(
        "from torch import nn\n"
        "class Mine(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x.mean((3, 4)).transpose(1, 2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    out = str(tmp_path / "tokens")
    assert main(["probe", "pooling_encoder:Mine", "--data", str(data), "--num_frames", "4", "--out", out]) == 0
    assert "rate" in capsys.readouterr().out


def test_check_has_three_exit_codes(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    import h5py

    assert main(["check", str(data)]) == 0
    faulty = tmp_path / "waves"
    shutil.copytree(data, faulty, ignore=shutil.ignore_patterns("cache"))
    with h5py.File(faulty / "data/test/waves_0000.hdf5", "r+") as file:
        file["t0_fields/tracer"][0, 0, 0, 0] = float("nan")
    assert main(["check", str(faulty)]) == 1
    assert "tracer" in capsys.readouterr().out
    (tmp_path / "text.hdf5").write_text("not HDF5")
    assert main(["check", str(tmp_path / "text.hdf5")]) == 2


def test_overrides_reach_nested_settings_and_list_items() -> None:
    plain, overrides = split_overrides(["a.yaml", "--x.y", "3", "--runs.1.name=b", "--out", "o"])
    assert plain == ["a.yaml", "--out", "o"]
    values = apply_overrides({"runs": [{"name": "a"}, {}]}, overrides)
    assert values == {"x": {"y": 3}, "runs": [{"name": "a"}, {"name": "b"}]}
    with pytest.raises(PhysrepError, match=r"runs\.7"):
        apply_overrides({"runs": []}, {"runs.7.name": "c"})


@pytest.mark.parametrize("command", ["bench", "calibrate"])
def test_the_printed_configuration_is_complete(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("runs: [{learner: statistics}]\n")
    assert main([command, str(tmp_path / "a.yaml"), "--print_config", "--training.steps", "7"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["training"]["steps"] == 7
    assert printed["training"]["batch_size"] == 32
    assert printed["runs"][0]["learner"] == "statistics"


def test_a_full_disk_is_one_sentence(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import errno

    import physrep.files

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(physrep.files.os, "fsync", full)
    code = main(["simulate", "shear_flow", "--out", str(tmp_path), "--trajectories", "3", "--resolution", "16", "32"])
    error = capsys.readouterr().err
    assert code == 2
    assert "No space left" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("word", ["--save_dt", "--save-dt", "--save-dt=0.2", "--per-file=2", "--allow_underresolved"])
def test_dashes_and_underscores_are_the_same_option(word: str, tmp_path: Path) -> None:
    value = [] if "=" in word or "allow" in word else ["0.2"]
    words = ["simulate", "heat", "--out", str(tmp_path), "--resolution", "8", "8", "--frames", "2"]
    assert main([*words, "--trajectories", "3", word, *value]) == 0


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "2>&-", ">&-"])
def test_a_file_never_takes_the_place_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    code = (
        "import os, sys; from physrep.cli import main as program\n"
        "def run(arguments=None):\n"
        "    file = open(sys.argv[1], 'w'); file.write(str(file.fileno())); file.close(); return 0\n"
        "program.main = run; program.entry()"
    )
    command = ["bash", "-c", f'exec "$@" {closed}', "bash", sys.executable, "-c", code, str(tmp_path / "data")]
    assert subprocess.run(command, check=False).returncode == 0
    assert int((tmp_path / "data").read_text()) > 2


def test_a_path_with_a_null_byte_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    from physrep.cli.barrier import guarded

    assert guarded("convert", lambda: len(os.listdir("a\0b"))) == 2
    told = capsys.readouterr().err
    assert "null byte" in told and "unforeseen" not in told
