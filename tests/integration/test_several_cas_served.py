"""One status server for all CAs: OCSP by CertID, every list, every chain; responders made new in between."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from mqtt_bridge.broker.interface import Address
from pki import asn1, profiles
from pki.algorithms import KeyAlgorithm
from pki.cert_id import CertId
from pki.crl import CertificateList
from pki.keys import HybridPrivateKey
from pki.ocsp import (
    GOOD,
    NEVER_ISSUED,
    OcspResponse,
    ResponseStatus,
    Revoked,
    parse_response,
    verify_response,
)
from pki.profiles import SubjectFacts
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue
from registry.model.certificate import of_int
from registry.revocation import revoke_certificate
from service import clock, logs
from service.authority import Authority, OpenCa, unlock
from service.ca_import import ImportOrder, import_authority
from service.ca_material import Files, read_material
from service.ceremony import draft_of, perform
from service.own_signers import renewed
from service.rollover import Successor, rollover_text
from service.runtime import Runtime, open_runtime
from service.status.server import StatusServer
from tests.unit.service.ca_room import PASSPHRASE, WHO, new_home, quick_seals, room_of
from tests.unit.service.foreign_ca import foreign_ca

__all__ = ["quick_seals"]


@dataclass
class House:
    """A running status server over issuing-2 (pure), issuing (retired) and old (imported)."""

    runtime: Runtime
    authority: Authority
    server: StatusServer
    address: Address

    def ca(self, name: str) -> OpenCa:
        return next(ca for ca in self.authority.cas if ca.name == name)

    def certified(self, name: str) -> Certificate:
        key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
        facts = SubjectFacts(common_name="www.ward", dns_names=("www.ward",))
        order = IssuanceOrder(profiles.SERVER, facts, key.public, timedelta(days=30))
        record = issue(order, WHO, ports=self.runtime.ports, issuer=self.ca(name).issuer).record
        return Certificate.parse(record.der or b"")

    def http(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=20)
        headers = {"Content-Type": "application/ocsp-request"} if body else {}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found

    def ask(self, issuer: Certificate, serial: int, path: str = "/ocsp") -> OcspResponse:
        der = CertId.of(issuer, serial).der
        request = asn1.sequence(asn1.sequence(asn1.sequence(asn1.sequence(der))))
        return parse_response(self.http("POST", path, request)[1])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, quick_seals: None) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("several")
    home = new_home(folder / "home")
    room = room_of(home)
    wanted = Successor(profile="issuing-ca-pure")
    perform(draft_of(room, rollover_text(room.scene(), "issuing", wanted)), room)
    other = foreign_ca(folder / "house")
    given = Files(
        certificate=other.file("ca.pem"),
        key=other.file("ca.key"),
        chain=other.file("root.pem"),
        last_list=other.file("ca.crl"),
    )
    with open_runtime(home) as runtime:
        import_authority(read_material(given), ImportOrder(name="old"), room, ports=runtime.ports)
        authority = unlock(home, room.settings, PASSPHRASE)
        server = StatusServer(authority, runtime, Address("127.0.0.1", 0))
        try:
            yield House(runtime, authority, server, server.start())
        finally:
            server.stop()


@pytest.mark.parametrize("name", ["issuing", "issuing-2", "old"])
@pytest.mark.parametrize("path", ["/ocsp", "/ocsp-pq"])
def test_each_ca_answers_for_its_own(house: House, name: str, path: str) -> None:
    issuer = house.ca(name).signing.certificate
    mine = house.certified(name)
    response = house.ask(issuer, mine.serial, path)
    assert response.basic is not None
    assert response.basic.answers[0].status == GOOD
    wanted = CertId.of(issuer, mine.serial)
    assert [f for f in verify_response(response, wanted, issuer, clock.now()) if f.refuses] == []
    # Twice, for the second answer may come from memory.
    again = house.ask(issuer, mine.serial, path).basic
    assert again is not None
    assert again.answers[0].status == GOOD


def test_a_serial_of_one_ca_is_nothing_under_another(house: House) -> None:
    mine = house.certified("issuing-2")
    other = house.ca("issuing").signing.certificate
    assert house.ask(house.ca("issuing-2").signing.certificate, mine.serial).basic is not None
    basic = house.ask(other, mine.serial).basic
    assert basic is not None
    assert basic.answers[0].status == NEVER_ISSUED


def test_a_revocation_is_heard_of_by_the_right_responder(house: House) -> None:
    issuer, mine = house.ca("issuing").signing.certificate, house.certified("issuing")
    first = house.ask(issuer, mine.serial).basic
    revoke_certificate(of_int(mine.serial), "keyCompromise", WHO, ports=house.runtime.ports)
    house.server.touch()
    second = house.ask(issuer, mine.serial).basic
    assert first is not None
    assert second is not None
    assert first.answers[0].status == GOOD
    assert isinstance(second.answers[0].status, Revoked)


def test_of_an_imported_ca_nothing_is_said_about_what_we_never_heard_of(house: House) -> None:
    issuer = house.ca("old").signing.certificate
    assert house.ask(issuer, 0x1001).status is ResponseStatus.UNAUTHORIZED
    revoked = house.ask(issuer, 0x1000).basic
    assert revoked is not None
    assert isinstance(revoked.answers[0].status, Revoked)


def test_strangers_are_turned_away(house: House) -> None:
    stranger = house.certified("issuing")
    assert house.ask(stranger, 7).status is ResponseStatus.UNAUTHORIZED
    assert parse_response(house.http("POST", "/ocsp", b"\x30\x00")[1]).status is (
        ResponseStatus.MALFORMED_REQUEST
    )


@pytest.mark.parametrize("name", ["root", "issuing", "issuing-2", "old", "old-above-1"])
def test_every_cas_certificate_and_chain_are_served(house: House, name: str) -> None:
    status, der = house.http("GET", f"/ca/{name}.der")
    assert status == 200
    assert Certificate.parse(der).fingerprint.hex() == house.authority.register.get(name).sha256 or (
        name in ("root", "issuing")
    )
    status, pem = house.http("GET", f"/ca/{name}-chain.pem")
    assert status == 200
    assert pem.count(b"BEGIN CERTIFICATE") == len(house.authority.register.above(name))


@pytest.mark.parametrize("name", ["root", "issuing", "issuing-2", "old"])
def test_every_cas_list_is_served(house: House, name: str) -> None:
    status, der = house.http("GET", f"/crl/{name}.crl")
    assert status == 200
    issuer = Certificate.parse(house.http("GET", f"/ca/{name}.der")[1])
    assert CertificateList.parse(der).issuer == issuer.subject


def test_a_foreign_cas_list_is_not_ours_to_serve(house: House) -> None:
    assert house.http("GET", "/crl/old-above-1.crl")[0] == 404
    assert house.http("GET", "/crl/nobody.crl")[0] == 404


def test_responders_made_new_while_it_runs_answer_at_once(house: House) -> None:
    issuer, mine = house.ca("issuing-2").signing.certificate, house.certified("issuing-2")
    before = house.ask(issuer, mine.serial).basic
    # A pair that a crash tore apart is due at once.
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    torn = replace(house.ca("issuing-2").ocsp_ecdsa, key=key)
    cas = tuple(replace(c, ocsp_ecdsa=torn) if c.name == "issuing-2" else c for c in house.authority.cas)
    damaged = replace(house.authority, cas=cas)
    house.authority = renewed(damaged, house.runtime, PASSPHRASE, logs.get("test"))
    house.server.use(house.authority)
    after = house.ask(issuer, mine.serial).basic
    assert before is not None
    assert after is not None
    fresh = house.ca("issuing-2").ocsp_ecdsa.certificate
    assert fresh.der in [c.der if isinstance(c, Certificate) else c for c in after.certificates]
    assert fresh.der not in [c.der if isinstance(c, Certificate) else c for c in before.certificates]


def test_health_speaks_for_all(house: House) -> None:
    status, body = house.http("GET", "/healthz")
    assert (status, b'"status": "ok"' in body) == (200, True), body
