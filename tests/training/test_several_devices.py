"""Several processes train what one process trains with the whole batch; a launcher decides only what was asked."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from safetensors.torch import load_file

from physrep.errors import PhysrepError
from physrep.learners.sigreg import SIGReg
from physrep.learners.vicreg import VICReg
from physrep.training.group import Place, first_host, launched
from physrep.training.several import leave_together
from tests.helpers.small_data import write_waves

REGULARISERS = {"vicreg": lambda: VICReg(chunks=2), "sigreg": lambda: SIGReg(slices=32, chunk=16)}


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, 3, 5, generator=generator, dtype=torch.float64)
    return x, x + 0.1 * torch.randn(x.shape, generator=generator, dtype=torch.float64)


def gradient(name: str, part: slice) -> torch.Tensor:
    """Gradient of the loss on the clips ``part`` with respect to a map that both sides go through."""
    x, y = (z[part].float() for z in rows())
    weight = torch.eye(5).requires_grad_()
    torch.manual_seed(1)
    REGULARISERS[name]().train()(x @ weight, y @ weight)["loss"].backward()
    assert weight.grad is not None
    return weight.grad


def _on_a_device(rank: int, port: int, folder: str) -> None:
    store = dist.TCPStore("127.0.0.1", port, is_master=False)
    dist.init_process_group("gloo", rank=rank, world_size=2, store=store)
    for name in REGULARISERS:
        own = gradient(name, slice(6 * rank, 6 * rank + 6))
        dist.all_reduce(own)
        torch.save(own / 2, f"{folder}/{name}{rank}.pt")
    leave_together()


def test_statistics_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    mp.spawn(_on_a_device, (store.port, str(tmp_path)), nprocs=2)  # pyright: ignore[reportPrivateImportUsage]
    for name in REGULARISERS:
        whole = gradient(name, slice(None))
        assert whole.abs().max() > 1e-2
        for rank in (0, 1):
            torch.testing.assert_close(torch.load(tmp_path / f"{name}{rank}.pt"), whole, rtol=1e-6, atol=1e-6)


def pretrain(
    root: Path, out: Path, *options: str, launcher: tuple[str, ...] = (sys.executable, "-m", "physrep"), **env: str
) -> subprocess.Popen[str]:
    command = [
        *(*launcher, "pretrain", "jepa", "--data", str(root), "--out", str(out)),
        *("--num_frames", "4", "--encoder", "conv3d", "--encoder_options.dims", "[8, 16]"),
        *("--encoder_options.strides", "[[2,2,2],[2,2,2]]", "--encoder_options.groups", "4"),
        *("--training.probe_every", "0", "--training.threads", "1", "--device", "cpu", *options),
    ]
    # A group of its own, so that a signal can be sent as a terminal does.
    return subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=out.parent,
        start_new_session=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_waves(tmp_path_factory.mktemp("data"))


@pytest.mark.slow
def test_two_processes_train_what_one_does(root: Path, tmp_path: Path) -> None:
    steps = ("--training.steps", "6", "--training.log_every", "1")
    one = pretrain(root, tmp_path / "one", *steps, "--training.batch_size", "8")
    assert one.wait() == 0, one.communicate()
    two = pretrain(root, tmp_path / "two", *steps, "--training.batch_size", "4", "--devices", "2")
    out, err = two.communicate()
    assert two.returncode == 0, err
    assert out.count("weights.safetensors") == 1 and err.count("6/6 steps") == 1
    ours, theirs = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-4, atol=2e-6, msg=name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.slow
def test_two_processes_stopped_and_continued_end_in_the_same_weights(root: Path, tmp_path: Path) -> None:
    options = ("--training.steps", "400", "--training.batch_size", "4", "--devices", "2")
    options = (*options, "--training.checkpoint_every", "20")
    assert pretrain(root, tmp_path / "whole", *options).wait() == 0
    process = pretrain(root, tmp_path / "stopped", *options)
    while not (tmp_path / "stopped" / "state.pt").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143 and "Traceback" not in err, err
    assert pretrain(root, tmp_path / "stopped", *options).wait() == 0
    ours, theirs = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


@pytest.mark.slow
def test_a_process_killed_under_torchrun_is_started_again_and_ends_in_the_same_weights(
    root: Path, tmp_path: Path
) -> None:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    torchrun = (*torchrun, "--max-restarts", "2", "-m", "physrep")
    options = ("--training.steps", "200", "--training.batch_size", "4", "--devices", "2")
    options = (*options, "--training.checkpoint_every", "10")
    assert pretrain(root, tmp_path / "whole", *options).wait() == 0
    process = pretrain(root, tmp_path / "killed", *options, launcher=torchrun, OMP_NUM_THREADS="1")
    try:
        while not (tmp_path / "killed" / "state.pt").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        trainers = [pid for pid in children(process.pid) if (tmp_path / "killed").name in command_of(pid)]
        assert len(trainers) == 2
        os.kill(trainers[-1], signal.SIGKILL)
        _, err = process.communicate(timeout=600)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, err
    assert "exitcode: -9" in err and "another process of this training has ended" in err and "unforeseen" not in err
    ours, theirs = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "killed"))
    assert ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


def children(process: int) -> list[int]:
    """Numbers of the processes that a process has started."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(number) for number in found]


def command_of(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


def test_another_number_of_devices_is_another_run(root: Path, tmp_path: Path) -> None:
    from physrep.files import read_yaml, write_yaml

    options = ("--training.steps", "2", "--training.batch_size", "4")
    assert pretrain(root, tmp_path / "run", *options).wait() == 0
    stored = read_yaml(tmp_path / "run/config.yaml")
    assert "devices" not in stored
    write_yaml(tmp_path / "run/config.yaml", {**stored, "devices": 2})
    again = pretrain(root, tmp_path / "run", *options)
    _, err = again.communicate()
    assert again.returncode == 2 and "holds a run with another devices" in err


def test_a_launcher_is_asked_only_for_several_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_PORT": "1234"}.items():
        monkeypatch.setenv(name, value)
    assert launched(1) is None
    assert launched(2) == Place(1, 2, 1, "127.0.0.1", 1234)
    with pytest.raises(PhysrepError, match="started 2 processes, but --devices is 4"):
        launched(4)


def test_slurm_s_step_is_a_launcher_and_its_job_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert launched(2) is None
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    monkeypatch.setenv("SLURM_STEP_NODELIST", "gpu[03-05,09],cpu1")
    place = launched(2)
    assert place is not None and (place.rank, place.world, place.address) == (0, 2, "gpu03")
    assert first_host("node1") == "node1" and first_host("a,b[1-2]") == "a"


def test_variables_of_a_launcher_do_not_steer_one_process(root: Path, tmp_path: Path) -> None:
    slurm: dict[str, Any] = {
        "SLURM_JOB_ID": "77", "SLURM_NTASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "3", "SLURM_NODEID": "0",
        "SLURM_NNODES": "1", "SLURM_JOB_NAME": "train", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "3",
        "LT_DEVICES": "4",
    }  # fmt: skip
    process = pretrain(root, tmp_path / "run", "--training.steps", "2", "--training.batch_size", "4", **slurm)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "weights.safetensors" in out
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
