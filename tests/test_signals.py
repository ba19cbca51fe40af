"""Signals at moments at which Python discards exceptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from physrep.signals import STOPPING, Stopped, deferred, raising


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
            time.sleep(60)  # the signal ends it
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


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_that_is_ignored_stays_so(number: int) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with raising(), deferred() as request:
            os.kill(os.getpid(), number)
            time.sleep(0.01)
            assert not request
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("trapped", ["INT", "HUP"])
def test_a_job_in_the_background_of_a_script_goes_on(trapped: str) -> None:
    work = (
        "import sys, time\n"
        "from physrep.cli import barrier\n"
        "def work(words):\n"
        "    print('begun', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    time.sleep(0.05)\n"
        "    print('done', flush=True)\n"
        "    return 0\n"
        "barrier.leave(barrier.guarded('work', lambda: work([])))\n"
    )
    command = ["sh", "-c", f'trap \'\' {trapped}; exec "$0" -c "$1"', sys.executable, work]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(getattr(signal, f"SIG{trapped}"))
        out, _ = process.communicate("go on\n", timeout=300)
    assert (process.returncode, out) == (0, "done\n")
