"""A lease is held by one owner, is kept by its heartbeat, and expires without one, whatever the clocks say."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from physrep.errors import PhysrepError
from physrep.executors import Terms, Watch, claim, hold, read_lease
from physrep.executors import lease as lease_module

FAST = Terms(beat=0.05, expiry=0.4)


def test_one_of_many_gets_it(tmp_path: Path) -> None:
    got, over = [], threading.Event()
    start = threading.Barrier(16)

    def contend() -> None:
        start.wait()
        with claim(tmp_path / "lease", FAST) as lease:
            got.append(lease is not None)
            over.wait(60)

    threads = [threading.Thread(target=contend) for _ in range(16)]
    for thread in threads:
        thread.start()
    while len(got) < 16:
        time.sleep(0.01)
    over.set()
    for thread in threads:
        thread.join()
    assert sum(got) == 1
    assert not list(tmp_path.iterdir())


def test_an_owner_keeps_it_far_beyond_the_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the observer goes on by nearly the expiry from each beat to the next."""
    now, seen = 0.0, []
    watch = Watch(tmp_path / "lease", FAST)
    with claim(tmp_path / "lease", FAST) as lease:
        assert lease is not None
        clock = SimpleNamespace(monotonic=lambda: now, strftime=time.strftime, gmtime=time.gmtime)
        monkeypatch.setattr(lease_module, "time", clock)
        end = time.monotonic() + 120
        while len(seen) < 6 and time.monotonic() < end:
            found = read_lease(tmp_path / "lease")
            if found is not None and found["count"] not in seen:
                seen.append(found["count"])
                assert watch.held() is not None
                now += 0.9 * FAST.expiry
            time.sleep(0.005)
        assert len(seen) == 6
        monkeypatch.undo()


@pytest.mark.parametrize("skew", [-86400.0, 86400.0])
def test_a_silent_owner_of_another_machine_expires_by_the_observer_s_clock(tmp_path: Path, skew: float) -> None:
    path = tmp_path / "lease.3"
    path.write_text(json.dumps({"owner": "x", "count": 7, "process": os.getpid(), "machine": "another", "host": "far"}))
    os.utime(path, (time.time() + skew,) * 2)
    watch, began = Watch(tmp_path / "lease", FAST), time.monotonic()
    while watch.held() is not None:
        with claim(tmp_path / "lease", FAST) as early:
            assert early is None
        time.sleep(0.02)
    assert time.monotonic() - began >= FAST.expiry
    with claim(tmp_path / "lease", FAST, watch) as lease:
        assert lease is not None and lease.number == 4


def test_a_dead_process_of_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    from physrep.leftovers import this_process

    (tmp_path / "lease.0").write_text(json.dumps({**this_process(), "process": 2**22 + 5, "owner": "x", "count": 1}))
    with claim(tmp_path / "lease", Terms()) as lease:
        assert lease is not None and lease.number == 1


def test_an_owner_learns_that_it_was_too_slow_and_deletes_nothing(tmp_path: Path) -> None:
    with claim(tmp_path / "lease", FAST) as lease:
        assert lease is not None and not lease.lost
        (tmp_path / "lease.1").write_text(json.dumps({"owner": "next", "count": 0}))
        assert lease.lost
        lease.release(done=False)
        found = read_lease(tmp_path / "lease")
        assert found is not None and found["owner"] == "next"


def test_after_a_failure_it_is_given_back_with_its_number(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), claim(tmp_path / "lease", FAST):
        raise RuntimeError
    found = read_lease(tmp_path / "lease")
    assert found is not None and found["released"] and found["number"] == 0
    with claim(tmp_path / "lease", FAST) as lease:
        assert lease is not None and lease.number == 1


def test_holding_waits_for_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order, told, waiting = [], [], threading.Event()

    def say(text: str) -> None:
        told.append(text)
        waiting.set()

    def first() -> None:
        with hold(tmp_path / "lease", Terms(), "tables"):
            waiting.wait(60)
            order.append("first")

    monkeypatch.setattr(lease_module, "say_line", say)
    thread = threading.Thread(target=first)
    thread.start()
    while read_lease(tmp_path / "lease") is None:
        time.sleep(0.01)
    with hold(tmp_path / "lease", Terms(), "tables", poll=0.01):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert len(told) == 1 and told[0].startswith("tables: waiting for process")


def test_a_lease_is_whole_from_its_first_moment_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(source: object, target: object) -> None:
        os_link(source, target)
        raise KeyboardInterrupt

    os_link = os.link
    monkeypatch.setattr(os, "link", die)
    with pytest.raises(KeyboardInterrupt), claim(tmp_path / "lease", Terms()):
        pass
    found = read_lease(tmp_path / "lease")
    assert found is not None and found["process"] == os.getpid()
    assert [path.name for path in tmp_path.iterdir()] == ["lease.0"]


def test_without_hard_links_one_of_many_gets_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    test_one_of_many_gets_it(tmp_path)


def test_a_full_disk_is_told_and_not_what_follows_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(PhysrepError, match="No space left"), claim(tmp_path / "run" / "lease", Terms()):
        pass
    monkeypatch.undo()
    with claim(tmp_path / "run" / "lease", Terms()) as again:
        assert again is not None, "the next one does not wait for an owner that nobody knows"
    with pytest.raises(ValueError, match="of the work"), claim(tmp_path / "other" / "lease", Terms()):
        monkeypatch.setattr(lease_module, "write_json", full)
        raise ValueError("of the work")
