"""A home whose certificates name the port that its status is served at, and `medtrust` on it."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqtt_bridge.broker.interface import Address
from registry.model.certificate import CertificateRecord
from service import logs
from service.pem import to_pem
from tests.integration.cli.conftest import Cli
from tests.integration.status_served import Served, StatusServer
from tests.unit.service.status_fixtures import make_home, opened


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def pem_file(record: CertificateRecord, folder: Path) -> Path:
    """The certificate in a file."""
    path = folder / f"{record.certificate_serial}.pem"
    path.write_bytes(to_pem(record.der or b""))
    return path


@pytest.fixture(scope="module")
def consumed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served home; its certificates say where."""
    # The server runs in this process: what it logs must not stand among what a command prints.
    logs.configure("warning", io.StringIO())
    folder = tmp_path_factory.mktemp("consumed")
    (folder / "home").mkdir(mode=0o700)
    port = free_port()
    settings = f'[status]\nurl = "http://127.0.0.1:{port}"\nlisten = "127.0.0.1:{port}"\n'
    (folder / "home" / "medtrust.toml").write_text(settings)
    home, authority = make_home(folder)
    with opened(home) as inside, opened(home) as outside:
        server = StatusServer(authority, inside, Address("127.0.0.1", port))
        try:
            yield Served(home, authority, outside, server.start())
        finally:
            server.stop()


@pytest.fixture
def cli(consumed: Served, tmp_path: Path) -> Cli:
    """`medtrust` on that home."""
    return Cli(consumed.home.root, tmp_path)


@pytest.fixture
def away(tmp_path: Path) -> Cli:
    """`medtrust` where there is no home."""
    return Cli(tmp_path / "none", tmp_path)
