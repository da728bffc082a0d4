"""A status server on a real port, for tests: the `served` fixture and ways to ask it."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mqtt_bridge.broker.interface import Address
from pki.ocsp import build_request
from pki.tbs import Certificate
from registry.model.certificate import CertificateRecord
from service.authority import Authority
from service.home import Home
from service.runtime import Runtime
from service.status.server import StatusServer
from tests.unit.service.status_fixtures import certify, make_home, opened

OCSP = {"Content-Type": "application/ocsp-request"}
PLAIN = b"Host: x\r\n"


@dataclass
class Served:
    """A running server and what tests need beside it."""

    home: Home
    authority: Authority
    runtime: Runtime
    """A store of another process's kind: the server does not hear of its commits."""
    address: Address

    @property
    def issuer(self) -> Certificate:
        return self.authority.issuing.certificate

    def certify(self) -> CertificateRecord:
        return certify(self.authority, self.runtime.ports)

    def known(self) -> bytes:
        """A request about a certificate that is good."""
        return build_request(self.authority.registry.certificate, self.issuer)

    def http(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=10)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def raw(self, data: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        with socket.create_connection((self.address.host, self.address.port), timeout=10) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home, authority = make_home(tmp_path_factory.mktemp("status"))
    with opened(home) as inside, opened(home) as outside:
        server = StatusServer(authority, inside, Address("127.0.0.1", 0))
        try:
            yield Served(home, authority, outside, server.start())
        finally:
            server.stop()
