"""The control socket: a word to the running process, wherever its home lies."""

from __future__ import annotations

from pathlib import Path

from service.control import ControlServer, status, wake
from service.home import Home, make_private


def _home(folder: Path) -> Home:
    home = Home(make_private(folder))
    make_private(home.run)
    return home


def test_nobody_answers_where_nothing_runs(tmp_path: Path) -> None:
    assert wake(Home(tmp_path / "nowhere")) is None
    assert status(_home(tmp_path / "home")) is None


def test_words_reach_their_handlers_and_others_are_answered_too(tmp_path: Path) -> None:
    home = _home(tmp_path / "home")
    server = ControlServer(home, {"wake": lambda: {"done": 2}})
    server.start()
    try:
        assert wake(home) == {"done": 2}
        assert status(home) == {"error": "unknown word"}
    finally:
        server.stop()
    assert not home.control_socket.exists()
    assert wake(home) is None


def test_a_home_with_a_path_longer_than_a_sockets_is_reached(tmp_path: Path) -> None:
    home = _home(tmp_path / ("long" * 30))
    server = ControlServer(home, {"status": lambda: {"ready": True}})
    server.start()
    try:
        assert len(str(home.control_socket)) > 107
        assert status(home) == {"ready": True}
    finally:
        server.stop()
