"""A responder on a test's bench: the `bench` fixture, a clock to turn, questions without HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from pki.ocsp import OcspResponse, parse_response
from pki.ocsp_parse import BasicResponse
from pki.tbs import Certificate
from registry.model.certificate import CertificateRecord
from registry.ports import Ports
from service.authority import Authority
from service.home import Home
from service.runtime import Runtime
from service.status.answers import HttpAnswer, from_quick
from service.status.desk import OcspDesk
from service.status.presigned import PresignedReader
from tests.unit.service.status_fixtures import HOUR, TurnedClock, certify, make_home, opened


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    return make_home(tmp_path_factory.mktemp("ocsp"))


@dataclass
class Bench:
    """A responder with a clock, in a loop of its own."""

    runtime: Runtime
    authority: Authority
    clock: TurnedClock
    desk: OcspDesk
    loop: asyncio.AbstractEventLoop
    answers: Counter[str]

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
            found = self.desk.quick(request, post_quantum=post_quantum)
            return from_quick(found) if found else await self.desk.answer(request, post_quantum=post_quantum)

        return self.loop.run_until_complete(asked())

    def ask(self, request: bytes, *, post_quantum: bool = False) -> OcspResponse:
        answer = self.http(request, post_quantum=post_quantum)
        assert answer.status == 200
        assert dict(answer.headers)[b"content-type"] == b"application/ocsp-response"
        return parse_response(answer.body + answer.tail)

    def basic(self, request: bytes, *, post_quantum: bool = False) -> BasicResponse:
        basic = self.ask(request, post_quantum=post_quantum).basic
        assert basic is not None
        return basic

    def how(self, request: bytes, *, post_quantum: bool = False) -> str:
        """How the request is answered, in the words of the metrics."""
        before = Counter(self.answers)
        self.http(request, post_quantum=post_quantum)
        (how,) = self.answers - before
        return how


@pytest.fixture
def bench(ca: tuple[Home, Authority]) -> Iterator[Bench]:
    yield from benched(ca)


def benched(ca: tuple[Home, Authority], reader: PresignedReader | None = None) -> Iterator[Bench]:
    """A bench, with answers signed ahead where they are given."""
    home, authority = ca
    turned, answers = TurnedClock(), Counter[str]()
    with opened(home) as runtime, ThreadPoolExecutor(2) as executor:
        ports = replace(runtime.ports, clock=turned)
        desk = OcspDesk(authority, ports, executor, lifetime=HOUR, answers=answers, reader=reader)
        loop = asyncio.new_event_loop()
        yield Bench(replace(runtime, ports=ports), authority, turned, desk, loop, answers)
        desk.close()
        loop.close()


def certificate(record: CertificateRecord) -> Certificate:
    assert record.der is not None
    return Certificate.parse(record.der)


def serial_of(record: CertificateRecord) -> int:
    return int(record.certificate_serial, 16)
