"""A passphrase on its way in: the first line of a file or a descriptor, or typed; never an argument."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from service.errors import BadSetting
from service.home import read_secret


def first_line(path: Path, what: str = "passphrase file") -> bytes:
    """The first line of a 0600 file, without its end."""
    return _line(read_secret(path, what=what))


def first_line_from(descriptor: int) -> bytes:
    """The first line from an open descriptor, which stays open; BadSetting where it cannot be read."""
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return _line(file.read(4096))
    except OSError as bad:
        raise BadSetting(f"File descriptor {descriptor} cannot be read.", field="--passphrase-fd") from bad


def typed(question: str, *, confirm: bool, next_step: str, field: str = "passphrase") -> bytes:
    """Asked for at the terminal, twice to confirm; BadSetting with `next_step` where there is none."""
    if not os.isatty(0):
        raise BadSetting(
            "No passphrase was given, and there is no terminal to ask at.", next_step=next_step, field=field
        )
    first = getpass.getpass(question)
    if confirm and getpass.getpass("Once more: ") != first:
        raise BadSetting("The two passphrases differ.", next_step="Try again.", field="passphrase")
    return first.encode()


def _line(data: bytes) -> bytes:
    return data.split(b"\n", 1)[0].rstrip(b"\r")
