"""The child that reads files for `check`: what ends it is a fault of the file, a signal of the terminal is not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from physrep.data.faults import Fault
from physrep.data.guard import check_in_child
from physrep.data.remote import AnyPath
from physrep.signals import STOPPING, raising


def _at_a_signal(number: int) -> Callable[[AnyPath, Callable[[], None]], list[Fault]]:
    def check(path: AnyPath, step: Callable[[], None]) -> list[Fault]:
        os.kill(os.getpid(), number)
        return []

    return check


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_to_the_whole_group_is_left_to_the_parent(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    paths = [Path("a"), Path("b")]
    with raising():
        assert list(check_in_child(paths, _at_a_signal(number), 60)) == [(path, []) for path in paths]
    assert capfd.readouterr().err == ""


def test_what_ends_the_child_is_a_fault_of_the_file() -> None:
    ((_, (fault,)),) = check_in_child([Path("a")], _at_a_signal(signal.SIGKILL), 60)
    assert "ends the process that reads it (SIGKILL)" in fault.problem
