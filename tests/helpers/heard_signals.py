"""Signals that reach tests and their commands although a script has put all of them into the background."""

from __future__ import annotations

import signal

from physrep.signals import STOPPING


def hear_signals() -> None:
    """Take back that SIGINT (a background job of a script) or SIGHUP (nohup) is ignored: commands go on ignoring it."""
    for number in STOPPING:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
