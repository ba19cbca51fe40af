"""Signals at moments at which Python discards exceptions."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from physrep.signals import Stopped, raising


class _Finalised:
    """Is sent a signal while it is finalised."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self.number)
        for _ in range(1000):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_in_a_finaliser_stops_the_command(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # under nohup SIGHUP is ignored, and stays so
    try:
        with pytest.raises(Stopped) as stopped, raising():
            discarded = _Finalised(number)
            del discarded
            time.sleep(5)
    finally:
        signal.signal(number, before)
    assert stopped.value.number == number
    assert "Traceback" not in capfd.readouterr().err


def test_other_discarded_exceptions_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("of a finaliser")

    seen: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda discarded: seen.append(str(discarded.exc_value)))
    with raising():
        faulty = Faulty()
        del faulty
    assert seen == ["of a finaliser"]
