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
from service.home import Home
from service.passphrase import first_line, first_line_from, typed
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
def open_runtime(home: Home, *, read_only: bool = False) -> Iterator[Runtime]:
    """The registry of an initialised home; `read_only`: its store is neither migrated nor written to."""
    home.require_initialised()
    os.umask(0o077)
    settings = read_settings(home)
    store = Store.open(settings.store_url, read_only=read_only)
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
        return first_line_from(source.descriptor)
    environment = os.environ.get("MEDTRUST_PASSPHRASE_FILE")
    path = source.file or (Path(environment) if environment else settings.passphrase_file)
    if path is not None:
        return first_line(path)
    advice = "Give --passphrase-file FILE (mode 0600) or --passphrase-fd N."
    return typed("Passphrase of the CA keys: ", confirm=confirm, next_step=advice)
