"""The wiring: a home, its settings and its store, opened once for a command or for the daemon."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.model import actor
from registry.model.actor import Actor
from registry.ports import Ports
from registry.store.unit_of_work import Store
from service import clock
from service.errors import BadSetting
from service.home import Home, read_secret
from service.settings import Settings, read_settings
from service.side_by_side import SideBySide


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every command but `init` works on."""

    home: Home
    settings: Settings
    ports: Ports

    @property
    def store(self) -> Store:
        """The registry's store."""
        return self.ports.store


@contextmanager
def open_runtime(home: Home) -> Iterator[Runtime]:
    """The registry of an initialised home."""
    home.require_initialised()
    os.umask(0o077)
    settings = read_settings(home)
    store = Store.open(settings.store_url)
    side_by_side = SideBySide()
    try:
        yield Runtime(home, settings, Ports(store, clock.now, clock.entropy, side_by_side))
    finally:
        side_by_side.close()
        store.close()


def current_operator() -> Actor:
    """The person at this terminal, by login name."""
    return actor.operator(getpass.getuser())


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """Where the CA's passphrase comes from; never an argument's text."""

    file: Path | None = None
    descriptor: int | None = None


def read_passphrase(source: PassphraseSource, settings: Settings, *, confirm: bool = False) -> bytes:
    """From --passphrase-file (0600), --passphrase-fd, the settings' file, or a prompt."""
    if source.descriptor is not None:
        return _from_descriptor(source.descriptor)
    environment = os.environ.get("MEDTRUST_PASSPHRASE_FILE")
    path = source.file or (Path(environment) if environment else settings.passphrase_file)
    if path is not None:
        return _line(read_secret(path, what="passphrase file"))
    if not os.isatty(0):
        raise BadSetting(
            "No passphrase was given, and there is no terminal to ask at.",
            next_step="Give --passphrase-file FILE (mode 0600) or --passphrase-fd N.",
            field="passphrase",
        )
    first = getpass.getpass("Passphrase of the CA keys: ")
    if confirm and getpass.getpass("Once more: ") != first:
        raise BadSetting("The two passphrases differ.", next_step="Try again.", field="passphrase")
    return first.encode()


def _from_descriptor(descriptor: int) -> bytes:
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return _line(file.read(4096))
    except OSError as bad:
        raise BadSetting(f"File descriptor {descriptor} cannot be read.", field="--passphrase-fd") from bad


def _line(data: bytes) -> bytes:
    return data.split(b"\n", 1)[0].rstrip(b"\r")
