"""A status server at the address that its certificates name."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mqtt_bridge.broker.interface import Address
from registry.model.certificate import CertificateRecord
from service.authority import Authority, unlock
from service.ceremony import init
from service.home import Home
from service.runtime import Runtime
from service.settings import read_settings
from service.status.server import StatusServer
from tests.unit.service.status_fixtures import PASSPHRASE, WHO, certify, opened


@dataclass(frozen=True, slots=True)
class Named:
    """A home whose certificates lead to its running server."""

    home: Home
    authority: Authority
    runtime: Runtime

    def certify(self) -> CertificateRecord:
        """A certificate whose AIA names the server."""
        return certify(self.authority, self.runtime.ports)


@contextmanager
def served_where_named(folder: Path) -> Iterator[Named]:
    """Until left, a server on the port that `status.url` had when the CA was made."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = Address("127.0.0.1", free.getsockname()[1])
    home = Home(folder / "home")
    home.root.mkdir(mode=0o700)
    home.settings_file.write_text(f'[status]\nurl = "http://127.0.0.1:{address.port}"\n')
    init(home, read_settings(home), PASSPHRASE, actor=WHO, tell=lambda _step: None)
    authority = unlock(home, read_settings(home), PASSPHRASE)
    with opened(home) as inside, opened(home) as outside:
        server = StatusServer(authority, inside, address)
        server.start()
        try:
            yield Named(home, authority, outside)
        finally:
            server.stop()
