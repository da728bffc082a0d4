"""What holds a secret does not show it: whatever prints an object, a log or a traceback, stays clean."""

from __future__ import annotations

from pathlib import Path

from registry.model.actor import operator
from service.ca_material import Files
from service.ceremony import Room
from service.exports.forms import KeyFile
from service.home import Home
from service.quorum import Opened, Slot
from service.settings import read_settings
from service.shares import Dealt, ShareSet

SECRET = b"correct horse battery staple"


def test_no_repr_holds_a_passphrase_or_a_share(tmp_path: Path) -> None:
    home = Home(tmp_path)
    holders = [
        Room(
            home=home,
            settings=read_settings(home),
            passphrase=SECRET,
            actor=operator("alice"),
            tell=lambda _step: None,
        ),
        Opened(SECRET, Slot(ShareSet(1, 2, 3), only=False), (1, 2)),
        Dealt(1, (SECRET.decode(),)),
        KeyFile(SECRET, SECRET, SECRET),
        Files(password=SECRET),
    ]
    assert [type(each).__name__ for each in holders if SECRET.decode() in repr(each)] == []
