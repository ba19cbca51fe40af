"""The config of a run in which a setting is missing or wrong is refused in one sentence, by whatever reads it."""

from __future__ import annotations

import copy
import errno
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.files import readable
from physrep.run_directory import CONFIG, WEIGHTS, load_run, read_run_config, run_data, stored_run_config
from tests.helpers.small_data import write_waves

CONFIGURED: dict[str, Any] = {
    "physrep": "0.1.0", "learner": "statistics", "options": {}, "in_channels": 3, "num_frames": 4,
    "parameters": {"decay": "log"}, "seed": 0, "data": {"path": "waves", "fields": None, "crop": None, "content": "x"},
}  # fmt: skip
GONE = object()


def _run(folder: Path, place: tuple[str, ...] = (), value: Any = None) -> Path:
    """A run directory whose config has another value, or none, at a place."""
    config = copy.deepcopy(CONFIGURED)
    owner = config
    for key in place[:-1]:
        owner = owner[key]
    if place and value is GONE:
        del owner[place[-1]]
    elif place:
        owner[place[-1]] = value
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    (folder / WEIGHTS).touch()
    return folder


WRONG = [
    *(((key,), value) for key in ("learner", "options", "in_channels", "num_frames", "data") for value in (GONE, None)),
    *(((key,), value) for key in ("learner", "options", "in_channels", "num_frames", "data") for value in ([1], [{}])),
    *(((key,), "x") for key in ("options", "in_channels", "num_frames", "data", "parameters", "seed")),
    *(((key,), -1) for key in ("options", "in_channels", "num_frames", "data", "parameters", "seed")),
    *((("data", "path"), value) for value in ([1], {"a": 1})),
    *((("data", "fields"), value) for value in (3, {"a": 1})),
    (("num_frames",), 0),
]


@pytest.mark.parametrize(("place", "value"), WRONG)
def test_a_wrong_setting_is_named(place: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    run = _run(tmp_path / "run", place, value)
    words = "describes no learner" if (place, value) == (("learner",), GONE) else place[-1]
    with pytest.raises(PhysrepError, match=f"config.yaml.*{words}"):
        read_run_config(run)
    if place != ("learner",):
        with pytest.raises(PhysrepError, match=f"config.yaml.*{place[-1]}"):
            stored_run_config(run)


def test_what_may_be_absent(tmp_path: Path) -> None:
    for place in (("parameters",), ("seed",), ("physrep",), ("data", "path"), ("data", "fields"), ("data", "content")):
        for value in (GONE, None):
            config = read_run_config(_run(tmp_path / "run", place, value))
            assert run_data(config, "others").path == "others"
    with pytest.raises(PhysrepError, match="names no data"):
        run_data(read_run_config(_run(tmp_path / "run", ("data", "path"), None)))


@pytest.mark.parametrize("command", ["predict", "embed", "push"])
def test_commands_say_it(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, data = _run(tmp_path / "run", ("data",), GONE), write_waves(tmp_path)
    words = {"predict": [str(data)], "embed": ["--out", str(tmp_path / "out")], "push": [str(tmp_path / "out")]}
    assert main([command, str(run), *words[command]]) == 2
    said = capsys.readouterr().err
    assert "config.yaml: the setting 'data' is missing" in said and "unforeseen" not in said


def test_weights_without_permission_are_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, real = _run(tmp_path / "run"), open

    def refused(path: Any, *rest: Any, **options: Any) -> Any:
        if str(path) == str(run / WEIGHTS):  # root may read everything
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *rest, **options)

    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(PhysrepError, match=r"cannot be read \(Permission denied\); check the path and its permissions"):
        load_run(run)
    assert readable(tmp_path / "none") == tmp_path / "none"
