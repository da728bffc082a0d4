"""A responder on a test's bench: the `bench` fixture, a clock to turn, questions without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from pki.ocsp import (
    OcspResponse,
    parse_response,
)
from pki.ocsp_parse import BasicResponse
from pki.tbs import Certificate
from registry.model.certificate import CertificateRecord
from registry.ports import Ports
from service.authority import Authority
from service.home import Home
from service.runtime import Runtime
from service.status.answers import HttpAnswer
from service.status.responder import OcspService
from tests.unit.service.status_fixtures import TurnedClock, certify, make_home, opened


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    return make_home(tmp_path_factory.mktemp("ocsp"))


@dataclass
class Bench:
    """A responder with a clock, in a loop of its own."""

    runtime: Runtime
    authority: Authority
    clock: TurnedClock
    service: OcspService
    loop: asyncio.AbstractEventLoop

    @property
    def ports(self) -> Ports:
        return self.runtime.ports

    @property
    def issuer(self) -> Certificate:
        return self.authority.issuing.certificate

    def certify(self) -> CertificateRecord:
        return certify(self.authority, self.ports)

    def http(self, request: bytes, *, post_quantum: bool = False) -> HttpAnswer:
        async def asked() -> HttpAnswer:
            outcome = self.service.answer(request, post_quantum=post_quantum)
            return outcome if isinstance(outcome, HttpAnswer) else await outcome

        return self.loop.run_until_complete(asked())

    def ask(self, request: bytes, *, post_quantum: bool = False) -> OcspResponse:
        answer = self.http(request, post_quantum=post_quantum)
        assert answer.status == 200
        assert answer.content_type == b"application/ocsp-response"
        return parse_response(answer.body + answer.tail)

    def basic(self, request: bytes, *, post_quantum: bool = False) -> BasicResponse:
        basic = self.ask(request, post_quantum=post_quantum).basic
        assert basic is not None
        return basic


@pytest.fixture
def bench(ca: tuple[Home, Authority]) -> Iterator[Bench]:
    home, authority = ca
    turned = TurnedClock()
    with opened(home) as runtime, ThreadPoolExecutor(2) as executor:
        ports = replace(runtime.ports, clock=turned)
        service = OcspService(authority.default, ports, executor)
        loop = asyncio.new_event_loop()
        yield Bench(replace(runtime, ports=ports), authority, turned, service, loop)
        loop.close()


def certificate(record: CertificateRecord) -> Certificate:
    assert record.der is not None
    return Certificate.parse(record.der)


def serial_of(record: CertificateRecord) -> int:
    return int(record.certificate_serial, 16)
