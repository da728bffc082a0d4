"""Children that die are started again: at once when they were old, ever later when they die young."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service import logs
from service.status import processes
from service.status.processes import ChildFailed, Children
from tests.integration.status.started import alive, until

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children(logs.get("test"))
    yield made
    made.end()


def waits(ended: threading.Event, ready: Callable[[], None]) -> None:
    ready()
    ended.wait()


def kill(children: Children) -> None:
    """Until it can be waited for: its threads may be a moment longer in ending."""
    (pid,) = children.pids
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def looks_until_back(children: Children) -> float:
    """Seconds until a look finds it started again."""
    began = time.monotonic()

    def back() -> bool:
        children.replace_dead()
        return bool(children.pids)

    until(back, "its start")
    return time.monotonic() - began


def test_one_that_dies_young_is_waited_for_ever_longer(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_FIRST_PAUSE", 0.1)
    monkeypatch.setattr(processes, "_LONGEST_PAUSE", 0.4)
    children.start("one", waits)
    for least in (0.1, 0.2, 0.4, 0.4):
        kill(children)
        assert looks_until_back(children) >= least


def test_one_that_dies_old_is_back_at_the_same_look(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_SOON", 0.0)
    children.start("one", waits)
    for _ in range(3):
        kill(children)
        children.replace_dead()
        assert list(children.pids.values()) == ["one"]


def test_one_that_cannot_start_again_is_tried_until_it_can(
    children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "_FIRST_PAUSE", 0.05)
    broken, tries = tmp_path / "broken", tmp_path / "tries"

    def fails_while_broken(ended: threading.Event, ready: Callable[[], None]) -> None:
        with tries.open("a") as file:
            file.write("x")
        if broken.exists():
            raise OSError("broken")
        waits(ended, ready)

    children.start("one", fails_while_broken)
    broken.touch()
    kill(children)

    def tried() -> bool:
        children.replace_dead()
        return tries.read_text() == "xxx"

    until(tried, "two tries in vain")
    assert children.pids == {}
    broken.unlink()
    looks_until_back(children)
    assert list(children.pids.values()) == ["one"]


def test_one_that_never_is_ready_is_refused_and_leaves_nothing(children: Children) -> None:
    with pytest.raises(ChildFailed) as failed:
        children.start("one", lambda _ended, _ready: None)
    assert failed.value.field == "one"
    assert children.pids == {}


def test_who_was_given_up_or_ended_does_not_come_back(children: Children) -> None:
    children.start("one", waits)
    kill(children)
    children.replace_dead()
    children.give_up()
    time.sleep(0.7)
    children.replace_dead()
    assert children.pids == {}


def test_who_does_not_listen_is_killed(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_GRACE", 0.3)

    def deaf(_ended: threading.Event, ready: Callable[[], None]) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready()
        time.sleep(60)

    pid = children.start("deaf", deaf)
    children.end()
    assert not alive(pid)
    assert children.pids == {}
