"""Completion knows every command and option, and the scripts are such that the shells read them."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec

import pytest

from physrep.cli.completion import SHELLS, parser_of, whole_parser
from physrep.cli.main import COMMANDS, main


def test_every_command_with_its_options() -> None:
    whole = whole_parser({"bash": "_files"})
    commands = next(action for action in whole._actions if action.dest == "command").choices
    assert commands is not None and list(commands) == list(COMMANDS)
    for name, (module, _) in COMMANDS.items():
        own = {word for action in parser_of(module)._actions for word in action.option_strings}
        found = {word for action in commands[name]._actions for word in action.option_strings}  # type: ignore[index]
        assert own - {"--print_shtab"} <= found, name
    assert {"--plan", "--out", "--data-root"} <= {w for a in commands["bench"]._actions for w in a.option_strings}  # type: ignore[index]


def test_an_unknown_shell_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "basch"]) == 2
    assert "did you mean" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    if find_spec("shtab") is None:
        assert main(["completion", shell]) == 2
        assert "physrep[completion]" in capsys.readouterr().err
        return
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "with-readout" in script and "leaderboard" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, check=True)
